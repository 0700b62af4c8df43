/**
 * Decoded sound and its times come through two pipes: samples, and a line for each piece of them, which ffmpeg's
 * framecrc writes the same in every version. Here they meet again: samples go on as they are, with silence where the
 * clock decides that there is some.
 */
import { LineSplitter } from '../system/lines.ts';
import type { Piece, Placed } from './clock.ts';

const LONGEST_LINE = 1024;
const SAMPLE_BYTES = 2,
  FLOAT_BYTES = 4;
/** ffmpeg's word for "no time". */
const NO_TIME = -(2 ** 63);
const ZEROS = Buffer.alloc(1 << 16);

/** `0, dts, pts, duration, bytes, checksum`: takes chunks, gives pieces. */
export function readPieces(onPiece: (piece: Piece) => void): (chunk: Buffer) => void {
  const lines = new LineSplitter(line => {
    if (line[0] === 0x23) return; // # begins a heading
    const [, , at, , bytes] = line.toString('latin1').split(',').map(Number);
    if (at !== undefined && bytes !== undefined && bytes >= 0)
      onPiece({ at: at === NO_TIME ? null : at, samples: bytes / FLOAT_BYTES });
  }, LONGEST_LINE);
  return chunk => void lines.push(chunk);
}

export interface TimedSound {
  /** Samples as they come, in chunks of any length. */
  push(chunk: Buffer): void;
  /** Where the next of them stand. */
  place(placed: readonly Placed[]): void;
  /** All that can be put in its place by now. */
  take(): Generator<Buffer>;
  /** Nothing more is known of what is left: it goes on as it is. */
  rest(): Buffer[];
}

export function timedSound(): TimedSound {
  const chunks: Buffer[] = [];
  /** In bytes. */
  const places: { silence: number; skip: number; sound: number }[] = [];

  /** How much of the chunk follows without a break. */
  function unbroken(chunk: Buffer): number {
    let length = 0;
    for (let next = places[0]; next && next.silence === 0 && next.skip === 0; next = places[0]) {
      const taken = Math.min(next.sound, chunk.length - length);
      length += taken;
      next.sound -= taken;
      if (next.sound > 0) break;
      places.shift();
    }
    return length;
  }
  const consume = (chunk: Buffer, length: number): void => {
    if (length === chunk.length) chunks.shift();
    else chunks[0] = chunk.subarray(length);
  };

  return {
    push(chunk) {
      if (chunk.length) chunks.push(chunk);
    },
    place(placed) {
      for (const { silence, skip, samples } of placed)
        places.push({
          silence: silence * SAMPLE_BYTES,
          skip: skip * SAMPLE_BYTES,
          sound: (samples - skip) * SAMPLE_BYTES,
        });
    },
    *take() {
      for (let chunk = chunks[0]; chunk; chunk = chunks[0]) {
        const length = unbroken(chunk);
        if (length > 0) {
          consume(chunk, length);
          yield chunk.subarray(0, length);
          continue;
        }
        const next = places[0];
        if (!next) return;
        for (; next.silence > 0; next.silence -= Math.min(next.silence, ZEROS.length))
          yield ZEROS.subarray(0, Math.min(next.silence, ZEROS.length));
        const skipped = Math.min(next.skip, chunk.length);
        next.skip -= skipped;
        if (skipped > 0) consume(chunk, skipped);
      }
    },
    rest: () => chunks.splice(0),
  };
}
