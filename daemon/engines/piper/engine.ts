/**
 * Piper voices through sherpa-onnx, in a process of its own: its espeak-ng is GPL-3.0 and is never linked into the
 * daemon.
 */
import { join } from 'node:path';
import type { Engine } from '../../contracts/engine.ts';
import { nodeCommand } from '../files.ts';

export const piper: Engine = {
  id: 'piper',
  name: 'Piper',
  stages: ['tts'],
  devices: ['cpu'],
  licence: 'MIT, espeak-ng GPL-3.0-or-later',
  runtimes: ['sherpa'],
  maxBatch: { tts: 4 },
  // Voices and dictionaries in the form that the library reads.
  writes: context => [join(context.runtime('sherpa'), 'prepared')],
  command(context) {
    const { program, args, env } = nodeCommand('piper');
    return { program, args, env: { ...env, EARSHOT_SHERPA: context.runtime('sherpa') } };
  },
};
