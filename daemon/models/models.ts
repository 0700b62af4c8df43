/**
 * The models of this machine: what the registry knows, what is installed, what was imported; getting, checking and
 * removing them.
 */
import { availableParallelism } from 'node:os';
import { EarshotError, failure, type Failure } from '../../schemas/errors.ts';
import type { Model, ModelCard } from '../../schemas/model.ts';
import type { Settings } from '../../schemas/settings.ts';
import type { Stage } from '../../schemas/words.ts';
import type { Home } from '../auth/home.ts';
import type { Runtimes } from '../runtimes/runtimes.ts';
import { freeBytes as diskFreeBytes } from '../system/disk.ts';
import { canFetch, chooseVoice, DefaultModels, type Defaults } from './defaults.ts';
import { describeModel } from './describe.ts';
import { sandboxEnabled } from '../workers/sandbox/sandbox.ts';
import { removeFolder, verifyFolder, writeStamp } from './folder.ts';
import { findOnHub, settle, type FoundOnHub } from './added.ts';
import { createHub, type Hub } from './hub.ts';
import { GivenTokens, hubToken } from './hub-token.ts';
import { importModel } from './import.ts';
import type { InstallProgress } from './install.ts';
import { Installations } from './installations.ts';
import { Inventory } from './inventory.ts';
import { readRegistry, type Registry } from './registry.ts';

export type { InstallProgress } from './install.ts';
export type { Defaults, Substitution } from './defaults.ts';

export interface Models {
  list(): Model[];
  /** Throws `unknownModel`. */
  model(id: string): Model;
  /** Throws `unknownModel`. */
  card(id: string): ModelCard;
  /** Where a model's files are, or will be; '' for a model without files. */
  directory(id: string): string;
  /** All files are there, with the right sizes. */
  ready(id: string): boolean;
  /**
   * Resolves at once when it is there; `update`: and of the newest revision. Callers share one installation, which is
   * the only one of this model. `first`: what it needs beside itself, part of the installation where this caller begins
   * it. Throws `unknownModel`, `offline`, `diskFull`, `checksumMismatch`, `modelUnavailable`, `downloadFailed`,
   * `cancelled`, and what `first` throws.
   */
  install(
    id: string,
    report: (progress: InstallProgress) => void,
    signal: AbortSignal,
    how?: { update?: boolean; first?: (signal: AbortSignal) => Promise<void> },
  ): Promise<void>;
  /** Stops an installation for everyone who waits for it; what was fetched is kept. */
  cancelInstall(id: string): void;
  /** Removes files (and what a cut installation left). An imported model is forgotten. */
  remove(id: string): Promise<void>;
  /** Reads every byte; the failure is remembered until the model is installed again. */
  verify(id: string): Promise<Failure | null>;
  /**
   * Takes a model from this machine: a GGUF file, a CTranslate2 folder, a Piper voice. Copies it. Throws `noSuchFile`,
   * `modelBroken`, `badRequest` (the id), `wrongStage`, `diskFull`.
   */
  import(path: string, options?: { id?: string; stage?: Stage }): Promise<Model>;
  /**
   * What `hf:OWNER/REPO[@REVISION][:FILE]`, or the address of a repository, names. Throws `badRequest`, `offline`,
   * `modelGated`, `notOnHub`, `downloadFailed`, `cancelled`.
   */
  find(source: string, signal: AbortSignal): Promise<FoundOnHub>;
  /** The user's own for a hub, by its address, for as long as the daemon runs; null: none any more. */
  setHubToken(hub: string, token: string | null): void;
  /** From now on the model can be installed, with what it was found to be. */
  add(found: FoundOnHub): Model;
  /**
   * Models by stage. `best`: the best that can be fetched, for a set-up; else what is installed comes first. May ask
   * the hub whether it is there (5 s at most).
   */
  defaults(options: { gpu: boolean; best?: boolean }): Promise<Defaults>;
  /** Tells models that can be fetched now from those that cannot. May ask the hub whether it is there (5 s at most). */
  obtainable(): Promise<(card: ModelCard) => boolean>;
  /** A voice for a language: an installed one, else the registry's first; null when there is none. */
  voiceFor(language: string): string | null;
  /** Of the recognizers that run here, by the defaults last asked for: one for a language; null when there is none. */
  recognizerFor(language: string): string | null;
}

