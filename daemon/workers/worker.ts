/**
 * One worker process, seen from the daemon.
 *
 * Its life: starting (no hello yet) → loading (after `load`) → idle ⇄ busy (one run at a time) → ending (asked to stop,
 * killed, or broken) → gone. What is promised: a load ends in exactly one `loaded` or `failed(undefined)`; a run in
 * exactly one `done` or `failed(run)`; `exit` comes exactly once and last. A worker that breaks the protocol, goes
 * silent or overruns its time is ended with its whole process group. After `kill()` its late answers are not heard.
 */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { failure, toFailure, type Failure } from '../../schemas/errors.ts';
import type { Stage } from '../../schemas/words.ts';
import type { Alternative } from '../contracts/alternatives.ts';
import {
  WORKER_PROTOCOL,
  type FromWorker,
  type LoadRequest,
  type RunRequest,
  type StepOutputs,
} from '../contracts/worker-protocol.ts';
import { readLine } from './frames.ts';
import { pruneLogs, WorkerLog } from './log.ts';
import { WorkerProcess, type WorkerProcessOptions } from './process.ts';
import { NamedTimers, systemTimers, type Timers } from './timers.ts';

export interface WorkerOptions extends WorkerProcessOptions {
  /** The instance's id. */
  id: string;
  heartbeatTimeoutMs: number;
  loadTimeoutMs: number;
  /** From `unload` to SIGKILL. */
  unloadTimeoutMs?: number;
  /** The time of day, ms, for the log. */
  clock?: () => number;
  timers?: Timers;
}

export type ExitReason = 'unloaded' | 'killed' | 'loadFailed' | 'crashed' | 'silent' | 'timeout' | 'badAnswer';

export interface WorkerEvents {
  loaded(detail: Record<string, unknown>): void;
  progress(run: string, fraction: number): void;
  /** Its shape is checked; whether the run is still wanted is for the caller to know. */
  result(run: string, index: number, output: StepOutputs[Stage]): void;
  /** What else the step may have been, by a recognizer that was asked. */
  alternatives?(run: string, index: number, alternatives: readonly Alternative[]): void;
  done(run: string): void;
  /** run undefined: loading failed. index: the step it happened at, where known. */
  failed(run: string | undefined, failure: Failure, index: number | undefined): void;
  /** About once a second. */
  heartbeat(): void;
  /** After `unload` or `kill` without a reason: `cancelled`. */
  exit(failure: Failure, reason: ExitReason): void;
}

/** More frames than this in a second is a worker out of its mind. */
const MAX_FRAMES_PER_SECOND = 20_000;
const PROGRESS_EVERY_MS = 100;
/** Logs of workers, those long gone among them, in the folder. */
const LOGS_KEPT = 60;

export class Worker {
  readonly id: string;
  private readonly options: WorkerOptions;
  private readonly events: WorkerEvents;
  private readonly timers: NamedTimers;
  private readonly log: WorkerLog;
  private readonly child: WorkerProcess | null = null;
  private readonly oomKillsBefore = outOfMemoryKills();
  private stage: Stage = 'asr';
  private model = '';
  private greeted = false;
  private loading = false;
  private loaded = false;
  private current: {
    id: string;
    open: Set<number>;
    bad: { failure: Failure; index: number | undefined } | null;
    progressAt: number;
  } | null = null;
  private ending: { reason: ExitReason; failure: Failure } | null = null;
  private gone = false;
  private receivedAt: number;
  private second = { at: 0, frames: 0 };

  /** Starts the process. What goes wrong comes as `failed` and `exit`, after this returned. */
  constructor(options: WorkerOptions, events: WorkerEvents) {
    this.id = options.id;
    this.options = options;
    this.events = events;
    this.timers = new NamedTimers(options.timers ?? systemTimers);
    this.receivedAt = this.timers.now();
    pruneLogs(dirname(options.logPath), LOGS_KEPT);
    this.log = new WorkerLog(options.logPath, options.clock);
    try {
      this.child = new WorkerProcess(options, this.log, this.timers, {
        line: bytes => this.line(bytes),
        lineTooLong: () => this.breaks('a line too long'),
        missing: detail => {
          this.ending ??= { reason: 'crashed', failure: failure('engineMissing', { engine: this.engine }, detail) };
          this.finish();
        },
        exit: (code, signal) => this.finish(code, signal),
      });
    } catch (error) {
      this.ending = { reason: 'crashed', failure: toFailure(error) };
      setImmediate(() => this.finish());
    }
  }

  /** Null: it could not be started. */
  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  private get engine(): string {
    return this.options.engine.id;
  }

  load(request: LoadRequest): void {
    this.stage = request.stage;
    this.model = request.model;
    this.loading = true;
    if (this.ending) return;
    this.child?.send(request);
    const { loadTimeoutMs } = this.options;
    this.timers.set('load', loadTimeoutMs, () => this.overruns(loadTimeoutMs, 'did not load in time'));
  }

