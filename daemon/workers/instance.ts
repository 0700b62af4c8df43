/**
 * An instance: one loaded model in one worker process on one device, from its lease to the lease's return.
 *
 * starting (the process comes up) → loading → idle ⇄ busy → stopping (asked to leave) → gone; the lease is then
 * releasing until the device shows the memory free. A worker that ends by itself, whenever that is, goes straight to
 * gone with a failure.
 *
 * An idle instance may be lent for a pass over what is still being said. It stays idle for everybody else: a run that
 * comes ends the pass, and begins as soon as the worker has let go of it.
 */
import type { Instance as InstanceWord } from '../../schemas/device.ts';
import { failure, type Failure } from '../../schemas/errors.ts';
import type { AsrOutput } from '../../schemas/job.ts';
import type { ModelCard } from '../../schemas/model.ts';
import type { Stage } from '../../schemas/words.ts';
import type { Permissions } from './sandbox/permissions.ts';
import type { Engine, WorkerContext } from '../contracts/engine.ts';
import type { Alternative } from '../contracts/alternatives.ts';
import type { LoadRequest, RunRequest, Step, StepOutputs } from '../contracts/worker-protocol.ts';
import { Worker } from './worker.ts';

export interface InstanceEvents {
  loaded(instance: Instance): void;
  /** It never loaded, or it ended: the failure says why; null when it was asked to. */
  gone(instance: Instance, why: Failure | null): void;
  result(instance: Instance, token: number, index: number, output: StepOutputs[Stage]): void;
  /** What else a step of recognition may have been, behind its result. */
  alternatives(instance: Instance, token: number, index: number, alternatives: readonly Alternative[]): void;
  done(instance: Instance, token: number): void;
  /** index: the step it happened at, where known. */
  failed(instance: Instance, token: number, why: Failure, index: number | undefined): void;
  changed(instance: Instance): void;
}

/** What an instance says and asks about its lease. */
export interface LeaseBook {
  attach(leaseId: string, pid: number): void;
  loaded(leaseId: string): void;
  get(leaseId: string): { residentBytes: number | null; peakBytes: number | null } | null;
  release(leaseId: string): void;
}

export interface InstanceOptions {
  id: string;
  stage: Stage;
  card: ModelCard;
  engine: Engine;
  device: string;
  precision: string;
  /** What was set aside for it. */
  lease: { readonly id: string; readonly bytes: number; readonly onMetal: boolean };
  threads: number;
  job: string | null;
  context: WorkerContext;
  permissions: Permissions | null;
  directory: string;
  parameters: LoadRequest['parameters'];
  logPath: string;
  lowPriority: boolean;
  clock: () => number;
}

const HEARTBEAT_TIMEOUT_MS = 20_000;
const CANCEL_MS = 5_000;
const LOAD_TIMEOUT_MS = 300_000;
const PASS_TIMEOUT_MS = 60_000;

export type Pass = (output: AsrOutput | null, why: Failure | null) => void;

export class Instance {
  readonly options: InstanceOptions;
  state: InstanceWord['state'] = 'starting';
  readonly startedAt: number;
  loadedAt: number | null = null;
  /** How long loading took, by a clock that nobody sets. */
  loadMs: number | null = null;
  private readonly beganMs = performance.now();
  idleSince: number | null = null;
  attemptsDone = 0;
  peakBytes: number | null = null;
  residentBytes: number | null = null;
  run: {
    token: number;
    job: string;
    from: number;
    to: number;
    startedAt: number;
    until: number;
    threads: number;
    cancelled?: true;
  } | null = null;
  /** The pass under way. */
  passing: { id: string; output: AsrOutput | null; over: Pass } | null = null;
  /** Sends the run that waits until the pass has given way. */
  private waiting: (() => void) | null = null;
  private passes = 0;
  private readonly worker: Worker;
  private readonly pool: LeaseBook;
  private readonly events: InstanceEvents;

  constructor(options: InstanceOptions, pool: LeaseBook, events: InstanceEvents) {
    this.options = options;
    this.pool = pool;
    this.events = events;
    this.startedAt = options.clock();
    const request: LoadRequest = {
      type: 'load',
      stage: options.stage,
      model: options.card.id,
      directory: options.directory,
      parameters: options.parameters,
      device: options.context.device,
      precision: options.precision,
      threads: options.engine.elastic ? options.context.threads : options.threads,
    };
    this.worker = new Worker(
      {
        id: options.id,
        engine: options.engine,
        context: options.context,
        logPath: options.logPath,
        lowPriority: options.lowPriority,
        permissions: options.permissions,
        heartbeatTimeoutMs: HEARTBEAT_TIMEOUT_MS,
        loadTimeoutMs: LOAD_TIMEOUT_MS,
        clock: options.clock,
      },
      {
        loaded: () => this.onLoaded(),
        result: (id, index, output) => {
          if (id === this.passing?.id) this.passing.output = output as AsrOutput;
          else events.result(this, Number(id), index, output);
        },
        done: id => (id === this.passing?.id ? this.onPassEnd(null) : this.onRunEnd(Number(id), null)),
        alternatives: (id, index, alternatives) => events.alternatives(this, Number(id), index, alternatives),
        failed: (id, why, index) => {
          if (id === undefined) return;
          if (id === this.passing?.id) this.onPassEnd(why);
          else this.onRunEnd(Number(id), why, index);
        },
        progress: () => {},
        heartbeat: () => this.measure(),
        exit: (why, reason) =>
          this.onExit(reason === 'unloaded' || (reason === 'killed' && why.code === 'cancelled') ? null : why),
      },
    );
    this.state = 'loading';
    if (this.worker.pid) pool.attach(options.lease.id, this.worker.pid);
    this.worker.load(request);
  }

