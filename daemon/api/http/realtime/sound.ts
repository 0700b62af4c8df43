/** Bare sound as a WAV without an end, which a live session reads like any other stream. */
import { bytesPerSample, wavHeader, type WavEncoding } from '../../../audio/wav.ts';

/** Mono; PCM is 16-bit little-endian, the others are G.711 of telephones. */
export interface SoundFormat {
  encoding: WavEncoding;
  /** Samples a second. */
  rate: number;
}

export const lengthMs = (bytes: number, { encoding, rate }: SoundFormat): number =>
  (bytes / bytesPerSample(encoding) / rate) * 1000;

export const streamHeader = ({ encoding, rate }: SoundFormat): Buffer => wavHeader(rate, null, encoding);
