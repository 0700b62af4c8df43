/**
 * Watched folders: which there are, what is published of them, and what becomes of their files when jobs end. How a
 * file is taken: claimer.ts.
 */
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Logger } from 'pino';
import { EarshotError } from '../../schemas/errors.ts';
import type { Job, JobOptions } from '../../schemas/job.ts';
import { isMedia } from '../../schemas/media.ts';
import type { StateEvent } from '../../schemas/rpc.ts';
import type { Settings } from '../../schemas/settings.ts';
import { isFinal } from '../../schemas/words.ts';
import {
  decision,
  type WatchDecision,
  type WatchedFile,
  type WatchedFolder,
  type WatchSpec,
} from '../../schemas/watch.ts';
import type { Store } from '../contracts/store.ts';
import type { FileRow, TakenRow } from '../contracts/watch-store.ts';
import { checksumOf } from '../system/checksum.ts';
import { checkFullPath } from '../system/full-path.ts';
import { decide } from './decide.ts';
import { innermost, inside, watcherFor, placeOf, present, type Folder } from './folder.ts';
import { lookAt } from './folder-watcher.ts';
import { moveOriginal } from '../outputs/originals.ts';
import { known, Claimer, type JobQueue } from './claimer.ts';

export interface WatchDeps {
  store: Store;
  queue: JobQueue;
  settings: () => Settings;
  clock: () => number;
  log: Logger;
  publish(event: StateEvent): void;
  /** Whether jobs with these options can be had. @throws unknownModel, wrongStage, … */
  check(options: JobOptions): Promise<void>;
}

/** A folder that vanished, came back or became another is noticed within this; one look at the disk each. */
const CHECK_MS = 10_000;
/** Events of the system may be lost; a walk now and then finds what it did not report. */
const WALK_MS = 30 * 60_000;
const PUBLISH_INTERVAL_MS = 200;

export class Watch {
  private readonly folders = new Map<string, Folder>();
  private readonly deps: WatchDeps;
  private readonly claimer: Claimer;
  private readonly publishing = new Map<Folder, NodeJS.Timeout>();
  private readonly timers: NodeJS.Timeout[];

  constructor(deps: WatchDeps) {
    this.deps = deps;
    this.claimer = new Claimer({ ...deps, changed: folder => this.publish(folder), ended: job => this.ended(job) });
    for (const row of deps.store.watched.folders())
      this.folders.set(row.spec.path, {
        ...row,
        place: { others: [] },
        watcher: null,
        counts: deps.store.watched.count(row.spec.path),
      });
    const each = (work: (folder: Folder) => Promise<void> | undefined): void => {
      for (const folder of this.folders.values()) void work(folder)?.catch(error => this.failed(error));
    };
    this.timers = [
      setInterval(() => each(folder => folder.watcher?.check()), CHECK_MS),
      setInterval(
        () => each(folder => (folder.watcher?.state === 'watching' ? folder.watcher.walk() : undefined)),
        WALK_MS,
      ),
    ];
    for (const timer of this.timers) timer.unref();
  }

  /** Somebody has to be there: a folder is watched. */
  get active(): boolean {
    return [...this.folders.values()].some(folder => !folder.paused);
  }

  /** Opens every folder, and ends what a crash left half done. */
  start(): void {
    this.settlePlaces();
    for (const folder of this.folders.values()) {
      if (!folder.paused) this.open(folder);
      if (folder.spec.moveTo)
        for (const row of this.deps.store.watched.unmoved(folder.spec.path)) this.keepOriginal(folder, row);
    }
  }

  /** What happens to jobs: room for others, originals that may go, outputs that must not be taken. */
  onEvent(event: StateEvent): void {
    if (event.type !== 'job') return;
    this.claimer.onJob(event.job);
    if (isFinal(event.job.state)) this.ended(event.job);
  }

  list(): WatchedFolder[] {
    return [...this.folders.values()].map(folder => this.present(folder));
  }