export interface ModelsOptions {
  home: Pick<Home, 'models'>;
  settings: () => Settings;
  runtimes: Pick<Runtimes, 'directory' | 'ready'>;
  /** Receives every change of a model, at most five times a second while it is fetched. */
  emit: (model: Model) => void;
  /** When it was last loaded, ms. */
  lastUsed?: (id: string) => number | null;
  /** An engine that needs Python, and whether this machine is without one; missing: none, and it has one. */
  needsPython?: (engine: string) => boolean;
  withoutPython?: () => Promise<boolean>;
  /** For tests: other models, another disk, a quicker hub. */
  registry?: Registry;
  freeBytes?: (folder: string) => Promise<number>;
  /** Those that clients gave, which the hub's requests ask. */
  tokens?: GivenTokens;
  hub?: Hub;
  env?: NodeJS.ProcessEnv;
  cores?: number;
}

export function createModels({
  home: { models },
  settings,
  runtimes,
  emit,
  lastUsed = () => null,
  needsPython = () => false,
  withoutPython = async () => false,
  registry = readRegistry(),
  freeBytes = diskFreeBytes,
  env = process.env,
  cores = availableParallelism(),
  tokens = new GivenTokens(),
  hub = createHub({ token: async base => tokens.get(base) ?? (await hubToken(base, env)) }),
}: ModelsOptions): Models {
  const inventory = new Inventory(models, registry, settings);
  const defaults = new DefaultModels({ registry, inventory, settings, hub, needsPython, withoutPython });
  const describe = (card: ModelCard) => describeModel(card, { inventory, installations, defaults, lastUsed });
  const publish = (id: string) => {
    const card = inventory.find(id);
    if (card) emit(describe(card));
  };
  const installations = new Installations({ models, settings, runtimes, freeBytes, hub, env, publish });

  return {
    list: () => inventory.cards().map(describe),
    model: id => describe(inventory.card(id)),
    card: id => inventory.card(id),
    directory: id => (inventory.card(id).files.length === 0 ? '' : inventory.folder(id)),
    ready: id => inventory.ready(id),
    async install(id, report, signal, { update = false, first = async () => {} } = {}) {
      const card = inventory.card(id);
      if (signal.aborted) throw new EarshotError('cancelled');
      if (inventory.ready(id) && !inventory.wanted(id) && !(update && inventory.outdated(id))) return;
      if (inventory.isOnlyImported(id))
        throw new EarshotError('modelUnavailable', { model: id }, 'an imported model that is damaged: import it again');
      // The last event comes when the work is over, so that it shows the state after it.
      // Its card lies in the folder that an installation makes anew.
      const wanted = !inventory.isRegistered(id) && card.files.some(file => file.sources.length > 0) ? card : null;
      if (wanted) inventory.want(wanted);
      const done = installations
        .run(card, report, signal, first)
        .then(async () => {
          if (wanted) await settle(wanted, inventory, sandboxEnabled(settings()));
          inventory.unwant(id);
        })
        .finally(() => setImmediate(publish, id));
      publish(id);
      await done;
    },
    cancelInstall: id => void installations.cancel(id),
    async remove(id) {
      inventory.card(id);
      // Until it has ended, it may still put files in their place.
      await installations.cancel(id);
      await removeFolder(models, id, () => {
        inventory.unwant(id);
        installations.forgetFailure(id);
        publish(id);
      });
    },
    async verify(id) {
      const card = inventory.card(id);
      if (card.files.length === 0) return null;
      const stamp = inventory.stamp(id);
      if (!stamp) return failure('modelNotInstalled', { model: id });
      const failed = await verifyFolder(card, inventory.folder(id), stamp);
      if (failed || stamp.failure) await writeStamp(inventory.folder(id), { ...stamp, failure: failed });
      publish(id);
      return failed;
    },
    async import(path, { id, stage } = {}) {
      const imported = await importModel({
        path,
        id,
        stage,
        inventory,
        registry,
        freeBytes,
        sandboxed: sandboxEnabled(settings()),
      });
      publish(imported);
      return describe(inventory.card(imported));
    },
    setHubToken: (address, token) => tokens.set(address, token),
    find: (source, signal) => findOnHub(source, { hub, inventory, settings: settings() }, signal),
    add({ card }) {
      inventory.want(card);
      publish(card.id);
      return describe(card);
    },
    defaults: options => defaults.choose(options),
    async obtainable() {
      const { offline, hubUrl } = settings(),
        reachable = !offline && (await hub.reachable(hubUrl));
      return card => canFetch(card, reachable, offline);
    },
    voiceFor: language => chooseVoice(inventory, language, cores),
    recognizerFor: language => defaults.recognizer(language),
  };
}
