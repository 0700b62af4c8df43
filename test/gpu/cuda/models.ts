/** Models of the PyTorch engine. */
import type { ModelCard } from '../../../schemas/model.ts';
import type { Stage } from '../../../schemas/words.ts';
import { fakeModel, MiB } from '../../daemon/harness.ts';

export interface Need {
  id: string;
  stage: Stage;
  weightsMiB: number;
  scratchMiB: number;
  spread?: number;
  /** What its card says that it needs. */
  cardMiB: number;
  size?: number;
  /** Matrix products an utterance, and their side. */
  products?: number;
  side?: number;
  cache?: boolean;
  seed?: number;
  crash?: number;
  once?: 'crash' | 'hang';
}

export const torchModel = ({ id, stage, cardMiB, size = 1, ...parameters }: Need): ModelCard => ({
  ...fakeModel(id, stage),
  family: id.split('-')[0]!,
  engine: 'torch',
  memory: { gpu: cardMiB * MiB },
  size,
  parameters: { ...parameters } as Record<string, string | number | boolean>,
});
