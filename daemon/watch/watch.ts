/**
 * Watched folders: which there are, what is told of them, and what becomes of their files when jobs end. How a file is
 * taken: taking.ts.
 */
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { EarshotError, toFailure } from '../../schemas/errors.ts';
import type { Job, JobOptions } from '../../schemas/job.ts';
import { isMedia } from '../../schemas/media.ts';
import type { StateEvent } from '../../schemas/rpc.ts';
import type { Settings } from '../../schemas/settings.ts';
import { isFinal } from '../../schemas/words.ts';
import type { WatchedFile, WatchedFolder, WatchSpec } from '../../schemas/watch.ts';
import type { Store } from '../contracts/store.ts';
import type { FileRow, TakenRow } from '../contracts/watch-store.ts';
import { contentOf } from './content.ts';
import { decide } from './decide.ts';
import { innermost, inside, noticeOf, placeOf, present, type Folder } from './folder.ts';
import { lookAt } from './notice.ts';
import { moveOriginal } from './originals.ts';
import { known, Taking, type JobQueue } from './taking.ts';

export interface WatchParts {
  store: Store;
  queue: JobQueue;
  settings: () => Settings;
  clock: () => number;
  log(line: string): void;
  publish(event: StateEvent): void;
  /** Whether jobs with these options can be had. @throws unknownModel, wrongStage, … */
  check(options: JobOptions): Promise<void>;
}

/** A folder that vanished, came back or became another is noticed within this; one look at the disk each. */
const CHECK_MS = 10_000;
/** The system's word may be lost; a walk now and then finds what it did not tell. */
const WALK_MS = 30 * 60_000;
const TELL_MS = 200;

export class Watch {
  private readonly folders = new Map<string, Folder>();
  private readonly parts: WatchParts;
  private readonly taking: Taking;
  private readonly telling = new Map<Folder, NodeJS.Timeout>();
  private readonly timers: NodeJS.Timeout[];

  constructor(parts: WatchParts) {
    this.parts = parts;
    this.taking = new Taking({ ...parts, changed: folder => this.tell(folder), ended: job => this.ended(job) });
    for (const row of parts.store.watched.folders())
      this.folders.set(row.spec.path, {
        ...row,
        place: { others: [] },
        notice: null,
        counts: parts.store.watched.count(row.spec.path),
      });
    const each = (work: (folder: Folder) => Promise<void> | undefined): void => {
      for (const folder of this.folders.values()) void work(folder)?.catch(error => this.failed(error));
    };
    this.timers = [
      setInterval(() => each(folder => folder.notice?.check()), CHECK_MS),
      setInterval(
        () => each(folder => (folder.notice?.state === 'watching' ? folder.notice.walk() : undefined)),
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
        for (const row of this.parts.store.watched.unmoved(folder.spec.path)) this.keepOriginal(folder, row);
    }
  }

  /** News of jobs: room for others, originals that may go, outputs that must not be taken. */
  hear(event: StateEvent): void {
    if (event.type !== 'job') return;
    this.taking.hear(event.job);
    if (isFinal(event.job.state)) this.ended(event.job);
  }

  list(): WatchedFolder[] {
    return [...this.folders.values()].map(folder => this.present(folder));
  }

  /** @throws noSuchFolder, badRequest, and what `check` throws */
  async add(asked: WatchSpec, existing: 'take' | 'leave' = 'take'): Promise<WatchedFolder> {
    for (const path of [asked.path, asked.options.outputs?.directory, asked.moveTo])
      if (path !== undefined && !isAbsolute(path)) throw new EarshotError('badRequest', { path });
    const real = await realpath(asked.path).catch(() => null),
      known = this.folders.get(real ?? asked.path);
    if (!known && !(real && (await stat(real)).isDirectory()))
      throw new EarshotError('noSuchFolder', { path: asked.path });
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
    if (spec.moveTo === spec.path) throw new EarshotError('badRequest', { field: 'moveTo', path: spec.moveTo });
    await this.parts.check(spec.options);
    const { store, clock } = this.parts;
    const folder: Folder = {
      spec,
      paused: known?.paused ?? false,
      since: known?.since ?? clock(),
      place: placeOf(
        spec,
        [...this.folders.values()].map(each => each.spec),
      ),
      notice: null,
      counts: store.watched.count(spec.path),
    };
    const before = existing === 'leave' ? await this.there(folder) : [];
    store.batch(() => {
      store.watched.putFolder(folder);
      store.watched.putFiles(before);
    });
    if (known) this.close(known);
    this.folders.set(spec.path, folder);
    this.settlePlaces();
    if (!folder.paused) this.open(folder);
    this.tell(folder);
    return this.present(folder);
  }

  /** @throws notWatched */
  async remove(paths: readonly string[], forget: boolean): Promise<void> {
    for (const folder of await this.named(paths)) {
      this.parts.store.watched.removeFolder(folder.spec.path, forget);
      this.close(folder);
      this.folders.delete(folder.spec.path);
      this.parts.publish({ type: 'watchGone', path: folder.spec.path });
    }
    this.settlePlaces();
  }

  /** Jobs that are in the queue already go on. @throws notWatched */
  async pause(paths: readonly string[], paused: boolean): Promise<void> {
    for (const folder of await this.named(paths)) {
      if (folder.paused === paused) continue;
      folder.paused = paused;
      this.parts.store.watched.putFolder(folder);
      if (paused) this.close(folder);
      else this.open(folder);
      this.tell(folder);
    }
  }

  /** @throws notWatched */
  async files(path: string, limit: number): Promise<WatchedFile[]> {
    const [folder] = await this.named([path]);
    const now = [...this.taking.candidates.values()]
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
      ...this.parts.store.watched
        .recent(folder!.spec.path, limit - now.length)
        .filter(row => row.path !== row.decision.args.to)
        .map(fileOf),
    ];
  }