  /** Only while idle. timeoutMs: from now to the run's end. */
  run(request: RunRequest, timeoutMs: number): void {
    if (this.current || !this.loaded) throw new Error(`worker ${this.id} is ${this.current ? 'busy' : 'not loaded'}`);
    this.current = {
      id: request.id,
      open: new Set(request.steps.map(step => step.index)),
      bad: null,
      progressAt: -Infinity,
    };
    // A worker that has just ended answers by `failed` when its exit is through.
    if (this.ending) return;
    this.child?.send(request);
    this.timers.set('run', timeoutMs, () => this.overruns(timeoutMs, 'did not answer in time'));
  }

  cancel(run: string): void {
    if (this.current?.id === run) this.child?.send({ type: 'cancel', id: run });
  }

  /** Of an elastic engine. */
  resize(run: string, threads: number): void {
    if (this.current?.id === run) this.child?.send({ type: 'threads', id: run, threads });
  }

  /** Of a model that streams. */
  forget(path: string): void {
    if (this.loaded) this.child?.send({ type: 'forget', path });
  }

  /** Asks it to go; SIGKILL when it has not gone in time. */
  unload(): void {
    if (this.ending) return;
    this.ending = { reason: 'unloaded', failure: failure('cancelled', {}, 'told to go') };
    this.child?.send({ type: 'unload' });
    this.leaves();
  }

  /** Ends the whole process group now. The run in flight fails with `why` (default `cancelled`). */
  kill(why: Failure = failure('cancelled', {}, 'ended')): void {
    if (this.gone) return;
    if (this.ending?.reason === 'unloaded' || !this.ending) this.ending = { reason: 'killed', failure: why };
    this.timers.clearAll();
    this.child?.kill();
  }

  // — what it says —

  /** Ended by us and for a reason: what it still says does not count. */
  private get deaf(): boolean {
    return (
      this.gone || (this.ending !== null && this.ending.reason !== 'unloaded' && this.ending.reason !== 'loadFailed')
    );
  }

  private line(bytes: Buffer): void {
    if (bytes.length === 0 || this.deaf) return;
    const line = readLine(bytes.toString('utf8'), this.stage);
    if (line.kind === 'noise') return this.log.write(Buffer.concat([bytes, Buffer.from('\n')]));
    const now = this.timers.now();
    if (now - this.second.at > 1000) this.second = { at: now, frames: 0 };
    if (++this.second.frames > MAX_FRAMES_PER_SECOND) return this.breaks('too many messages');
    this.receivedAt = now;
    if (line.kind === 'frame') return this.frame(line.frame);
    this.log.note(`wrong message: ${line.why}: ${bytes.subarray(0, 500).toString('utf8')}`);
    if (this.current && line.run === this.current.id)
      this.current.bad ??= { failure: this.badAnswer(line.why), index: line.index };
    else if (line.run === undefined) this.breaks(line.why);
  }

  private frame(frame: FromWorker): void {
    switch (frame.type) {
      case 'hello':
        if (this.greeted || frame.protocol !== WORKER_PROTOCOL || frame.engine !== this.engine)
          return this.breaks(`hello of ${frame.engine}, protocol ${frame.protocol}`);
        this.greeted = true;
        this.watch();
        return;
      case 'loaded':
        if (!this.loading || !this.greeted) return this.breaks('loaded without being asked');
        this.loading = false;
        this.loaded = true;
        this.timers.clear('load');
        this.events.loaded(frame.detail ?? {});
        return;
      case 'progress': {
        const now = this.timers.now(),
          run = this.current;
        if (run?.id !== frame.id || now - run.progressAt < PROGRESS_EVERY_MS) return;
        run.progressAt = now;
        this.events.progress(frame.id, frame.fraction);
        return;
      }
      case 'result':
        if (this.current?.id === frame.id && !this.current.open.delete(frame.index)) {
          this.current.bad ??= {
            failure: this.badAnswer(`a result for step ${frame.index}, which was not asked for`),
            index: undefined,
          };
          return;
        }
        this.events.result(frame.id, frame.index, frame.output);
        return;
      case 'alternatives':
        if (this.current?.id === frame.id) this.events.alternatives?.(frame.id, frame.index, frame.alternatives);
        return;
      case 'done': {
        const run = this.current;
        if (run?.id !== frame.id) return this.log.note(`late: done ${frame.id}`);
        const missing = run.open.values().next().value;
        if (run.bad) this.endRun(run.bad.failure, run.bad.index);
        else if (missing !== undefined) this.endRun(this.badAnswer(`no result for step ${missing}`), missing);
        else this.endRun(null, undefined);
        return;
      }
      case 'failed': {
        // A failure that the engine could not name is explained, if at all, by what it printed.
        const explained =
          frame.code === 'engineFailed' || frame.code === 'outOfMemory' ? this.withTail(frame.detail) : frame.detail;
        // What the worker does not say is known here.
        const said: Failure = {
          code: frame.code,
          args: { engine: this.engine, model: this.model, ...frame.args },
          detail: explained,
        };
        if (frame.id === undefined) return this.loadFailed(said);
        if (this.current?.id !== frame.id) return this.log.note(`late: failed ${frame.id}`);
        return this.endRun(said, frame.index);
      }
      case 'heartbeat':
        return this.events.heartbeat();
    }
  }

