/** Short texts are read at once, long ones in a thread of their own: everybody else waits for this one. */
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { EarshotError, thrown, type Failure } from '../../schemas/errors.ts';
import type { RecordingFacts } from './recording.ts';
import { readPieces, type TextHints } from './text.ts';

/** Some 25 ms. */
const SHORT_BYTES = 64 * 1024;

const workerFile = (): string =>
  join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'text-worker.ts' : 'text-worker.mjs');

type Read = Awaited<ReturnType<typeof readPieces>>;

/** @throws what readPieces throws */
export async function readTextPieces(path: string, hints: TextHints, expected: RecordingFacts): Promise<Read> {
  if (expected.bytes <= SHORT_BYTES) return readPieces(path, hints, expected);
  const worker = new Worker(workerFile(), { workerData: { path, hints, expected } });
  const [answer] = (await Promise.race([
    once(worker, 'message'),
    once(worker, 'exit').then(([code]) => {
      throw new EarshotError('internal', {}, `the thread that read ${path} ended with ${String(code)}`);
    }),
  ])) as [{ read: Read } | { failure: Failure }];
  if ('failure' in answer) throw thrown(answer.failure);
  return answer.read;
}
