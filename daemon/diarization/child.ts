/**
 * Hears who speaks, in a process of its own: sherpa-onnx turns each utterance into a voice. Native code stays out of
 * the daemon.
 */
import { mkdirSync, readFileSync, existsSync } from 'node:fs';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { moveOwnNow, openFile, writeAnewNow } from '../../client/files.ts';
import { BYTES_PER_MS } from '../../schemas/pcm.ts';
import { limitReader } from '../workers/sandbox/linux.ts';
import { encoderOnnx } from './encoder.ts';
import { meanVoice, writeVoice, type Voice } from './voices.ts';

export interface ChildRequest {
  /** It was started with few rights. */ sandboxed: boolean;
  pcmPath: string;
  utterances: { startMs: number; endMs: number }[];
  sherpaDirectory: string;
  /** The encoder's weights, and where what is made of them lies. */ weights: string;
  onnx: string;
}
export type FromChild =
  | { type: 'voices'; /** By utterance; null: too short to judge. */ voices: (string | null)[] }
  | { type: 'failed'; detail: string };

interface Stream {
  acceptWaveform(wave: { samples: Float32Array; sampleRate: number }): void;
  inputFinished(): void;
}
interface Extractor {
  createStream(): Stream;
  isReady(stream: Stream): boolean;
  compute(stream: Stream, external: boolean): Float32Array;
}
interface Sherpa {
  SpeakerEmbeddingExtractor: new (config: object) => Extractor;
}

const RATE = 16_000;
/** What the encoder was made for: 1.6 s at a time. */
const WINDOW = 1.6 * RATE,
  LEAST = 0.4 * RATE,
  MOST_WINDOWS = 12;
/** Quiet speech is made as loud as the encoder's own examples (-30 dB of full scale), loud speech is left. */
const LOUDNESS = 10 ** (-30 / 20);

function prepared({ weights, onnx }: ChildRequest): string {
  if (existsSync(onnx)) return onnx;
  mkdirSync(dirname(onnx), { recursive: true });
  const part = `${onnx}.${process.pid}.part`;
  writeAnewNow(part, encoderOnnx(readFileSync(weights)), 0o600);
  moveOwnNow(part, onnx);
  return onnx;
}

/** Windows of an utterance, evenly over it. */
function windowsOf(samples: number): [number, number][] {
  if (samples < LEAST) return [];
  if (samples <= WINDOW) return [[0, samples]];
  const count = Math.min(MOST_WINDOWS, Math.ceil(samples / WINDOW)),
    step = (samples - WINDOW) / Math.max(1, count - 1);
  return Array.from({ length: count }, (_, n): [number, number] => {
    const from = Math.round(n * step);
    return [from, from + WINDOW];
  });
}

async function embed(request: ChildRequest): Promise<(string | null)[]> {
  const sherpa = createRequire(join(request.sherpaDirectory, 'package.json'))('sherpa-onnx-node') as Sherpa;
  const model = prepared(request);
  // From here on it makes no file.
  if (request.sandboxed) limitReader();
  const extractor = new sherpa.SpeakerEmbeddingExtractor({ model, numThreads: 1, debug: false });
  const file = await openFile(request.pcmPath);
  try {
    const voices: (string | null)[] = [];
    for (const { startMs, endMs } of request.utterances) {
      const bytes = Buffer.alloc((endMs - startMs) * BYTES_PER_MS),
        { bytesRead } = await file.read(bytes, 0, bytes.length, startMs * BYTES_PER_MS);
      const pcm = new Int16Array(bytes.buffer, bytes.byteOffset, bytesRead >> 1),
        samples = Float32Array.from(pcm, value => value / 32_768);
      let energy = 0;
      for (const value of samples) energy += value * value;
      const gain = Math.max(1, LOUDNESS / (Math.sqrt(energy / Math.max(1, samples.length)) || 1));
      const heard: Voice[] = windowsOf(samples.length).map(([from, to]) => {
        const stream = extractor.createStream();
        stream.acceptWaveform({ samples: samples.slice(from, to).map(value => value * gain), sampleRate: RATE });
        stream.inputFinished();
        return Float32Array.from(extractor.compute(stream, false));
      });
      voices.push(
        heard.length && energy > 0
          ? writeVoice(
              meanVoice(
                heard,
                heard.map(() => 1),
              ),
            )
          : null,
      );
    }
    return voices;
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
const answer = await embed(JSON.parse(line) as ChildRequest).then(
  (voices): FromChild => ({ type: 'voices', voices }),
  (error: unknown): FromChild => ({
    type: 'failed',
    detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
  }),
);
process.stdout.write(JSON.stringify(answer), () => process.exit(0));
