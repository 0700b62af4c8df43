/**
 * What is measured about steps as they pass: how long they waited, how long they took. The last hour is kept in memory,
 * step by step; everything is kept in the store by the minute, for 30 days.
 */
import type { StageHistogram, StageStats } from '../../schemas/rpc.ts';
import { KINDS_OF_WORK, STAGES, type JobState, type Stage } from '../../schemas/words.ts';
import type { MinuteRow, Store, UtteranceRow } from '../contracts/store.ts';
import { Histogram } from './histogram.ts';

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
/** Counted for the whole daemon, not for a stage. */
const TOTALS = ['loads', 'loadMs', 'completed', 'cancelled', 'jobsFailed', 'starts', 'startError'] as const;
/** The limits of the buckets that scrapers see, ms. */
const LIMITS_MS = [100, 250, 500, 1e3, 2.5e3, 5e3, 1e4, 3e4, 6e4, 12e4, 3e5, 6e5, 18e5, 36e5];

interface Durations {
  wait: Histogram;
  run: Histogram;
}
const durations = (): Durations => ({ wait: new Histogram(), run: new Histogram() });

/** The steps of a stage in a window. */
interface Tally extends Durations {
  lengthMs: number;
}

export class Metrics {
  private readonly store: Store;
  private readonly samples: Sample[] = [];
  private readonly events: { at: number; name: Counter; stage: Stage | ''; value: number }[] = [];
  private readonly readyAt = new Map<string, number[][]>();
  private readonly startedAt = new Map<string, number>();
  /** Since we began; these only grow, as scrapers want it. */
  private readonly lifetime = new Map<Stage, Durations>(KINDS_OF_WORK.map(stage => [stage, durations()]));
  /** Rows are written up to here, ms; they begin when we do. */
  private writtenUntil: number;
  /** Where rows ended that are still in memory, ms, oldest first: memory is cut nowhere else. */
  private readonly ends: number[] = [];
  /** From here on memory has everything, ms; of the time before, the store does. */
  private inMemorySince: number;
  private readonly began: number;
  private readonly clock: () => number;

