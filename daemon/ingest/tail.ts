/**
 * Whether a file ends in the middle of something, where ffmpeg says nothing of it. WAV, AVI and AIFF name their length
 * at the beginning; Ogg pages and the frames of MPEG audio theirs, so the last one shows a cut. Ogg also marks the last
 * page of a stream.
 */
import type { FileHandle } from 'node:fs/promises';
import { readAt } from '../../client/small-file.ts';

/** More than the largest Ogg page (65,307 bytes). */
const TAIL_BYTES = 128 * 1024;

/** False also where the file cannot be read any more or is of another kind. */
export async function tailIsCut(file: FileHandle, format: string | null): Promise<boolean> {
  const judge = format === 'ogg' ? oggIsCut : format === 'mp3' ? mpegAudioIsCut : null,
    sized = /^(wav|avi|aiff)$/.test(format ?? '');
  if (!judge && !sized) return false;
  try {
    const { size } = await file.stat(),
      bytes = Buffer.alloc(judge ? Math.min(size, TAIL_BYTES) : 8);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, judge ? size - bytes.length : 0);
    return judge ? judge(bytes.subarray(0, bytesRead)) : formIsCut(bytes, size);
  } catch {
    return false;
  }
}

/** A WAV file that names no length, or none that can be: it came through a pipe, or its recorder did not get to it. */
export async function lengthIsOpen(file: FileHandle): Promise<boolean> {
  try {
    return wavIsOpen(await readAt(file, 0, 64 * 1024));
  } catch {
    return false;
  }
}

/** By the length of the chunk that holds the sound. */
export function wavIsOpen(head: Buffer): boolean {
  if (head.toString('latin1', 0, 4) !== 'RIFF') return false;
  for (let at = 12; at + 8 <= head.length;) {
    const length = head.readUInt32LE(at + 4);
    if (head.toString('latin1', at, at + 4) === 'data') return length === 0 || length >= UNKNOWN_FROM;
    at += 8 + length + (length % 2);
  }
  return false;
}

/** Recorders that do not know the length write the most that there is, or as much as a whole number of blocks. */
const UNKNOWN_FROM = 0x7fff_0000;

/** A RIFF or FORM that says it is longer than the file. */
export function formIsCut(head: Buffer, size: number): boolean {
  const kind = head.toString('latin1', 0, 4),
    length = kind === 'RIFF' ? head.readUInt32LE(4) : kind === 'FORM' ? head.readUInt32BE(4) : 0;
  return length < UNKNOWN_FROM && length + 8 > size + 1; // some leave out the byte that makes it even
}

const PAGE_HEADER = 27,
  LAST_PAGE = 4;

/** The last page is not whole, or no page says that it is the last. */
export function oggIsCut(tail: Buffer): boolean {
  const at = tail.lastIndexOf('OggS');
  if (at < 0) return false;
  if (tail.length < at + PAGE_HEADER) return true;
  const segments = tail[at + 26]!,
    header = PAGE_HEADER + segments;
  if (tail.length < at + header) return true;
  let length = header;
  for (const lacing of tail.subarray(at + PAGE_HEADER, at + header)) length += lacing;
  return tail.length < at + length || (tail[at + 5]! & LAST_PAGE) === 0;
}

const KBITS: Readonly<Record<string, readonly number[]>> = {
  '1 1': [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  '1 2': [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  '1 3': [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  '2 1': [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  '2 2': [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  '2 3': [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
};
const HERTZ: readonly number[] = [44_100, 48_000, 32_000];
/** So many frames in a row are no accident. */
const CHAIN = 4;

/** Length of the MPEG audio frame that begins here, bytes; 0: none does, or it does not say. */
function frameLength(bytes: Buffer, at: number): number {
  if (at + 4 > bytes.length || bytes[at] !== 0xff || (bytes[at + 1]! & 0xe0) !== 0xe0) return 0;
  const versionBits = (bytes[at + 1]! >> 3) & 3,
    layer = 4 - ((bytes[at + 1]! >> 1) & 3),
    rate = HERTZ[(bytes[at + 2]! >> 2) & 3];
  const kbits = KBITS[`${versionBits === 3 ? 1 : 2} ${layer}`]?.[bytes[at + 2]! >> 4],
    padding = (bytes[at + 2]! >> 1) & 1;
  if (versionBits === 1 || rate === undefined || !kbits) return 0;
  const hertz = rate / (versionBits === 3 ? 1 : versionBits === 2 ? 2 : 4);
  if (layer === 1) return (Math.floor((12_000 * kbits) / hertz) + padding) * 4;
  return Math.floor(((layer === 3 && versionBits !== 3 ? 72_000 : 144_000) * kbits) / hertz) + padding;
}

/** The last frame is not whole. What follows the last frame and is none (tags) is no cut. */
export function mpegAudioIsCut(tail: Buffer): boolean {
  for (let start = 0; start + 4 <= tail.length; start++) {
    let at = start,
      frames = 0;
    for (let length = frameLength(tail, at); length > 0; length = frameLength(tail, at)) {
      if (at + length > tail.length) return frames >= CHAIN;
      at += length;
      frames++;
    }
    if (frames >= CHAIN) return at < tail.length && at + 4 > tail.length && tail[at] === 0xff;
  }
  return false;
}
