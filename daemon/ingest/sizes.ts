/**
 * Files of samples whose header states less sound than they hold: the recorder crashed, could not go back, or wrote
 * more than 32 bits can count. ffmpeg believes such a header; the rest would be lost without a word. WAV has an option
 * to read on; of AIFF, Wave64 and Core Audio it is given the header that would be right.
 */
import type { FileHandle } from 'node:fs/promises';
import { readAt } from '../../client/small-file.ts';

/** More chunks than any file has that somebody made on purpose. */
const MOST_CHUNKS = 1000;
const STATED_ELSEWHERE = 0xffff_ffff;

/** How all of the sound is read: with ffmpeg's own option, or behind another header. */
export type HeaderRepair = 'wholeFile' | { header: Buffer };

/** Null: nothing is to be repaired, or it is another kind of file. */
export async function repairOf(file: FileHandle): Promise<HeaderRepair | null> {
  const { size } = await file.stat(),
    head = await readAt(file, 0, 40);
  if (await wavStatesTooLittle(file, size, head.subarray(0, 12))) return 'wholeFile';
  const sun = auHeader(head, size);
  if (sun) return { header: sun };
  const kind = CHUNKED.find(each => each.begins(head));
  return kind ? await rightHeader(file, size, kind) : null;
}

/** AU says how much sound there is, or that it is unknown; where it says that there is none, ffmpeg refuses it. */
function auHeader(head: Buffer, size: number): Buffer | null {
  if (head.length < 24 || name(head) !== '.snd' || head.readUInt32BE(8) !== 0 || head.readUInt32BE(4) >= size)
    return null;
  const header = Buffer.from(head.subarray(0, 24));
  header.writeUInt32BE(STATED_ELSEWHERE, 8);
  return header;
}

/** Containers of chunks that are no WAV: how a chunk begins, and where its length stands. */
interface Chunked {
  begins(head: Buffer): boolean;
  /** Where the first chunk is, and what a chunk begins with; bytes. */
  first: number;
  headBytes: number;
  /** What is looked at of a chunk that describes the sound. */
  describedIn?: number;
  /** Of its content, bytes; below 0: to the end of the file. */
  length(head: Buffer): number;
  /** Chunks begin at multiples of this. */
  align: number;
  isSound(head: Buffer): boolean;
  /** What comes before the sound and cannot be missing. */
  describes(head: Buffer): boolean;
  isChunk(head: Buffer): boolean;
  /** What the lengths in the header would be. */
  write(header: Buffer, chunkAt: number, size: number): void;
}

const name = (head: Buffer): string => head.toString('latin1', 0, 4),
  isName = (head: Buffer): boolean => /^[\x20-\x7e]{4}$/.test(name(head));
const LARGEST = 0xffff_ffff;
/** What all identifiers of Wave64 but the first end with. */
const W64 = 'f3acd3118cd100c04f8edb8a';
const isW64 = (head: Buffer, id: string): boolean =>
  head.toString('hex', 0, 16) === Buffer.from(id).toString('hex') + W64;

const CHUNKED: readonly Chunked[] = [
  {
    begins: head => /^FORM[^]{4}AIF[FC]/.test(head.toString('latin1')),
    first: 12,
    headBytes: 8,
    length: head => head.readUInt32BE(4),
    align: 2,
    isSound: head => name(head) === 'SSND',
    describes: head => name(head) === 'COMM',
    isChunk: isName,
    write(header, at, size) {
      header.writeUInt32BE(Math.min(LARGEST, size - 8), 4);
      header.writeUInt32BE(Math.min(LARGEST, size - at - 8), at + 4);
    },
  },
  {
    begins: head => head.toString('latin1', 0, 4) === 'caff',
    first: 8,
    headBytes: 12,
    describedIn: 32,
    length: head => Number(head.readBigInt64BE(4)),
    align: 1,
    isSound: head => name(head) === 'data',
    // Packets of any length are listed in another chunk: what that does not list cannot be read.
    describes: head => name(head) === 'desc' && head.readUInt32BE(28) > 0,
    isChunk: isName,
    write: (header, at) => void header.writeBigInt64BE(-1n, at + 4),
  },
  {
    begins: head => head.toString('latin1').startsWith('riff\x2e\x91\xcf\x11'),
    first: 40,
    headBytes: 24,
    length: head => Number(head.readBigUInt64LE(16)) - 24,
    align: 8,
    isSound: head => isW64(head, 'data'),
    describes: head => isW64(head, 'fmt '),
    isChunk: head => head.toString('hex', 4, 16) === W64,
    write(header, at, size) {
      header.writeBigUInt64LE(BigInt(size), 16);
      header.writeBigUInt64LE(BigInt(size - at), at + 16);
    },
  },
];
/** A header longer than this has pictures in it. */
const LONGEST_HEADER = 1024 * 1024;

/** Null: it states what is there, or nobody can say. */
async function rightHeader(file: FileHandle, size: number, kind: Chunked): Promise<HeaderRepair | null> {
  let described = false;
  for (let at = kind.first, n = 0; at < LONGEST_HEADER && n < MOST_CHUNKS; n++) {
    const head = await readAt(file, at, kind.describedIn ?? kind.headBytes);
    if (head.length < kind.headBytes || !kind.isChunk(head)) return null;
    const length = kind.length(head);
    described ||= kind.describes(head);
    let next = at + kind.headBytes + length;
    if (!kind.isSound(head)) {
      if (length < 0) return null;
      at = next + ((kind.align - (next % kind.align)) % kind.align);
      continue;
    }
    if (!described || (length < 0 && kind.align === 1) || next >= size) return null;
    if (length > 0) {
      // What follows must be chunks to the end; less than one behind is nothing that anybody hears.
      for (let more = 0; more < MOST_CHUNKS && next >= at; more++) {
        next += (kind.align - (next % kind.align)) % kind.align;
        const after = await readAt(file, next, kind.headBytes);
        if (after.length < kind.headBytes) return null;
        if (!kind.isChunk(after)) break;
        next += kind.headBytes + Math.max(0, kind.length(after));
        if (next > size + 1) break;
      }
    }
    const header = await readAt(file, 0, at + kind.headBytes);
    kind.write(header, at, size);
    return { header };
  }
  return null;
}

/** Whether sound follows where the header says that it ends. False for what is no WAV. */
async function wavStatesTooLittle(file: FileHandle, size: number, head: Buffer): Promise<boolean> {
  if (!/^(RIFF|RF64|BW64)[^]{4}WAVE$/.test(head.toString('latin1'))) return false;
  let end: number | null = null,
    large = 0;
  for (let at = 12, n = 0; at < size && n < MOST_CHUNKS; n++) {
    const chunk = await readAt(file, at, 24);
    // Less than a chunk behind the sound is nothing that anybody hears.
    if (chunk.length < 8) return false;
    const id = chunk.toString('latin1', 0, 4),
      stated = chunk.readUInt32LE(4);
    const known = /^[\x20-\x7e]{4}$/.test(id) && at + 8 + stated <= size + 1;
    if (end !== null) {
      if (!known) return true;
    } else if (id === 'ds64' && chunk.length === 24) large = Number(chunk.readBigUInt64LE(16));
    else if (id === 'data') {
      // ffmpeg itself reads on to the end.
      if (stated === 0 || (stated === STATED_ELSEWHERE && large === 0)) return head.toString('latin1', 0, 4) !== 'RIFF';
      end = at + 8 + (stated === STATED_ELSEWHERE ? large : stated);
      at = end + (end % 2);
      continue;
    } else if (!known) return false;
    at += 8 + stated + (stated % 2);
  }
  return false;
}
