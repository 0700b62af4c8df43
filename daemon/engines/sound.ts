/** Sound that goes to and comes from programs and servers that are not ours. */
import { openFile } from '../../client/files.ts';
import { EarshotError } from '../../schemas/errors.ts';
import type { TtsOutput } from '../../schemas/job.ts';
import type { PcmRange } from '../contracts/worker-protocol.ts';
import { inMemory, readWav, toPcm, wavHeader, writeWav } from '../audio/wav.ts';

const RATE = 16_000;

/** An utterance's samples as a whole WAV file of 16 kHz. */
export async function utteranceWav({ path, startSample, endSample }: PcmRange): Promise<Buffer<ArrayBuffer>> {
  const bytes = Buffer.alloc((endSample - startSample) * 2);
  try {
    await using file = await openFile(path);
    await file.read(bytes, 0, bytes.length, startSample * 2);
  } catch (error) {
    throw new EarshotError('unreadableFile', { path }, String(error));
  }
  return Buffer.concat([wavHeader(RATE, endSample - startSample), bytes]);
}

/**
 * Stores a WAV of 16-bit or float samples, any number of channels, as mono 16 bit at its own rate. Anything else is
 * `badAnswer`.
 */
export async function storeSpeech(wav: Buffer, path: string): Promise<TtsOutput> {
  const { sampleRate, pcm } = await monoOf(wav);
  await writeWav(path, sampleRate, [pcm]);
  return { path, sampleRate, durationMs: Math.round((pcm.length / 2 / sampleRate) * 1000) };
}

async function monoOf(wav: Buffer): Promise<{ sampleRate: number; pcm: Buffer }> {
  const { samples, channels, sampleRate, frames, dataStart } = await readWav(inMemory(wav)).catch((error: Error) => {
    throw new EarshotError('badAnswer', {}, `not usable sound: ${error.message}`);
  });
  if (frames === 0) throw new EarshotError('badAnswer', {}, 'not usable sound: no samples');
  const bytes = samples === 'float32' ? 4 : 2,
    data = wav.subarray(dataStart, dataStart + frames * channels * bytes);
  if (samples === 'int16' && channels === 1) return { sampleRate, pcm: data };
  const mono = new Float32Array(frames);
  for (let n = 0; n < frames; n++) {
    let sum = 0;
    for (let c = 0; c < channels; c++) {
      const at = (n * channels + c) * bytes;
      sum += samples === 'float32' ? data.readFloatLE(at) : data.readInt16LE(at) / 32768;
    }
    mono[n] = sum / channels;
  }
  return { sampleRate, pcm: toPcm(mono) };
}
