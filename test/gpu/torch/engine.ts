/**
 * An engine of PyTorch's own allocator and kernels, for proofs on a real GPU. Parameters of a card: `weightsMiB`;
 * `scratchMiB`, the mean of a run's extra memory, `spread`, how far a run may be from it, and `pieces`, how many it is
 * taken in; `products` of matrices of `side` for each utterance; `cache`: whether the allocator keeps memory; `seed`;
 * `crash`, the share of runs that end inside a kernel; `once`: what happens to one run and never again, `crash` or
 * `hang`.
 */
import { join } from 'node:path';
import type { Engine } from '../../../daemon/contracts/engine.ts';
import { pythonKitFile } from '../../../daemon/engines/files.ts';
import { STAGES } from '../../../schemas/words.ts';

/** `env`: what this Python needs beside what every worker gets. */
export const torchEngine = (python: string, env: Record<string, string> = {}): Engine => ({
  id: 'torch',
  name: 'PyTorch',
  stages: STAGES,
  devices: ['gpu'],
  licence: 'BSD-3-Clause',
  runtimes: [],
  permissions: 'users',
  maxBatch: { asr: 4, repair: 4, nmt: 4, tts: 4 },
  command: ({ card }) => ({
    program: python,
    args: ['-X', 'utf8', pythonKitFile(), join(import.meta.dirname, 'worker.py'), 'torch'],
    env: { ...env, ...(card.parameters?.cache === false ? { PYTORCH_NO_CUDA_MEMORY_CACHING: '1' } : {}) },
  }),
});