  private loadFailed(said: Failure): void {
    if (!this.loading) return this.breaks('failed without a run');
    this.ending ??= { reason: 'loadFailed', failure: said };
    this.leaves();
  }

  private endRun(why: Failure | null, index: number | undefined): void {
    const run = this.current!;
    this.current = null;
    this.timers.clear('run');
    if (why) this.events.failed(run.id, why, index);
    else this.events.done(run.id);
  }

  // — its end —

  /** It was asked to stop, or said itself that it will: it has so long to do it. */
  private leaves(): void {
    this.timers.clearAll();
    this.child?.endInput();
    this.timers.set('leave', this.options.unloadTimeoutMs ?? 5000, () => {
      this.log.note('did not leave in time');
      this.child?.kill();
    });
  }

  private breaks(what: string): void {
    this.end('badAnswer', this.badAnswer(what));
  }

  private overruns(ms: number, what: string): void {
    this.end('timeout', this.lapse('workerTimeout', ms, what));
  }

  /** Ends a worker that cannot be trusted any more. */
  private end(reason: ExitReason, why: Failure): void {
    if (this.deaf || this.ending?.reason === 'loadFailed') return;
    this.log.note(`${reason}: ${why.detail ?? why.code}`);
    this.ending = { reason, failure: why };
    this.timers.clearAll();
    this.child?.kill();
  }

  /**
   * Four looks within the time allowed. One that comes late means that we were held up ourselves: what the worker said
   * meanwhile is not read yet.
   */
  private watch(): void {
    const { heartbeatTimeoutMs } = this.options,
      every = heartbeatTimeoutMs / 4;
    let due = this.timers.now() + every;
    const look = (): void => {
      const now = this.timers.now();
      if (now - due > every) this.receivedAt = Math.max(this.receivedAt, now - every);
      if (now - this.receivedAt >= heartbeatTimeoutMs)
        return this.end('silent', this.lapse('workerSilent', heartbeatTimeoutMs, 'no sign of life'));
      due = now + every;
      this.timers.set('watch', every, look);
    };
    this.timers.set('watch', every, look);
  }

  private finish(code: number | null = null, signal: NodeJS.Signals | null = null): void {
    if (this.gone) return;
    this.ending ??= { reason: 'crashed', failure: this.crash(code, signal) };
    this.gone = true;
    this.timers.clearAll();
    this.log.close();
    const { reason, failure: why } = this.ending;
    if (this.current) this.endRun(why, undefined);
    if (this.loading) {
      this.loading = false;
      this.events.failed(undefined, why, undefined);
    }
    this.events.exit(why, reason);
  }

  private crash(code: number | null, signal: NodeJS.Signals | null): Failure {
    const kills = outOfMemoryKills(),
      exit = signal ?? code ?? 'unknown';
    const starved =
      (signal === 'SIGKILL' && kills !== null && this.oomKillsBefore !== null && kills > this.oomKillsBefore) ||
      OUT_OF_MEMORY.test(this.log.tail());
    return failure(
      starved ? 'outOfMemory' : 'workerCrashed',
      { engine: this.engine, exit },
      this.withTail(typeof exit === 'number' ? `exit code ${exit}` : exit),
    );
  }
  private lapse(code: 'workerTimeout' | 'workerSilent', ms: number, what: string): Failure {
    return failure(code, { engine: this.engine, seconds: Math.round(ms / 1000) }, this.withTail(what));
  }
  private badAnswer(what: string): Failure {
    return failure('badAnswer', { engine: this.engine }, this.withTail(what));
  }
  private withTail(detail: string): string {
    const tail = this.log.tail();
    return tail && !detail.includes(tail) ? `${detail}\n${tail}` : detail;
  }
}

const OUT_OF_MEMORY =
  /std::bad_alloc|MemoryError|CUDA (error: )?out of memory|cudaErrorMemoryAllocation|heap out of memory|unable to allocate .* buffer/i;

/** How many processes the kernel has killed for want of memory since it started; null where it does not say. */
export function outOfMemoryKills(read = (path: string): string => readFileSync(path, 'utf8')): number | null {
  try {
    const count = /^oom_kill (\d+)$/m.exec(read('/proc/vmstat'))?.[1];
    return count === undefined ? null : Number(count);
  } catch {
    return null;
  }
}
