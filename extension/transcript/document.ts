/** A transcript as the text of a document: read, written, and what changed of it put in by the smallest edit. */
import * as vscode from 'vscode';
import type { Transcript } from '../../schemas/job.ts';
import { difference } from '../streaming/place.ts';

let check: Promise<{ Check(value: unknown): boolean }> | null = null;

/** Null when the text is no transcript (or is just being typed). */
export async function parseTranscript(text: string): Promise<Transcript | null> {
  check ??= Promise.all([import('typebox/compile'), import('../../schemas/job.ts')]).then(
    ([{ Compile }, { Transcript: schema }]) => Compile(schema),
  );
  try {
    const value: unknown = JSON.parse(text);
    return (await check).Check(value) ? (value as Transcript) : null;
  } catch {
    return null;
  }
}

/** As the daemon writes it, one utterance a line: small differences, small edits. */
export function serialise({ utterances, ...rest }: Transcript): string {
  const head = JSON.stringify(rest, null, 2).slice(0, -2);
  return `${head},\n  "utterances": [${utterances.map(u => `\n    ${JSON.stringify(u)}`).join(',')}${utterances.length ? '\n  ' : ''}]\n}\n`;
}

/** The smallest edit of the text, one undo step; the first change of a file written otherwise lays it out anew. */
export async function writeTranscript(document: vscode.TextDocument, transcript: Transcript): Promise<void> {
  const text = serialise(transcript).replaceAll('\n', document.eol === vscode.EndOfLine.CRLF ? '\r\n' : '\n'),
    change = difference(document.getText(), text, 0);
  if (!change) return;
  const edit = new vscode.WorkspaceEdit();
  edit.replace(
    document.uri,
    new vscode.Range(document.positionAt(change.start), document.positionAt(change.end)),
    change.text,
  );
  await vscode.workspace.applyEdit(edit);
}
