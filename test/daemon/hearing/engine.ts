/**
 * A recognizer that says what else an utterance may have been, and a repair that takes that into account: with an exact
 * text. Parameters of a card: `after`, what it does between the result and the alternatives: nothing, `die`, or `wait`
 * until there is a file `until`.
 */
import { join } from 'node:path';
import type { Engine } from '../../../daemon/contracts/engine.ts';

export const hearing: Engine = {
  id: 'hearing',
  name: 'Hearing',
  stages: ['asr', 'repair'],
  devices: ['cpu'],
  licence: 'MIT',
  runtimes: [],
  permissions: 'users',
  scoresAlternatives: true,
  weighsAlternatives: true,
  maxBatch: { asr: 1, repair: 1 },
  command: () => ({ program: process.execPath, args: [join(import.meta.dirname, 'worker.ts')], env: {} }),
};
