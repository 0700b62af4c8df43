/** Whisper on CTranslate2: speech recognition with word times, in the Python runtime. */
import type { Engine } from '../engine.ts';
import { pythonCommand } from '../files.ts';

export const fasterWhisper: Engine = {
  id: 'faster-whisper', name: 'faster-whisper', stages: ['asr'], devices: ['cpu', 'gpu'], licence: 'MIT', runtimes: ['python'],
  maxBatch: { asr: 4 },
  command: ({ runtime, threads }) => pythonCommand('faster-whisper', runtime('python'), pythonThreads(threads)),
};

/** NumPy's and OpenMP's pools take every core unless they are told not to. */
export const pythonThreads = (threads: number): Record<string, string> =>
  ({ OMP_NUM_THREADS: String(threads), OPENBLAS_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads) });
