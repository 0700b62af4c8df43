/** Mono WAV files: what the voices write, the spoken track is made of, and live sound comes in. */
import { rm, type FileHandle } from 'node:fs/promises';
import { openAnew, putInPlace } from '../../client/files.ts';
import { readAt } from '../../client/small-file.ts';

const WAV_HEADER_BYTES = 44,
  UNKNOWN_LENGTH = 0xffff_ffff;
/** The format counts bytes in 32 bits. */
export const MAX_WAV_SAMPLES = Math.floor((0xffff_ffff - 36) / 2);

/** Format tags of mono sound, and what a sample takes. */
const ENCODINGS = { pcm: { tag: 1, bytes: 2 }, pcma: { tag: 6, bytes: 1 }, pcmu: { tag: 7, bytes: 1 } } as const;
export type WavEncoding = keyof typeof ENCODINGS;
export const bytesPerSample = (encoding: WavEncoding): number => ENCODINGS[encoding].bytes;

/** `samples`: null where nobody knows how many will come: all ones then, as programs write into pipes. */
export function wavHeader(sampleRate: number, samples: number | null, encoding: WavEncoding = 'pcm'): Buffer {
  const header = Buffer.alloc(WAV_HEADER_BYTES),
    { tag, bytes: each } = ENCODINGS[encoding],
    bytes = samples === null ? null : samples * each;
  header.write('RIFF', 0);
  header.writeUInt32LE(bytes === null ? UNKNOWN_LENGTH : 36 + bytes, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(tag, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(sampleRate, 24);
  header.writeUInt32LE(sampleRate * each, 28);
  header.writeUInt16LE(each, 32);
  header.writeUInt16LE(each * 8, 34);
  header.write('data', 36);
  header.writeUInt32LE(bytes ?? UNKNOWN_LENGTH, 40);
  return header;
}

/** Samples of -1 to 1 as 16-bit PCM; louder ones are clipped. */
export function toPcm(samples: Float32Array): Buffer {
  const pcm = Buffer.alloc(samples.length * 2);
  for (let i = 0; i < samples.length; i++)
    pcm.writeInt16LE(Math.max(-32768, Math.min(32767, Math.round(samples[i]! * 32767))), i * 2);
  return pcm;
}

/** Writes a whole file or none: under another name first. */
export async function writeWav(path: string, sampleRate: number, pcm: readonly Buffer[]): Promise<void> {
  const partial = `${path}.${process.pid}.part`;
  try {
    {
      await using file = await openAnew(partial, 0o600);
      await file.writev([wavHeader(sampleRate, pcm.reduce((sum, part) => sum + part.length, 0) / 2), ...pcm]);
    }
    await putInPlace(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** What a WAV holds, by its header. */
export interface WavInfo {
  samples: 'int16' | 'float32';
  channels: number;
  sampleRate: number;
  /** Samples of each channel. */
  frames: number;
  /** Where they begin, in bytes. */
  dataStart: number;
}

/** Bytes that lie somewhere: a file, or memory. Past the end it gives fewer than it was asked for. */
export interface WavSource {
  bytes: number;
  read(at: number, length: number): Buffer | Promise<Buffer>;
}

export const inMemory = (wav: Buffer): WavSource => ({
  bytes: wav.length,
  read: (at, length) => wav.subarray(at, at + length),
});

export async function inFile(file: FileHandle): Promise<WavSource> {
  return { bytes: (await file.stat()).size, read: (at, length) => readAt(file, at, length) };
}

const PCM = 1,
  FLOAT = 3,
  /** The format proper stands further on. */
  EXTENSIBLE = 0xfffe;
/** Nobody writes as many; a file of zeros has millions. */
const MAX_CHUNKS = 1000;

/** Finds the samples, 16-bit or float of any number of channels, skipping chunks that it does not know. */
export async function readWav({ bytes, read }: WavSource): Promise<WavInfo> {
  const head = await read(0, 12);
  if (head.toString('latin1', 0, 4) !== 'RIFF' || head.toString('latin1', 8, 12) !== 'WAVE')
    throw new Error(`no WAV (${head.subarray(0, 8).toString('hex')})`);
  let format: Pick<WavInfo, 'samples' | 'channels' | 'sampleRate'> | null = null;
  for (let at = 12, chunks = 0; at + 8 <= bytes && chunks < MAX_CHUNKS; chunks++) {
    const chunk = await read(at, 8 + 26),
      id = chunk.toString('latin1', 0, 4),
      length = chunk.readUInt32LE(4),
      body = at + 8;
    if (id === 'fmt ') format = formatOf(chunk.subarray(8));
    else if (id === 'data') {
      if (!format) throw new Error('no format');
      // A writer that could not go back leaves the length open.
      const size = Math.min(length, bytes - body),
        frame = format.channels * (format.samples === 'float32' ? 4 : 2);
      return { ...format, dataStart: body, frames: Math.floor(size / frame) };
    }
    at = body + length + (length % 2);
  }
  throw new Error('no samples');
}

function formatOf(body: Buffer): Pick<WavInfo, 'samples' | 'channels' | 'sampleRate'> {
  if (body.length < 16) throw new Error('no format');
  const stated = body.readUInt16LE(0),
    format = stated === EXTENSIBLE && body.length >= 26 ? body.readUInt16LE(24) : stated,
    channels = body.readUInt16LE(2),
    sampleRate = body.readUInt32LE(4),
    bits = body.readUInt16LE(14);
  const samples = format === PCM && bits === 16 ? 'int16' : format === FLOAT && bits === 32 ? 'float32' : null;
  if (!samples || channels < 1 || sampleRate < 1)
    throw new Error(`format ${format}, ${bits} bits, ${channels} channels`);
  return { samples, channels, sampleRate };
}
