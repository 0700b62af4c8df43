/**
 * Recognition by sherpa-onnx, without Python: Parakeet, Whisper, SenseVoice, Moonshine, Canary, Qwen3-ASR, by what a
 * model's files are. What such a model cannot do, an installed Whisper does in the same process.
 */
import type { Engine } from '../../contracts/engine.ts';
import { nodeCommand } from '../files.ts';

export const sherpa: Engine = {
  id: 'sherpa',
  name: 'sherpa-onnx',
  stages: ['asr'],
  devices: ['cpu'],
  licence: 'Apache-2.0',
  runtimes: ['sherpa'],
  maxBatch: { asr: 1 },
  companion: (card, installed) =>
    card.parameters?.kind === 'whisper'
      ? undefined
      : installed
          .filter(other => other.engine === 'sherpa' && other.parameters?.kind === 'whisper' && !other.languages.length)
          .sort((a, b) => b.size - a.size)[0],
  streams: card => card.parameters?.kind === 'streaming-transducer',
  command(context) {
    const { program, args, env } = nodeCommand('sherpa');
    return { program, args, env: { ...env, EARSHOT_SHERPA: context.runtime('sherpa') } };
  },
};