  get id(): string {
    return this.options.id;
  }
  /** Of the run in flight, else of the next at least. */
  get threads(): number {
    return this.run?.threads ?? this.options.threads;
  }
  /** It takes any number of threads at each run: on a GPU they would only wait. */
  get elastic(): boolean {
    return (this.options.engine.elastic ?? false) && !this.options.lease.onMetal;
  }
  /** It did something, so that what it took says what such a model takes. */
  get hasWorked(): boolean {
    return this.attemptsDone > 0 || this.passes > 0;
  }
  get key(): { device: string; model: string; engine: string; precision: string } {
    const { device, card, engine, precision } = this.options;
    return { device, model: card.id, engine: engine.id, precision };
  }

  start(
    token: number,
    job: string,
    from: number,
    to: number,
    request: RunRequest,
    timeoutMs: number,
    expectedMs: number,
  ): void {
    const now = this.options.clock();
    this.state = 'busy';
    this.idleSince = null;
    this.run = {
      token,
      job,
      from,
      to,
      startedAt: now,
      until: now + expectedMs,
      threads: request.threads ?? this.options.threads,
    };
    const begin = (): void => this.worker.run(request, timeoutMs);
    if (this.passing) {
      this.waiting = begin;
      this.endPass();
    } else begin();
    this.events.changed(this);
  }

  /**
   * Only while idle, and one at a time: `over` gets what was heard, or why nothing was; `cancelled` where it gave way.
   */
  pass(step: Step<'asr'>, over: Pass): void {
    const id = `pass ${++this.passes}`;
    this.passing = { id, output: null, over };
    this.worker.run({ type: 'run', id, stage: 'asr', steps: [step] }, PASS_TIMEOUT_MS);
  }

  /** Of an elastic engine: the run in flight goes on with this many threads. */
  resize(threads: number): void {
    if (!this.run || this.waiting || this.run.threads === threads) return;
    this.run.threads = threads;
    this.worker.resize(String(this.run.token), threads);
    this.events.changed(this);
  }

  /** What a model that streams keeps of a recording's sound is not wanted any more. */
  forget(path: string): void {
    if (this.state === 'idle' || this.state === 'busy') this.worker.forget(path);
  }

  private endPass(): void {
    const pass = this.passing!;
    this.worker.cancel(pass.id);
    setTimeout(() => {
      if (this.passing === pass) this.stop('kill');
    }, CANCEL_MS).unref();
  }

  private onPassEnd(why: Failure | null): void {
    const { output, over } = this.passing!;
    this.passing = null;
    // Where passes are all that it does, it was used just now.
    if (this.state === 'idle') this.idleSince = this.options.clock();
    this.waiting?.();
    this.waiting = null;
    over(why ? null : output, why);
  }

  /** Asks the run to stop; a worker that does not react is ended. */
  cancel(): void {
    const run = this.run;
    if (!run || run.cancelled) return;
    run.cancelled = true;
    if (this.waiting) {
      this.waiting = null;
      queueMicrotask(() => this.onRunEnd(run.token, failure('cancelled')));
      return;
    }
    this.worker.cancel(String(run.token));
    setTimeout(() => {
      if (this.run === run) this.stop('kill');
    }, CANCEL_MS).unref();
  }

  /** leave: after what it says last; kill: at once, with its whole process group. */
  stop(how: 'leave' | 'kill', why?: Failure): void {
    if (this.state === 'releasing') return;
    this.state = 'stopping';
    if (this.passing) this.worker.cancel(this.passing.id);
    if (how === 'kill') this.worker.kill(why);
    else this.worker.unload();
    this.events.changed(this);
  }

  private onLoaded(): void {
    if (this.state !== 'loading') return;
    this.state = 'idle';
    this.loadedAt = this.idleSince = this.options.clock();
    this.loadMs = Math.round(performance.now() - this.beganMs);
    this.pool.loaded(this.options.lease.id);
    this.events.loaded(this);
  }

  private onRunEnd(token: number, why: Failure | null, index?: number): void {
    if (this.run?.token !== token) return; // given up long ago
    this.run = null;
    if (this.state === 'busy') this.state = 'idle';
    this.idleSince = this.options.clock();
    this.attemptsDone++;
    if (why) this.events.failed(this, token, why, index);
    else this.events.done(this, token);
  }

  /** Takes over what the pool knows of this instance's memory. */
  measure(): void {
    const known = this.pool.get(this.options.lease.id);
    this.residentBytes = known?.residentBytes ?? this.residentBytes;
    this.peakBytes = known?.peakBytes ?? this.peakBytes;
  }

  private onExit(why: Failure | null): void {
    // It waited for a pass, of which its worker died: that is no fault of its own.
    if (this.run) this.onRunEnd(this.run.token, failure('cancelled', {}, 'its worker ended before it began'));
    this.measure();
    this.state = 'releasing';
    this.pool.release(this.options.lease.id);
    this.events.gone(this, why);
  }

  word(): InstanceWord {
    const { options } = this;
    return {
      id: options.id,
      stage: options.stage,
      model: options.card.id,
      engine: options.engine.id,
      device: options.device,
      ...(options.lease.onMetal ? { onMetal: true } : {}),
      precision: options.precision,
      state: this.state,
      threads: this.threads,
      leaseBytes: options.lease.bytes,
      residentBytes: this.residentBytes,
      peakBytes: this.peakBytes,
      pid: this.worker.pid,
      startedAt: this.startedAt,
      loadedAt: this.loadedAt,
      idleSince: this.idleSince,
      job: this.run?.job ?? null,
      utterances: this.run ? Array.from({ length: this.run.to - this.run.from }, (_, i) => this.run!.from + i) : [],
      attemptsDone: this.attemptsDone,
    };
  }
}
