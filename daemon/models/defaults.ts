/** Which models a machine works with when nobody said which, and what stands in for one that cannot be had. */
import { failure, type Failure } from '../../schemas/errors.ts';
import type { ModelCard } from '../../schemas/model.ts';
import type { Settings } from '../../schemas/settings.ts';
import { KINDS_OF_WORK, type Stage } from '../../schemas/words.ts';
import type { Hub } from './hub.ts';
import type { Inventory } from './inventory.ts';
import type { Registry } from './registry.ts';

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

const NOBODY: Pick<ModelCard, 'languages'> = { languages: ['zxx'] };

export interface DefaultModelsDeps {
  registry: Registry;
  inventory: Inventory;
  settings: () => Settings;
  hub: Hub;
  /** An engine that needs Python, by its id. */
  needsPython: (engine: string) => boolean;
  /** This machine has no Python for engines. */
  withoutPython: () => Promise<boolean>;
}

/** The defaults of this machine, and those last given. */
export class DefaultModels {
  readonly #deps: DefaultModelsDeps;
  #last: Defaults['models'] = {};
  /** Recognizers that run here, the best first. */
  #recognizers: readonly string[] = [];

  constructor(deps: DefaultModelsDeps) {
    this.#deps = deps;
  }

  /** `best`: the best that can be fetched; else what is installed comes first. May ask the hub whether it is there. */
  async choose({ gpu, best = false }: { gpu: boolean; best?: boolean }): Promise<Defaults> {
    const { registry, inventory, settings, hub } = this.#deps,
      { defaultModels, offline, hubUrl } = settings(),
      all = await this.#running(registry.defaults[gpu ? 'gpu' : 'cpu']);
    this.#recognizers = all.asr ?? [];
    // Nothing is fetched for summaries, which few want: what is there for the rest serves.
    const { summary: _, ...recording } = all,
      preferred = best ? recording : all;
    const installed = (id: string) => inventory.ready(id);
    const firstInstalled = (id: string) => installed(id) && Object.values(preferred).some(ids => ids[0] === id);
    // Asked only when the answer could change something.
    const asks =
      !offline &&
      Object.entries(preferred).some(
        ([stage, ids]) => !defaultModels[stage as Stage] && !(best ? installed(ids[0]!) : ids.some(installed)),
      );
    const chosen = chooseDefaults({
      preferred,
      chosen: defaultModels,
      card: id => inventory.find(id),
      ready: best ? firstInstalled : installed,
      hubReachable: asks ? await hub.reachable(hubUrl) : hub.maybeReachable(hubUrl),
      offline,
    });
    this.#last = chosen.models;
    return chosen;
  }

  /** What runs on this machine: without Python only what needs none, as long as that is not nothing. */
  async #running(preferred: Partial<Record<Stage, string[]>>): Promise<Partial<Record<Stage, string[]>>> {
    const { inventory, needsPython, withoutPython } = this.#deps;
    if (!(await withoutPython())) return preferred;
    return Object.fromEntries(
      Object.entries(preferred).map(([stage, ids]) => {
        const able = ids.filter(id => !needsPython(inventory.find(id)?.engine ?? ''));
        return [stage, able.length > 0 ? able : ids];
      }),
    );
  }

  /** A recognizer for a language that the default one does not do: an installed one first. Null: there is none. */
  recognizer(language: string): string | null {
    const { inventory, settings, hub } = this.#deps,
      { offline, hubUrl } = settings(),
      able = this.#recognizers.filter(id => servesLanguage(inventory.find(id) ?? NOBODY, language));
    return (
      able.find(id => inventory.ready(id)) ??
      able.find(id => canFetch(inventory.find(id)!, hub.maybeReachable(hubUrl), offline)) ??
      null
    );
  }

  /** Stages whose job would get this model, as far as can be said without asking the network. */
  stagesOf(id: string): Stage[] {
    return (Object.entries({ ...this.#last, ...this.#deps.settings().defaultModels }) as [Stage, string | undefined][])
      .filter(([, model]) => model === id)
      .map(([stage]) => stage);
  }
}

/** From so many cores on, larger voices speak faster than they are heard, beside everything else. */
const CORES_FOR_LARGE_VOICES = 8;

/**
 * A voice for a language: an installed one first, then one of its very region; null when there is none. Of installed
 * ones the larger, where the machine's cores are enough for it, else the smaller.
 */
export function chooseVoice(inventory: Inventory, language: string, cores: number): string | null {
  const voices = inventory
    .cards()
    .filter(card => card.stages.includes('tts') && card.languages.length > 0 && servesLanguage(card, language));
  const exact = (card: ModelCard) => card.languages.includes(language),
    sign = cores >= CORES_FOR_LARGE_VOICES ? -1 : 1,
    installed = voices.filter(card => inventory.ready(card.id)).sort((a, b) => sign * (a.size - b.size));
  const voice = installed.find(exact) ?? installed[0] ?? voices.find(exact) ?? voices[0];
  return voice?.id ?? null;
}
