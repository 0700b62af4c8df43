/** The voices that one model has, by its card. */
import type { ModelCard } from '../schemas/model.ts';

/** Names, as a job's `voice` takes them; none: it has one, without a name. */
export const voicesOf = ({ parameters }: Pick<ModelCard, 'parameters'>): string[] =>
  String(parameters?.voices ?? '')
    .split(',')
    .filter(Boolean);
