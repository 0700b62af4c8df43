/** Mono 16-bit PCM in WAV files: what the voices write and the spoken track is made of. */
import { open, rm, type FileHandle } from 'node:fs/promises';
import { putInPlace } from '../system/durable.ts';

export const WAV_HEADER_BYTES = 44;
/** The format counts bytes in 32 bits. */
export const MAX_WAV_SAMPLES = Math.floor((0xffff_ffff - 36) / 2);

export function wavHeader(sampleRate: number, samples: number): Buffer {
  const header = Buffer.alloc(WAV_HEADER_BYTES),
    bytes = samples * 2;
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + bytes, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(sampleRate, 24);
  header.writeUInt32LE(sampleRate * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(bytes, 40);
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
    const file = await open(partial, 'w', 0o600);
    try {
      await file.writev([wavHeader(sampleRate, pcm.reduce((sum, part) => sum + part.length, 0) / 2), ...pcm]);
    } finally {
      await file.close();
    }
    await putInPlace(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

export interface WavInfo {
  sampleRate: number;
  samples: number;
  /** Where the samples begin, in bytes. */ dataStart: number;
}

/** Finds the samples of a mono 16-bit WAV, skipping chunks it does not know. Throws on anything else. */
export async function readWavInfo(file: FileHandle, name: string): Promise<WavInfo> {
  const { size } = await file.stat();
  const head = Buffer.alloc(12);
  await file.read(head, 0, 12, 0);
  if (head.toString('latin1', 0, 4) !== 'RIFF' || head.toString('latin1', 8, 12) !== 'WAVE')
    throw new Error(`${name}: no WAV file`);
  let sampleRate = 0;
  const chunk = Buffer.alloc(24);
  for (let at = 12; at + 8 <= size;) {
    chunk.fill(0);
    await file.read(chunk, 0, 24, at);
    const id = chunk.toString('latin1', 0, 4),
      length = chunk.readUInt32LE(4);
    if (id === 'fmt ') {
      if (chunk.readUInt16LE(8) !== 1 || chunk.readUInt16LE(10) !== 1 || chunk.readUInt16LE(22) !== 16)
        throw new Error(`${name}: not mono 16-bit PCM`);
      sampleRate = chunk.readUInt32LE(12);
    } else if (id === 'data') {
      if (!sampleRate) throw new Error(`${name}: no format`);
      // A writer that could not go back leaves the length open.
      return { sampleRate, dataStart: at + 8, samples: Math.floor(Math.min(length, size - at - 8) / 2) };
    }
    at += 8 + length + (length % 2);
  }
  throw new Error(`${name}: no samples`);
}