  /** @throws noSuchFolder, notAFolder, badRequest, notOnDisk, foreignPath, originalsStay, and what `check` throws */
  async add(asked: WatchSpec, existing: 'take' | 'leave' = 'take'): Promise<WatchedFolder> {
    for (const path of [asked.path, asked.options.outputs?.directory, asked.moveTo])
      if (path !== undefined) checkFullPath(path);
    const real = await realpath(asked.path).catch(() => null);
    if (!this.folders.has(real ?? asked.path)) {
      if (!real) throw new EarshotError('noSuchFolder', { path: asked.path });
      if (!(await stat(real)).isDirectory()) throw new EarshotError('notAFolder', { path: asked.path });
    }
    const spec: WatchSpec = {
      ...asked,
      path: real ?? asked.path,
      ...(asked.moveTo ? { moveTo: await realEnough(asked.moveTo) } : {}),
    };
    if (spec.options.outputs?.directory)
      spec.options = {
        ...spec.options,
        outputs: { ...spec.options.outputs, directory: await realEnough(spec.options.outputs.directory) },
      };
    if (spec.moveTo === spec.path) throw new EarshotError('originalsStay', { path: spec.path });
    await this.deps.check(spec.options);
    const place = placeOf(
      spec,
      [...this.folders.values()].map(each => each.spec),
    );
    const there = existing === 'leave' ? await this.there({ spec, place }) : [];

    // No await from here on: somebody else may have added, paused or removed the folder until now, but not any more.
    const { store, clock } = this.deps,
      before = this.folders.get(spec.path);
    const folder: Folder = {
      spec,
      paused: before?.paused ?? false,
      since: before?.since ?? clock(),
      place,
      watcher: null,
      counts: store.watched.count(spec.path),
    };
    store.batch(() => {
      store.watched.putFolder(folder);
      store.watched.putFiles(there.filter(row => !known(store, spec.path, row.path, { kind: 'file', ...row })));
    });
    if (before) this.close(before);
    this.folders.set(spec.path, folder);
    this.settlePlaces();
    if (!folder.paused) this.open(folder);
    this.publish(folder);
    return this.present(folder);
  }

  /** All of them or none. @throws notWatched */
  async remove(paths: readonly string[], forget: boolean): Promise<void> {
    const folders = this.named(await realPaths(paths)),
      { store, publish } = this.deps;
    store.batch(() => {
      for (const { spec } of folders) store.watched.removeFolder(spec.path, forget);
    });
    for (const folder of folders) {
      this.close(folder);
      this.folders.delete(folder.spec.path);
      publish({ type: 'watchGone', path: folder.spec.path });
    }
    this.settlePlaces();
  }

  /** All of them or none. Jobs that are in the queue already go on. @throws notWatched */
  async pause(paths: readonly string[], paused: boolean): Promise<void> {
    const folders = this.named(await realPaths(paths)).filter(folder => folder.paused !== paused),
      { store } = this.deps;
    store.batch(() => {
      for (const folder of folders) store.watched.putFolder({ ...folder, paused });
    });
    for (const folder of folders) {
      folder.paused = paused;
      if (paused) this.close(folder);
      else this.open(folder);
      this.publish(folder);
    }
  }

  /** @throws notWatched */
  async files(path: string, limit: number): Promise<WatchedFile[]> {
    const [folder] = this.named(await realPaths([path]));
    const now = [...this.claimer.candidates.values()]
      .filter(each => each.folder === folder)
      .sort((a, b) => b.changedAt - a.changedAt)
      .slice(0, limit)
      .map((each): WatchedFile => ({
        path: each.path,
        folder: folder!.spec.path,
        bytes: each.look.bytes,
        at: each.changedAt,
        decision: each.decision,
        job: null,
      }));
    return [
      ...now,
      ...this.deps.store.watched
        .recent(folder!.spec.path, limit - now.length)
        .filter(row => row.path !== row.decision.args.to)
        .map(fileOf),
    ];
  }

