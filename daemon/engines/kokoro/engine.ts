/**
 * Kokoro's voices through sherpa-onnx, in a process of its own: its espeak-ng is GPL-3.0 and is never linked into the
 * daemon.
 */
import { join } from 'node:path';
import type { Engine } from '../../contracts/engine.ts';
import { voicesOf } from '../../../text/voices.ts';
import { nodeCommand } from '../files.ts';
import { voicesIn } from './voices.ts';

export const kokoro: Engine = {
  id: 'kokoro',
  name: 'Kokoro',
  stages: ['tts'],
  devices: ['cpu'],
  licence: 'Apache-2.0, espeak-ng GPL-3.0-or-later',
  runtimes: ['sherpa'],
  maxBatch: { tts: 1 },
  voicesIn: (card, language) => voicesIn(language, voicesOf(card)),
  // The model and dictionaries in the form that the library reads.
  writes: context => [join(context.runtime('sherpa'), 'prepared')],
  command(context) {
    const { program, args, env } = nodeCommand('kokoro');
    return { program, args, env: { ...env, EARSHOT_SHERPA: context.runtime('sherpa') } };
  },
};
