/** The models that Earshot knows: registry.json, checked once when it is read. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Type } from 'typebox';
import Value from 'typebox/value';
import { ModelCard } from '../../schemas/model.ts';
import type { Stage } from '../../schemas/words.ts';
import { Closed, ByStage } from '../../schemas/words.ts';

const Preference = ByStage(Type.Array(Type.String(), { minItems: 1 }));
export const Registry = Closed({
  /** Defaults by stage, the best first: the next one stands in for one that cannot be had. */
  defaults: Closed({ gpu: Preference, cpu: Preference }),
  models: Type.Array(ModelCard),
});

export interface Registry {
  models: readonly ModelCard[];
  defaults: Record<'gpu' | 'cpu', Partial<Record<Stage, string[]>>>;
}

/** Throws when the file is not what it should be: a mistake of ours, not of the user. */
export function readRegistry(path = join(import.meta.dirname, 'registry.json')): Registry {
  const registry: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (!Value.Check(Registry, registry)) {
    const [first] = Value.Errors(Registry, registry);
    throw new Error(`${path}: ${JSON.stringify(first)}`);
  }
  return registry;
}
