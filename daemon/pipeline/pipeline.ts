/**
 * The one writer. Everything that changes a job, an attempt or an instance happens here, one event after the other:
 *
 *   a request, a worker's word, an ingest's utterances, the clock → the store and the work in memory → `plan` → its
 *   actions → effects.
 *
 * Handlers (queue, ingests, loads, attempts) are synchronous and end with `wake`, which has `plan` look at the new
 * state in the next turn of the event loop. What workers say about attempts waits for that turn: results, the plan that
 * they allow and the claims of what runs next are one transaction, the next runs are sent at once, and clients learn
 * of it (outbox.ts) when the transaction is on the disk. Effects (a load, an ingest, writing outputs) go on by
 * themselves; how they end is an event like any other.
 */
import { failure } from '../../schemas/errors.ts';
import type { Job } from '../../schemas/job.ts';
import { PRIORITIES, type Stage } from '../../schemas/words.ts';
import { LONGEST_TIMER_MS } from '../system/clock.ts';
import type { InstanceEvents } from '../workers/instance.ts';
import { adapt, bottleneck, NOTHING_LEARNED, type Learned } from '../scheduler/adaptive.ts';
import type { Bottleneck } from '../../schemas/reasons.ts';
import type { Action, Plan } from '../scheduler/snapshot.ts';
import { Attempts } from './attempts.ts';
import { Core, type Loop } from './core.ts';
import type { Deps } from './deps.ts';
import { Edits } from './edits.ts';
import { Elsewhere } from './elsewhere.ts';
import { Ingests } from './ingests.ts';
import { Live } from './live.ts';
import { Loads } from './loads.ts';
import { Partials } from './partials.ts';
import { Streaming } from './streaming.ts';
import { PlanningPasses } from './planning-passes.ts';
import { Queue } from './queue.ts';
import { anyForeground } from '../jobs/work.ts';
import { Summaries } from './summaries.ts';

export class Pipeline {
  readonly queue: Queue;
  readonly loads: Loads;
  readonly live: Live;
  readonly elsewhere: Elsewhere;
  readonly summaries: Summaries;
  readonly edits: Edits;
  private readonly core: Core;
  private readonly ingests: Ingests;
  private readonly partials: Partials;
  private readonly attempts: Attempts;
  private readonly passes = new PlanningPasses();
  private learned: Learned = NOTHING_LEARNED;
  private turning = false;
  private more = false;
  private woken = false;
  /** What workers said since the last turn. */
  private inbox: (() => void)[] = [];
  /** Who waits until it is drained. */
  private readonly waiting: (() => void)[] = [];
  /** Reasons are published again, and all jobs looked at, in so many ms. */
  private reasonsIn: number | null = null;
  private allIn: number | null = null;
  private wakeAt: number | null = null;
  private timer: NodeJS.Timeout | undefined;

  constructor(deps: Deps) {
    const loop: Loop = {
      wake: () => this.wake(),
      wakeFront: () => this.wakeFront(),
      receive: event => this.receive(event),
      takeIn: event => this.takeIn(event),
      restart: () => this.start(),
    };
    const core = (this.core = new Core(deps, loop, {
      after: work => this.summaries.after(work),
      begin: row => this.summaries.begin(row),
    }));
    const guarded = core.guard.run.bind(core.guard);
    const events: InstanceEvents = {
      loaded: instance => guarded(() => this.loads.loaded(instance)),
      gone: (instance, why) => {
        core.busyTimes.end(instance.id, performance.now());
        this.loads.gone(instance, why);
      },
      result: (_, token, index, output) => this.receive(() => this.attempts.result(token, index, output)),
      alternatives: (_, token, index, alternatives) =>
        this.receive(() => this.attempts.alternatives(token, index, alternatives)),
      done: (instance, token) => {
        const span = core.busyTimes.end(instance.id, performance.now());
        this.receive(() => this.attempts.done(instance, token, span));
      },
      failed: (instance, token, why, index) => {
        core.busyTimes.end(instance.id, performance.now());
        this.receive(() => this.attempts.failed(instance, token, why, index));
      },
      changed: instance => this.loads.changed(instance),
    };
    this.summaries = new Summaries(core);
    this.queue = new Queue(core, this.summaries);
    this.live = new Live(core);
    this.elsewhere = new Elsewhere(core);
    this.edits = new Edits(core);
    this.partials = new Partials(core, new Streaming(core, () => this.loads), () => this.queue.open);
    this.ingests = new Ingests(core, this.partials);
    this.loads = new Loads(core, events);
    this.attempts = new Attempts(core, this.loads);
  }

  private receive(event: () => void): void {
    this.inbox.push(event);
    this.wakeFront();
  }

