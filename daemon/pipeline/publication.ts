/** What is published of jobs: each as it is now, why it waits, and when it is expected to begin and to end. */
import { reason } from '../../schemas/reasons.ts';
import type { Failure } from '../../schemas/errors.ts';
import type { Job } from '../../schemas/job.ts';
import type { JobRow } from '../contracts/store.ts';
import { presentActive, presentStored } from '../jobs/present.ts';
import { anyForeground, isForeground, isSummary, type JobWork } from '../jobs/work.ts';
import type { Plan, Waiting } from '../scheduler/snapshot.ts';
import type { Deps } from './deps.ts';
import type { Outbox } from './outbox.ts';

const NOTICE_INTERVAL_MS = 60_000;

export class Publication {
  /** Of the last planning pass over the whole queue. */
  outlook: Plan = { actions: [], order: [], waiting: new Map(), expectedEndAt: new Map(), wakeAt: null };
  private readonly deps: Pick<Deps, 'store' | 'clock' | 'settings' | 'catalogue'>;
  private readonly jobs: ReadonlyMap<string, JobWork>;
  private readonly outbox: Outbox;
  private readonly publishedReasons = new Map<string, string>();

  constructor(deps: Publication['deps'], jobs: ReadonlyMap<string, JobWork>, outbox: Outbox) {
    this.deps = deps;
    this.jobs = jobs;
    this.outbox = outbox;
  }

  job(work: JobWork): void {
    this.outbox.publishLatest(work, () => ({ type: 'job', job: this.presentWork(work) }));
  }

  /** Of a job that is over. */
  stored(row: JobRow): void {
    this.outbox.publish({ type: 'job', job: this.presentRow(row) });
  }

  present(id: string): Job | null {
    const work = this.jobs.get(id);
    if (work) return this.presentWork(work, 0);
    const row = this.deps.store.job(id);
    return row ? presentStored(row, this.deps.store) : null;
  }

  presentRow(row: JobRow): Job {
    const work = this.jobs.get(row.id);
    return work ? this.presentWork(work) : presentStored(row, this.deps.store);
  }

  /** `youngerMs`: the expectations may be as old as this; they follow from the whole queue. */
  private presentWork(work: JobWork, youngerMs = this.queueMs): Job {
    const now = this.deps.clock();
    if (!work.expected || now - work.expected.at >= youngerMs || work.expected.moving !== work.anyRunning)
      work.expected = {
        at: now,
        moving: work.anyRunning,
        waiting: work.anyRunning ? undefined : this.outlook.waiting.get(work.row.id),
        endAt: this.outlook.expectedEndAt.get(work.row.id),
      };
    const { waiting, endAt } = work.expected;
    if (work.row.startedAt === null && waiting?.expectedStartAt != null)
      work.promised ??= { at: now, startAt: waiting.expectedStartAt };
    return presentActive(work, {
      waiting: waiting ?? this.waitingForOthers(work) ?? this.waitingForTools(work),
      endAt,
      attempts: this.deps.settings().attempts,
    });
  }

  /** Reasons and expected times are published this often at most: each costs a look at the whole queue. */
  private get queueMs(): number {
    return Math.min(1_000, this.jobs.size * 2);
  }

  private waitingForOthers(work: JobWork): Waiting | undefined {
    if (!isSummary(work) || !anyForeground(this.jobs)) return undefined;
    return {
      reason: reason('behind', { count: [...this.jobs.values()].filter(isForeground).length }),
      expectedStartAt: null,
    };
  }

  private waitingForTools(work: JobWork): Waiting | undefined {
    const reason = work.ingest === 'waiting' ? this.deps.catalogue.toolsWaiting() : null;
    return reason ? { reason, expectedStartAt: null } : undefined;
  }

  /**
   * Jobs whose reason to wait is another one now, or whose arguments changed near the head of the queue. Returns when
   * to look again, ms; null: all is published.
   */
  reasons(): number | null {
    const now = this.deps.clock(),
      wait = this.reasonsAt + this.queueMs - now;
    if (wait > 0) return wait;
    this.reasonsAt = now;
    let shown = 0;
    const over = new Set(this.publishedReasons.keys());
    for (const [id, waiting] of this.outlook.waiting) {
      const { code, args } = waiting.reason;
      const text = shown++ < 100 ? `${code} ${JSON.stringify(args)}` : code;
      over.delete(id);
      if (this.publishedReasons.get(id) === text) continue;
      this.publishedReasons.set(id, text);
      this.republish(id);
    }
    for (const id of over) {
      this.publishedReasons.delete(id);
      this.republish(id);
    }
    return null;
  }
  private reasonsAt = 0;

  private republish(id: string): void {
    const work = this.jobs.get(id);
    if (!work) return;
    work.expected = null;
    this.job(work);
  }

  /** The disk is full: published once in a while, and what needs room is tried again until there is some. */
  diskFull(why: Failure): void {
    const now = this.deps.clock();
    if (now - this.shortAt < NOTICE_INTERVAL_MS) return;
    this.shortAt = now;
    this.outbox.publish({ type: 'notice', failure: why });
  }
  private shortAt = -Infinity;
}
