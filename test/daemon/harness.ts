/**
 * A pipeline in this process: the real loop, store, pool and worker processes, on fake models and an ingest that knows
 * its utterances.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job, JobOptions, Utterance } from '../../schemas/job.ts';
import type { ModelCard } from '../../schemas/model.ts';
import type { StateEvent } from '../../schemas/rpc.ts';
import { DEFAULTS, type Settings } from '../../schemas/settings.ts';
import { isFinal, KINDS_OF_WORK, STAGES, type Stage } from '../../schemas/words.ts';
import type { Engine } from '../../daemon/contracts/engine.ts';
import { engineFor } from '../../daemon/engines/engines.ts';
import { home as homeOf, openHome, type Home } from '../../daemon/auth/home.ts';
import type { startIngest, startLiveIngest } from '../../daemon/ingest/ingest.ts';
import { Metrics } from '../../daemon/telemetry/metrics.ts';
import type { Catalogue } from '../../daemon/pipeline/catalogue.ts';
import type { Deps } from '../../daemon/pipeline/deps.ts';
import { Pipeline } from '../../daemon/pipeline/pipeline.ts';
import { Speeds } from '../../daemon/pipeline/speeds.ts';
import { cpuReader } from '../../daemon/devices/cpu.ts';
import { Pool } from '../../daemon/devices/pool.ts';
import type { DeviceReader } from '../../daemon/devices/reading.ts';
import { Outputs } from '../../daemon/outputs/outputs.ts';
import { deliverSummary } from '../../daemon/outputs/summaries.ts';
import { openStore } from '../../daemon/store/sqlite/store.ts';
import type { Store } from '../../daemon/contracts/store.ts';
import { createLogger, readable } from '../../daemon/telemetry/log.ts';
import { removeFolder } from '../fixtures/folders.ts';
import { SLOWNESS } from '../only.ts';

export const MiB = 1024 ** 2;

/** A model of the fake engine. `parameters` as daemon/engines/fake/engine.ts says. */
export const fakeModel = (
  id: string,
  stage: Stage,
  parameters: Record<string, string | number | boolean> = {},
  change: Partial<ModelCard> = {},
): ModelCard => ({
  id,
  name: id,
  family: id,
  engine: 'fake',
  stages: [stage],
  languages: [],
  licence: 'MIT',
  homepage: '',
  files: [],
  memory: { cpu: 80 * MiB, gpu: 80 * MiB },
  precision: {},
  size: 1,
  parameters: { loadMs: 0, ms: 5, ...parameters },
  ...change,
});
export const fourStages = (ms: Record<(typeof STAGES)[number], number>): ModelCard[] =>
  (['asr', 'repair', 'nmt', 'tts'] as const).map(stage => fakeModel(`fake-${stage}`, stage, { ms: ms[stage] }));

export interface HarnessOptions {
  models: ModelCard[];
  settings?: Partial<Settings>;
  readers?: DeviceReader[];
  /** Utterances of a recording, by its name; a length in ms each. */
  utterances?: (name: string) => number[];
  /** What a recording has to wait for before it is looked at, by its name. */
  lookedAt?: (name: string) => Promise<unknown> | undefined;
  /** Length of the utterances of live sessions; a second. */
  liveUtteranceMs?: number;
  state?: string;
  /** Engines beside the daemon's own. */
  engines?: readonly Engine[];
  /** The pipeline's clock, to be moved by hand. */
  clock?: () => number;
  /** Another judgement of memory, to compare with. */
  judge?: (pool: Pool) => Pool;
}

export class Harness {
  readonly home: Home;
  readonly recordings: string;
  readonly events: StateEvent[] = [];
  readonly store: Store;
  readonly outputs: Outputs;
  readonly pool: Pool;
  readonly pipeline: Pipeline;
  readonly metrics: Metrics;
  readonly deps: Deps;
  readonly log: string[] = [];
  readonly logger = createLogger(record => this.log.push(...readable(record.trimEnd())), Date.now);
  settings: Settings;
  readonly root: string;
  private readonly waiters = new Set<() => void>();