  /** What was decided about a file, or would be. One that nobody noticed yet is looked at. @throws badRequest */
  async why(asked: string): Promise<WatchedFile> {
    checkFullPath(asked);
    const path = join(await realpath(dirname(asked)).catch(() => dirname(asked)), basename(asked));
    const { store, clock } = this.deps,
      folder = innermost(this.folders.values(), path),
      look = await lookAt(path);
    const file = (decision: WatchDecision): WatchedFile => ({
      path,
      folder: folder?.spec.path ?? null,
      bytes: look.kind === 'file' ? look.bytes : null,
      at: clock(),
      decision,
      job: null,
    });
    if (!folder) return file(decision('notWatched'));
    const candidate = this.claimer.candidates.get(path);
    if (candidate) return { ...file(candidate.decision), at: candidate.changedAt };
    const record = store.watched.file(folder.spec.path, path);
    if (record && (look.kind === 'none' || known(store, folder.spec.path, path, look)?.path === path))
      return fileOf(record);
    const verdict = decide(
      {
        path: inside(folder.spec.path, path)!,
        kind: look.kind,
        bytes: look.bytes,
        isRecording: look.isRecording,
        sameAs: null,
        ours: store.written(path) !== null,
        unchangedMs: 0,
        settleMs: 1,
        room: 0,
      },
      folder.place,
    );
    if (verdict.is === 'settled') return file(verdict.decision);
    if (folder.paused) return file(decision('folderPaused'));
    if (folder.watcher?.state === 'missing') return file(decision('folderMissing'));
    this.claimer.enqueue(folder, path);
    return file(decision('unseen'));
  }

  async dispose(): Promise<void> {
    for (const timer of [...this.timers, ...this.publishing.values()]) clearTimeout(timer);
    await Promise.all([this.claimer.dispose(), ...[...this.folders.values()].map(folder => folder.watcher?.dispose())]);
  }

  private open(folder: Folder): void {
    folder.watcher = watcherFor(folder, {
      found: path => this.claimer.enqueue(folder, path),
      changed: () => this.publish(folder),
    });
    folder.watcher.open().catch(error => this.failed(error));
  }

  private close(folder: Folder): void {
    void folder.watcher?.dispose();
    folder.watcher = null;
    this.claimer.forget(folder);
  }

  /** Folders lie in one another, and outputs in folders: whose is what. */
  private settlePlaces(): void {
    const all = [...this.folders.values()].map(folder => folder.spec);
    for (const folder of this.folders.values()) folder.place = placeOf(folder.spec, all);
  }

  /** Each folder once. @throws notWatched */
  private named(paths: readonly string[]): Folder[] {
    return [...new Set(paths)].map(path => {
      const folder = this.folders.get(path);
      if (!folder) throw new EarshotError('notWatched', { path });
      return folder;
    });
  }

  private present(folder: Folder): WatchedFolder {
    let waiting = 0,
      writing = 0;
    for (const each of this.claimer.candidates.values())
      if (each.folder === folder) {
        if (each.decision.code === 'waiting' || each.decision.code === 'retry') waiting++;
        else writing++;
      }
    return present(folder, { waiting, writing });
  }

  private publish(folder: Folder): void {
    if (this.publishing.has(folder)) return;
    const timer = setTimeout(() => {
      this.publishing.delete(folder);
      if (this.folders.get(folder.spec.path) === folder)
        this.deps.publish({ type: 'watch', folder: this.present(folder) });
    }, PUBLISH_INTERVAL_MS);
    this.publishing.set(folder, timer);
    timer.unref();
  }