  constructor(store: Store, clock: () => number) {
    this.store = store;
    this.clock = clock;
    this.began = this.writtenUntil = this.inMemorySince = clock();
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
    const waitMs = Math.max(0, began - (this.ready(job, position)[index] ?? began)),
      runMs = at - began;
    this.samples.push({ at, stage, waitMs, runMs, lengthMs });
    const { wait, run } = this.lifetime.get(stage)!;
    wait.add(waitMs);
    run.add(runMs);
  }
  private count(name: Counter, value: number, stage: Stage | '' = ''): void {
    this.events.push({ at: this.clock(), name, stage, value });
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

  /** Of the events in memory from `since` to before `until`. */
  private sum(name: Counter, since: number, until: number, stage: Stage | '' = ''): number {
    let total = 0;
    for (let i = this.events.length - 1; i >= 0 && this.events[i]!.at >= since; i--) {
      const event = this.events[i]!;
      if (event.name === name && event.at < until && event.stage === stage) total += event.value;
    }
    return total;
  }
  /** Of the steps in memory that ended from `since` to before `until`. */
  private tallies(since: number, until: number): Map<Stage, Tally> {
    const tallies = new Map<Stage, Tally>(KINDS_OF_WORK.map(stage => [stage, { lengthMs: 0, ...durations() }]));
    for (let i = this.samples.length - 1; i >= 0 && this.samples[i]!.at >= since; i--) {
      const sample = this.samples[i]!;
      if (sample.at >= until) continue;
      const tally = tallies.get(sample.stage)!;
      tally.wait.add(sample.waitMs);
      tally.run.add(sample.runMs);
      tally.lengthMs += sample.lengthMs;
    }
    return tallies;
  }

  /** Figures of a window that memory covers, up to but without `until`. */
  stages(since: number, until: number, queue: (stage: Stage) => number): StageStats[] {
    return this.measure(since, until, until, queue, new Past([]));
  }
  /** `until`: what ended before it; `wallUntil`: the window's end, for shares of time. */
  private measure(
    since: number,
    until: number,
    wallUntil: number,
    queue: (stage: Stage) => number,
    past: Past,
  ): StageStats[] {
    const from = Math.max(since, this.inMemorySince),
      tallies = this.tallies(from, until),
      wallMs = Math.max(1, wallUntil - since);
    return KINDS_OF_WORK.map(stage => {
      const { wait, run, lengthMs } = tallies.get(stage)!,
        runMs = run.sum;
      wait.merge(past.histogram('waitMs', stage));
      run.merge(past.histogram('runMs', stage));
      const count = (name: Counter): number => this.sum(name, from, until, stage) + past.sum(name, stage);
      return {
        stage,
        done: run.count,
        failed: count('failed'),
        retried: count('retried'),
        outOfMemory: count('outOfMemory'),
        queue: queue(stage),
        waitMs: { mean: wait.mean, p95: wait.percentile(0.95) },
        runMs: { mean: run.mean, p95: run.percentile(0.95) },
        throughput: (lengthMs + past.timed('throughput', stage)) / wallMs,
        busy: Math.min(1, (runMs + past.timed('busy', stage)) / wallMs),
      };
    });
  }

  /** Rows of the minutes that have ended since the last call; `all`: also of the one that has not, because we leave. */
  flush(gauges: Readonly<Record<string, number>>, all = false): void {
    const now = this.clock(),
      since = this.writtenUntil,
      until = all ? now : Math.floor(now / MINUTE_MS) * MINUTE_MS;
    if (until <= since) return;
    const rows = this.rows(since, until, all ? Infinity : until);
    if (rows.length) {
      for (const [name, value] of Object.entries({ ...gauges, lengthMs: until - since }))
        rows.push({ at: since, name, labels: '', value });
      this.store.minute(rows);
    }
    this.writtenUntil = until;
    this.ends.push(until);
    this.forget(now);
  }
  private rows(since: number, wallUntil: number, until: number): MinuteRow[] {
    const rows: MinuteRow[] = [];
    const add = (name: string, labels: string, value: number): void => {
      if (value) rows.push({ at: since, name, labels, value });
    };
    for (const [stage, { wait, run, lengthMs }] of this.tallies(since, until)) {
      add('done', stage, run.count);
      for (const name of ['failed', 'retried', 'outOfMemory'] as const)
        add(name, stage, this.sum(name, since, until, stage));
      if (!run.count) continue;
      add('throughput', stage, lengthMs / (wallUntil - since));
      add('busy', stage, Math.min(1, run.sum / (wallUntil - since)));
      rows.push({ at: since, name: 'waitMs', labels: stage, value: wait.sum, buckets: wait.encode() });
      rows.push({ at: since, name: 'runMs', labels: stage, value: run.sum, buckets: run.encode() });
    }
    for (const name of TOTALS) add(name, '', this.sum(name, since, until));
    return rows;
  }
  /** What is old or too much leaves memory, by whole rows. */
  private forget(now: number): void {
    const { samples, events, ends } = this;
    let old = 0;
    while (ends.length && (ends[0]! <= now - KEPT_MS || samples.length - old > KEPT)) {
      this.inMemorySince = ends.shift()!;
      while (old < samples.length && samples[old]!.at < this.inMemorySince) old++;
    }
    samples.splice(0, old);
    const firstEvent = events.findIndex(event => event.at >= this.inMemorySince);
    events.splice(0, firstEvent < 0 ? events.length : firstEvent);
  }

  /** Figures since then, also from before this daemon began. */
  report(
    asked: number,
    queue: (stage: Stage) => number,
  ): { since: number; stages: StageStats[]; total(name: (typeof TOTALS)[number]): number } {
    const rows =
      asked < this.inMemorySince ? this.store.minutes({ since: asked }).filter(row => row.at < this.inMemorySince) : [];
    // Shares are of the time that anything is known of.
    const since = Math.max(
      asked,
      rows.reduce((first, { at }) => Math.min(first, at), this.began),
    );
    const past = new Past(rows);
    return {
      since,
      total: name => this.sum(name, Math.max(since, this.inMemorySince), Infinity) + past.sum(name, ''),
      // Who never asked for a summary sees none of them.
      stages: this.measure(since, Infinity, this.clock(), queue, past).filter(
        each => each.stage !== 'summary' || each.done + each.failed > 0,
      ),
    };
  }

  /** Histograms since this daemon began. */
  histograms(): StageHistogram[] {
    return [...this.lifetime].flatMap(([stage, { wait, run }]) =>
      run.count
        ? (
            [
              ['wait', wait],
              ['run', run],
            ] as const
          ).map(([of, histogram]) => ({
            stage,
            of,
            count: histogram.count,
            sumMs: histogram.sum,
            buckets: histogram.upTo(LIMITS_MS).map((count, i) => ({ upToMs: LIMITS_MS[i]!, count })),
          }))
        : [],
    );
  }
}

/** Minute rows, looked at by name and label. */
class Past {
  private readonly rows = new Map<string, Map<number, MinuteRow>>();
  constructor(rows: readonly MinuteRow[]) {
    for (const row of rows) {
      const key = `${row.name} ${row.labels}`,
        series = this.rows.get(key) ?? new Map<number, MinuteRow>();
      this.rows.set(key, series.set(row.at, row));
    }
  }
  private series(name: string, label: string): Iterable<[number, MinuteRow]> {
    return this.rows.get(`${name} ${label}`) ?? [];
  }
  sum(name: string, label: string): number {
    let sum = 0;
    for (const [, { value }] of this.series(name, label)) sum += value;
    return sum;
  }
  /** Each row's value times its length. */
  timed(name: string, label: string): number {
    const lengths = this.rows.get('lengthMs ');
    let sum = 0;
    for (const [at, { value }] of this.series(name, label)) sum += value * (lengths?.get(at)?.value ?? MINUTE_MS);
    return sum;
  }
  /** A stage's durations: the row's value is their sum, `done` of the same minute how many they are. */
  histogram(name: 'waitMs' | 'runMs', stage: Stage): Histogram {
    const all = new Histogram(),
      done = this.rows.get(`done ${stage}`);
    for (const [at, { value, buckets }] of this.series(name, stage))
      all.merge(Histogram.decode(buckets ?? null, done?.get(at)?.value ?? 0, value));
    return all;
  }
}
