/**
 * An engine that does nothing, exactly: set times, set memory, set failures, text that follows from the utterance's
 * number. For tests and benchmarks.
 *
 * Parameters of a card (all optional): `loadMs`, `ms` or `<stage>Ms` for each utterance, `msPerSecond` of recording on
 * top (asr), `bytes` held while loaded, `runBytes` on top of them during a run, `language` that asr finds, `script`
 * (see script.ts) with `countFile`, so that a restarted worker goes on counting runs. For partial steps, which count as
 * no run: `partialMs`, `partialMishap`, which happens each time, and `streams`, the words of a model that streams, one
 * for each half second; it writes into `forgetFile` what it is to forget.
 */
import { KINDS_OF_WORK } from '../../../schemas/words.ts';
import type { Engine } from '../../contracts/engine.ts';
import { nodeCommand } from '../files.ts';

export const fake: Engine = {
  id: 'fake',
  name: 'Fake',
  stages: KINDS_OF_WORK,
  devices: ['cpu', 'gpu'],
  licence: 'MIT',
  runtimes: [],
  permissions: 'users',
  hidden: true,
  partials: true,
  streams: card => typeof card.parameters?.streams === 'string',
  maxBatch: { asr: 4, repair: 4, nmt: 4, tts: 4, summary: 1 },
  command: () => nodeCommand('fake'),
};
