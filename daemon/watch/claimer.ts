/**
 * From a path that was noticed to a job. One round after the other, each over what is due:
 *
 *   noticed → seen twice the same (writing) → whole, waits for room (waiting) → nobody writes to it, read once for its
 *   checksum → a job.
 *
 * Only what was decided for good is on the disk, and a job and the record that its file was taken are one transaction:
 * what a crash leaves out is noticed again at the next start, what it leaves in is known by its content.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Logger } from 'pino';
import { failure, isRetryable, toFailure, type Failure } from '../../schemas/errors.ts';
import type { Job, JobOptions, JobRequest } from '../../schemas/job.ts';
import type { Settings } from '../../schemas/settings.ts';
import { withFolderDefaults } from '../../client/folder-defaults.ts';
import { isFinal } from '../../schemas/words.ts';
import { decision, type WatchDecision } from '../../schemas/watch.ts';
import type { FileRow, TakenRow } from '../contracts/watch-store.ts';
import type { Store } from '../contracts/store.ts';
import { checksumOf } from '../system/checksum.ts';
import { decide, roomFor, type Facts, type Verdict } from './decide.ts';
import { inside, requestFor, type Folder } from './folder.ts';
import { lookAt, type Look } from './folder-watcher.ts';
import { openForWriting } from './writers.ts';

/** The part of the pipeline's queue that is needed here. */
export interface JobQueue {
  submit(
    requests: readonly JobRequest[],
    along: (jobs: readonly ({ id: string } | { failure: Failure })[]) => void,
    /** Others may write into the folder, and nobody looks: a link that came meanwhile leads to no recording of it. */
    unasked: { through: false },
  ): Promise<({ job: Job; existing: boolean } | { failure: Failure })[]>;
  cancel(ids: readonly string[]): void;
  moved(id: string, path: string): void;
}

export interface ClaimerDeps {
  store: Store;
  queue: JobQueue;
  settings: () => Settings;
  clock: () => number;
  log: Logger;
  changed(folder: Folder): void;
  ended(job: Job): void;
}

/** A file that is not decided yet. */
export interface Candidate {
  folder: Folder;
  path: string;
  look: Look;
  changedAt: number;
  dueAt: number;
  decision: WatchDecision;
}

/** A file that is taken: its sum, and how it becomes a job where that is not what its folder says. */
interface Take {
  candidate: Candidate;
  content: string;
  options?: JobOptions;
}

const LOOKS_AT_ONCE = 32,
  READS_AT_ONCE = 2,
  RETRY_MS = 15_000,
  /** After a round that failed: the disk may be full. */
  FAILED_MS = 1_000;

export class Claimer {
  readonly candidates = new Map<string, Candidate>();
  /** Whole, in the order that they became so. */
  private readonly ready = new Set<Candidate>();
  private readonly seen = new Map<string, Folder>();
  /** Jobs of watched folders that are not over; whether they have begun. */
  private readonly jobs = new Map<string, boolean>();
  private readonly deps: ClaimerDeps;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | null = null;
  private over = false;

  constructor(deps: ClaimerDeps) {
    this.deps = deps;
    for (const { job, started } of deps.store.watched.open()) this.jobs.set(job, started);
  }

  enqueue(folder: Folder, path: string): void {
    this.seen.set(path, folder);
    this.wake(0);
  }

  /** What became of jobs makes room for others. */
  onJob(job: Job): void {
    const started = this.jobs.get(job.id);
    if (started === undefined) return;
    if (isFinal(job.state)) this.jobs.delete(job.id);
    else if (started === (job.startedAt !== null)) return;
    else this.jobs.set(job.id, true);
    if (this.ready.size > 0) this.wake(0);
  }

  forget(folder: Folder): void {
    for (const [path, of] of this.seen) if (of === folder) this.seen.delete(path);
    for (const candidate of [...this.candidates.values()]) if (candidate.folder === folder) this.drop(candidate);
  }

  async dispose(): Promise<void> {
    this.over = true;
    clearTimeout(this.timer);
    await this.running;
  }

