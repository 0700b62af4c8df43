/** A transcript as the text of a document: read, and edited by the smallest change of it. */
import * as vscode from 'vscode';
import { EarshotError } from '../../schemas/errors.ts';
import type { Transcript } from '../../schemas/job.ts';
import { openOf } from '../../schemas/open.ts';
import { toJson } from '../../text/transcripts/json.ts';
import { difference } from '../streaming/place.ts';

let check: Promise<{ Check(value: unknown): boolean }> | null = null;

/** Null when the text is no transcript (or is just being typed). */
export async function parseTranscript(text: string): Promise<Transcript | null> {
  // One that a newer version wrote has more in it, which stays there.
  check ??= Promise.all([import('typebox/compile'), import('../../schemas/job.ts')]).then(
    ([{ Compile }, { Transcript: schema }]) => Compile(openOf(schema)),
  );
  try {
    const value: unknown = JSON.parse(text);
    return (await check).Check(value) ? (value as Transcript) : null;
  } catch {
    return null;
  }
}

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
    const text = document.getText(),
      now = await parseTranscript(text),
      next = now && change(now);
    if (!next) return;
    if (document.getText() !== text) continue;
    // The first edit of a file that was written otherwise lays it out anew.
    const wanted = toJson(next).replaceAll('\n', document.eol === vscode.EndOfLine.CRLF ? '\r\n' : '\n'),
      smallest = difference(text, wanted, 0);
    if (!smallest) return;
    const edit = new vscode.WorkspaceEdit();
    edit.replace(
      document.uri,
      new vscode.Range(document.positionAt(smallest.start), document.positionAt(smallest.end)),
      smallest.text,
    );
    if (await vscode.workspace.applyEdit(edit)) return;
  }
  throw new EarshotError('outputNotWritable', { path: document.uri.fsPath });
}
