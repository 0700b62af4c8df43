/** Sound that goes to and comes from programs and servers that are not ours. */
import { open } from 'node:fs/promises';
import { EarshotError } from '../../schemas/errors.ts';
import type { TtsOutput } from '../../schemas/job.ts';
import type { PcmRange } from '../contracts/worker-protocol.ts';
import { toPcm, wavHeader, writeWav } from '../audio/wav.ts';

const RATE = 16_000;

/** An utterance's samples as a whole WAV file of 16 kHz. */
export async function utteranceWav({ path, startSample, endSample }: PcmRange): Promise<Buffer<ArrayBuffer>> {
  const bytes = Buffer.alloc((endSample - startSample) * 2);
  try {
    const file = await open(path, 'r');
    try {
      await file.read(bytes, 0, bytes.length, startSample * 2);
    } finally {
      await file.close();
    }
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
  const { sampleRate, pcm } = monoOf(wav);
  await writeWav(path, sampleRate, [pcm]);
  return { path, sampleRate, durationMs: Math.round((pcm.length / 2 / sampleRate) * 1000) };
}

function monoOf(wav: Buffer): { sampleRate: number; pcm: Buffer } {
  const bad = (why: string): never => {
    throw new EarshotError('badAnswer', {}, `not usable sound: ${why}`);
  };
  if (wav.length < 44 || wav.toString('latin1', 0, 4) !== 'RIFF' || wav.toString('latin1', 8, 12) !== 'WAVE')
    return bad(`no WAV (${wav.subarray(0, 8).toString('hex')})`);
  let format = 0,
    channels = 0,
    sampleRate = 0,
    bits = 0;
  for (let at = 12; at + 8 <= wav.length;) {
    const id = wav.toString('latin1', at, at + 4),
      length = wav.readUInt32LE(at + 4),
      body = at + 8;
    if (id === 'fmt ' && body + 16 <= wav.length) {
      format = wav.readUInt16LE(body);
      channels = wav.readUInt16LE(body + 2);
      sampleRate = wav.readUInt32LE(body + 4);
      bits = wav.readUInt16LE(body + 14);
      // "Extensible": the format proper stands further on.
      if (format === 0xfffe && body + 26 <= wav.length) format = wav.readUInt16LE(body + 24);
    } else if (id === 'data') {
      const float = format === 3 && bits === 32;
      if (!sampleRate || !channels || !(float || (format === 1 && bits === 16)))
        return bad(`format ${format}, ${bits} bits, ${channels} channels`);
      // A server that streams leaves the length open.
      const data = wav.subarray(body, Math.min(wav.length, body + length)),
        frame = channels * (bits / 8),
        frames = Math.floor(data.length / frame);
      if (frames === 0) return bad('no samples');
      if (!float && channels === 1) return { sampleRate, pcm: data.subarray(0, frames * 2) };
      const mono = new Float32Array(frames);
      for (let n = 0; n < frames; n++) {
        let sum = 0;
        for (let c = 0; c < channels; c++)
          sum += float ? data.readFloatLE(n * frame + c * 4) : data.readInt16LE(n * frame + c * 2) / 32768;
        mono[n] = sum / channels;
      }
      return { sampleRate, pcm: toPcm(mono) };
    }
    at = body + length + (length % 2);
  }
  return bad('no samples');
}