  private takeIn(event: () => void): Promise<void> {
    return new Promise(resolve => {
      this.waiting.push(resolve);
      this.receive(event);
    });
  }

  private drainInbox(): void {
    const events = this.inbox;
    this.inbox = [];
    try {
      if (!this.core.guard.stalled) for (const event of events) event();
    } finally {
      for (const resolve of this.waiting.splice(0)) resolve();
    }
  }

  get instances(): Core['instances'] {
    return this.core.instances;
  }
  present: Core['publication']['present'] = id => this.core.publication.present(id);
  presentRow: Core['publication']['presentRow'] = row => this.core.publication.presentRow(row);
  cannotHave(model: string, why: Parameters<Core['cannotHave']>[1]): void {
    this.core.guard.run(() => this.core.cannotHave(model, why));
  }
  /** The settings have changed: what they forbid now ends at once. */
  forbid(): void {
    this.core.guard.run(() => this.loads.forbid());
  }

  /** Takes up where the last daemon left off: attempts that nobody ended are given up, their steps run again. */
  start(): void {
    const { store, clock } = this.core.deps;
    store.batch(() => {
      for (const attempt of store.openAttempts())
        store.abandon(attempt.token, failure('cancelled', {}, 'the daemon ended'), clock(), {
          counts: false,
          gaveUp: [],
        });
    });
    for (const row of store.activeJobs()) this.core.jobs.adopt(row);
    this.live.restore();
    for (const work of this.core.jobs.values()) this.core.steps.advance(work);
    this.wake();
  }

  /** finish: what runs may end; park: it is given up and done again later. Resolves when no worker is left. */
  async stop(how: 'finish' | 'park'): Promise<void> {
    this.core.leaving = how;
    this.ingests.standBy();
    this.core.guard.run(() => this.core.deps.store.turn(() => this.drainInbox()));
    await this.live.stop();
    for (const work of this.core.jobs.values()) work.ingestAbort?.abort();
    if (how === 'park') this.core.guard.run(() => this.park());
    for (const instance of this.core.instances.values())
      if (how === 'park' || !instance.run) instance.stop(how === 'park' ? 'kill' : 'leave');
    clearTimeout(this.timer);
    await new Promise<void>(resolve => {
      this.whenEmpty = resolve;
      this.checkEmpty();
    });
    clearTimeout(this.timer);
    await this.core.outbox.settled();
    this.core.deps.speeds.save();
  }

  /** What runs is given up, to be done again later. A store that fails gives it up when it is opened again. */
  private park(): void {
    for (const work of this.core.jobs.values())
      for (const stage of work.stages)
        for (const token of [...stage.running.keys()])
          this.core.steps.park(stage, token, failure('cancelled', {}, 'the daemon leaves'));
  }

  private whenEmpty: (() => void) | null = null;

  private checkEmpty(): void {
    if (
      this.core.leaving !== 'no' &&
      this.core.instances.size === 0 &&
      ![...this.core.jobs.values()].some(work => work.finishing || work.diarizing)
    )
      this.whenEmpty?.();
  }

  /** There is something to do; what is paused waits for somebody. */
  get working(): boolean {
    return [...this.core.jobs.values()].some(work => work.row.state !== 'paused');
  }
  /** Nothing runs and nothing could. */
  get idle(): boolean {
    return this.core.instances.size === 0 && !this.working;
  }

  get activeJobs(): number {
    return this.core.jobs.size;
  }
  /** Every job that is not over, by priority and position. */
  active(): Job[] {
    const rank = (priority: Job['priority']): number => PRIORITIES.indexOf(priority);
    return [...this.core.jobs.values()]
      .sort((a, b) => rank(a.row.priority) - rank(b.row.priority) || a.row.position - b.row.position)
      .map(work => this.core.publication.presentRow(work.row));
  }
  /** Known steps of a stage that are not over. */
  queued(stage: Stage): number {
    let steps = 0;
    for (const work of this.core.jobs.values()) {
      const at = work.stage(stage);
      if (at) steps += work.utterances.length - at.over;
    }
    return steps;
  }

  /** Something happened: plan in the next turn of the event loop, with all jobs in view. */
  wake(): void {
    this.passes.requireFull();
    this.wakeFront();
  }

  /** The same where nothing but work went on: the front of the queue may do (planning-passes.ts). */
  private wakeFront(): void {
    if (this.woken) return;
    this.woken = true;
    setImmediate(() => {
      this.woken = false;
      void this.turn();
    });
  }

  private async turn(): Promise<void> {
    if (this.turning) {
      this.more = true;
      return;
    }
    this.turning = true;
    try {
      do {
        this.more = false;
        await this.step();
      } while (this.more);
    } catch (error) {
      this.core.guard.fail(error);
    } finally {
      this.turning = false;
    }
    this.checkEmpty();
    this.ingests.standBy();
    this.setTimer();
  }

