/**
 * Notices what happens in one watched folder, and says which paths to look at; what they mean is not decided here.
 *
 * `starting` until every file was named once, then `watching` (the system reports changes, through chokidar: an idle
 * folder costs nothing) or `polling` (walked every so often). A folder that is not there is `missing`; `check` sees it
 * come back, also another disk in its place. `blocked`: the system refuses to watch it, for want of watches mostly;
 * then it is polled too.
 */
import { lstat, readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { watch, type FSWatcher } from 'chokidar';
import { isRecordingFile } from '../../client/recording-content.ts';
import { failure, type Failure } from '../../schemas/errors.ts';
import { maybeMedia } from '../../schemas/media.ts';
import type { WatchedFolder } from '../../schemas/watch.ts';

/** Between walks of a folder that the system refuses to watch. */
const BLOCKED_POLL_MS = 30_000;
/**
 * More events than this at once may have overflowed what the system keeps: the folder is walked when it is calm again.
 */
const MANY_EVENTS = 4_000,
  CALM_MS = 5_000;

export interface FolderWatcherDeps {
  path: string;
  pollMs: number | null;
  /** Whether to look at this; a path within the folder, '' for itself. Cheap. */
  wants(path: string, isFolder: boolean): boolean;
  found(path: string): void;
  changed(): void;
}

export class FolderWatcher {
  state: Exclude<WatchedFolder['state'], 'paused'> = 'starting';
  failure: Failure | null = null;
  private readonly deps: FolderWatcherDeps;
  private watcher: FSWatcher | null = null;
  private timer: NodeJS.Timeout | undefined;
  /** Device and inode of the folder that is watched; null: it is not there; undefined: nobody has looked yet. */
  private root: string | null | undefined;
  private events = 0;
  private walking: Promise<void> | null = null;
  private checking: Promise<void> | null = null;
  private over = false;

  constructor(deps: FolderWatcherDeps) {
    this.deps = deps;
  }

  /** Begins to watch. */
  open(): Promise<void> {
    return this.check();
  }

  /** Whether the folder is there, and still the same one; else it is watched anew. One look at the disk. */
  check(): Promise<void> {
    return (this.checking ??= identityOf(this.deps.path)
      .then(now => {
        if (this.over || now === this.root) return;
        this.closeWatcher();
        this.root = now;
        this.begin();
      })
      .finally(() => {
        this.checking = null;
      }));
  }

  private begin(): void {
    if (this.root === null) {
      this.is('missing', failure('noSuchFolder', { path: this.deps.path }));
      return;
    }
    this.is('starting');
    if (this.deps.pollMs !== null) {
      this.poll(this.deps.pollMs, 'polling', null);
      return;
    }
    const { path } = this.deps;
    const watcher = (this.watcher = watch(path, {
      followSymlinks: false,
      atomic: false,
      ignorePermissionErrors: true,
      ignored: (each, stats) =>
        each !== path && stats !== undefined && !this.deps.wants(this.inside(each), stats.isDirectory()),
    }));
    const found = (each: string): void => {
      this.deps.found(each);
      if (++this.events === MANY_EVENTS) this.walkSoon();
    };
    watcher
      .on('add', found)
      .on('change', found)
      .on('unlink', found)
      .on('unlinkDir', each => {
        if (each === path) void this.check();
      })
      .on('ready', () => {
        if (this.watcher === watcher) this.is('watching');
      })
      .on('error', error => {
        const { code } = error as NodeJS.ErrnoException;
        if (this.watcher !== watcher || (code !== 'ENOSPC' && code !== 'EMFILE')) return;
        this.closeWatcher();
        this.poll(BLOCKED_POLL_MS, 'blocked', failure('watchLimit', { path }, String(error)));
      });
  }

  /** Names every file that is there now. */
  walk(): Promise<void> {
    return (this.walking ??= this.walkInto('').finally(() => {
      this.walking = null;
    }));
  }

  async dispose(): Promise<void> {
    this.over = true;
    this.closeWatcher();
    await Promise.all([this.walking, this.checking]);
  }

  private is(state: FolderWatcher['state'], why: Failure | null = null): void {
    if (this.state === state && this.failure?.code === why?.code) return;
    this.state = state;
    this.failure = why;
    this.deps.changed();
  }

  private closeWatcher(): void {
    clearTimeout(this.timer);
    void this.watcher?.close();
    this.watcher = null;
  }

  private poll(everyMs: number, state: 'polling' | 'blocked', why: Failure | null): void {
    const round = async (): Promise<void> => {
      await this.check();
      if (this.over || this.root === null || this.state === 'missing') return;
      await this.walk();
      if (this.over) return;
      this.is(state, why);
      clearTimeout(this.timer);
      this.timer = setTimeout(() => void round(), everyMs);
      this.timer.unref();
    };
    void round();
  }

  private walkSoon(): void {
    clearTimeout(this.timer);
    const before = this.events;
    this.timer = setTimeout(() => {
      if (this.events !== before) {
        this.walkSoon();
        return;
      }
      this.events = 0;
      void this.walk();
    }, CALM_MS);
    this.timer.unref();
  }

  private inside(path: string): string {
    return relative(this.deps.path, path).split(sep).join('/');
  }

  private async walkInto(folder: string): Promise<void> {
    let entries;
    try {
      entries = await readdir(join(this.deps.path, folder), { withFileTypes: true });
    } catch {
      return;
    }
    for (const entry of entries) {
      if (this.over) return;
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (!this.deps.wants(path, entry.isDirectory())) continue;
      if (entry.isDirectory()) await this.walkInto(path);
      else this.deps.found(join(this.deps.path, path));
    }
  }
}

async function identityOf(path: string): Promise<string | null> {
  try {
    const found = await stat(path, { bigint: true });
    return found.isDirectory() ? `${found.dev}:${found.ino}` : null;
  } catch {
    return null;
  }
}

export interface Look {
  kind: 'file' | 'link' | 'other' | 'none';
  bytes: number;
  /** False: other files are called so as well, and by its first bytes it is one of them. */
  isRecording: boolean;
  modifiedAt: number;
  identity: string;
}

/** A path as it is now. */
export async function lookAt(path: string): Promise<Look> {
  try {
    const found = await lstat(path, { bigint: true });
    return {
      kind: found.isFile() ? 'file' : found.isSymbolicLink() ? 'link' : 'other',
      bytes: Number(found.size),
      isRecording: !found.isFile() || !maybeMedia(path) || (await isRecordingFile(path)),
      modifiedAt: Number(found.mtimeNs / 1000n) / 1000,
      identity: `${found.dev}:${found.ino}`,
    };
  } catch {
    return { kind: 'none', bytes: 0, isRecording: true, modifiedAt: 0, identity: '' };
  }
}
