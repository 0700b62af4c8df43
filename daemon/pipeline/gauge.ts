/**
 * What was going on over a window of time: instances and how busy they were, what waited and for what. Feeds adaptive
 * scheduling and the bottleneck.
 */
import type { Stage } from '../../schemas/words.ts';
import type { Instance } from '../workers/instance.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Figures, Load, StageFigures } from '../scheduler/adaptive.ts';
import type { Waiting } from '../scheduler/snapshot.ts';
import type { JobWork } from '../jobs/work.ts';

interface Shares {
  instanceMs: number;
  busyMs: number;
}
type Batches = Record<number, { seconds: number; ms: number }>;
/** Reasons to wait are looked at this often: in a long queue each is work. */
const LOOK_MS = 1_000;
/** A model that comes back sooner than this after it went was let go too soon, in keep-alives. */
const SOON = 2;

export class Gauge {
  private since: number;
  private at: number;
  private lookedAt: number;
  private stages = fresh<Shares>(() => ({ instanceMs: 0, busyMs: 0 }));
  private batches = fresh<Batches>(() => ({}));
  private waitMs = 0;
  private memoryWaitMs = 0;
  private loadingMs = 0;
  private reloads = 0;
  private readonly wentAt = new Map<string, number>();

  constructor(now: number) {
    this.since = this.at = this.lookedAt = now;
  }

  /** The state that held since the last call. */
  observe(now: number, instances: Iterable<Instance>, waiting: ReadonlyMap<string, Waiting>): void {
    const ms = Math.max(0, now - this.at);
    this.at = now;
    let loading = false;
    for (const { state, options } of instances) {
      const stage = this.stages[options.stage];
      if (state === 'idle' || state === 'busy') stage.instanceMs += ms;
      if (state === 'busy') stage.busyMs += ms;
      loading ||= state === 'loading' || state === 'starting';
    }
    if (loading) this.loadingMs += ms;
    const waitedMs = now - this.lookedAt;
    if (waitedMs < LOOK_MS) return;
    this.lookedAt = now;
    for (const { reason } of waiting.values()) {
      this.waitMs += waitedMs;
      if (reason.code === 'memory' || reason.code === 'reserved' || reason.code === 'releasing')
        this.memoryWaitMs += waitedMs;
    }
  }
  ran(stage: Stage, batch: number, seconds: number, ms: number): void {
    const entry = (this.batches[stage][batch] ??= { seconds: 0, ms: 0 });
    entry.seconds += seconds;
    entry.ms += ms;
  }
  unloaded(model: string, now: number): void {
    this.wentAt.set(model, now);
  }
  loading(model: string, now: number, keepAliveMs: number): void {
    if (now - (this.wentAt.get(model) ?? -Infinity) < keepAliveMs * SOON) this.reloads++;
  }

  figures(metrics: Metrics, jobs: Iterable<JobWork>): Figures {
    const queues = queueLengths(jobs),
      measured = metrics.stages(this.since, this.at, stage => queues[stage]),
      wallMs = Math.max(1, this.at - this.since);
    const stages: StageFigures[] = measured.map(each => {
      const { instanceMs, busyMs } = this.stages[each.stage];
      return {
        stage: each.stage,
        instances: instanceMs / wallMs,
        busy: instanceMs ? busyMs / instanceMs : 0,
        queue: each.queue,
        waitMs: each.waitMs.mean,
        throughput: each.throughput,
        batches: this.batches[each.stage],
      };
    });
    return { stages, reloads: this.reloads, memoryWait: this.waitMs ? this.memoryWaitMs / this.waitMs : 0 };
  }
  load(metrics: Metrics, jobs: Iterable<JobWork>): Load {
    const { stages, memoryWait } = this.figures(metrics, jobs),
      measured = metrics.stages(this.since, this.at, () => 0);
    return {
      stages: stages.map((each, i) => ({ ...each, done: measured[i]!.done })),
      loading: this.loadingMs / Math.max(1, this.at - this.since),
      memoryWait,
    };
  }
  /** A new window begins. */
  reset(): void {
    this.since = this.at;
    this.stages = fresh(() => ({ instanceMs: 0, busyMs: 0 }));
    this.batches = fresh(() => ({}));
    this.waitMs = this.memoryWaitMs = this.loadingMs = this.reloads = 0;
  }
}

const fresh = <T>(make: () => T): Record<Stage, T> => ({
  asr: make(),
  repair: make(),
  nmt: make(),
  tts: make(),
  summary: make(),
});

/** Steps that could start now but have not. */
function queueLengths(jobs: Iterable<JobWork>): Record<Stage, number> {
  const queues = { asr: 0, repair: 0, nmt: 0, tts: 0, summary: 0 };
  for (const work of jobs)
    for (const [position, stage] of work.stages.entries())
      queues[stage.stage] += Math.max(0, work.ready(position) - stage.next);
  return queues;
}