  private wake(ms: number): void {
    if (this.over || (this.running && ms === 0)) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.running ??= this.round()
        .then(
          () => 100,
          (error: unknown) => {
            this.failed(error);
            return FAILED_MS;
          },
        )
        .then(pauseMs => {
          this.running = null;
          this.schedule(pauseMs);
        });
    }, ms);
    this.timer.unref();
  }

  private failed(error: unknown): void {
    this.deps.log.error(error, 'watched folders');
  }

  private schedule(pauseMs: number): void {
    let dueAt = this.seen.size > 0 || (this.ready.size > 0 && this.room > 0) ? 0 : Infinity;
    if (dueAt > 0) for (const each of this.candidates.values()) dueAt = Math.min(dueAt, each.dueAt);
    // Not for every single file of many that settle one after the other.
    if (dueAt !== Infinity) this.wake(Math.max(pauseMs, dueAt - this.deps.clock()));
  }

  private get unstarted(): number {
    let count = 0;
    for (const started of this.jobs.values()) if (!started) count++;
    return count;
  }
  private get room(): number {
    return roomFor(this.deps.settings().watchAhead, this.unstarted);
  }

  private async round(): Promise<void> {
    const now = this.deps.clock();
    const due: [string, Folder][] = [...this.seen];
    this.seen.clear();
    for (const each of this.candidates.values()) if (each.dueAt <= now) due.push([each.path, each.folder]);
    for (let at = 0; at < due.length && !this.over; at += LOOKS_AT_ONCE) {
      const some = due.slice(at, at + LOOKS_AT_ONCE),
        looks = await Promise.all(some.map(([path]) => lookAt(path)));
      try {
        this.deps.store.turn(() => {
          for (const [i, [path, folder]] of some.entries()) this.see(folder, path, looks[i]!);
        });
      } catch (error) {
        // The disk may be full: the system names a file once, so it is kept until the store takes it.
        for (const [path, folder] of due.slice(at)) this.seen.set(path, folder);
        throw error;
      }
      await turn();
    }
    if (!this.over && this.ready.size > 0) await this.admit(this.room);
  }

  /** A path as it is now: begins, goes on or ends to be a candidate. */
  private see(folder: Folder, path: string, look: Look): Candidate | null {
    if (folder.paused || !folder.watcher) return null;
    const now = this.deps.clock(),
      before = this.candidates.get(path);
    const candidate: Candidate = before ?? {
      folder,
      path,
      look,
      changedAt: now,
      dueAt: 0,
      decision: decision('writing'),
    };
    if (before && !same(before.look, look)) {
      before.look = look;
      before.changedAt = now;
      this.ready.delete(before);
    }
    const verdict = this.judge(candidate);
    if (verdict.is === 'settled') {
      this.settle(candidate, verdict);
      return null;
    }
    if (!before) {
      this.candidates.set(path, candidate);
      this.deps.changed(folder);
    }
    if (verdict.is === 'wait' && verdict.decision.code !== 'waiting')
      this.wait(candidate, verdict.decision, verdict.ms);
    else {
      this.wait(candidate, decision('waiting'), Infinity);
      this.ready.add(candidate);
    }
    return candidate;
  }

  private judge(candidate: Candidate, more: Pick<Facts, 'open' | 'content' | 'taken'> = {}): Verdict {
    const { store, clock, settings } = this.deps,
      { folder, path, look } = candidate;
    return decide(
      {
        path: inside(folder.spec.path, path) ?? path,
        kind: look.kind,
        bytes: look.bytes,
        isRecording: look.isRecording,
        sameAs: look.kind === 'file' ? known(store, folder.spec.path, path, look) : null,
        ours:
          store.written(path) !== null ||
          (more.content !== undefined &&
            store.watched.byContent(folder.spec.path, more.content).some(row => row.decision.code === 'output')),
        unchangedMs: clock() - candidate.changedAt,
        settleMs: (folder.spec.settleSeconds ?? settings().watchSettleSeconds) * 1000,
        room: 1,
        ...more,
      },
      folder.place,
    );
  }

  private wait(candidate: Candidate, decision: WatchDecision, ms: number): void {
    if (candidate.decision.code !== decision.code) this.deps.changed(candidate.folder);
    candidate.decision = decision;
    candidate.dueAt = this.deps.clock() + ms;
  }

  private settle(
    candidate: Candidate,
    verdict: Extract<Verdict, { is: 'settled' }>,
    content: string | null = null,
  ): void {
    this.drop(candidate);
    const { store } = this.deps,
      { folder, path, look } = candidate;
    const row = look.kind === 'file' && !verdict.keep ? known(store, folder.spec.path, path, look) : null;
    // The same file under another name keeps what was decided; so that it is known there too.
    if (row && row.path !== path)
      this.put(candidate, row.job ? decision('renamed', { from: row.path }) : row.decision, row.content, row.job);
    else if (verdict.keep) this.put(candidate, verdict.decision, content, null);
    if (row?.job && row.path !== path && row.content !== null)
      this.lies(folder, { folder: folder.spec.path, content: row.content, path, job: row.job });
  }

  /** What was taken lies at another path now. */
  private lies(folder: Folder, row: TakenRow): void {
    const { store, queue } = this.deps,
      before = store.watched.taken(folder.spec.path, row.content);
    if (!before || before.path === row.path) return;
    lookAt(before.path)
      .then(there => {
        // A second name for the same file is no other place.
        if (there.kind !== 'none') return;
        store.turn(() => {
          store.watched.putTaken(row);
        });
        queue.moved(row.job, row.path);
      })
      .catch(error => this.failed(error));
  }

  private drop(candidate: Candidate): void {
    this.ready.delete(candidate);
    if (this.candidates.get(candidate.path) === candidate && this.candidates.delete(candidate.path))
      this.deps.changed(candidate.folder);
  }

  private put(candidate: Candidate, decision: WatchDecision, content: string | null, job: string | null): void {
    const { folder, path, look } = candidate;
    const row: FileRow = {
      folder: folder.spec.path,
      path,
      bytes: look.bytes,
      modifiedAt: look.modifiedAt,
      identity: look.identity,
      content,
      job,
      decision,
      at: this.deps.clock(),
    };
    this.deps.store.turn(() => this.deps.store.watched.putFiles([row]));
  }

  /**
   * The first files that wait, as many as there is room for: who writes to them, what is in them, and into the queue.
   */
  private async admit(room: number): Promise<void> {
    const first = [...this.ready].slice(0, room);
    if (first.length === 0) return;
    const { store } = this.deps;
    const open = await openForWriting(new Set(first.map(each => each.path)));
    const take: Take[] = [];
    const one = async (candidate: Candidate): Promise<void> => {
      if (this.over || !this.ready.has(candidate)) return;
      const verdict = this.judge(candidate, { open: open.has(candidate.path) });
      if (verdict.is === 'wait') {
        this.ready.delete(candidate);
        this.wait(candidate, verdict.decision, verdict.ms);
        return;
      }
      if (verdict.is === 'settled') {
        this.settle(candidate, verdict);
        return;
      }
      let content: string | null;
      try {
        content = await checksumOf(candidate.path, candidate.look.bytes);
      } catch (error) {
        this.cannot(candidate, error);
        return;
      }
      const look = await lookAt(candidate.path),
        before = candidate.look;
      if (
        !this.ready.has(candidate) ||
        !this.see(candidate.folder, candidate.path, look) ||
        !same(before, look) ||
        content === null
      )
        return;
      // Copies of one recording in the same batch: the second is looked at when the first is known.
      if (take.some(each => each.content === content && each.candidate.folder === candidate.folder)) return;
      const taken = store.watched.taken(candidate.folder.spec.path, content);
      const there =
        taken !== null &&
        store.watched.file(taken.folder, taken.path)?.content === content &&
        (await lookAt(taken.path)).kind === 'file';
      const last = this.judge(candidate, { open: false, content, taken: taken && { ...taken, there } });
      if (last.is === 'take') take.push({ candidate, content });
      else if (last.is === 'settled') this.settle(candidate, last, content);
      else if (last.is === 'moved') this.found(candidate, content, last.from);
    };
    const left = first.values();
    await Promise.all(
      Array.from({ length: READS_AT_ONCE }, async () => {
        for (const candidate of left) await one(candidate);
      }),
    );
    if (take.length > 0 && !this.over) await this.submit(take);
  }

  private cannot(candidate: Candidate, error: unknown): void {
    this.ready.delete(candidate);
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') this.drop(candidate);
    else
      this.wait(
        candidate,
        decision(
          'retry',
          {},
          code === 'EACCES' || code === 'EPERM'
            ? failure('unreadableFile', { path: candidate.path }, String(error))
            : toFailure(error),
        ),
        RETRY_MS,
      );
  }

  /** The content was taken before, from a path where it no longer is. */
  private found(candidate: Candidate, content: string, { path: from, job }: TakenRow): void {
    const { store, queue } = this.deps,
      { folder, path } = candidate,
      again = from === path;
    store.turn(() => {
      this.put(candidate, again ? decision('taken') : decision('renamed', { from }), content, job);
      store.watched.putTaken({ folder: folder.spec.path, content, path, job });
    });
    this.drop(candidate);
    if (!again) queue.moved(job, path);
  }

  /** With what lies beside each recording now; one whose glossary cannot be read waits until somebody fixes that. */
  private async withFolderDefaults(take: readonly Take[]): Promise<Take[]> {
    const ready: Take[] = [];
    for (const each of take) {
      const {
        folder: { spec },
        path,
      } = each.candidate;
      try {
        ready.push(
          spec.glossary === false
            ? each
            : { ...each, options: await withFolderDefaults(path, spec.path, spec.options) },
        );
      } catch (error) {
        this.refused(each.candidate, toFailure(error));
      }
    }
    return ready;
  }

  private async submit(take: readonly Take[]): Promise<void> {
    const { store, queue } = this.deps;
    // A folder may be removed or paused while its glossaries are read.
    take = (await this.withFolderDefaults(take)).filter(({ candidate }) => this.ready.has(candidate));
    if (take.length === 0) return;
    const replaced = take.map(({ candidate }) => store.watched.file(candidate.folder.spec.path, candidate.path));
    const results = await queue.submit(
      take.map(({ candidate, options = candidate.folder.spec.options }) =>
        requestFor(candidate.folder.spec, candidate.path, options),
      ),
      jobs => {
        for (const [i, job] of jobs.entries()) {
          if ('failure' in job) continue;
          const { candidate, content } = take[i]!;
          this.put(candidate, decision('taken'), content, job.id);
          store.watched.putTaken({ folder: candidate.folder.spec.path, content, path: candidate.path, job: job.id });
          this.jobs.set(job.id, false);
        }
      },
      { through: false },
    );
    for (const [i, result] of results.entries()) {
      const { candidate } = take[i]!;
      if ('failure' in result) {
        this.refused(candidate, result.failure);
        continue;
      }
      candidate.folder.counts.taken++;
      this.drop(candidate);
      // What was taken from this path before was not whole, or is not there any more.
      const old = replaced[i]?.job;
      if (old && old !== result.job.id && this.jobs.has(old)) queue.cancel([old]);
      this.onJob(result.job);
      if (result.existing && isFinal(result.job.state)) this.deps.ended(result.job);
    }
  }

  private refused(candidate: Candidate, failure: Failure): void {
    this.ready.delete(candidate);
    if (failure.code === 'noSuchFile') this.drop(candidate);
    else if (isRetryable(failure.code)) this.wait(candidate, decision('retry', {}, failure), RETRY_MS);
    else {
      candidate.folder.counts.refused++;
      this.settle(candidate, { is: 'settled', decision: decision('refused', {}, failure), keep: true });
    }
  }
}

const same = (a: Look, b: Look): boolean =>
  a.kind === b.kind && a.bytes === b.bytes && a.modifiedAt === b.modifiedAt && a.identity === b.identity;

/** The record of this very file, under this name or another. */
export function known(store: Store, folder: string, path: string, look: Omit<Look, 'isRecording'>): FileRow | null {
  const fits = (row: FileRow): boolean =>
    row.bytes === look.bytes && row.modifiedAt === look.modifiedAt && row.identity === look.identity;
  const here = store.watched.file(folder, path);
  if (here && fits(here)) return here;
  return store.watched.byIdentity(folder, look.identity).find(fits) ?? null;
}
