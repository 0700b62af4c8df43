/** What a file is that ffmpeg does not take for a recording, so that people hear more than that it is none. */
import type { FileHandle } from 'node:fs/promises';
import { beginsLikeRecording } from '../../client/recording-content.ts';
import { readAt } from '../../client/small-file.ts';
import type { Failure } from '../../schemas/errors.ts';

/** Enough for what stands before the first sound of a recording. */
const FIRST_BYTES = 64 * 1024;

/** Kinds of files that are brought in place of recordings; their sentences are in text/messages/. */
export type Content =
  | 'address'
  | 'archive'
  | 'document'
  | 'gitLfs'
  | 'notes'
  | 'page'
  | 'picture'
  | 'recording'
  | 'text'
  | 'zeros';

const SIGNATURES: readonly (readonly [Content, ...bytes: string[]])[] = [
  ['archive', 'PK\x03\x04', 'PK\x05\x06', 'Rar!', '7z\xbc\xaf\x27\x1c', '\x1f\x8b', '\xfd7zXZ', 'BZh'],
  ['document', '%PDF', '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', '{\\rtf'],
  ['picture', '\xff\xd8\xff', '\x89PNG', 'GIF8', 'II*\0', 'MM\0*', '\0\0\x01\0'],
  ['notes', 'MThd'],
];
/** Lists and short cuts, which name what they stand for. */
const SHORTCUT =
    /^\s*(#EXTM3U|#EXTINF|\[(?:InternetShortcut|playlist|Reference)\]|<asx|<\?xml[^>]*>\s*<!DOCTYPE plist)/i,
  ADDRESS = /\bhttps?:\/\/[^\s"'<>]+/i;

/** Null: nothing that is known here. Pure; `first`: the file's beginning, or all of it. */
export function contentOf(first: Buffer): Content | null {
  if (first.every(byte => byte === 0)) return 'zeros';
  const bytes = first.toString('latin1', 0, 64);
  const known = SIGNATURES.find(([, ...beginnings]) => beginnings.some(each => bytes.startsWith(each)));
  if (known) return known[0];
  if (/^(RIFF.{4}WEBP|.{4}ftyp(hei|mif1|avif))/s.test(bytes)) return 'picture';
  const text = textIn(first);
  // Of a kind that is known, and damaged where that matters.
  if (text === null) return beginsLikeRecording(first) ? 'recording' : null;
  if (text.startsWith('version https://git-lfs.github.com/')) return 'gitLfs';
  if (/^\s*(<!doctype html|<html|<head|<\?xml[^>]*>\s*<!doctype html)/i.test(text)) return 'page';
  const trimmed = text.trim();
  if ((SHORTCUT.test(text) && ADDRESS.test(text)) || /^https?:\/\/\S+$/i.test(trimmed.split('\n', 1)[0]!.trim()))
    return 'address';
  return 'text';
}

/** Text has no zeros, but for UTF-16 with its mark. */
function textIn(first: Buffer): string | null {
  const mark = first.toString('latin1', 0, 2);
  if (mark === '\xff\xfe' || mark === '\xfe\xff')
    return new TextDecoder(mark === '\xff\xfe' ? 'utf-16le' : 'utf-16be').decode(first);
  if (first.includes(0)) return null;
  try {
    // The last character may be cut.
    return new TextDecoder('utf-8', { fatal: true }).decode(first, { stream: true });
  } catch {
    return null;
  }
}

/** A recorder was stopped before it had written any sound: all of the file is a header. */
const isHeaderOnly = (first: Buffer, size: number): boolean =>
  size <= first.length &&
  size >= 4 &&
  first.readUInt32BE(0) === 0x1a45dfa3 &&
  !first.includes(Buffer.from([0x1f, 0x43, 0xb6, 0x75]));

/** What ffmpeg's words come to where nothing of the file could be decoded. */
const VAGUE: ReadonlySet<string> = new Set(['notMedia', 'emptyFile', 'unreadableFile']);

/** A failure that says what the file is instead, where `failure` only says that there is no sound in it. */
export async function explained(failure: Failure, file: FileHandle | null): Promise<Failure> {
  const { path } = failure.args;
  if (!file || !VAGUE.has(failure.code) || typeof path !== 'string') return failure;
  try {
    const { size } = await file.stat(),
      first = await readAt(file, 0, FIRST_BYTES);
    if (size > 0 && (failure.code === 'emptyFile' || isHeaderOnly(first, size)))
      return { ...failure, code: 'emptyFile', args: { path, bytes: size } };
    const content = failure.code === 'notMedia' ? contentOf(first) : null;
    return content === null ? failure : { ...failure, args: { path, content } };
  } catch {
    return failure;
  }
}
