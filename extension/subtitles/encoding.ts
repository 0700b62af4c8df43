/**
 * Subtitles that are not in Unicode. The editor takes every file for UTF-8 (files.encoding), shows question marks where
 * it is not, and would save those: such a document is opened again in the encoding that it is in.
 */
import * as vscode from 'vscode';
import { basename } from 'node:path';
import { EarshotError, failure, type Failure } from '../../schemas/errors.ts';
import { encodeText } from '../../text/encode.ts';
import { decodeText, encodingOf } from '../../text/encoding.ts';
import { formatOf } from '../../text/subtitles/convert.ts';
import { readBytes } from '../ui/files.ts';
import { notify } from '../ui/notify.ts';
import { failureText } from '../ui/words.ts';
import { languageOfName } from './names.ts';
import { kindOf } from './read.ts';

/** Twenty films. */
const MOST_BYTES = 8 * 1024 ** 2;

/** What a document says, and how its file is to be written. */
export interface SourceText {
  text: string;
  encoding: string;
  notes: Failure[];
}

/** What somebody chose for it, here or by files.encoding; undefined: UTF-8, which is what the editor takes all for. */
const chosenFor = ({ encoding }: vscode.TextDocument): string | undefined => {
  const name = encodingOf(encoding);
  return name === null || name === 'utf-8' ? undefined : name;
};

/** With changes, as it stands in the window; else from its file. @throws notText */
export async function textOf(document: vscode.TextDocument, language?: string): Promise<SourceText> {
  const chosen = chosenFor(document);
  if (document.isDirty || document.isUntitled) {
    const marked = document.encoding === 'utf8bom' || chosen?.startsWith('utf-16');
    return { text: (marked ? '\ufeff' : '') + document.getText(), encoding: chosen ?? 'utf-8', notes: [] };
  }
  const bytes = await readBytes(document.uri, MOST_BYTES),
    decoded = decodeText(bytes, { language, encoding: chosen }),
    path = basename(document.uri.path);
  if (!decoded) throw new EarshotError('notText', { path });
  const { text, encoding, detected } = decoded;
  return { text, encoding, notes: detected ? [failure('textDecoded', { path, encoding })] : [] };
}

/** The bytes of a text that came from such a file; where that has no place for all of it, in UTF-8, and a note. */
export function bytesFor(text: string, encoding: string, path: string): { bytes: Uint8Array; notes: Failure[] } {
  const bytes = encodeText(text, encoding);
  return bytes
    ? { bytes, notes: [] }
    : { bytes: new TextEncoder().encode(text), notes: [failure('textEncoded', { path: basename(path), encoding })] };
}

/** The editor's name for it: windows1250, koi8r. */
const editorName = (encoding: string): string =>
  encoding === 'big5' ? 'cp950' : encoding.replace(/[^a-z0-9]/g, '').replace(/^ibm(?=\d)/, 'cp');

async function openedRightly(document: vscode.TextDocument): Promise<void> {
  if (document.uri.scheme !== 'file' || document.isDirty || chosenFor(document)) return;
  if (!kindOf(document) && !formatOf(document.uri.path)) return;
  if (!document.getText().includes('\ufffd')) return;
  const bytes = await readBytes(document.uri, MOST_BYTES),
    decoded = decodeText(bytes, { language: languageOfName(document.uri.path) ?? undefined });
  if (!decoded || decoded.encoding === 'utf-8' || document.isDirty || document.isClosed) return;
  const { encoding } = await vscode.workspace.openTextDocument(document.uri, {
    encoding: editorName(decoded.encoding),
  });
  if (encoding === 'utf8' || !decoded.detected) return;
  notify.info(failureText(failure('textDecoded', { path: basename(document.uri.path), encoding: decoded.encoding })));
}

export function subtitleEncodings(): vscode.Disposable {
  const look = (document: vscode.TextDocument): void => void openedRightly(document).catch(() => {});
  for (const document of vscode.workspace.textDocuments) look(document);
  return vscode.workspace.onDidOpenTextDocument(look);
}
