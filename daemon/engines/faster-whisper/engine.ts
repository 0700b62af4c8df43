/** Whisper on CTranslate2: speech recognition with word times, in the Python runtime. */
import type { Engine } from '../../contracts/engine.ts';
import { proposer, pythonCommand } from '../files.ts';

export const fasterWhisper: Engine = {
  id: 'faster-whisper',
  name: 'faster-whisper',
  stages: ['asr'],
  devices: ['cpu', 'gpu'],
  licence: 'MIT',
  runtimes: ['python'],
  // Words that no dictionary knows are what repair looks into.
  optionalRuntimes: ['dictionaries'],
  scoresAlternatives: true,
  maxBatch: { asr: 4 },
  // On a CPU a batch of four brings its first words four times as late, and not quite the same ones.
  batchDevices: ['gpu'],
  // Longer ones gain nothing more (`npm run bench -- together`), and 5 s of silence still fit behind them.
  windowMs: 20_000,
  partials: true,
  command: context => {
    const command = pythonCommand('faster-whisper', context);
    return { ...command, env: { ...command.env, EARSHOT_PROPOSER: JSON.stringify(proposer(context)) } };
  },
};
