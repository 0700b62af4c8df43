/** What is measured about steps as they pass: how long they waited, how long they took. Kept in memory for an hour, by the minute for 30 days. */
import type { Static } from 'typebox';
import type { StageStats } from '../../schemas/rpc.ts';
import { STAGES, type JobState, type Stage } from '../../schemas/words.ts';
import type { Store, UtteranceRow } from '../store/port.ts';

interface Sample { at: number; stage: Stage; waitMs: number; runMs: number; lengthMs: number }
const KEPT = 50_000, KEPT_MS = 3_600_000;
const COUNTERS = ['failed', 'retried', 'outOfMemory', 'loads', 'loadMs', 'completed', 'cancelled', 'jobsFailed'] as const;
type Counter = (typeof COUNTERS)[number];

export class Metrics {
  private readonly store: Store;
  private samples: Sample[] = [];
  private readonly events: { at: number; name: Counter; stage: Stage | ''; value: number }[] = [];
  private readonly readyAt = new Map<string, number[][]>();
  private readonly startedAt = new Map<string, number>();
  private minuteDone = 0;
  private readonly clock: () => number;

  constructor(store: Store, clock: () => number) { this.store = store; this.clock = clock; this.minuteDone = Math.floor(clock() / 60_000); }

  private ready(job: string, stage: number): number[] {
    let stages = this.readyAt.get(job);
    if (!stages) this.readyAt.set(job, stages = STAGES.map(() => []));
    return stages[stage]!;
  }
  known(job: string, rows: readonly UtteranceRow[], at: number): void { for (const row of rows) this.ready(job, 0)[row.index] = at; }
  started(job: string, stage: Stage, index: number, at: number): void { this.startedAt.set(`${job} ${stage} ${index}`, at); }
  finished(job: string, stage: Stage, index: number, lengthMs: number, at: number): void {
    const key = `${job} ${stage} ${index}`, began = this.startedAt.get(key), position = STAGES.indexOf(stage);
    this.startedAt.delete(key);
    for (let next = position + 1; next < STAGES.length; next++) this.ready(job, next)[index] = at;
    if (began === undefined) return; // it needed no model
    this.samples.push({ at, stage, waitMs: Math.max(0, began - (this.ready(job, position)[index] ?? began)), runMs: at - began, lengthMs });
    if (this.samples.length > KEPT) this.samples = this.samples.filter(sample => sample.at > at - KEPT_MS).slice(-KEPT / 2);
  }
  private count(name: Counter, value: number, stage: Stage | '' = ''): void {
    this.events.push({ at: this.clock(), name, stage, value });
    if (this.events.length > KEPT) this.events.splice(0, KEPT / 2);
  }
  retried(stage: Stage, gaveUp: boolean): void { this.count(gaveUp ? 'failed' : 'retried', 1, stage); }
  outOfMemory(stage: Stage): void { this.count('outOfMemory', 1, stage); }
  load(ms: number): void { this.count('loads', 1); this.count('loadMs', ms); }
  ended(job: string, state: JobState): void {
    this.readyAt.delete(job);
    this.count(state === 'completed' ? 'completed' : state === 'cancelled' ? 'cancelled' : 'jobsFailed', 1);
  }

  sum(name: Counter, since: number, stage?: Stage): number {
    let total = 0;
    for (const event of this.events) if (event.name === name && event.at >= since && (stage === undefined || event.stage === stage)) total += event.value;
    return total;
  }
  stages(since: number, until: number, queue: (stage: Stage) => number): Static<typeof StageStats>[] {
    const wallMs = Math.max(1, until - since);
    return STAGES.map(stage => {
      const mine = this.samples.filter(sample => sample.stage === stage && sample.at >= since);
      const runMs = mine.reduce((sum, sample) => sum + sample.runMs, 0);
      return {
        stage, done: mine.length, failed: this.sum('failed', since, stage), retried: this.sum('retried', since, stage), outOfMemory: this.sum('outOfMemory', since, stage), queue: queue(stage),
        waitMs: spread(mine.map(sample => sample.waitMs)), runMs: spread(mine.map(sample => sample.runMs)),
        throughput: mine.reduce((sum, sample) => sum + sample.lengthMs, 0) / wallMs, busy: Math.min(1, runMs / wallMs),
      };
    });
  }

  /** Rows of the minutes that have ended since the last call. */
  flush(gauges: Readonly<Record<string, number>>): void {
    const minute = Math.floor(this.clock() / 60_000);
    if (minute === this.minuteDone) return;
    const since = this.minuteDone * 60_000, until = minute * 60_000;
    this.minuteDone = minute;
    const rows: { at: number; name: string; labels: string; value: number }[] = [];
    for (const stats of this.stages(since, until, () => 0)) {
      const add = (name: string, value: number): void => { if (value) rows.push({ at: since, name, labels: stats.stage, value }); };
      add('done', stats.done); add('failed', stats.failed); add('retried', stats.retried); add('outOfMemory', stats.outOfMemory);
      add('waitMs', stats.waitMs.mean); add('runMs', stats.runMs.mean); add('throughput', stats.throughput);
    }
    for (const name of ['loads', 'loadMs', 'completed', 'cancelled', 'jobsFailed'] as const) { const value = this.sum(name, since); if (value) rows.push({ at: since, name, labels: '', value }); }
    if (rows.length) for (const [name, value] of Object.entries(gauges)) rows.push({ at: since, name, labels: '', value });
    if (rows.length) this.store.minute(rows);
  }
}

function spread(values: number[]): { mean: number; p95: number } {
  if (!values.length) return { mean: 0, p95: 0 };
  const sorted = values.toSorted((a, b) => a - b);
  return { mean: values.reduce((a, b) => a + b, 0) / values.length, p95: sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.95))]! };
}