  /** What lies in a folder before it is watched. */
  private async there(folder: Pick<Folder, 'spec' | 'place'>): Promise<FileRow[]> {
    const paths: string[] = [],
      rows: FileRow[] = [],
      { store, clock } = this.deps;
    const watcher = watcherFor(folder, { found: path => paths.push(path), changed: () => {} });
    await watcher.walk();
    for (const path of paths) {
      const look = await lookAt(path);
      if (look.kind === 'file' && look.isRecording && !known(store, folder.spec.path, path, look))
        rows.push({
          folder: folder.spec.path,
          path,
          bytes: look.bytes,
          modifiedAt: look.modifiedAt,
          identity: look.identity,
          content: null,
          job: null,
          decision: decision('before'),
          at: clock(),
        });
    }
    return rows;
  }

  private ended(job: Job): void {
    const { store } = this.deps,
      row = store.watched.takenBy(job.id),
      folder = row && this.folders.get(row.folder);
    if (row && folder && job.state === 'completed' && folder.spec.moveTo) this.keepOriginal(folder, row);
    if (
      row &&
      folder &&
      job.state === 'failed' &&
      (job.failure?.code === 'noSuchFile' || job.failure?.code === 'recordingChanged')
    )
      this.find(row).catch(error => this.failed(error));
    for (const output of job.outputs)
      if (isMedia(output.path)) this.keepOutput(output.path).catch(error => this.failed(error));
  }

  /** The recording was not where it was taken from: a copy or the file itself may lie elsewhere. */
  private async find(row: TakenRow): Promise<void> {
    const { store, queue } = this.deps;
    for (const copy of store.watched.byContent(row.folder, row.content)) {
      const look = await lookAt(copy.path);
      if (look.kind !== 'file' || look.bytes !== copy.bytes || look.modifiedAt !== copy.modifiedAt) continue;
      store.turn(() => {
        store.watched.putTaken({ ...row, path: copy.path });
      });
      queue.moved(row.job, copy.path);
      return;
    }
  }

  /** Known by what is in it, it is not taken for a recording under another name either. */
  private async keepOutput(path: string): Promise<void> {
    const folder = innermost(this.folders.values(), path),
      look = await lookAt(path);
    const content = folder && look.kind === 'file' ? await checksumOf(path, look.bytes) : null,
      { store, clock } = this.deps;
    if (content === null) return;
    store.turn(() =>
      store.watched.putFiles([
        {
          folder: folder!.spec.path,
          path,
          bytes: look.bytes,
          modifiedAt: look.modifiedAt,
          identity: look.identity,
          content,
          job: null,
          decision: decision('output'),
          at: clock(),
        },
      ]),
    );
  }

  private keepOriginal(folder: Folder, row: TakenRow): void {
    const { store, queue, clock } = this.deps,
      file = store.watched.file(row.folder, row.path),
      way = inside(row.folder, row.path);
    if (!file || way === null || file.decision.code === 'moved') return;
    moveOriginal(row.path, join(folder.spec.moveTo!, way), file)
      .then(to => {
        if (to === null) return;
        store.turn(() => {
          const moved: FileRow = { ...file, decision: decision('moved', { to }), at: clock() };
          store.watched.putFiles([moved, { ...moved, path: to }]);
          store.watched.putTaken({ ...row, path: to });
        });
        queue.moved(row.job, to);
      })
      .catch(error => this.failed(error));
  }

  private failed(error: unknown): void {
    this.deps.log.error(error, 'watched folders');
  }
}

const fileOf = (row: FileRow): WatchedFile => ({
  path: row.path,
  folder: row.folder,
  bytes: row.bytes,
  at: row.at,
  decision: row.decision,
  job: row.job,
});

/** Where paths lead; one that leads nowhere as it is: a watched folder may be gone for the moment. */
const realPaths = (paths: readonly string[]): Promise<string[]> =>
  Promise.all(paths.map(path => realpath(path).catch(() => path)));

/** The real path of what may not be there yet. */
async function realEnough(path: string): Promise<string> {
  return realpath(path).catch(async () =>
    dirname(path) === path ? path : join(await realEnough(dirname(path)), basename(path)),
  );
}
