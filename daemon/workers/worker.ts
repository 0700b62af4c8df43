/**
 * One worker process, seen from the daemon.
 *
 * Its life: starting (no hello yet) → loading (after `load`) → idle ⇄ busy (one run at a time) → ending (told to go,
 * killed, or broken) → gone. What is promised: a load ends in exactly one `loaded` or `failed(undefined)`; a run in
 * exactly one `done` or `failed(run)`; `exit` comes exactly once and last. A worker that breaks the protocol, goes
 * silent or overruns its time is ended with its whole process group. After `kill()` its late answers are not heard.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants, setPriority, tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { failure, toFailure, type Failure } from '../../schemas/errors.ts';
import type { Stage } from '../../schemas/words.ts';
import { LONGEST_TIMER_MS } from '../system/clock.ts';
import { inSandbox } from './sandbox/sandbox.ts';
import { harmless, type Permissions } from './sandbox/permissions.ts';
import type { Engine, WorkerContext } from '../contracts/engine.ts';
import { LineSplitter } from '../system/lines.ts';
import { readLine } from './frames.ts';
import { pruneLogs, WorkerLog } from './log.ts';
import { outOfMemoryKills, processes, procMemory, psMemory, type Memory } from './memory.ts';
import {
  MAX_FRAME_BYTES,
  WORKER_PROTOCOL,
  type FromWorker,
  type LoadRequest,
  type RunRequest,
  type StepOutputs,
  type ToWorker,
} from '../contracts/worker-protocol.ts';

export interface Timers {
  /** Milliseconds, never going back. */
  now(): number;
  /** Calls once after `ms`, unless the returned function is called first. */
  after(ms: number, action: () => void): () => void;
}

export interface WorkerOptions {
  /** The instance's id. */
  id: string;
  engine: Engine;
  context: WorkerContext;
  logPath: string;
  lowPriority: boolean;
  /** What it may touch; null or missing: what its user may. */
  permissions?: Permissions | null;
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
  done(run: string): void;
  /** run undefined: loading failed. index: the step it happened at, where known. */
  failed(run: string | undefined, failure: Failure, index: number | undefined): void;
  /** About once a second. `deviceBytes` only from workers that know their device better than the driver does. */
  heartbeat(memory: Memory & { deviceBytes: number | null }): void;
  /** After `unload` or `kill` without a reason: `cancelled`. */
  exit(failure: Failure, reason: ExitReason): void;
}

export interface Worker {
  readonly id: string;
  /** Null: it could not be started. */
  readonly pid: number | null;
  load(request: LoadRequest): void;
  /** Only while idle. timeoutMs: from now to the run's end. */
  run(request: RunRequest, timeoutMs: number): void;
  cancel(run: string): void;
  /** Asks it to go; SIGKILL when it has not gone in time. */
  unload(): void;
  /** Ends the whole process group now. The run in flight fails with `why` (default `cancelled`). */
  kill(why?: Failure): void;
  /** Read from the operating system now. */
  memory(): Memory;
  /** The worker and its children, for per-process figures of a device. */
  pids(): number[];
}

