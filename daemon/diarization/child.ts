/**
 * Hears who speaks, in a process of its own: sherpa-onnx finds where voices are (pyannote's segmentation) and makes a
 * voice of each piece (CAM++). Native code stays out of the daemon. Sound is read window by window, so that hours of it
 * take little more memory than minutes.
 */
import { once } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openFile } from '../../client/files.ts';
import { BYTES_PER_MS } from '../../schemas/pcm.ts';
import { limitReader } from '../workers/sandbox/linux.ts';
import { piecesOf, soloOf, turnsOf, windowsOf, type NumberedTurn, type Piece, type Span } from './pieces.ts';
import { median, pitchOf } from './pitch.ts';
import { speakersOf, writeVoice, type Gathering, type Voice } from './voices.ts';

export interface ChildRequest {
  /** It was started with few rights. */ sandboxed: boolean;
  pcmPath: string;
  /** Where something was said, in order. */ spoken: Span[];
  sherpaDirectory: string;
  segmentation: string;
  embedding: string;
  gathering: Gathering;
}
export type FromChild =
  | {
      turns: NumberedTurn[];
      /** Each speaker's, by number. */ voices: string[];
      /** Hz, by number; null where it is not known. */ pitches: (number | null)[];
    }
  | { /** What went wrong. */ detail: string };

interface Extractor {
  createStream(): { acceptWaveform(wave: { samples: Float32Array; sampleRate: number }): void; inputFinished(): void };
  compute(stream: ReturnType<Extractor['createStream']>, external: boolean): Float32Array;
}
interface Sherpa {
  SpeakerEmbeddingExtractor: new (config: object) => Extractor;
  OfflineSpeakerDiarization: new (config: object) => {
    process(samples: Float32Array): { start: number; end: number; speaker: number }[];
  };
}

const RATE = 16_000,
  SAMPLES_PER_MS = RATE / 1000;
/** Less shows nothing of a voice. */
const LEAST_SAMPLES = 0.3 * RATE;

async function samplesOf(file: FileHandle, { startMs, endMs }: Span): Promise<Float32Array> {
  const bytes = Buffer.alloc((endMs - startMs) * BYTES_PER_MS),
    { bytesRead } = await file.read(bytes, 0, bytes.length, startMs * BYTES_PER_MS);
  return Float32Array.from(new Int16Array(bytes.buffer, bytes.byteOffset, bytesRead >> 1), value => value / 32_768);
}

async function diarize(request: ChildRequest): Promise<FromChild> {
  const { pcmPath, spoken, segmentation, embedding, gathering } = request,
    sherpa = createRequire(join(request.sherpaDirectory, 'package.json'))('sherpa-onnx-node') as Sherpa;
  // From here on it makes no file.
  if (request.sandboxed) limitReader();
  const extractor = new sherpa.SpeakerEmbeddingExtractor({ model: embedding, numThreads: 1, debug: false });
  // Sound of one window has the voices of that window as its speakers: nothing is gathered there yet.
  const segmenter = new sherpa.OfflineSpeakerDiarization({
    segmentation: { pyannote: { model: segmentation }, numThreads: 1, debug: false },
    embedding: { model: embedding, numThreads: 1, debug: false },
    clustering: { numClusters: -1, threshold: 0.5 },
    minDurationOn: 0,
    minDurationOff: 0,
  });
  const voiceOf = (samples: Float32Array): Voice | null => {
    if (samples.length < LEAST_SAMPLES) return null;
    const stream = extractor.createStream();
    stream.acceptWaveform({ samples, sampleRate: RATE });
    stream.inputFinished();
    const values = Float32Array.from(extractor.compute(stream, false)),
      length = Math.hypot(...values);
    return length > 0 && Number.isFinite(length) ? values.map(value => value / length) : null;
  };
  const file = await openFile(pcmPath);
  try {
    const pieces: Span[] = [],
      heard: { ms: number; voice: Voice | null; pitchHz: number | null }[] = [],
      durationMs = Math.floor((await file.stat()).size / BYTES_PER_MS);
    for (const window of windowsOf(durationMs, spoken)) {
      const samples = await samplesOf(file, window),
        at = (seconds: number): number => window.startMs + Math.round(seconds * 1000),
        runs = segmenter
          .process(samples)
          .map(({ start, end, speaker }): Piece => ({ startMs: at(start), endMs: at(end), local: speaker })),
        own = piecesOf(window, runs);
      for (const piece of own) {
        const parts = soloOf(piece, own).map(({ startMs, endMs }) =>
            samples.subarray((startMs - window.startMs) * SAMPLES_PER_MS, (endMs - window.startMs) * SAMPLES_PER_MS),
          ),
          sound = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
        let filled = 0;
        for (const part of parts) {
          sound.set(part, filled);
          filled += part.length;
        }
        pieces.push({ startMs: piece.startMs, endMs: piece.endMs });
        heard.push({ ms: piece.endMs - piece.startMs, voice: voiceOf(sound), pitchHz: pitchOf(sound) });
      }
    }
    const { speakers, voices } = speakersOf(heard, gathering);
    const pitches = voices.map((_, speaker) => {
      const own = heard.flatMap(({ pitchHz }, n) => (speakers[n] === speaker && pitchHz !== null ? [pitchHz] : []));
      return own.length ? Math.round(median(own)) : null;
    });
    return { turns: turnsOf(pieces, speakers), voices: voices.map(writeVoice), pitches };
  } finally {
    await file.close();
  }
}

/**
 * One request comes on standard input, one answer goes to standard output. Input that ends means that nobody waits any
 * more.
 */
const [line] = (await once(createInterface({ input: process.stdin.once('end', () => process.exit(0)) }), 'line')) as [
  string,
];
const answer = await diarize(JSON.parse(line) as ChildRequest).catch((error: unknown): FromChild => ({
  detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
}));
process.stdout.write(JSON.stringify(answer), () => process.exit(0));
