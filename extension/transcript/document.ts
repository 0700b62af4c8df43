/** Edits of a transcript that is the text of a document: by the smallest change of it, each one undo step. */
import * as vscode from 'vscode';
import { EarshotError } from '../../schemas/errors.ts';
import type { Transcript } from '../../schemas/job.ts';
import { toJson } from '../../text/transcripts/json.ts';
import { difference } from '../streaming/place.ts';
import { changesOf, readingFor } from './live.ts';

/** By document, its last edit: the next one waits for it. */
const edits = new WeakMap<vscode.TextDocument, Promise<void>>();
/** An edit that was overtaken by somebody's typing is made anew; so often in a row means the document takes none. */
const TRIES = 20;

/**
 * Edits a transcript, one undo step. Edits are made one after another, each of the text that stands there by then, so
 * `change` may be called more than once; null: it changes nothing. A text that is no transcript is left alone.
 * @throws outputNotWritable when the document takes no edits
 */
export function editTranscript(
  document: vscode.TextDocument,
  change: (now: Transcript) => Transcript | null,
): Promise<void> {
  const before = edits.get(document) ?? Promise.resolve(),
    edit = before.then(() => apply(document, change));
  edits.set(
    document,
    edit.catch(() => {}), // whoever asked for it gets it
  );
  return edit;
}

async function apply(document: vscode.TextDocument, change: (now: Transcript) => Transcript | null): Promise<void> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const now = await readingFor(document),
      next = now && change(now.transcript);
    if (!next || next === now.transcript) return;
    if (document.version !== now.version) continue;
    const changes = changesOf(document, now, next) ?? anew(document, next);
    if (!changes.length) return;
    const edit = new vscode.WorkspaceEdit();
    for (const { range, text } of changes)
      edit.replace(document.uri, range, document.eol === vscode.EndOfLine.CRLF ? text.replaceAll('\n', '\r\n') : text);
    if (await vscode.workspace.applyEdit(edit)) return;
  }
  throw new EarshotError('outputNotWritable', { path: document.uri.fsPath });
}

/** The first edit of a file that was written otherwise lays it out anew. */
function anew(document: vscode.TextDocument, next: Transcript): { range: vscode.Range; text: string }[] {
  const smallest = difference(document.getText().replaceAll('\r\n', '\n'), toJson(next), 0);
  if (!smallest) return [];
  const text = document.getText().replaceAll('\r\n', '\n'),
    at = (offset: number): vscode.Position => {
      const before = text.slice(0, offset);
      return new vscode.Position(before.split('\n').length - 1, offset - (before.lastIndexOf('\n') + 1));
    };
  return [{ range: new vscode.Range(at(smallest.start), at(smallest.end)), text: smallest.text }];
}
