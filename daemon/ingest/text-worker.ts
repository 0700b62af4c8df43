/** The thread that a long text is read in. */
import { parentPort, workerData } from 'node:worker_threads';
import { toFailure } from '../../schemas/errors.ts';
import type { RecordingFacts } from './recording.ts';
import { readPieces, type TextHints } from './text.ts';

const { path, hints, expected } = workerData as { path: string; hints: TextHints; expected: RecordingFacts };
parentPort!.postMessage(
  await readPieces(path, hints, expected).then(
    read => ({ read }),
    (error: unknown) => ({ failure: toFailure(error) }),
  ),
);