  /** What was decided about a file, or would be. One that nobody noticed yet is looked at. @throws badRequest */
  async why(asked: string): Promise<WatchedFile> {
    if (!isAbsolute(asked)) throw new EarshotError('badRequest', { field: 'path' }, 'the path is not absolute');
    const path = join(await realpath(dirname(asked)).catch(() => dirname(asked)), basename(asked));
    const { store, clock } = this.parts,
      folder = innermost(this.folders.values(), path),
      look = await lookAt(path);
    const says = (code: WatchedFile['decision']['code'], args: WatchedFile['decision']['args'] = {}): WatchedFile => ({
      path,
      folder: folder?.spec.path ?? null,
      bytes: look.kind === 'file' ? look.bytes : null,
      at: clock(),
      decision: { code, args },
      job: null,
    });
    if (!folder) return says('notWatched');
    const candidate = this.taking.candidates.get(path);
    if (candidate) return { ...says(candidate.decision.code), decision: candidate.decision, at: candidate.changedAt };
    const record = store.watched.file(folder.spec.path, path);
    if (record && (look.kind === 'none' || known(store, folder.spec.path, path, look)?.path === path))
      return fileOf(record);
    const verdict = decide(
      {
        path: inside(folder.spec.path, path)!,
        kind: look.kind,
        bytes: look.bytes,
        sameAs: null,
        ours: store.wrote(path) !== null,
        unchangedMs: 0,
        quietMs: 1,
        room: 0,
      },
      folder.place,
    );
    if (verdict.is === 'settled') return { ...says('unseen'), decision: verdict.decision };
    if (folder.paused) return says('folderPaused');
    if (folder.notice?.state === 'missing') return says('folderMissing');
    this.taking.notice(folder, path);
    return says('unseen');
  }

  async dispose(): Promise<void> {
    for (const timer of [...this.timers, ...this.telling.values()]) clearTimeout(timer);
    await Promise.all([this.taking.dispose(), ...[...this.folders.values()].map(folder => folder.notice?.dispose())]);
  }

