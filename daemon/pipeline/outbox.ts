/**
 * News on their way out. What a turn of the loop changed is told in one go and in order, once it is on the disk; a job that changed several times
 * is told once. Files that are no longer needed go the same way: not before the disk knows that they are not.
 */
import type { Job } from '../../schemas/job.ts';
import type { StateEvent } from '../../schemas/rpc.ts';
import type { JobWork } from './work.ts';

export interface OutboxParts { synced(): Promise<void>; publish(event: StateEvent): void; present(work: JobWork): Job; failed(error: unknown): void }

type News = StateEvent | (() => void);

export class Outbox {
  private readonly parts: OutboxParts;
  /** In order; a job (its own key) stands where it changed last. */
  private readonly waiting = new Map<JobWork | News, News | null>();
  private scheduled: NodeJS.Immediate | null = null;
  private last: Promise<void> = Promise.resolve();

  constructor(parts: OutboxParts) { this.parts = parts; }

  publish(event: StateEvent): void { this.waiting.set(event, event); this.schedule(); }
  tell(work: JobWork): void { this.waiting.delete(work); this.waiting.set(work, null); this.schedule(); }
  /** Runs when all that was written so far is on the disk. */
  after(effect: () => void): void { this.waiting.set(effect, effect); this.schedule(); }
  /** What it would tell of was undone. */
  drop(): void { this.waiting.clear(); }

  private schedule(): void { this.scheduled ??= setImmediate(() => void this.flush()); }

  /** Resolves when all news until now are out. */
  flush(): Promise<void> {
    if (this.scheduled) clearImmediate(this.scheduled);
    this.scheduled = null;
    if (!this.waiting.size) return this.last;
    const { synced, publish, present, failed } = this.parts;
    // Jobs as they are now: what they become while the disk is busy is told next time.
    const news = [...this.waiting].map(([subject, each]): News => each ?? { type: 'job', job: present(subject as JobWork) });
    this.waiting.clear();
    const safe = synced();
    return this.last = this.last.then(() => safe).then(() => { for (const each of news) if (typeof each === 'function') each(); else publish(each); }).catch(failed);
  }
}
