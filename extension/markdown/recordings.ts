/**
 * Links to recordings in Markdown documents: followed to their moment, with what is said there on hover, and what can
 * be done above them.
 */
import * as vscode from 'vscode';
import { dirname, isAbsolute, join } from 'node:path';
import { isRecordingFile } from '../../client/recording-content.ts';
import { sourceText, type Utterance } from '../../schemas/job.ts';
import type { Daemon } from '../connection/connection.ts';
import { openEditor } from '../transcript/open.ts';
import { settled, template } from '../requests/options.ts';
import { request, reportErrors, type Deps } from '../requests/request.ts';
import { editDocument, exists } from '../ui/files.ts';
import { stamp } from '../streaming/layout.ts';
import type { TranscriptEditor } from '../transcript/editor.ts';
import { fileOf, jobOf, knownUtterances, readTranscript } from '../transcript/known.ts';
import { SafeMarkdown } from '../ui/markdown.ts';
import { notify } from '../ui/notify.ts';
import { recordingLinks, type RecordingLink } from '../../text/links.ts';

const MARKDOWN: vscode.DocumentSelector = { language: 'markdown' };
const FIRST_WORDS = 80,
  SAID_THERE = 400,
  MOST_OF_A_NAME = 20;

/**
 * The file that a link means, where there is one: beside the document, from the workspace's folder, or as it stands. A
 * wiki's link means the nearest to the top of those of its name.
 */
async function meant(document: vscode.TextDocument, { path, anywhere }: RecordingLink): Promise<vscode.Uri | null> {
  const folder =
    vscode.workspace.getWorkspaceFolder(document.uri)?.uri.fsPath ?? vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  const beside = document.uri.scheme === 'file' ? [dirname(document.uri.fsPath)] : [],
    bases = beside.length === 0 || anywhere ? [...beside, ...(folder ? [folder] : [])] : beside;
  const candidates = path.startsWith('file:')
    ? [vscode.Uri.parse(path)]
    : isAbsolute(path)
      ? [vscode.Uri.file(path), ...(folder ? [vscode.Uri.file(join(folder, path))] : [])]
      : bases.map(base => vscode.Uri.file(join(base, path)));
  for (const uri of candidates)
    if (uri.scheme === 'file' && (await exists(uri)) && (await isRecordingFile(uri.fsPath))) return uri;
  if (!anywhere || !folder) return null;
  // What stands for other things in a pattern stands for any one character.
  const pattern = `**/${path.replace(/[*?[\]{}!,]/g, '?')}`,
    found = await vscode.workspace.findFiles(
      new vscode.RelativePattern(folder, pattern),
      '**/node_modules/**',
      MOST_OF_A_NAME,
    );
  return found.sort((a, b) => a.path.length - b.path.length).find(uri => uri.path.endsWith(`/${path}`)) ?? null;
}

const rangeOf = ({ line, from, to }: RecordingLink): vscode.Range => new vscode.Range(line, from, line, to);
const command = (name: string, ...args: unknown[]): vscode.Uri =>
  vscode.Uri.parse(`command:earshot.${name}?${encodeURIComponent(JSON.stringify(args))}`);

/** What is said from a moment on, in so many characters. */
function saidAt(utterances: readonly Utterance[], ms: number, most: number): string {
  const text = utterances
    .filter(u => u.endMs > ms)
    .slice(0, 8)
    .map(sourceText)
    .join(' ')
    .trim();
  return text.length > most
    ? `${text.slice(0, text.lastIndexOf(' ', most) > 0 ? text.lastIndexOf(' ', most) : most)}…`
    : text;
}

const linkProvider: vscode.DocumentLinkProvider = {
  provideDocumentLinks: async document =>
    (
      await Promise.all(
        recordingLinks(document.getText()).map(async link => {
          const uri = await meant(document, link);
          return uri
            ? [
                Object.assign(new vscode.DocumentLink(rangeOf(link), command('openAt', uri.fsPath, link.ms ?? 0)), {
                  tooltip: vscode.l10n.t('Open the recording at {0}', stamp(link.ms ?? 0)),
                }),
              ]
            : [];
        }),
      )
    ).flat(),
};

/** Above a link to a whole recording: what is said first, and what can be done with it. */
const lensProvider = (daemon: Daemon, changed: vscode.Event<void>): vscode.CodeLensProvider => ({
  onDidChangeCodeLenses: changed,
  provideCodeLenses: async document => {
    const made: vscode.CodeLens[] = [];
    // A transcript is full of links to moments; only a link to the whole asks for something.
    const wholes = recordingLinks(document.getText()).filter(each => each.ms === null);
    for (const link of wholes) {
      const uri = await meant(document, link);
      if (!uri) continue;
      const add = (title: string, name: string, ...args: unknown[]): void => {
        made.push(new vscode.CodeLens(rangeOf(link), { title, command: `earshot.${name}`, arguments: args }));
      };
      const utterances = await knownUtterances(daemon, uri).catch(() => null),
        words = utterances && saidAt(utterances, 0, FIRST_WORDS);
      if (words) add(`$(quote) ${words}`, 'openAt', uri.fsPath, 0);
      if (!vscode.workspace.isTrusted) continue;
      // Where several stand in a line, each says which it is about.
      const about = wholes.some(each => each !== link && each.line === link.line)
        ? `: ${uri.path.split('/').at(-1)!}`
        : '';
      if (!utterances) add(vscode.l10n.t('Transcribe') + about, 'transcribe', uri);
      add(vscode.l10n.t('Insert transcript') + about, 'insertBelow', uri, document.uri, link.line);
    }
    return made;
  },
});

