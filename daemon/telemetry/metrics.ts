/**
 * What is measured about steps as they pass: how long they waited, how long they took. Kept in memory for an hour, by
 * the minute for 30 days.
 */
import type { Static } from 'typebox';
import type { StageStats } from '../../schemas/rpc.ts';
import { KINDS_OF_WORK, STAGES, type JobState, type Stage } from '../../schemas/words.ts';
import type { Store, UtteranceRow } from '../contracts/store.ts';

interface Sample {
  at: number;
  stage: Stage;
  waitMs: number;
  runMs: number;
  lengthMs: number;
}
const MINUTE_MS = 60_000,
  KEPT = 50_000,
  KEPT_MS = 3_600_000;
const LONG_WAIT_MS = 1_000;
const COUNTERS = [
  'failed',
  'retried',
  'outOfMemory',
  'loads',
  'loadMs',
  'completed',
  'cancelled',
  'jobsFailed',
  'starts',
  'startError',
] as const;
type Counter = (typeof COUNTERS)[number];

export class Metrics {
  private readonly store: Store;
  private samples: Sample[] = [];
  private readonly events: { at: number; name: Counter; stage: Stage | ''; value: number }[] = [];
  private readonly readyAt = new Map<string, number[][]>();
  private readonly startedAt = new Map<string, number>();
  /** Rows are written up to here, ms; they begin when we do. */
  private writtenUntil: number;
  private readonly began: number;
  private readonly clock: () => number;

  constructor(store: Store, clock: () => number) {
    this.store = store;
    this.clock = clock;
    this.began = this.writtenUntil = clock();
  }

  private ready(job: string, stage: number): number[] {
    let stages = this.readyAt.get(job);
    if (!stages) this.readyAt.set(job, (stages = KINDS_OF_WORK.map(() => [])));
    return stages[stage]!;
  }
  /** `first`: the stage that they wait for. */
  known(job: string, rows: readonly UtteranceRow[], at: number, first: Stage = 'asr'): void {
    const stage = KINDS_OF_WORK.indexOf(first);
    for (const row of rows) this.ready(job, stage)[row.index] = at;
  }
  started(job: string, stage: Stage, index: number, at: number): void {
    this.startedAt.set(`${job} ${stage} ${index}`, at);
  }
  finished(job: string, stage: Stage, index: number, lengthMs: number, at: number): void {
    const key = `${job} ${stage} ${index}`,
      began = this.startedAt.get(key),
      position = KINDS_OF_WORK.indexOf(stage);
    this.startedAt.delete(key);
    for (let next = position + 1; next < STAGES.length; next++) this.ready(job, next)[index] = at;
    if (began === undefined) return; // it needed no model
    this.samples.push({
      at,
      stage,
      waitMs: Math.max(0, began - (this.ready(job, position)[index] ?? began)),
      runMs: at - began,
      lengthMs,
    });
    if (this.samples.length > KEPT)
      this.samples = this.samples.filter(sample => sample.at > at - KEPT_MS).slice(-KEPT / 2);
  }
  private count(name: Counter, value: number, stage: Stage | '' = ''): void {
    this.events.push({ at: this.clock(), name, stage, value });
    if (this.events.length > KEPT) this.events.splice(0, KEPT / 2);
  }
  retried(stage: Stage, gaveUp: boolean): void {
    this.count(gaveUp ? 'failed' : 'retried', 1, stage);
  }
  outOfMemory(stage: Stage): void {
    this.count('outOfMemory', 1, stage);
  }
  load(ms: number): void {
    this.count('loads', 1);
    this.count('loadMs', ms);
  }
  /** How far off the promised start was, as a share of the wait; short waits say nothing. */
  jobStarted(promised: { at: number; startAt: number } | null, now: number): void {
    const waitedMs = promised ? Math.max(now, promised.startAt) - promised.at : 0;
    if (waitedMs < LONG_WAIT_MS) return;
    this.count('starts', 1);
    this.count('startError', Math.abs(now - promised!.startAt) / waitedMs);
  }
  ended(job: string, state: JobState): void {
    this.readyAt.delete(job);
    this.count(state === 'completed' ? 'completed' : state === 'cancelled' ? 'cancelled' : 'jobsFailed', 1);
  }

  sum(name: Counter, since: number, stage?: Stage): number {
    let total = 0;
    for (const event of this.events)
      if (event.name === name && event.at >= since && (stage === undefined || event.stage === stage))
        total += event.value;
    return total;
  }
  stages(since: number, until: number, queue: (stage: Stage) => number): Static<typeof StageStats>[] {
    const wallMs = Math.max(1, until - since);
    return KINDS_OF_WORK.map(stage => {
      const mine = this.samples.filter(sample => sample.stage === stage && sample.at >= since);
      const runMs = mine.reduce((sum, sample) => sum + sample.runMs, 0);
      return {
        stage,
        done: mine.length,
        failed: this.sum('failed', since, stage),
        retried: this.sum('retried', since, stage),
        outOfMemory: this.sum('outOfMemory', since, stage),
        queue: queue(stage),
        waitMs: spread(mine.map(sample => sample.waitMs)),
        runMs: spread(mine.map(sample => sample.runMs)),
        throughput: mine.reduce((sum, sample) => sum + sample.lengthMs, 0) / wallMs,
        busy: Math.min(1, runMs / wallMs),
      };
    });
  }

