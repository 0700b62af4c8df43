/**
 * Labels speakers by their voices, through sherpa-onnx. No stage of the pipeline: daemon/diarization starts its
 * process once a job.
 */
import { EarshotError } from '../../../schemas/errors.ts';
import type { Engine } from '../../contracts/engine.ts';

export const voices: Engine = {
  id: 'voices',
  name: 'sherpa-onnx voices',
  stages: [],
  devices: ['cpu'],
  licence: 'Apache-2.0',
  runtimes: ['sherpa'],
  maxBatch: {},
  command({ card }) {
    throw new EarshotError('wrongStage', { model: card.id, stage: 'asr' });
  },
};
