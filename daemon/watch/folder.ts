/** One watched folder: its recipe, whose paths within it are not its own, and what is published of it. */
import { join, posix } from 'node:path';
import type { JobRequest } from '../../schemas/job.ts';
import type { WatchedFolder, WatchSpec } from '../../schemas/watch.ts';
import { wayInto } from '../../text/paths.ts';
import { byName, looksInto, type Place } from './decide.ts';
import { FolderWatcher } from './folder-watcher.ts';

export interface Folder {
  spec: WatchSpec;
  paused: boolean;
  since: number;
  place: Place;
  /** Null: paused. */
  watcher: FolderWatcher | null;
  counts: { taken: number; refused: number };
}

/** The path within a folder, with /; null: it is not in it. */
export const inside = (folder: string, path: string, platform?: NodeJS.Platform): string | null =>
  wayInto(folder, path, platform);

/** The innermost of the folders that a path lies in. */
export function innermost<T extends { spec: WatchSpec }>(folders: Iterable<T>, path: string): T | null {
  let found: T | null = null;
  for (const each of folders)
    if (inside(each.spec.path, path) !== null && (!found || each.spec.path.length > found.spec.path.length))
      found = each;
  return found;
}

/** What lies in a folder but is not its own, after all watched folders. */
export function placeOf(spec: WatchSpec, all: Iterable<WatchSpec>): Place {
  const others: Place['others'][number][] = [];
  const note = (path: string | undefined, code: Place['others'][number]['code']): void => {
    const way = path === undefined ? null : inside(spec.path, path);
    if (way) others.push({ path: way, code });
  };
  for (const other of all) {
    if (other.path !== spec.path) note(other.path, 'otherFolder');
    note(other.options.outputs?.directory, 'outputsFolder');
    note(other.moveTo, 'originalsFolder');
  }
  return {
    others,
    ...(spec.include ? { include: spec.include } : {}),
    ...(spec.exclude ? { exclude: spec.exclude } : {}),
    ...(spec.subfolders === undefined ? {} : { subfolders: spec.subfolders }),
  };
}

export function watcherFor(
  folder: Pick<Folder, 'spec' | 'place'>,
  on: { found(path: string): void; changed(): void },
): FolderWatcher {
  return new FolderWatcher({
    path: folder.spec.path,
    pollMs: folder.spec.pollSeconds === undefined ? null : folder.spec.pollSeconds * 1000,
    ...on,
    wants: (path, isFolder) => (isFolder ? looksInto(path, folder.place) : byName(path, folder.place) === null),
  });
}

/** What is asked of the queue for a file. */
export function requestFor(spec: WatchSpec, path: string, options = spec.options): JobRequest {
  const { outputs } = options;
  const directory =
    outputs?.directory === undefined
      ? undefined
      : join(outputs.directory, posix.dirname(inside(spec.path, path) ?? ''));
  return {
    recording: path,
    options: { ...options, ...(outputs && directory ? { outputs: { ...outputs, directory } } : {}) },
    priority: spec.priority ?? 'low',
  };
}

export function present(folder: Folder, now: { waiting: number; writing: number }): WatchedFolder {
  return {
    spec: folder.spec,
    state: folder.paused ? 'paused' : (folder.watcher?.state ?? 'starting'),
    failure: folder.watcher?.failure ?? null,
    since: folder.since,
    counts: { ...folder.counts, ...now },
  };
}