  private setTimer(): void {
    if (this.core.leaving !== 'no') return;
    clearTimeout(this.timer);
    const { clock, settings } = this.core.deps;
    const tickMs = settings().tickSeconds * 1000;
    const busy = this.core.instances.size > 0 || this.core.jobs.size > 0;
    const until = this.wakeAt === null ? Infinity : Math.max(0, this.wakeAt - clock());
    const delay = Math.min(busy ? tickMs : Infinity, until, this.reasonsIn ?? Infinity, this.allIn ?? Infinity);
    if (delay !== Infinity) this.timer = setTimeout(() => this.wake(), Math.min(Math.max(1, delay), LONGEST_TIMER_MS));
  }

  private plan(): Plan {
    const { next, allIn } = this.passes.run(
      {
        ...this.core.deps,
        jobs: this.core.jobs,
        instances: this.core.instances,
        open: this.queue.open && this.core.leaving === 'no',
        advice: this.learned.advice,
        loadFailures: this.core.loadFailures,
      },
      this.core.deps.clock(),
    );
    if (allIn === null) this.core.publication.outlook = next;
    this.allIn = allIn;
    this.wakeAt = next.wakeAt;
    return next;
  }

  private async step(): Promise<void> {
    if (this.core.leaving !== 'no') {
      if (this.inbox.length) this.core.deps.store.turn(() => this.drainInbox());
      for (const instance of this.core.instances.values()) if (instance.state === 'idle') instance.stop('leave');
      return;
    }
    if (this.core.guard.stalled) {
      this.drainInbox(); // nothing of it is taken in
      return;
    }
    let next = this.look();
    if (next.actions.some(action => action.type === 'load' || action.type === 'unload')) {
      await this.core.deps.pool.refresh(); // a load is admitted on what the device shows now
      if (this.core.leaving !== 'no' || this.core.guard.stalled) return;
      next = this.look();
    }
    const others = next.actions.filter(action => action.type !== 'run');
    if (others.length)
      this.core.deps.store.turn(() => {
        for (const action of others) this.apply(action);
      });
    this.reasonsIn = this.core.publication.reasons();
    this.partials.offer();
  }

  /** Takes in what arrived, plans, and lets run what may: one transaction, after which it is sent to the workers. */
  private look(): Plan {
    const { store, clock } = this.core.deps;
    const { next, starts } = store.turn(() => {
      this.drainInbox();
      this.giveWay();
      this.core.gauge.observe(clock(), this.core.instances.values(), this.core.publication.outlook.waiting);
      const next = this.plan();
      return { next, starts: next.actions.map(action => (action.type === 'run' ? this.attempts.claim(action) : null)) };
    });
    for (const start of starts) start?.();
    return next;
  }

  /** Who waits for recognition does not wait for a summary: the piece that it was at is done again later. */
  private giveWay(): void {
    for (const instance of this.core.instances.values())
      if (instance.run && instance.options.stage === 'summary' && anyForeground(this.core.jobs)) instance.cancel();
  }

  /** Once a minute: what the last one measured narrows what the scheduler may do. */
  adapt(): void {
    if (this.core.jobs.size === 0) {
      this.core.gauge.reset();
      return;
    }
    const { metrics, settings, clock } = this.core.deps;
    const { learned, changes } = adapt(
      this.learned,
      this.core.gauge.figures(metrics, this.core.jobs.values()),
      settings(),
      clock(),
    );
    this.learned = learned;
    this.core.guard.run(() => {
      for (const change of changes) this.core.note({ kind: `adaptive.${change.code}`, data: change.args });
    });
    this.core.gauge.reset();
    this.wake();
  }

  /** What holds the queue up now; null: nothing. */
  bottleneck(): Bottleneck | null {
    return bottleneck(this.core.gauge.load(this.core.deps.metrics, this.core.jobs.values()));
  }

  private apply(action: Exclude<Action, { type: 'run' }>): void {
    const work = 'job' in action && action.job !== null ? this.core.jobs.get(action.job) : undefined;
    switch (action.type) {
      case 'ingest':
        if (work) this.ingests.start(work);
        break;
      case 'load':
        this.loads.load(action);
        break;
      case 'unload':
        this.core.instances.get(action.instance)?.stop('leave');
        this.loads.unloading(action.instance, action.why);
        break;
      case 'threads':
        this.core.instances.get(action.instance)?.resize(action.threads);
        break;
      case 'refuse':
        if (work) this.core.steps.end(work, 'failed', action.failure);
        break;
      case 'overtaken':
        if (work) {
          work.row.overtaken++;
          this.core.deps.store.update(work.row.id, { overtaken: work.row.overtaken });
        }
        break;
    }
  }
}
