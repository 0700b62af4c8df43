/** Repair, translation and summaries by a language model in GGUF form, through llama.cpp. */
import { workerFile } from '../files.ts';
import type { Engine } from '../../contracts/engine.ts';

export const llama: Engine = {
  id: 'llama',
  name: 'llama.cpp',
  stages: ['repair', 'nmt', 'summary'],
  devices: ['cpu', 'gpu'],
  licence: 'MIT',
  runtimes: ['llama', 'dictionaries'],
  elastic: true,
  usesMetal: true,
  weighsAlternatives: true,
  contextual: ['nmt'],
  maxBatch: { repair: 1, nmt: 1, summary: 1 },
  command: ({ runtime, device }) => ({
    program: process.execPath,
    args: [workerFile('llama'), '--runtime', runtime('llama'), '--dictionaries', runtime('dictionaries')],
    env: device.kind === 'gpu' ? ({ CUDA_VISIBLE_DEVICES: device.uuid } as Record<string, string>) : {},
  }),
};