  /** Rows of the minutes that have ended since the last call; `all`: also of the one that has not, because we leave. */
  flush(gauges: Readonly<Record<string, number>>, all = false): void {
    const now = this.clock(),
      since = this.writtenUntil,
      until = all ? now : Math.floor(now / MINUTE_MS) * MINUTE_MS;
    if (until <= since) return;
    this.writtenUntil = until;
    const rows: { at: number; name: string; labels: string; value: number }[] = [];
    const add = (name: string, labels: string, value: number): void => {
      if (value) rows.push({ at: since, name, labels, value });
    };
    for (const stats of this.stages(since, until, () => 0)) {
      for (const name of ['done', 'failed', 'retried', 'outOfMemory', 'throughput', 'busy'] as const)
        add(name, stats.stage, stats[name]);
      add('waitMs', stats.stage, stats.waitMs.mean);
      add('waitP95Ms', stats.stage, stats.waitMs.p95);
      add('runMs', stats.stage, stats.runMs.mean);
      add('runP95Ms', stats.stage, stats.runMs.p95);
    }
    for (const name of ['loads', 'loadMs', 'completed', 'cancelled', 'jobsFailed', 'starts', 'startError'] as const)
      add(name, '', this.sum(name, since));
    if (rows.length)
      for (const [name, value] of Object.entries(gauges)) rows.push({ at: since, name, labels: '', value });
    if (rows.length) {
      rows.push({ at: since, name: 'lengthMs', labels: '', value: until - since });
      this.store.minute(rows);
    }
  }

  /**
   * Figures since then, also from before this daemon began. Means are exact; percentiles of the past are means of the
   * minutes' own.
   */
  report(
    asked: number,
    queue: (stage: Stage) => number,
  ): { since: number; stages: Static<typeof StageStats>[]; total(name: Counter): number } {
    const rows = asked < this.began ? this.store.minutes({ since: asked }).filter(row => row.at < this.began) : [];
    // Shares are of the time that anything is known of.
    const since = Math.max(
      asked,
      rows.reduce((first, { at }) => Math.min(first, at), this.began),
    );
    const now = this.clock(),
      stages = this.stages(Math.max(since, this.began), now, queue);
    const past = new Past(rows);
    const nowMs = now - Math.max(since, this.began),
      wallMs = Math.max(1, now - since);
    return {
      since,
      total: name => this.sum(name, Math.max(since, this.began)) + past.sum(name, ''),
      // Who never asked for a summary hears nothing of them.
      stages: stages
        .filter(each => each.stage !== 'summary' || each.done + each.failed + past.sum('done', each.stage) > 0)
        .map(each => {
          const done = past.sum('done', each.stage),
            all = done + each.done;
          const mixed = (mine: number, name: string): number =>
            all ? (mine * each.done + past.weighed(name, each.stage)) / all : 0;
          return {
            ...each,
            done: all,
            failed: each.failed + past.sum('failed', each.stage),
            retried: each.retried + past.sum('retried', each.stage),
            outOfMemory: each.outOfMemory + past.sum('outOfMemory', each.stage),
            waitMs: { mean: mixed(each.waitMs.mean, 'waitMs'), p95: mixed(each.waitMs.p95, 'waitP95Ms') },
            runMs: { mean: mixed(each.runMs.mean, 'runMs'), p95: mixed(each.runMs.p95, 'runP95Ms') },
            throughput: (each.throughput * nowMs + past.timed('throughput', each.stage)) / wallMs,
            busy: Math.min(1, (each.busy * nowMs + past.timed('busy', each.stage)) / wallMs),
          };
        }),
    };
  }
}

/** Minute rows, looked at by name and label. */
class Past {
  private readonly rows: ReadonlyMap<string, Map<number, number>>;
  constructor(rows: readonly { at: number; name: string; labels: string; value: number }[]) {
    const byName = new Map<string, Map<number, number>>();
    for (const { at, name, labels, value } of rows) {
      const key = `${name} ${labels}`,
        series = byName.get(key) ?? new Map<number, number>();
      byName.set(key, series.set(at, value));
    }
    this.rows = byName;
  }
  private fold(name: string, label: string, weight: (at: number) => number): number {
    let sum = 0;
    for (const [at, value] of this.rows.get(`${name} ${label}`) ?? []) sum += value * weight(at);
    return sum;
  }
  sum(name: string, label: string): number {
    return this.fold(name, label, () => 1);
  }
  /** Each minute's value times the steps done in it. */
  weighed(name: string, label: string): number {
    const done = this.rows.get(`done ${label}`);
    return this.fold(name, label, at => done?.get(at) ?? 0);
  }
  /** Each row's value times its length. */
  timed(name: string, label: string): number {
    const length = this.rows.get('lengthMs ');
    return this.fold(name, label, at => length?.get(at) ?? MINUTE_MS);
  }
}

function spread(values: number[]): { mean: number; p95: number } {
  if (!values.length) return { mean: 0, p95: 0 };
  const sorted = values.toSorted((a, b) => a - b);
  return {
    mean: values.reduce((a, b) => a + b, 0) / values.length,
    p95: sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.95))]!,
  };
}