const systemTimers: Timers = {
  now: () => performance.now(),
  after: (ms, action) => {
    const timer = setTimeout(action, Math.min(ms, LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};
/** More frames than this in a second is a worker out of its mind. */
const MAX_FRAMES_PER_SECOND = 20_000;
const PROGRESS_EVERY_MS = 100;
const EXIT_TO_CLOSE_MS = 1000;
/** Logs of workers, those long gone among them, in the folder. */
const LOGS_KEPT = 60;
const POSIX = process.platform !== 'win32';

/** Starts the process. Never throws: what goes wrong comes as `failed` and `exit`, after this returned. */
export function startWorker(options: WorkerOptions, events: WorkerEvents): Worker {
  return new WorkerProcess(options, events);
}

class WorkerProcess implements Worker {
  readonly id: string;
  private readonly options: WorkerOptions;
  private readonly events: WorkerEvents;
  private readonly timing: Timers;
  private readonly log: WorkerLog;
  private readonly child: ChildProcess | null = null;
  private readonly oomKillsBefore = outOfMemoryKills();
  private stage: Stage = 'asr';
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
  private heardAt: number;
  private second = { at: 0, frames: 0 };
  private peakBytes: number | null = null;
  private reported: Memory & { deviceBytes: number | null } = {
    residentBytes: null,
    peakBytes: null,
    deviceBytes: null,
  };
  private readonly timers = new Map<string, () => void>();

  constructor(options: WorkerOptions, events: WorkerEvents) {
    this.id = options.id;
    this.options = options;
    this.events = events;
    this.timing = options.timers ?? systemTimers;
    this.heardAt = this.timing.now();
    pruneLogs(dirname(options.logPath), LOGS_KEPT);
    this.log = new WorkerLog(options.logPath, options.clock);
    try {
      this.child = this.spawn();
    } catch (error) {
      this.ending = { reason: 'crashed', failure: toFailure(error) };
      setImmediate(() => this.finish());
    }
  }

  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  load(request: LoadRequest): void {
    this.stage = request.stage;
    this.loading = true;
    if (this.ending) return;
    this.send(request);
    this.timer('load', this.options.loadTimeoutMs, () =>
      this.end(
        'timeout',
        failure(
          'workerTimeout',
          { engine: this.options.engine.id, seconds: Math.round(this.options.loadTimeoutMs / 1000) },
          this.withTail('did not load in time'),
        ),
      ),
    );
  }

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
    this.send(request);
    this.timer('run', timeoutMs, () =>
      this.end(
        'timeout',
        failure(
          'workerTimeout',
          { engine: this.options.engine.id, seconds: Math.round(timeoutMs / 1000) },
          this.withTail('did not answer in time'),
        ),
      ),
    );
  }

  cancel(run: string): void {
    if (this.current?.id === run) this.send({ type: 'cancel', id: run });
  }

  unload(): void {
    if (this.ending) return;
    this.ending = { reason: 'unloaded', failure: failure('cancelled', {}, 'told to go') };
    this.clearTimers();
    this.send({ type: 'unload' });
    this.child?.stdin?.end();
    this.timer('unload', this.options.unloadTimeoutMs ?? 5000, () => {
      this.log.note('did not leave when told to');
      this.killGroup();
    });
  }

  kill(why: Failure = failure('cancelled', {}, 'ended')): void {
    if (this.gone) return;
    if (this.ending?.reason === 'unloaded' || !this.ending) this.ending = { reason: 'killed', failure: why };
    this.clearTimers();
    this.killGroup();
  }

  memory(): Memory {
    const read = this.pid === null || this.gone ? null : procMemory(this.pid);
    if (!read)
      return { residentBytes: this.reported.residentBytes, peakBytes: this.peakBytes ?? this.reported.peakBytes };
    this.peakBytes = Math.max(this.peakBytes ?? 0, read.peakBytes);
    return { residentBytes: read.residentBytes, peakBytes: this.peakBytes };
  }

  pids(): number[] {
    return this.pid === null || this.gone ? [] : processes(this.pid);
  }

  // — the process —

  private spawn(): ChildProcess {
    const { engine, context, lowPriority, logPath, permissions } = this.options;
    const own = engine.command(context),
      command = { ...inSandbox(own, permissions ?? null), env: own.env };
    const env: NodeJS.ProcessEnv = {
      ...(permissions ? harmless(process.env) : process.env),
      ...visibleDevices(context.device),
      ...command.env,
    };
    if (permissions?.cache) env.CUDA_CACHE_PATH = permissions.cache;
    // These are for the process that was started with them, not for its children.
    delete env.NODE_OPTIONS;
    delete env.NODE_CHANNEL_FD;
    const nice = lowPriority && POSIX && ['/usr/bin/nice', '/bin/nice'].find(path => existsSync(path));
    const [program, args] = nice
      ? [nice, ['-n', '10', command.program, ...command.args]]
      : [command.program, command.args];
    // A session of its own: signals to the daemon's terminal do not reach it, and its whole group can be ended.
    const child = spawn(program, args, {
      env,
      cwd: existsSync(dirname(logPath)) ? dirname(logPath) : tmpdir(),
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: POSIX,
      windowsHide: true,
    });
    this.log.note(`${engine.id}: ${program} ${args.join(' ')} (pid ${child.pid ?? 'none'})`);
    if (lowPriority && !nice && child.pid)
      try {
        setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
      } catch {
        /* It then runs at normal priority. */
      }

    const frames = new LineSplitter(line => this.line(line), MAX_FRAME_BYTES);
    child.stdout!.on('data', (chunk: Buffer) => {
      if (!this.deaf && !frames.push(chunk)) this.end('badAnswer', this.badAnswer('a line too long'));
    });
    child.stderr!.on('data', (chunk: Buffer) => this.log.write(chunk));
    // A worker that dies while it is written to says so by its exit.
    for (const stream of [child.stdin!, child.stdout!, child.stderr!]) stream.on('error', () => undefined);
    child.on('error', error => {
      if (child.pid !== undefined) return;
      this.ending ??= {
        reason: 'crashed',
        failure: failure('engineMissing', { engine: engine.id }, `${command.program}: ${error.message}`),
      };
      this.finish();
    });
    child.on('exit', (code, signal) => {
      this.killGroup();
      this.log.note(`ended with ${signal ?? `code ${code}`}`);
      this.clearTimers();
      // What it wrote just before is still in the pipes.
      const over = (): void => this.finish(code, signal);
      child.on('close', over);
      this.timer('close', EXIT_TO_CLOSE_MS, over);
    });
    return child;
  }

  private send(message: ToWorker): void {
    const stdin = this.child?.stdin;
    if (stdin?.writable) stdin.write(`${JSON.stringify(message)}\n`);
  }

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
    const now = this.timing.now();
    if (now - this.second.at > 1000) this.second = { at: now, frames: 0 };
    if (++this.second.frames > MAX_FRAMES_PER_SECOND) return this.end('badAnswer', this.badAnswer('too many messages'));
    this.heardAt = now;
    if (line.kind === 'frame') return this.frame(line.frame);
    this.log.note(`wrong message: ${line.why}: ${bytes.subarray(0, 500).toString('utf8')}`);
    if (this.current && line.run === this.current.id)
      this.current.bad ??= { failure: this.badAnswer(line.why), index: line.index };
    else if (line.run === undefined) this.end('badAnswer', this.badAnswer(line.why));
  }

  private frame(frame: FromWorker): void {
    switch (frame.type) {
      case 'hello':
        if (this.greeted || frame.protocol !== WORKER_PROTOCOL || frame.engine !== this.options.engine.id)
          return this.end('badAnswer', this.badAnswer(`hello of ${frame.engine}, protocol ${frame.protocol}`));
        this.greeted = true;
        this.watch();
        return;
      case 'loaded':
        if (!this.loading || !this.greeted) return this.end('badAnswer', this.badAnswer('loaded without being asked'));
        this.loading = false;
        this.loaded = true;
        this.timer('load');
        this.events.loaded(frame.detail ?? {});
        return;
      case 'progress': {
        const now = this.timing.now(),
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
        const said = failure(frame.code, { engine: this.options.engine.id, ...frame.args }, explained);
        if (frame.id === undefined) return this.loadFailed(said);
        if (this.current?.id !== frame.id) return this.log.note(`late: failed ${frame.id}`);
        return this.endRun(said, frame.index);
      }
      case 'heartbeat':
        this.reported = {
          residentBytes: frame.deviceBytes ?? null,
          peakBytes: frame.peakBytes ?? null,
          deviceBytes: frame.deviceBytes ?? null,
        };
        return this.heartbeat();
    }
  }

  private heartbeat(): void {
    const tell = (): void => {
      if (!this.deaf) this.events.heartbeat({ ...this.memory(), deviceBytes: this.reported.deviceBytes });
    };
    if (process.platform === 'linux' || process.platform === 'win32' || this.pid === null) return tell();
    void psMemory(this.pid).then(resident => {
      this.reported.residentBytes = resident;
      this.peakBytes = Math.max(this.peakBytes ?? 0, resident ?? 0) || null;
      tell();
    });
  }

  private loadFailed(said: Failure): void {
    if (!this.loading) return this.end('badAnswer', this.badAnswer('failed without a run'));
    this.ending ??= { reason: 'loadFailed', failure: said };
    this.clearTimers();
    this.child?.stdin?.end();
    this.timer('unload', this.options.unloadTimeoutMs ?? 5000, () => this.killGroup());
  }

  private endRun(why: Failure | null, index: number | undefined): void {
    const run = this.current!;
    this.current = null;
    this.timer('run');
    if (why) this.events.failed(run.id, why, index);
    else this.events.done(run.id);
  }

  /** Ends a worker that cannot be trusted any more. */
  private end(reason: ExitReason, why: Failure): void {
    if (this.ending && this.ending.reason !== 'unloaded') return;
    this.log.note(`${reason}: ${why.detail ?? why.code}`);
    this.ending = { reason, failure: why };
    this.clearTimers();
    this.killGroup();
  }

  /**
   * Four looks within the time allowed. One that comes late means that we were held up ourselves: what the worker said
   * meanwhile is not read yet.
   */
  private watch(): void {
    const every = this.options.heartbeatTimeoutMs / 4;
    let due = this.timing.now() + every;
    const look = (): void => {
      const now = this.timing.now();
      if (now - due > every) this.heardAt = Math.max(this.heardAt, now - every);
      if (now - this.heardAt >= this.options.heartbeatTimeoutMs) {
        return this.end(
          'silent',
          failure(
            'workerSilent',
            { engine: this.options.engine.id, seconds: Math.round(this.options.heartbeatTimeoutMs / 1000) },
            this.withTail('no sign of life'),
          ),
        );
      }
      due = now + every;
      this.timer('watch', every, look);
    };
    this.timer('watch', every, look);
  }

  private killGroup(): void {
    const pid = this.child?.pid;
    if (pid === undefined) return;
    if (!POSIX) {
      spawn('taskkill', ['/T', '/F', '/PID', String(pid)], { stdio: 'ignore', windowsHide: true }).on(
        'error',
        () => undefined,
      );
      return;
    }
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      /* Gone already. */
    }
  }

  private finish(code: number | null = null, signal: NodeJS.Signals | null = null): void {
    if (this.gone) return;
    this.ending ??= { reason: 'crashed', failure: this.crash(code, signal) };
    this.gone = true;
    this.clearTimers();
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
      how = signal ?? `exit code ${code}`;
    const starved =
      (signal === 'SIGKILL' && kills !== null && this.oomKillsBefore !== null && kills > this.oomKillsBefore) ||
      OUT_OF_MEMORY.test(this.log.tail());
    return failure(
      starved ? 'outOfMemory' : 'workerCrashed',
      { engine: this.options.engine.id, how },
      this.withTail(how),
    );
  }
  private badAnswer(what: string): Failure {
    return failure('badAnswer', { engine: this.options.engine.id }, this.withTail(what));
  }
  private withTail(detail: string): string {
    const tail = this.log.tail();
    return tail && !detail.includes(tail) ? `${detail}\n${tail}` : detail;
  }

  /** Sets, replaces or (without action) clears a timer by name. */
  private timer(name: string, ms = 0, action?: () => void): void {
    this.timers.get(name)?.();
    this.timers.delete(name);
    if (action)
      this.timers.set(
        name,
        this.timing.after(ms, () => {
          this.timers.delete(name);
          action();
        }),
      );
  }
  private clearTimers(): void {
    for (const name of [...this.timers.keys()]) this.timer(name);
  }
}

const OUT_OF_MEMORY =
  /std::bad_alloc|MemoryError|CUDA (error: )?out of memory|cudaErrorMemoryAllocation|heap out of memory|unable to allocate .* buffer/i;

/**
 * A GPU is pinned by its UUID, so that the driver's and CUDA's numbering cannot differ; a worker on the CPU sees no GPU
 * at all.
 */
const visibleDevices = (device: WorkerContext['device']): Record<string, string> => ({
  CUDA_VISIBLE_DEVICES: device.kind === 'gpu' ? device.uuid : '',
  CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
});
