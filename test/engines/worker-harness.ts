/** One worker process of an engine, with its events as things to wait for. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { thrown, type Failure } from '../../schemas/errors.ts';
import type { ModelCard } from '../../schemas/model.ts';
import type { Stage } from '../../schemas/words.ts';
import type { Engine, RuntimeId } from '../../daemon/contracts/engine.ts';
import type { Alternative } from '../../daemon/contracts/alternatives.ts';
import type { LoadRequest, RunRequest, StepInputs, StepOutputs } from '../../daemon/contracts/worker-protocol.ts';
import { Worker, type ExitReason, type WorkerOptions } from '../../daemon/workers/worker.ts';

export interface Setup {
  engine: Engine;
  stage: Stage;
  parameters?: LoadRequest['parameters'];
  directory?: string;
  precision?: string;
  threads?: number;
  runtimes?: Partial<Record<RuntimeId, string>>;
  options?: Partial<
    Pick<WorkerOptions, 'heartbeatTimeoutMs' | 'loadTimeoutMs' | 'unloadTimeoutMs' | 'lowPriority' | 'timers'>
  >;
}

interface Run {
  outputs: Map<number, StepOutputs[Stage]>;
  done: () => void;
  failed: (error: Error & { index?: number }) => void;
}

/** The card is only what a worker hands to an engine's command, which looks at none of it here. */
const NO_CARD = {} as ModelCard;

export class TestWorker {
  readonly folder = mkdtempSync(join(tmpdir(), 'earshot-worker-'));
  readonly logPath = join(this.folder, 'worker-test.log');
  readonly worker: Worker;
  readonly loaded: Promise<Record<string, unknown>>;
  readonly exited: Promise<{ failure: Failure; reason: ExitReason }>;
  /** In order, as they came. */
  readonly events: string[] = [];
  readonly results: { run: string; index: number; output: StepOutputs[Stage] }[] = [];
  readonly alternatives: { run: string; index: number; alternatives: readonly Alternative[] }[] = [];
  private readonly runs = new Map<string, Run>();
  private beats: (() => void)[] = [];
  private resultWaits: (() => void)[] = [];
  private count = 0;
  private readonly stage: Stage;

  constructor({
    engine,
    stage,
    parameters = {},
    directory = '',
    precision = '',
    threads = 1,
    runtimes = {},
    options = {},
  }: Setup) {
    this.stage = stage;
    const loaded = Promise.withResolvers<Record<string, unknown>>(),
      exited = Promise.withResolvers<{ failure: Failure; reason: ExitReason }>();
    this.loaded = loaded.promise;
    this.exited = exited.promise;
    this.loaded.catch(() => undefined);
    const raised = (failure: Failure, index?: number): Error & { index?: number } =>
      Object.assign(thrown(failure), index === undefined ? {} : { index });
    this.worker = new Worker(
      {
        id: 'test',
        engine,
        context: { card: NO_CARD, runtime: id => runtimes[id] ?? '', device: { kind: 'cpu' }, threads },
        logPath: this.logPath,
        lowPriority: false,
        heartbeatTimeoutMs: 120_000,
        loadTimeoutMs: 150_000,
        ...options,
      },
      {
        loaded: detail => {
          this.events.push('loaded');
          loaded.resolve(detail);
        },
        progress: (run, fraction) => this.events.push(`progress ${run} ${fraction}`),
        result: (run, index, output) => {
          this.events.push(`result ${run} ${index}`);
          this.results.push({ run, index, output });
          this.runs.get(run)?.outputs.set(index, output);
          for (const wake of this.resultWaits.splice(0)) wake();
        },
        alternatives: (run, index, alternatives) => {
          this.events.push(`alternatives ${run} ${index}`);
          this.alternatives.push({ run, index, alternatives });
        },
        done: run => {
          this.events.push(`done ${run}`);
          this.runs.get(run)?.done();
        },
        failed: (run, failure, index) => {
          this.events.push(`failed ${run} ${failure.code}`);
          if (run === undefined) loaded.reject(raised(failure));
          else this.runs.get(run)?.failed(raised(failure, index));
        },
        heartbeat: () => {
          for (const wake of this.beats.splice(0)) wake();
        },
        exit: (failure, reason) => {
          this.events.push(`exit ${reason}`);
          exited.resolve({ failure, reason });
        },
      },
    );
    this.worker.load({
      type: 'load',
      stage,
      model: 'test',
      directory,
      parameters,
      device: { kind: 'cpu' },
      precision,
      threads,
    });
  }

  /** Outputs in the order of the inputs. */
  async run<S extends Stage>(
    inputs: readonly StepInputs[S][],
    { from = 0, timeoutMs = 150_000, threads }: { from?: number; timeoutMs?: number; threads?: number } = {},
  ): Promise<StepOutputs[S][]> {
    const id = String(++this.count),
      steps = inputs.map((input, n) => ({ index: from + n, input }));
    const outputs = new Map<number, StepOutputs[Stage]>();
    await new Promise<void>((resolve, reject) => {
      this.runs.set(id, { outputs, done: resolve, failed: reject });
      this.worker.run(
        { type: 'run', id, stage: this.stage, steps, ...(threads ? { threads } : {}) } as RunRequest,
        timeoutMs,
      );
    });
    return steps.map(step => outputs.get(step.index) as StepOutputs[S]);
  }
  /** The id that the next run will have. */
  get nextRun(): string {
    return String(this.count + 1);
  }

  heartbeat(): Promise<void> {
    return new Promise(resolve => this.beats.push(resolve));
  }
  async result(): Promise<void> {
    await new Promise<void>(resolve => this.resultWaits.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.worker.kill();
    await this.exited;
    if (existsSync(this.folder)) rmSync(this.folder, { recursive: true, force: true });
  }
}
