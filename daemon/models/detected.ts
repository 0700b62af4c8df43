/** What looking at files found: a model that some engine of ours can run. */
import type { ModelCard } from '../../schemas/model.ts';

export interface Detected {
  card: Omit<ModelCard, 'id' | 'files'>;
  /** Where each file of the card lies now. */
  files: { name: string; path: string }[];
}