  private open(folder: Folder): void {
    folder.notice = noticeOf(folder, {
      found: path => this.taking.notice(folder, path),
      changed: () => this.tell(folder),
    });
    folder.notice.open().catch(error => this.failed(error));
  }

  private close(folder: Folder): void {
    void folder.notice?.dispose();
    folder.notice = null;
    this.taking.forget(folder);
  }

  /** Folders lie in one another, and outputs in folders: whose is what. */
  private settlePlaces(): void {
    const all = [...this.folders.values()].map(folder => folder.spec);
    for (const folder of this.folders.values()) folder.place = placeOf(folder.spec, all);
  }

  private async named(paths: readonly string[]): Promise<Folder[]> {
    return Promise.all(
      paths.map(async path => {
        const folder = this.folders.get(path) ?? this.folders.get(await realpath(path).catch(() => path));
        if (!folder) throw new EarshotError('notWatched', { path });
        return folder;
      }),
    );
  }

  private present(folder: Folder): WatchedFolder {
    let waiting = 0,
      writing = 0;
    for (const each of this.taking.candidates.values())
      if (each.folder === folder) {
        if (each.decision.code === 'waiting' || each.decision.code === 'retry') waiting++;
        else writing++;
      }
    return present(folder, { waiting, writing });
  }

  private tell(folder: Folder): void {
    if (this.telling.has(folder)) return;
    const timer = setTimeout(() => {
      this.telling.delete(folder);
      if (this.folders.get(folder.spec.path) === folder)
        this.parts.publish({ type: 'watch', folder: this.present(folder) });
    }, TELL_MS);
    this.telling.set(folder, timer);
    timer.unref();
  }

  /** What lies in a folder before it is watched. */
  private async there(folder: Folder): Promise<FileRow[]> {
    const paths: string[] = [],
      rows: FileRow[] = [],
      { store, clock } = this.parts;
    const notice = noticeOf(folder, { found: path => paths.push(path), changed: () => {} });
    await notice.walk();
    for (const path of paths) {
      const look = await lookAt(path);
      if (look.kind === 'file' && !known(store, folder.spec.path, path, look))
        rows.push({
          folder: folder.spec.path,
          path,
          bytes: look.bytes,
          modifiedAt: look.modifiedAt,
          identity: look.identity,
          content: null,
          job: null,
          decision: { code: 'before', args: {} },
          at: clock(),
        });
    }
    return rows;
  }

  private ended(job: Job): void {
    const { store } = this.parts,
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
    const { store, queue } = this.parts;
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
    const content = folder && look.kind === 'file' ? await contentOf(path, look.bytes) : null,
      { store, clock } = this.parts;
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
          decision: { code: 'output', args: {} },
          at: clock(),
        },
      ]),
    );
  }

  private keepOriginal(folder: Folder, row: TakenRow): void {
    const { store, queue, clock } = this.parts,
      file = store.watched.file(row.folder, row.path),
      way = inside(row.folder, row.path);
    if (!file || way === null || file.decision.code === 'moved') return;
    moveOriginal(row.path, join(folder.spec.moveTo!, way), file)
      .then(to => {
        if (to === null) return;
        store.turn(() => {
          const moved: FileRow = { ...file, decision: { code: 'moved', args: { to } }, at: clock() };
          store.watched.putFiles([moved, { ...moved, path: to }]);
          store.watched.putTaken({ ...row, path: to });
        });
        queue.moved(row.job, to);
      })
      .catch(error => this.failed(error));
  }

  private failed(error: unknown): void {
    this.parts.log(`watched folders: ${toFailure(error).detail ?? String(error)}`);
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

/** The real path of what may not be there yet. */
async function realEnough(path: string): Promise<string> {
  return realpath(path).catch(async () =>
    dirname(path) === path ? path : join(await realEnough(dirname(path)), basename(path)),
  );
}
