/**
 * An engine whose worker allocates on a virtual GPU as a real one does on a real one: weights at load, a peak in each
 * run, memory kept for a while after it (allocators cache), and out of memory when the device has no such block.
 *
 * Parameters of a card: `loadMs`, `ms` for each utterance, alone on the device; `weightsMiB`; `scratchMiB`, the mean of
 * a run's extra memory, and `spread`, how far a run may be from it (0.2: up to a fifth); `keptMs` until that memory is
 * given back; `seed`; `crash` and `hang`, the share of runs that end so.
 */
import { join } from 'node:path';
import type { Engine } from '../../../daemon/contracts/engine.ts';
import { STAGES } from '../../../schemas/words.ts';

export const virtual: Engine = {
  id: 'virtual',
  name: 'Virtual',
  stages: STAGES,
  devices: ['gpu'],
  licence: 'MIT',
  runtimes: [],
  permissions: 'users',
  maxBatch: { asr: 4, repair: 4, nmt: 4, tts: 4 },
  command: () => ({ program: process.execPath, args: [join(import.meta.dirname, 'worker.ts')], env: {} }),
};
