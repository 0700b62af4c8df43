/**
 * The workspace's glossaries: found for a recording, and one term more in them. An untrusted workspace's are not read.
 */
import * as vscode from 'vscode';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readGlossary } from '../../client/folder-defaults.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { decodeText } from '../../text/encoding.ts';
import { GLOSSARY_FILES, glossaryPlaces, mergeGlossaries, parseGlossary, withTerm } from '../../text/glossary.ts';
import type { GlossaryEntry, JobOptions } from '../../schemas/job.ts';
import { editDocument, saveDocument, exists, readBytes, writeText } from '../ui/files.ts';
import { notify } from '../ui/notify.ts';

/** As it stands in a window, saved or not; null: no window has it. */
const inWindow = (uri: vscode.Uri): string | null =>
  vscode.workspace.textDocuments
    .find(document => !document.isClosed && document.uri.toString() === uri.toString())
    ?.getText() ?? null;

/** Far more than the terms that a job takes. */
const MOST_BYTES = 4 * 1024 ** 2;

/** Null: there is no such file. @throws notText; notAFile where it is none, or larger than a glossary */
async function textOf(uri: vscode.Uri): Promise<string | null> {
  const open = inWindow(uri);
  if (open !== null) return open;
  if (!(await exists(uri))) return null;
  const decoded = decodeText(await readBytes(uri, MOST_BYTES));
  if (!decoded) throw new EarshotError('notText', { path: uri.fsPath });
  return decoded.text;
}

/**
 * The options with what holds for this recording: what the settings say first, then the nearest file. @throws
 * badGlossary
 */
export async function withGlossary(recording: vscode.Uri, options: JobOptions): Promise<JobOptions> {
  if (!vscode.workspace.isTrusted) return options;
  const root = vscode.workspace.getWorkspaceFolder(recording)?.uri.fsPath ?? null;
  const found: GlossaryEntry[][] = await Promise.all(
    glossaryPlaces(recording.fsPath, root).map(async path => {
      const text = inWindow(vscode.Uri.file(path));
      return text !== null ? parseGlossary(text, path) : existsSync(path) ? readGlossary(path) : [];
    }),
  );
  const glossary = mergeGlossaries([options.glossary ?? [], ...found]);
  return glossary.length ? { ...options, glossary } : options;
}

/** Adds the selection, or the word at the cursor, to the glossary of the document's workspace folder. */
export async function addToGlossary(): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  if (!editor) return;
  const { document, selection } = editor,
    range = selection.isEmpty ? document.getWordRangeAtPosition(selection.active) : selection;
  const term = range ? document.getText(range).replace(/\s+/g, ' ').trim() : '';
  if (!term || term.length > 200) return notify.info(vscode.l10n.t('Select the word or name to add.'));
  const folder = vscode.workspace.getWorkspaceFolder(document.uri) ?? vscode.workspace.workspaceFolders?.[0];
  if (!folder) return notify.info(vscode.l10n.t('Open a folder first: the glossary is kept in it.'));
  const places = GLOSSARY_FILES.map(name => vscode.Uri.file(join(folder.uri.fsPath, name)));
  const texts = await Promise.all(places.map(textOf)),
    at = Math.max(
      0,
      texts.findIndex(text => text !== null),
    );
  const uri = places[at]!,
    before = texts[at] ?? null,
    after = withTerm(before ?? '', uri.path, term),
    name = vscode.workspace.asRelativePath(uri);
  if (after !== null) await write(uri, before, after);
  notify.info(
    after === null
      ? vscode.l10n.t('“{0}” is already in {1}.', term, name)
      : vscode.l10n.t('“{0}” was added to {1}.', term, name),
    { title: vscode.l10n.t('Open the glossary'), run: () => vscode.window.showTextDocument(uri, { preview: false }) },
  );
}

/** Through the document where one is open, so that nobody's typing is lost. */
async function write(uri: vscode.Uri, before: string | null, after: string): Promise<void> {
  const open = vscode.workspace.textDocuments.find(document => document.uri.toString() === uri.toString());
  if (!open || before === null) {
    await writeText(uri, after);
    return;
  }
  const whole = new vscode.Range(new vscode.Position(0, 0), open.positionAt(before.length));
  await editDocument(uri, [vscode.TextEdit.replace(whole, after)]);
  await saveDocument(open);
}
