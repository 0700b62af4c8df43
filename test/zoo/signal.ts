/**
 * The sound of every exhibit: real speech at known places with silence between, and how far from there it is found
 * again in what ingest made of a file.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { wavHeader } from '../../daemon/audio/wav.ts';

export const RATE = 16_000;
const PER_MS = RATE / 1000;

/** A stretch of speech, by its place in the signal, ms. */
export interface Part {
  fromMs: number;
  toMs: number;
}
export interface Signal {
  samples: Int16Array;
  parts: readonly Part[];
  durationMs: number;
}

/** One sentence, and its beginning once more: "He might even have been made amiable himself." */
export function makeSignal(ffmpeg: string, samplesFolder: string): Signal {
  const bytes = execFileSync(ffmpeg, [
    '-nostdin',
    '-loglevel',
    'error',
    '-ss',
    '24',
    '-i',
    join(samplesFolder, 'sense-and-sensibility.flac'),
    '-t',
    '3.2',
    '-ac',
    '1',
    '-ar',
    String(RATE),
    '-f',
    's16le',
    'pipe:1',
  ]);
  const sentence = new Int16Array(new Uint8Array(bytes).buffer),
    beginning = sentence.subarray(0, 1600 * PER_MS);
  const pieces = [800, sentence, 1800, beginning, 800];
  let at = 0;
  const parts: Part[] = [],
    samples = new Int16Array(
      pieces.reduce<number>((sum, piece) => sum + (typeof piece === 'number' ? piece * PER_MS : piece.length), 0),
    );
  for (const piece of pieces) {
    if (typeof piece === 'number') {
      at += piece * PER_MS;
      continue;
    }
    samples.set(piece, at);
    parts.push({ fromMs: at / PER_MS, toMs: (at += piece.length) / PER_MS });
  }
  return { samples, parts, durationMs: samples.length / PER_MS };
}

/** A WAV file of 16-bit mono sound. */
export const wav = (samples: Int16Array, rate = RATE): Buffer =>
  Buffer.concat([wavHeader(rate, samples.length), Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength)]);

/**
 * Loudness, one value a ms: what survives any codec, and shifts with the sound. Without what moves slower than a voice
 * (a hum, an offset): from each sample the mean of the 2 ms around it is taken.
 */
function loudness(samples: Int16Array, fromMs: number, toMs: number): Float64Array {
  let around = 0;
  for (let i = fromMs * PER_MS - PER_MS; i < fromMs * PER_MS + PER_MS; i++) around += samples[i] ?? 0;
  return Float64Array.from({ length: toMs - fromMs }, (_, n) => {
    let sum = 0;
    for (let i = (fromMs + n) * PER_MS, end = i + PER_MS; i < end; i++) {
      sum += Math.abs((samples[i] ?? 0) - around / (2 * PER_MS));
      around += (samples[i + PER_MS] ?? 0) - (samples[i - PER_MS] ?? 0);
    }
    return Math.sqrt(sum);
  });
}

/** Searched on both sides of where the part should be. */
const REACH_MS = 800;
/** Below this the part is not there. */
const LEAST_LIKENESS = 0.6;

/**
 * How much later than expected a part is heard, ms (to the millisecond, by cross-correlation of the loudness); null: it
 * is not there. `heard` begins at `beginsMs` of the recording.
 */
export function lateness(signal: Signal, part: Part, heard: Int16Array, shiftMs: number, beginsMs = 0): number | null {
  const pattern = loudness(signal.samples, part.fromMs, part.toMs),
    length = pattern.length,
    mean = pattern.reduce((a, b) => a + b, 0) / length;
  const wanted = pattern.map(value => value - mean),
    norm = Math.hypot(...wanted);
  const from = part.fromMs + shiftMs - beginsMs - REACH_MS,
    field = loudness(heard, from, from + length + 2 * REACH_MS);
  let best = -1,
    bestLag = 0;
  for (let lag = 0; lag <= 2 * REACH_MS; lag++) {
    let product = 0,
      sum = 0,
      squares = 0;
    for (let n = 0; n < length; n++) {
      const value = field[lag + n]!;
      product += wanted[n]! * value;
      sum += value;
      squares += value * value;
    }
    const spread = Math.sqrt(Math.max(1e-9, squares - (sum * sum) / length)),
      likeness = product / (norm * spread);
    if (likeness > best) {
      best = likeness;
      bestLag = lag;
    }
  }
  return best < LEAST_LIKENESS ? null : bestLag - REACH_MS;
}

/** Samples of a PCM file. */
export const readPcm = (path: string): Int16Array => {
  const bytes = readFileSync(path);
  return new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
};
