/** Which models a machine works with when nobody said which, and what stands in for one that cannot be had. */
import { failure, type Failure } from '../../schemas/errors.ts';
import type { ModelCard } from '../../schemas/model.ts';
import { KINDS_OF_WORK, type Stage } from '../../schemas/words.ts';

export interface Substitution {
  stage: Stage;
  wanted: string;
  instead: string;
  failure: Failure;
}
export interface Defaults {
  models: Partial<Record<Stage, string>>;
  substitutions: Substitution[];
}

export interface DefaultsView {
  /** Model ids by stage, the best first. */
  preferred: Partial<Record<Stage, readonly string[]>>;
  /** What the user's settings name. */
  chosen: Partial<Record<Stage, string | undefined>>;
  card: (id: string) => ModelCard | null;
  ready: (id: string) => boolean;
  hubReachable: boolean;
  offline: boolean;
}

/**
 * The user's choice before all; else the first model that is there; else the first that can be fetched. So a job never
 * waits for a large download while something that works is installed; the set-up asks with `ready: () => false` to get
 * the best that can be had.
 */
export function chooseDefaults({ preferred, chosen, card, ready, hubReachable, offline }: DefaultsView): Defaults {
  const models: Defaults['models'] = {},
    substitutions: Substitution[] = [];
  for (const stage of KINDS_OF_WORK) {
    const named = chosen[stage];
    if (named) {
      models[stage] = named;
      continue;
    }
    const list = (preferred[stage] ?? []).filter(id => card(id)?.stages.includes(stage));
    const wanted = list[0];
    if (!wanted) continue;
    const instead = list.find(ready) ?? list.find(id => canFetch(card(id)!, hubReachable, offline)) ?? wanted;
    models[stage] = instead;
    if (instead !== wanted && !ready(instead))
      substitutions.push({
        stage,
        wanted,
        instead,
        failure: failure(offline ? 'offline' : 'modelUnavailable', { model: wanted }),
      });
  }
  return { models, substitutions };
}

/** Whether every file has a source that may answer. */
export function canFetch(card: ModelCard, hubReachable: boolean, offline: boolean): boolean {
  if (offline) return card.files.length === 0;
  return card.files.every(file =>
    file.sources.some(source => (source.kind === 'hub' ? hubReachable : file.sha256 !== null)),
  );
}

/**
 * Whether a model speaks or reads a language: "pt" serves "pt-BR" and the other way round; an empty list serves all.
 */
export function servesLanguage(card: Pick<ModelCard, 'languages'>, language: string): boolean {
  if (card.languages.length === 0) return true;
  const base = language.split('-')[0]!;
  return card.languages.some(one => one === language || one.split('-')[0] === base);
}
