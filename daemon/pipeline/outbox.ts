/**
 * Events on their way out. What a turn of the loop changed goes out in one go and in order, once it is on the disk; a
 * thing that changed several times goes out once. Files that are no longer needed go the same way: not before the disk
 * knows that they are not.
 */
import type { StateEvent } from '../../schemas/rpc.ts';

export interface OutboxDeps {
  synced(): Promise<void>;
  publish(event: StateEvent): void;
  failed(error: unknown): void;
}

type Entry = (() => StateEvent) | { after: () => void };

export class Outbox {
  private readonly deps: OutboxDeps;
  /** In order; a thing stands where it changed last. */
  private readonly waiting = new Map<object, Entry>();
  private readonly clearing = new Map<string, Promise<void>>();
  private scheduled: NodeJS.Immediate | null = null;
  private last: Promise<void> = Promise.resolve();

  constructor(deps: OutboxDeps) {
    this.deps = deps;
  }

  publish(event: StateEvent): void {
    this.add(event, () => event);
  }
  /** `latest` is asked for when the events leave. */
  publishLatest(subject: object, latest: () => StateEvent): void {
    this.add(subject, latest);
  }
  /** Clears up after a job when all that was written so far is on the disk. */
  after(job: string, effect: () => Promise<void>): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.clearing.set(job, promise);
    const begin = (): void =>
      void effect().finally(() => {
        if (this.clearing.get(job) === promise) this.clearing.delete(job);
        resolve();
      });
    this.add(promise, { after: begin });
  }
  /** Nothing of this job is being cleared up any more. */
  cleared(job: string): Promise<void> {
    return this.clearing.get(job) ?? Promise.resolve();
  }
  /** What it would publish was undone. */
  drop(): void {
    this.waiting.clear();
    this.clearing.clear();
  }

  private add(subject: object, entry: Entry): void {
    this.waiting.delete(subject);
    this.waiting.set(subject, entry);
    this.scheduled ??= setImmediate(() => void this.flush());
  }

  /** All events are out and all is cleared up. */
  async settled(): Promise<void> {
    await this.flush();
    await Promise.all(this.clearing.values());
  }

  /** Resolves when all events until now are out. */
  flush(): Promise<void> {
    if (this.scheduled) clearImmediate(this.scheduled);
    this.scheduled = null;
    if (!this.waiting.size) return this.last;
    const { synced, publish, failed } = this.deps;
    // Things as they are now: what they become while the disk is busy is published next time.
    let leaving: (StateEvent | (() => void))[];
    try {
      leaving = [...this.waiting.values()].map(each => (typeof each === 'function' ? each() : each.after));
    } catch (error) {
      failed(error); // what it would say of a job could not be read
      return this.last;
    } finally {
      this.waiting.clear();
    }
    const safe = synced();
    return (this.last = this.last
      .then(() => safe)
      .then(() => {
        for (const each of leaving)
          if (typeof each === 'function') each();
          else publish(each);
      })
      .catch(failed));
  }
}