  private constructor(options: HarnessOptions) {
    this.root = options.state ?? mkdtempSync(join(tmpdir(), 'earshot-pipeline-'));
    this.home = homeOf({ EARSHOT_STATE: join(this.root, 'state'), EARSHOT_DATA: join(this.root, 'data') });
    openHome(this.home);
    this.recordings = join(this.root, 'recordings');
    mkdirSync(this.recordings, { recursive: true });
    this.settings = {
      ...DEFAULTS,
      cpuThreads: 64,
      othersOnCpu: true,
      memoryReserveBytes: 0,
      formats: [],
      ...options.settings,
    };
    const settings = (): Settings => this.settings;
    const clock = options.clock ?? Date.now;
    this.store = openStore(this.home.database);
    this.outputs = new Outputs(this.store);
    const pool = new Pool({
      settings,
      calibration: this.store,
      clock,
      readers: options.readers ?? [cpuReader()],
      events: {
        credited: () => this.pipeline.wake(),
        notice: ({ device, failure }) => {
          if (failure.code === 'deviceLost') this.pipeline.loads.deviceLost(device);
        },
      },
    });
    this.pool = options.judge?.(pool) ?? pool;
    this.metrics = new Metrics(this.store, clock);
    const cards = new Map(options.models.map(card => [card.id, card]));
    const engineOf = (id: string): Engine | undefined =>
      options.engines?.find(engine => engine.id === id) ?? engineFor(id);
    const catalogue = {
      card: (id: string) => cards.get(id),
      relatives: (card: ModelCard) =>
        options.models.filter(other => other.family === card.family && other.id !== card.id),
      companion: () => undefined,
      streaming: () => options.models.find(card => engineOf(card.engine)?.streams?.(card)),
      voice: () => options.models.find(card => card.stages.includes('tts'))?.id,
      defaults: async () => ({
        models: Object.fromEntries(
          KINDS_OF_WORK.map(stage => [stage, options.models.find(card => card.stages.includes(stage))?.id]),
        ),
        substitutions: [],
      }),
      precision: () => 'default',
      directory: () => '',
      parameters: (card: ModelCard) => card.parameters ?? {},
      runtimeDirectory: () => '',
      waiting: () => null,
      repairsWithoutModel: (_: string, repair: string | undefined) => repair === undefined,
      enrich: () => {},
      release: () => {},
      ingestTools: () => ({ ffmpeg: '', sherpaDirectory: '' }),
      toolsWaiting: () => null,
      ffmpeg: () => '',
      stop: () => {},
    } as unknown as Catalogue;
    const ingest: typeof startIngest = async ({ recording, onUtterances, onStart }) => {
      const name = recording.slice(this.recordings.length + 1),
        lengths = (options.utterances ?? (() => [1000, 1000, 1000]))(name);
      await options.lookedAt?.(name);
      let at = 0;
      const rows = lengths.map((ms, index) => ({ index, startMs: at, endMs: (at += ms) }));
      onStart({ durationMs: at });
      onUtterances(rows);
      return { durationMs: at, warnings: [] };
    };
    // So much of PCM is an utterance.
    const lengthMs = options.liveUtteranceMs ?? 1000;
    const liveIngest: typeof startLiveIngest = ({ onUtterances, onProgress, signal }) => {
      const { promise, resolve, reject } = Promise.withResolvers<{ durationMs: number; warnings: [] }>();
      let known = 0;
      signal.addEventListener('abort', () => reject(new Error('aborted')));
      return {
        done: promise,
        grown: (bytes, ended) => {
          const ms = Math.floor(bytes / 32),
            rows = Array.from({ length: Math.floor(ms / lengthMs) - known }, (_, i) => ({
              index: known + i,
              startMs: (known + i) * lengthMs,
              endMs: (known + i + 1) * lengthMs,
            }));
          known += rows.length;
          if (rows.length) onUtterances(rows);
          const span = ms > known * lengthMs ? { startMs: known * lengthMs, endMs: ms } : null;
          onProgress(ms, bytes, { index: known, span });
          if (ended) resolve({ durationMs: ms, warnings: [] });
        },
      };
    };
    this.deps = {
      home: this.home,
      clock,
      settings,
      store: this.store,
      pool: this.pool,
      catalogue,
      speeds: new Speeds(this.store),
      metrics: this.metrics,
      engine: engineOf,
      ingest,
      liveIngest,
      diarize: async () => null,
      deliver: async work =>
        work.row.options.source === 'transcript'
          ? deliverSummary(work, { store: this.store, outputs: this.outputs }, id => id)
          : { outputs: [] },
      outputs: this.outputs,
      publish: event => {
        if (event.type === 'job') this.published.set(event.job.id, event.job.state);
        this.publish(event);
      },
      log: this.logger,
      retryPauseMs: tries => 20 * tries,
    };
    this.pipeline = new Pipeline(this.deps);
  }
  static async open(options: HarnessOptions): Promise<Harness> {
    const harness = new Harness(options);
    await harness.pool.refresh('all');
    harness.pipeline.start();
    return harness;
  }

