/** Facebook's M2M100 on CTranslate2: translation between a hundred languages, in the Python runtime. */
import type { Engine } from '../../contracts/engine.ts';
import { pythonCommand } from '../files.ts';

export const m2m100: Engine = {
  id: 'm2m100',
  name: 'M2M100',
  stages: ['nmt'],
  devices: ['cpu', 'gpu'],
  licence: 'MIT',
  runtimes: ['python'],
  maxBatch: { nmt: 4 },
  command: context => pythonCommand('m2m100', context),
};
