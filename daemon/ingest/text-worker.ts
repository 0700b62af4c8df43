/** The thread that a long text is read in. */
import { parentPort, workerData } from 'node:worker_threads';
import { toFailure } from '../../schemas/errors.ts';
import type { RecordingFacts } from './recording.ts';
import { readPieces } from './text.ts';

const { path, language, expected } = workerData as { path: string; language: string; expected: RecordingFacts };
parentPort!.postMessage(
  await readPieces(path, language, expected).then(
    read => ({ read }),
    (error: unknown) => ({ failure: toFailure(error) }),
  ),
);
