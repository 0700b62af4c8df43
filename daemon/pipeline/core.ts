/**
 * What every part of the pipeline works on. Only the pipeline's own handlers call these, one at a time, so there is
 * nothing to lock. What they do stands where they are: rows in job-table.ts, steps and the end of jobs in steps.ts, the
 * writing of outputs in completion.ts, what is published in publication.ts, a store that fails in store-guard.ts.
 */
import { failure, type Failure } from '../../schemas/errors.ts';
import type { NewJournalEntry } from '../contracts/journal.ts';
import type { Instance } from '../workers/instance.ts';
import { BusyTimes } from './busy-times.ts';
import { Commands } from './commands.ts';
import { Completion, type Follow } from './completion.ts';
import type { Deps } from './deps.ts';
import { Gauge } from './gauge.ts';
import { JobTable } from './job-table.ts';
import { Outbox } from './outbox.ts';
import { Publication } from './publication.ts';
import { Steps } from './steps.ts';
import { StoreGuard } from './store-guard.ts';

/** What the loop (pipeline.ts) does for its handlers. */
export interface Loop {
  /** Something happened: plan in the next turn of the event loop, with all jobs in view. */
  wake(): void;
  /** The same where nothing but work went on: the front of the queue may do. */
  wakeFront(): void;
  /** Something came from outside: it is taken in with the next turn. */
  receive(event: () => void): void;
  /** The same; resolves when it was taken in, or the store stalled and it was dropped. */
  takeIn(event: () => void): Promise<void>;
  restart(): void;
}

/** 1 s, 3 s, 9 s, … */
const growingPauseMs = (tries: number): number => 1000 * 3 ** (tries - 1);

export class Core {
  readonly deps: Deps;
  readonly jobs: JobTable;
  readonly instances = new Map<string, Instance>();
  readonly steps: Steps;
  readonly outbox: Outbox;
  readonly publication: Publication;
  readonly guard: StoreGuard;
  readonly commands = new Commands();
  /** Loads that failed in a row, by model and device, and not before when to try again. */
  readonly loadFailures = new Map<string, { count: number; notBefore: number; last: Failure }>();
  readonly gauge: Gauge;
  /** Attempts that run on GPUs at once. */
  readonly busyTimes = new BusyTimes();
  readonly retryPauseMs: (tries: number) => number;
  readonly wake: Loop['wake'];
  readonly wakeFront: Loop['wakeFront'];
  readonly receive: Loop['receive'];
  readonly takeIn: Loop['takeIn'];
  leaving: 'no' | 'finish' | 'park' = 'no';

  constructor(deps: Deps, loop: Loop, follow: Follow) {
    this.deps = deps;
    this.wake = loop.wake;
    this.wakeFront = loop.wakeFront;
    this.receive = loop.receive;
    this.takeIn = loop.takeIn;
    this.retryPauseMs = deps.retryPauseMs ?? growingPauseMs;
    this.gauge = new Gauge(deps.clock());
    this.guard = new StoreGuard(deps, this.instances, {
      leaving: () => this.leaving !== 'no',
      drop: () => this.drop(),
      restart: loop.restart,
      pauseMs: () => this.retryPauseMs(1),
    });
    this.outbox = new Outbox({
      synced: () => deps.store.synced(),
      publish: deps.publish,
      failed: error => this.guard.fail(error),
    });
    this.jobs = new JobTable(deps, {
      job: work => this.publication.job(work),
      stored: row => this.publication.stored(row),
    });
    this.publication = new Publication(deps, this.jobs, this.outbox);
    this.steps = new Steps(deps, {
      ...this.parts,
      completion: { begin: work => completion.begin(work), diarize: work => completion.diarize(work) },
    });
    const completion = new Completion(this, follow);
  }

  private get parts(): Pick<Core, 'jobs' | 'instances' | 'outbox' | 'publication'> {
    const { jobs, instances, outbox, publication } = this;
    return { jobs, instances, outbox, publication };
  }

  /** Nothing of what is in memory counts any more. */
  private drop(): void {
    for (const work of this.jobs.values()) {
      work.ingestAbort?.abort();
      work.deliveryAbort?.abort();
    }
    this.jobs.clear();
    this.steps.running.clear();
    this.outbox.drop();
  }

  note(entry: NewJournalEntry): void {
    this.deps.store.journal([entry], this.deps.clock());
  }

  /**
   * A model, or what it needs, cannot be had. Jobs that asked for its work by name, or cannot do without, fail; repair
   * that nobody named a model for is done by what there is without one.
   */
  cannotHave(model: string, why: Failure): void {
    for (const work of [...this.jobs.values()]) {
      const { models, options, warnings } = work.row,
        { repair, ...others } = models;
      if (!Object.values(models).includes(model)) continue;
      if (repair !== model || options.models?.repair === model || Object.values(others).includes(model)) {
        this.steps.end(work, 'failed', why);
        continue;
      }
      const warning = failure('repairLeftOut', { model, cause: why.code }, why.detail);
      this.jobs.update(work, { models: others, warnings: [...warnings, warning] });
      this.steps.advance(work);
    }
    this.wake();
  }
}