/** What is said at a link's moment. */
const hoverProvider = (daemon: Daemon): vscode.HoverProvider => ({
  provideHover: async (document, position) => {
    const link = recordingLinks(document.getText()).find(each => rangeOf(each).contains(position)),
      uri = link && (await meant(document, link));
    if (!link || !uri) return undefined;
    const text = new SafeMarkdown(),
      ms = link.ms ?? 0,
      utterances = await knownUtterances(daemon, uri).catch(() => null);
    if (utterances) text.bold(stamp(ms)).text(` ${saidAt(utterances, ms, SAID_THERE) || '…'}`);
    else {
      text.text(vscode.l10n.t('This recording has not been transcribed yet.'));
      if (vscode.workspace.isTrusted)
        text.paragraph().command('mic', vscode.l10n.t('Transcribe'), 'earshot.transcribe', [uri]);
    }
    return new vscode.Hover(text.done(), rangeOf(link));
  },
});

/**
 * The editor's own links to files end at the file: ours come later and so stand before them, once Markdown's are there.
 */
function registerLinks(): vscode.Disposable {
  let registered: vscode.Disposable | null = null;
  const register = (document: vscode.TextDocument): void => {
    if (registered || document.languageId !== 'markdown') return;
    registered = new vscode.Disposable(() => {});
    const own = vscode.extensions.getExtension('vscode.markdown-language-features');
    void Promise.resolve(own?.activate())
      .catch(() => {})
      .then(() => {
        registered = vscode.languages.registerDocumentLinkProvider(MARKDOWN, linkProvider);
      });
  };
  for (const document of vscode.workspace.textDocuments) register(document);
  return vscode.Disposable.from(
    vscode.workspace.onDidOpenTextDocument(register),
    new vscode.Disposable(() => registered?.dispose()),
  );
}

export function recordingsInMarkdown(deps: Deps, editor: TranscriptEditor): vscode.Disposable {
  const { daemon } = deps,
    changed = new vscode.EventEmitter<void>();
  const isShown = (id: string): boolean => ['completed', 'pending'].includes(daemon.state.jobs.get(id)?.state ?? '');
  return vscode.Disposable.from(
    changed,
    registerLinks(),
    vscode.languages.registerCodeLensProvider(MARKDOWN, lensProvider(daemon, changed.event)),
    vscode.languages.registerHoverProvider(MARKDOWN, hoverProvider(daemon)),
    daemon.onChange(change => {
      if (change.all || [...change.jobs].some(isShown)) changed.fire();
    }),
    vscode.commands.registerCommand(
      'earshot.openAt',
      reportErrors(deps.log, (path: string, ms: number) => openAt(deps, editor, vscode.Uri.file(path), ms)),
    ),
    vscode.commands.registerCommand(
      'earshot.insertBelow',
      reportErrors(deps.log, (uri: vscode.Uri, document: vscode.Uri, line: number) =>
        insertBelow(deps, uri, document, line),
      ),
    ),
  );
}

/** A recording at a moment: in the transcript editor where there is a transcript, else as the editor shows the file. */
export async function openAt(deps: Deps, editor: TranscriptEditor, recording: vscode.Uri, ms: number): Promise<void> {
  let file = await fileOf(recording);
  const job = file ? null : jobOf(deps.daemon, recording);
  if (job?.state === 'completed' && vscode.workspace.isTrusted) {
    await openEditor(deps, job.id);
    file = await fileOf(recording);
  }
  if (file) {
    const utterances = (await readTranscript(file))?.utterances ?? [],
      u = utterances.findLast(one => one.startMs <= ms) ?? utterances[0];
    return editor.open(file, { index: u?.index ?? 0, atMs: ms });
  }
  await vscode.commands.executeCommand('vscode.open', recording);
  if (!vscode.workspace.isTrusted) return;
  notify.info(
    vscode.l10n.t('{0} has no transcript yet, so it opens at its beginning.', recording.path.split('/').at(-1)!),
    { title: vscode.l10n.t('Transcribe'), run: () => vscode.commands.executeCommand('earshot.transcribe', recording) },
  );
}

/** The transcript of a linked recording, in paragraphs below the line of the link. */
async function insertBelow(deps: Deps, recording: vscode.Uri, target: vscode.Uri, line: number): Promise<void> {
  const document = await vscode.workspace.openTextDocument(target),
    end = document.lineAt(Math.min(line, document.lineCount - 1)).range.end;
  const [job] = await request(deps, [recording], settled(recording));
  if (!job) return;
  await editDocument(target, [
    vscode.TextEdit.insert(end, document.eol === vscode.EndOfLine.CRLF ? '\r\n\r\n' : '\n\n'),
  ]);
  deps.streams.start(
    job.id,
    document,
    template(recording.fsPath, 'markdown', recording, false, document.uri),
    document.offsetAt(new vscode.Position(end.line + 2, 0)),
  );
}
