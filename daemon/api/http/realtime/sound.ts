/** Bare sound as a WAV without an end, which a live session reads like any other stream. */

/** Mono; PCM is 16-bit little-endian, the others are G.711 of telephones. */
export interface SoundFormat {
  encoding: 'pcm' | 'pcmu' | 'pcma';
  /** Samples a second. */
  rate: number;
}

const TAGS = { pcm: 1, pcma: 6, pcmu: 7 } as const;
const bytesPerSample = ({ encoding }: SoundFormat): number => (encoding === 'pcm' ? 2 : 1);

export const lengthMs = (bytes: number, format: SoundFormat): number =>
  (bytes / bytesPerSample(format) / format.rate) * 1000;

/** Its length is not known: all ones, as programs write into pipes. */
export function streamHeader(format: SoundFormat): Buffer {
  const header = Buffer.alloc(44),
    each = bytesPerSample(format);
  header.write('RIFF', 0);
  header.writeUInt32LE(0xffff_ffff, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(TAGS[format.encoding], 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(format.rate, 24);
  header.writeUInt32LE(format.rate * each, 28);
  header.writeUInt16LE(each, 32);
  header.writeUInt16LE(each * 8, 34);
  header.write('data', 36);
  header.writeUInt32LE(0xffff_ffff, 40);
  return header;
}
