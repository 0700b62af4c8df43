/**
 * What people ask of jobs: put them into the queue, hold, cancel, move and retry them. Every call checks the jobs'
 * states before it changes any, and changes all of them or none.
 */
import { rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { EarshotError, toFailure, type Failure } from '../../schemas/errors.ts';
import type { Job, JobOptions, JobRequest } from '../../schemas/job.ts';
import type { JobState, Priority } from '../../schemas/words.ts';
import { ulid } from '../system/ids.ts';
import type { NewJournalEntry } from '../contracts/journal.ts';
import type { JobRow } from '../contracts/store.ts';
import type { Core } from './core.ts';
import { modelsFor, toRow, type Unasked } from '../jobs/request.ts';
import type { Summaries } from './summaries.ts';
import { isLent, type JobWork } from '../jobs/work.ts';

const UNFINISHED: readonly JobState[] = ['pending', 'processing', 'paused'];

export class Queue {
  private readonly core: Core;
  private readonly summaries: Summaries;
  /** False: what runs goes on, nothing else starts. */
  open: boolean;

  constructor(core: Core, summaries: Summaries) {
    this.core = core;
    this.summaries = summaries;
    this.open = core.deps.store.meta('queue') !== 'paused';
  }

  /**
   * Whether jobs with these options can be had on this machine. @throws unknownModel, wrongStage, languageNotSupported,
   * noVoice
   */
  async check(options: JobOptions): Promise<void> {
    const { catalogue } = this.core.deps;
    modelsFor(options, null, catalogue, (await catalogue.defaults()).models);
  }

  /**
   * Each request by itself: a bad one does not stop the others. What `along` writes is there if and only if the jobs
   * are. `unasked` with models: they are another machine's, which has chosen these, and are done here.
   */
  async submit(
    requests: readonly JobRequest[],
    along?: (jobs: readonly ({ id: string } | { failure: Failure })[]) => void,
    unasked?: Unasked,
  ): Promise<({ job: Job; existing: boolean } | { failure: Failure })[]> {
    const { store, clock, catalogue } = this.core.deps;
    type Checked = { failure: Failure } | { row: JobRow; existing: boolean };
    const checked: Checked[] = await Promise.all(
      requests.map(async request => {
        try {
          return {
            row: await toRow(request, ulid(clock()), clock(), catalogue, this.core.jobs.nextPosition(), unasked),
            existing: false,
          };
        } catch (error) {
          return { failure: toFailure(error) };
        }
      }),
    );
    // One of the fleet's is done here, and its row is what `along` makes of it.
    const taken = unasked?.models !== undefined;
    const fresh: JobRow[] = [];
    const answers = checked.map((each, i): Checked => {
      if ('failure' in each) return each;
      const { fingerprint } = each.row;
      const existing =
        requests[i]!.onDuplicate === 'create'
          ? null
          : (store.findDuplicate(fingerprint) ?? fresh.find(other => other.fingerprint === fingerprint));
      if (existing) return { row: existing, existing: true };
      const fleet = taken ? null : this.core.deps.place?.(each.row);
      if (fleet) each.row.fleet = fleet;
      fresh.push(each.row);
      return each;
    });
    try {
      store.turn(() => {
        store.submit(fresh);
        along?.(answers.map(answer => ('failure' in answer ? answer : { id: answer.row.id })));
      });
      for (const row of fresh) {
        // What `along` wrote belongs to it.
        this.core.publication.job(this.core.jobs.adopt(taken ? store.job(row.id)! : row));
      }
      this.core.wake(); // the first work may begin, but nothing is published before the jobs are on the disk
      await store.synced();
    } catch (error) {
      const why = toFailure(error);
      return answers.map(answer =>
        'failure' in answer
          ? answer
          : answer.existing && !fresh.includes(answer.row)
            ? { job: this.core.publication.present(answer.row.id)!, existing: true }
            : { failure: why },
      );
    }
    for (const [i, answer] of answers.entries())
      if ('row' in answer && answer.existing && requests[i]!.options.summary) await this.alsoSummary(answer.row);
    return answers.map(answer =>
      'failure' in answer ? answer : { job: this.core.publication.present(answer.row.id)!, existing: answer.existing },
    );
  }

  /** A job that is there already gets the summary that it was not asked for before. */
  private async alsoSummary({ id }: JobRow): Promise<void> {
    const work = this.core.jobs.get(id);
    if (work) this.core.jobs.update(work, { options: { ...work.row.options, summary: true } });
    // What stands in its way is reported where it is asked for alone; here the transcript is what was asked for.
    else
      await this.summaries.request({ of: id }).catch(error => {
        this.core.deps.log.warn({ err: error as Error, job: id }, 'summary refused');
      });
  }

  /** @throws unknownJob, wrongState */
  pause(ids: readonly string[]): void {
    const paused = this.active(ids, ['pending', 'processing']);
    this.change(() => {
      for (const work of paused) this.core.jobs.update(work, { state: 'paused' }, { kind: 'job.paused' });
    });
  }

  /** @throws unknownJob, wrongState */
  resume(ids: readonly string[]): void {
    const paused = this.active(ids, ['paused']);
    this.change(() => {
      for (const work of paused) {
        this.core.jobs.update(
          work,
          { state: work.row.startedAt === null ? 'pending' : 'processing' },
          { kind: 'job.resumed' },
        );
        // What ran when it was paused was let finish: nothing may be left but its end.
        this.core.steps.advance(work);
      }
    });
  }

  /** What was being fetched for them alone stops too. @throws unknownJob, wrongState */
  cancel(ids: readonly string[]): void {
    const unfinished = this.active(ids, UNFINISHED);
    this.change(() => {
      for (const work of unfinished) this.core.steps.end(work, 'cancelled', null);
    });
    const { catalogue } = this.core.deps;
    catalogue.release(new Set([...this.core.jobs.values()].flatMap(work => Object.values(work.row.models))));
  }

  /** Failed steps run again, and all that hangs on them; what is done stays. @throws unknownJob, wrongState */
  retry(ids: readonly string[]): void {
    const { store, clock } = this.core.deps;
    const rows = [...new Set(ids)].map(id => {
      const row = store.job(id);
      if (!row) throw new EarshotError('unknownJob', { id });
      if (row.state !== 'failed' && row.state !== 'cancelled')
        throw new EarshotError('wrongState', { id, state: row.state });
      return row;
    });
    this.change(() => {
      for (const { id, models } of rows) {
        // The sound was thrown away at the end; the same recording gives the same utterances again.
        store.clearFailures(id);
        store.update(
          id,
          { state: 'pending', ingested: false, ingestedMs: 0, crashes: 0, finishedAt: null, warnings: [], outputs: [] },
          { kind: 'job.retried', at: clock() },
        );
        for (const model of Object.values(models))
          for (const failed of [...this.core.loadFailures.keys()])
            if (failed.startsWith(`${model}@`)) this.core.loadFailures.delete(failed);
        const row = store.job(id)!;
        if (!row.fleet || isLent(row)) {
          row.fleet = this.core.deps.place?.(row) ?? null;
          store.update(id, { fleet: row.fleet });
        }
        this.core.publication.job(this.core.jobs.adopt(row, true));
      }
    });
  }

  /** The recording lies elsewhere now. A job that failed because it was not at its old place any more goes on. */
  moved(id: string, path: string): void {
    const { store, clock } = this.core.deps,
      work = this.core.jobs.get(id),
      change = { path, name: basename(path) },
      entry: NewJournalEntry = { kind: 'job.recordingMoved', data: { path } };
    if (work) {
      this.core.jobs.update(work, change, entry);
      return;
    }
    const row = store.job(id);
    if (!row) return;
    store.update(id, change, { ...entry, at: clock() });
    const lost = row.failure?.code === 'noSuchFile' || row.failure?.code === 'recordingChanged';
    if (row.state === 'failed' && lost && row.failure!.args.path !== path) this.retry([id]);
  }

  /** Forgets jobs that are over. @throws wrongState */
  remove(ids: readonly string[]): void {
    const { store } = this.core.deps;
    for (const id of ids)
      if (this.core.jobs.has(id))
        throw new EarshotError('wrongState', { id, state: this.core.jobs.get(id)!.row.state });
    store.remove(ids);
    for (const id of ids) this.forget(id);
  }

  /** Forgets some of the jobs that ended before, or of the oldest beyond `keep`; answers how many. */
  prune(before: number, keep: number): number {
    const ids = this.core.deps.store.prune(before, keep);
    for (const id of ids) this.forget(id);
    return ids.length;
  }

  private forget(id: string): void {
    try {
      rmSync(join(this.core.deps.home.audio, id), { recursive: true, force: true });
    } catch (error) {
      this.core.deps.log.warn({ err: error as Error, job: id }, 'clearing up after a job');
    }
    this.core.outbox.publish({ type: 'jobRemoved', id });
  }

  /** @throws unknownJob, wrongState */
  move(id: string, place: { priority?: Priority; before?: string; after?: string; to?: 'top' | 'bottom' }): void {
    const [work] = this.active([id], UNFINISHED);
    const neighbour = place.before ?? place.after;
    const anchor = neighbour === undefined ? undefined : this.active([neighbour], UNFINISHED)[0]!;
    const priority = anchor?.row.priority ?? place.priority ?? work!.row.priority;
    const peers = [...this.core.jobs.values()]
      .filter(other => other !== work && other.row.priority === priority)
      .sort((a, b) => a.row.position - b.row.position);
    let position = work!.row.position;
    if (anchor) {
      const at = peers.indexOf(anchor),
        other = peers[place.before ? at - 1 : at + 1];
      position = other ? (anchor.row.position + other.row.position) / 2 : anchor.row.position + (place.before ? -1 : 1);
    } else if (place.to && peers.length)
      position = place.to === 'top' ? peers[0]!.row.position - 1 : peers.at(-1)!.row.position + 1;
    this.change(() =>
      this.core.jobs.update(work!, { priority, position }, { kind: 'job.moved', data: { priority, position } }),
    );
  }

  setQueue(open: boolean): void {
    const { store, clock } = this.core.deps;
    this.change(() => {
      store.setMeta('queue', open ? 'open' : 'paused');
      store.journal([{ kind: open ? 'queue.resumed' : 'queue.paused' }], clock());
    });
    this.open = open;
    this.core.outbox.publish({ type: 'queue', paused: !open });
  }

  /**
   * One transaction, then the loop looks again. Memory that ran ahead of a transaction which failed is made anew from
   * the store.
   */
  private change(work: () => void): void {
    try {
      this.core.deps.store.batch(work);
    } catch (error) {
      this.core.guard.fail(error);
      throw error;
    }
    this.core.wake();
  }

  /** Each job once. @throws unknownJob, wrongState */
  private active(ids: readonly string[], states: readonly JobState[]): JobWork[] {
    return [...new Set(ids)].map(id => {
      const work = this.core.jobs.get(id);
      const state = work?.row.state ?? this.core.deps.store.job(id)?.state;
      if (!state) throw new EarshotError('unknownJob', { id });
      if (!work || !states.includes(state)) throw new EarshotError('wrongState', { id, state });
      return work;
    });
  }
}
