/**
 * The models of this machine: what the registry knows, what is installed, what was imported; getting, checking and
 * removing them.
 */
import { existsSync, readdirSync } from 'node:fs';
import { constants, copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EarshotError, failure, toFailure, type Failure } from '../../schemas/errors.ts';
import type { Model, ModelCard } from '../../schemas/model.ts';
import type { Settings } from '../../schemas/settings.ts';
import type { Stage } from '../../schemas/words.ts';
import type { Home } from '../auth/home.ts';
import { freeBytes as diskFreeBytes } from '../system/disk.ts';
import { findPython, hasPip, python } from '../runtimes/python.ts';
import type { Runtimes } from '../runtimes/runtimes.ts';
import { sharedWork } from '../system/shared-work.ts';
import { chooseDefaults, servesLanguage, type Defaults } from './defaults.ts';
import { detect, idOf } from './detect.ts';
import { isOutdated, lookAt, readStamp, sizeOf, verifyFolder, writeStamp, type Stamp } from './folder.ts';
import { createHub, type Hub } from './hub.ts';
import { installModel, type InstallProgress } from './install.ts';
import { sha256Of } from './part-file.ts';
import { readRegistry, type Registry } from './registry.ts';
import { remoteCards } from './remote.ts';

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
   * Models by stage. `best`: the best that can be fetched, for a set-up; else what is installed comes first. May ask
   * the hub whether it is there (5 s at most).
   */
  defaults(options: { gpu: boolean; best?: boolean }): Promise<Defaults>;
  /** A voice for a language: an installed one, else the registry's first; null when there is none. */
  voiceFor(language: string): string | null;
}

export interface ModelsOptions {
  home: Pick<Home, 'models'>;
  settings: () => Settings;
  runtimes: Pick<Runtimes, 'directory' | 'ready'>;
  /** Receives every change of a model, at most five times a second while it is fetched. */
  emit: (model: Model) => void;
  /** When it was last loaded, ms. */
  lastUsed?: (id: string) => number | null;
  /** For tests: other models, another disk, a quicker hub. */
  registry?: Registry;
  freeBytes?: (folder: string) => Promise<number>;
  hub?: Hub;
  env?: NodeJS.ProcessEnv;
}

const REPORT_INTERVAL_MS = 200;
const DOWNLOADS_AT_ONCE = 2;

