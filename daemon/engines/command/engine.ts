/**
 * Any stage by a program on this machine: an argument list, never a shell.
 *
 * Parameters: `argv` (a JSON array), `terminal` (the program wants a terminal). {text}, {input}, {output}, {from}, {to}
 * and {prompt} are replaced within single arguments. asr: reads {input} (a WAV file) or the WAV on stdin, prints the
 * text. repair, nmt and summary: read {text}, or the text on stdin, print the answer. tts: reads the text likewise and
 * writes a WAV to {output}, or to stdout.
 */
import { KINDS_OF_WORK } from '../../../schemas/words.ts';
import type { Engine } from '../../contracts/engine.ts';
import { nodeCommand } from '../files.ts';

export const command: Engine = {
  id: 'command',
  name: 'Program',
  stages: KINDS_OF_WORK,
  devices: ['cpu'],
  licence: 'MIT',
  runtimes: [],
  permissions: 'users',
  maxBatch: {},
  command: () => nodeCommand('command'),
};
