/**
 * Where the next of joined FLAC files begins. Its frames do not say how long they are, so that finding a beginning is
 * to read all of the file. An ordinary one is not read: it states how many samples there are, its last frame is the one
 * that ends there, and the frames in between are numbered one after the other.
 */
import { WINDOW_BYTES, type Bytes } from './window.ts';

/** A name, and the block that states rate, channels and samples. */
const BEGINNINGS = ['664c614300000022', '664c614380000022'].map(hex => Buffer.from(hex, 'hex')),
  BEGINNING_BYTES = 42;
const BLOCK_HEADER = 4;
/** Between its beginning and its end it is looked at in so many places. */
const PLACES = 16;
/** A longer header has no frames in it either. */
const MOST_BLOCKS = 1000;
const LONGEST_FRAME_HEADER = 16;

export function* flacStarts(bytes: Bytes): Generator<number> {
  const sound = soundAt(bytes, 0);
  if (isOne(bytes, sound)) return;
  for (let at = sound; at + BEGINNING_BYTES <= bytes.size;) {
    const window = bytes.at(at, WINDOW_BYTES),
      places = BEGINNINGS.map(each => window.indexOf(each)).filter(place => place >= 0);
    if (places.length) {
      const place = at + Math.min(...places);
      // It can be one: the least block is 16 samples.
      if (bytes.at(place, BEGINNING_BYTES).readUInt16BE(8) >= 16) {
        yield place;
        at = soundAt(bytes, place);
      } else at = place + 8;
    } else at += Math.max(1, window.length - 7);
  }
}

/** Behind the blocks that come before the sound: pictures may have the beginning of another file in them. */
function soundAt(bytes: Bytes, start: number): number {
  for (let at = start + 4, n = 0; n < MOST_BLOCKS; n++) {
    const head = bytes.at(at, BLOCK_HEADER);
    if (head.length < BLOCK_HEADER || (head[0]! & 0x7f) === 0x7f) break;
    const next = at + BLOCK_HEADER + head.readUIntBE(1, 3);
    if (next > bytes.size) break;
    if ((head[0]! & 0x80) !== 0) return next;
    at = next;
  }
  return start + 8;
}

/** False: nobody can say without reading all of it. */
function isOne(bytes: Bytes, sound: number): boolean {
  const stated = bytes.at(0, BEGINNING_BYTES);
  if (stated.length < BEGINNING_BYTES) return false;
  const blockSize = stated.readUInt16BE(10),
    longest = stated.readUIntBE(15, 3),
    samples = Number(stated.readBigUInt64BE(18) & 0xf_ffff_ffffn);
  if (samples === 0 || longest === 0 || stated.readUInt16BE(8) !== blockSize) return false;
  // All but the last begin with the same three bytes.
  const like = Buffer.from(bytes.at(sound, 4)),
    first = framesIn(bytes, sound, like.subarray(0, 3), like, blockSize).next().value;
  if (first?.place !== sound || first.at !== 0) return false;
  const follows = (before: Frame, next: Frame): boolean =>
    next.at >= before.at && next.place - before.place <= ((next.at - before.at) / blockSize) * longest;
  let before = first;
  for (let n = 1; n < PLACES; n++) {
    const place = sound + Math.floor(((bytes.size - sound) * n) / PLACES),
      next = framesIn(bytes, place, like.subarray(0, 3), like, blockSize).next().value;
    if (!next || !follows(before, next)) return false;
    before = next;
  }
  const tail = Math.max(sound, bytes.size - WINDOW_BYTES);
  for (const last of framesIn(bytes, tail, like.subarray(0, 2), like, blockSize))
    if (last.at + last.samples === samples) return follows(before, last);
  return false;
}

interface Frame {
  /** Bytes from the beginning of the file. */
  place: number;
  /** Samples from the beginning of the sound. */
  at: number;
  samples: number;
}

/** Those that begin in a window of the file, have channels and samples of the same kind, and the right checksum. */
function* framesIn(bytes: Bytes, position: number, begin: Buffer, like: Buffer, blockSize: number): Generator<Frame> {
  const window = bytes.at(position, WINDOW_BYTES);
  for (let place = window.indexOf(begin); place >= 0; place = window.indexOf(begin, place + 1)) {
    const header = window.subarray(place, place + LONGEST_FRAME_HEADER),
      frame = ((header[3] ?? 0) & 0xf) === (like[3]! & 0xf) ? frameAt(header, blockSize) : null;
    if (frame) yield { place: position + place, ...frame };
  }
}

/** Null: no frame begins here. */
function frameAt(header: Buffer, blockSize: number): { at: number; samples: number } | null {
  if (header.length < 6 || header[0] !== 0xff || header[1] !== 0xf8) return null;
  const kind = header[2]! >> 4,
    rate = header[2]! & 0xf;
  // A number as UTF-8 writes it, of up to seven bytes.
  const ones = Math.clz32(~(header[4]! << 24)),
    more = Math.max(0, ones - 1),
    numberEnd = 5 + more;
  if (ones === 1 || more > 6 || header.length < numberEnd + 5) return null;
  let number = more === 0 ? header[4]! : header[4]! & (0x3f >> more);
  for (const next of header.subarray(5, numberEnd)) {
    if ((next & 0xc0) !== 0x80) return null;
    number = number * 64 + (next & 0x3f);
  }
  const sizeBytes = kind === 6 ? 1 : kind === 7 ? 2 : 0,
    rateBytes = rate === 12 ? 1 : rate === 13 || rate === 14 ? 2 : 0;
  const samples =
    sizeBytes > 0
      ? header.readUIntBE(numberEnd, sizeBytes) + 1
      : kind === 1
        ? 192
        : kind < 6
          ? 576 << (kind - 2)
          : 256 << (kind - 8);
  const end = numberEnd + sizeBytes + rateBytes;
  return kind > 0 && checksum(header.subarray(0, end)) === header[end] ? { at: number * blockSize, samples } : null;
}

/** CRC-8 of x⁸ + x² + x + 1. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 0x80 ? ((sum << 1) ^ 0x107) & 0xff : sum << 1;
  }
  return sum;
}