  /** By job, the state that clients know it in. */
  private readonly published = new Map<string, Job['state']>();
  private publish: (event: StateEvent) => void = event => {
    this.events.push(event);
    for (const wake of this.waiters) wake();
  };
  /** Hands events on instead of keeping them. */
  watch(see: (event: StateEvent) => void): void {
    this.publish = see;
  }

  recording(name: string): string {
    const path = join(this.recordings, name);
    writeFileSync(path, name);
    return path;
  }
  async submit(
    names: string[],
    options: Partial<JobOptions> = {},
    extra: { priority?: Job['priority'] } = {},
  ): Promise<Job[]> {
    const answers = await this.pipeline.queue.submit(
      names.map(name => ({
        recording: this.recording(name),
        options: { repair: true, translateTo: 'es', speak: false, language: 'en', ...options },
        ...extra,
      })),
    );
    return answers.map(answer => {
      if ('failure' in answer) throw new Error(JSON.stringify(answer.failure));
      return answer.job;
    });
  }

  /** Resolves as soon as the look finds something; looks after every event. */
  async until<T>(
    what: string,
    look: () => T | undefined | null | false | Promise<T | undefined | null | false>,
    timeoutMs = 90_000 * SLOWNESS,
  ): Promise<T> {
    for (const end = Date.now() + timeoutMs; ;) {
      const found = await look();
      if (found) return found;
      if (Date.now() > end)
        throw new Error(
          `timed out: ${what}\n${this.log.slice(-10).join('\n')}\n${JSON.stringify(
            this.store.activeJobs().map(job => this.pipeline.present(job.id)),
            null,
            1,
          ).slice(0, 3000)}`,
        );
      await new Promise<void>(resolve => {
        const timer = setTimeout(() => {
          this.waiters.delete(wake);
          resolve();
        }, 200);
        const wake = (): void => {
          clearTimeout(timer);
          this.waiters.delete(wake);
          resolve();
        };
        this.waiters.add(wake);
      });
    }
  }
  async ended(jobs: readonly Job[], timeoutMs?: number): Promise<Job[]> {
    // Clients get it once it is on the disk: then all that came before has been published too.
    const over = ({ id }: Job): boolean => {
      const { state } = this.store.job(id)!;
      return isFinal(state) && this.published.get(id) === state;
    };
    await this.until('the jobs to end', () => jobs.every(over), timeoutMs);
    return jobs.map(job => this.pipeline.present(job.id)!);
  }
  utterances(job: Job): Utterance[] {
    return this.store.utterances(job.id);
  }
  delivered(job: Job, stage: Stage): number[] {
    const seen: number[] = [];
    for (const event of this.events)
      if (
        event.type === 'utterance' &&
        event.job === job.id &&
        event.utterance[stage] &&
        !seen.includes(event.utterance.index)
      )
        seen.push(event.utterance.index);
    return seen;
  }

  async close(): Promise<void> {
    await this.pipeline.stop('park');
    this.pool.dispose();
    this.store.dispose();
    removeFolder(this.root);
  }
}