export function createModels({
  home,
  settings,
  runtimes,
  emit,
  lastUsed = () => null,
  registry = readRegistry(),
  freeBytes = diskFreeBytes,
  hub = createHub(),
  env = process.env,
}: ModelsOptions): Models {
  const known = new Map(registry.models.map(card => [card.id, card]));
  const work = sharedWork<InstallProgress>();
  const progress = new Map<string, InstallProgress>(),
    failures = new Map<string, Failure>();
  const slots = limiter(DOWNLOADS_AT_ONCE);

  const imported = (id: string): ModelCard | null => {
    const card = readStamp(join(home.models, id))?.card;
    return card ? { ...card, id } : null;
  };
  const find = (id: string): ModelCard | null =>
    known.get(id) ??
    remoteCards(settings()).find(card => card.id === id) ??
    (/^[a-z0-9][a-z0-9._-]*$/.test(id) ? imported(id) : null);
  const card = (id: string): ModelCard => {
    const found = find(id);
    if (!found) throw new EarshotError('unknownModel', { model: id });
    return found;
  };
  const directory = (id: string) => (card(id).files.length === 0 ? '' : join(home.models, id));
  const stampOf = (id: string) => readStamp(join(home.models, id));
  const ready = (id: string): boolean => {
    const which = find(id);
    if (!which) return false;
    if (which.files.length === 0) return true;
    const stamp = stampOf(id);
    return stamp !== null && lookAt(which, join(home.models, id), stamp) === null;
  };

  const outdated = (id: string): boolean => {
    const which = find(id),
      stamp = which && stampOf(id);
    return Boolean(stamp && !stamp.card && isOutdated(which, stamp));
  };

  const describe = (which: ModelCard): Model => {
    const { id } = which,
      running = work.running(id),
      remote = which.files.length === 0;
    const stamp = remote ? null : stampOf(id),
      wrong = stamp && lookAt(which, join(home.models, id), stamp);
    const state: Model['state'] = running
      ? 'downloading'
      : remote || (stamp && !wrong)
        ? 'installed'
        : wrong && wrong.code !== 'modelNotInstalled'
          ? 'broken'
          : 'absent';
    return {
      card: which,
      state,
      progress: running
        ? (progress.get(id) ?? {
            bytes: 0,
            total: Math.max(
              1,
              which.files.reduce((sum, file) => sum + (file.bytes ?? 0), 0),
            ),
          })
        : null,
      diskBytes: stamp ? stamp.files.reduce((sum, file) => sum + sizeOf(join(home.models, id, file.name)), 0) : 0,
      outdated: state === 'installed' && outdated(id),
      installedAt: stamp ? Date.parse(stamp.installedAt) || 0 : null,
      lastUsedAt: remote ? null : lastUsed(id),
      imported: Boolean(stamp?.card),
      isDefault: defaultStages(id),
      failure: state === 'broken' ? wrong : state === 'absent' ? (failures.get(id) ?? null) : null,
    };
  };
  /** Stages whose job would get this model, as far as can be said without asking the network. */
  let lastDefaults: Defaults['models'] = {};
  const defaultStages = (id: string): Stage[] =>
    (Object.entries({ ...lastDefaults, ...settings().defaultModels }) as [Stage, string | undefined][])
      .filter(([, model]) => model === id)
      .map(([stage]) => stage);
  const publish = (id: string) => {
    const which = find(id);
    if (which) emit(describe(which));
  };

  const importedIds = (): string[] => {
    try {
      return readdirSync(home.models).filter(name => !name.startsWith('.') && !known.has(name));
    } catch {
      return [];
    }
  };
  const cards = (): ModelCard[] => [
    ...known.values(),
    ...remoteCards(settings()),
    ...importedIds()
      .map(imported)
      .filter(one => one !== null),
  ];

  const fetchAll = async (
    which: ModelCard,
    report: (progress: InstallProgress) => void,
    signal: AbortSignal,
    first: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> => {
    const { id } = which;
    failures.delete(id);
    progress.delete(id);
    let publishedAt = 0,
      most = 0;
    const listen = ({ bytes, total }: InstallProgress) => {
      // A source that fails gives way to another that starts again: what was shown does not go back.
      const now = { bytes: (most = Math.max(most, bytes)), total: Math.max(total, most, 1) };
      progress.set(id, now);
      if (performance.now() - publishedAt < REPORT_INTERVAL_MS && now.bytes < now.total) return;
      publishedAt = performance.now();
      report(now);
      publish(id);
    };
    try {
      await first(signal);
      await using _ = await slots.take(signal);
      const config = settings();
      await installModel({
        card: which,
        models: home.models,
        freeBytes,
        report: listen,
        signal,
        sources: { folders: config.modelFolders, offline: config.offline, hub, hubUrl: config.hubUrl },
        python: () => pythonWithPip(config),
        env,
      });
    } catch (error) {
      const failed = toFailure(error);
      if (failed.code !== 'cancelled') failures.set(id, failed);
      throw error;
    }
  };

  /** The runtime's own Python, unless it was made without pip. */
  const pythonWithPip = async (config: Settings): Promise<string> => {
    const own = runtimes.ready('python') ? python(runtimes.directory('python')) : null;
    return own && (await hasPip(own, env)) ? own : findPython(config, env);
  };

  return {
    list: () => cards().map(describe),
    model: id => describe(card(id)),
    card,
    directory,
    ready,
    async install(id, report, signal, { update = false, first = async () => {} } = {}) {
      const which = card(id);
      if (signal.aborted) throw new EarshotError('cancelled');
      if (ready(id) && !(update && outdated(id))) return;
      if (imported(id) && !known.has(id))
        throw new EarshotError('modelUnavailable', { model: id }, 'an imported model that is damaged: import it again');
      // The last event comes when the work is over, so that it shows the state after it.
      const done = work
        .run(id, report, signal, (listen, stop) => fetchAll(which, listen, stop, first))
        .finally(() => setImmediate(publish, id));
      publish(id);
      await done;
    },
    cancelInstall: id => void work.cancel(id),
    async remove(id) {
      card(id);
      // Until it has ended, it may still put files in their place.
      await work.cancel(id);
      const gone = join(home.models, `.removing-${id}-${process.pid}`);
      await rename(join(home.models, id), gone).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
      failures.delete(id);
      publish(id);
      await rm(gone, { recursive: true, force: true, maxRetries: 3 });
      await rm(join(home.models, `.partial-${id}`), { recursive: true, force: true, maxRetries: 3 });
    },
    async verify(id) {
      const which = card(id),
        folder = directory(id);
      if (!folder) return null;
      const stamp = stampOf(id);
      if (!stamp) return failure('modelNotInstalled', { model: id });
      const failed = await verifyFolder(which, folder, stamp);
      if (failed || stamp.failure) await writeStamp(folder, { ...stamp, failure: failed });
      publish(id);
      return failed;
    },
    async import(path, { id, stage } = {}) {
      const found = detect(path);
      if (stage && !found.card.stages.includes(stage)) throw new EarshotError('wrongStage', { model: path, stage });
      await mkdir(home.models, { recursive: true });
      const needed = found.files.reduce((sum, file) => sum + sizeOf(file.path), 0),
        free = await freeBytes(home.models);
      if (free < needed)
        throw new EarshotError('diskFull', { path: home.models, neededBytes: needed, freeBytes: free });
      const building = join(home.models, `.import-${process.pid}-${Date.now()}`);
      await mkdir(building);
      try {
        const files: Stamp['files'] = [];
        for (const file of found.files) {
          const copy = join(building, file.name);
          // A clone where the disk can make one: no second copy of the bytes.
          await copyFile(file.path, copy, constants.COPYFILE_FICLONE);
          files.push({
            name: file.name,
            bytes: sizeOf(copy),
            sha256: await sha256Of(copy),
            pinned: true,
            source: 'import',
          });
        }
        // The very files of a model that the registry knows are that model.
        const same = id
          ? undefined
          : registry.models.find(
              one =>
                one.files.length === files.length &&
                one.files.every(file => files.some(has => has.sha256 === file.sha256)),
            );
        const target = same?.id ?? freeId(id ?? idOf(found.card.name), id !== undefined);
        if (same) {
          for (const file of files) {
            const { name } = same.files.find(one => one.sha256 === file.sha256)!;
            if (name !== file.name) await rename(join(building, file.name), join(building, name));
            file.name = name;
          }
        }
        const full: ModelCard = {
          ...found.card,
          id: target,
          ...(stage ? { stages: [stage] } : {}),
          files: files.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256, sources: [] })),
        };
        await writeStamp(building, { installedAt: new Date().toISOString(), files, ...(same ? {} : { card: full }) });
        await rm(join(home.models, target), { recursive: true, force: true });
        await rename(building, join(home.models, target));
        publish(target);
        return describe(card(target));
      } finally {
        await rm(building, { recursive: true, force: true });
      }
    },
    async defaults({ gpu, best = false }) {
      const config = settings(),
        all = registry.defaults[gpu ? 'gpu' : 'cpu'];
      // Nothing is fetched for summaries, which few want: what is there for the rest serves.
      const { summary: _, ...recording } = all,
        preferred = best ? recording : all;
      const view = { preferred, chosen: config.defaultModels, card: find, ready, offline: config.offline };
      // Asked only when the answer could change something.
      const asks =
        !config.offline &&
        Object.entries(preferred).some(
          ([stage, ids]) => !config.defaultModels[stage as Stage] && !(best ? ready(ids[0]!) : ids.some(ready)),
        );
      const hubReachable = asks ? await hub.reachable(config.hubUrl) : hub.maybeReachable(config.hubUrl);
      const firstReady = (id: string) => ready(id) && Object.values(preferred).some(ids => ids[0] === id);
      const chosen = chooseDefaults({ ...view, hubReachable, ...(best ? { ready: firstReady } : {}) });
      lastDefaults = chosen.models;
      return chosen;
    },
    voiceFor(language) {
      const voices = cards().filter(
        one => one.stages.includes('tts') && one.languages.length > 0 && servesLanguage(one, language),
      );
      const exact = (one: ModelCard) => one.languages.includes(language);
      return (
        (
          voices.find(one => exact(one) && ready(one.id)) ??
          voices.find(one => ready(one.id)) ??
          voices.find(exact) ??
          voices[0]
        )?.id ?? null
      );
    },
  };

  /** An id that no other model has; a name that the user chose is not changed but refused. */
  function freeId(wanted: string, chosen: boolean): string {
    if (!/^[a-z0-9][a-z0-9._-]*$/.test(wanted))
      throw new EarshotError('badRequest', { field: 'id' }, 'an id has small letters, digits, dots and dashes');
    if (!known.has(wanted) && !existsSync(join(home.models, wanted))) return wanted;
    if (chosen) throw new EarshotError('badRequest', { field: 'id' }, 'this id is taken');
    for (let number = 2; ; number++) if (!find(`${wanted}-${number}`)) return `${wanted}-${number}`;
  }
}

/** Lets so many in at a time; the others wait in line. */
function limiter(most: number): { take(signal: AbortSignal): Promise<AsyncDisposable> } {
  let taken = 0;
  const line: (() => void)[] = [];
  const leave = async () => {
    taken--;
    line.shift()?.();
  };
  return {
    async take(signal) {
      while (taken >= most) {
        await new Promise<void>((resolve, reject) => {
          line.push(resolve);
          signal.addEventListener(
            'abort',
            () => {
              const at = line.indexOf(resolve);
              if (at >= 0) line.splice(at, 1);
              reject(new EarshotError('cancelled'));
            },
            { once: true },
          );
        });
      }
      taken++;
      return { [Symbol.asyncDispose]: leave };
    },
  };
}
