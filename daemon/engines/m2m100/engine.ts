/** Translation by M2M100, NLLB and OPUS-MT models on CTranslate2, in the Python runtime. */
import type { Engine } from '../../contracts/engine.ts';
import { pythonCommand } from '../files.ts';

export const m2m100: Engine = {
  id: 'm2m100',
  name: 'CTranslate2 (M2M100, NLLB, OPUS-MT)',
  stages: ['nmt'],
  devices: ['cpu', 'gpu'],
  licence: 'MIT',
  runtimes: ['python'],
  maxBatch: { nmt: 4 },
  command: context => pythonCommand('m2m100', context),
};
