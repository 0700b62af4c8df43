import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { prometheus } from '../../cli/prometheus.ts';
import { BUCKET_WIDTH, Histogram } from '../../daemon/telemetry/histogram.ts';
import { Metrics } from '../../daemon/telemetry/metrics.ts';
import type { Store } from '../../daemon/contracts/store.ts';

type Row = Parameters<Store['minute']>[0][number];
function fakeStore(): { rows: Row[]; store: Store } {
  const rows: Row[] = [];
  return {
    rows,
    store: {
      minute: (more: readonly Row[]) => {
        rows.push(...more);
      },
      minutes: ({ since }: { since: number }) => rows.filter(row => row.at >= since),
    } as unknown as Store,
  };
}
function work(
  metrics: Metrics,
  index: number,
  from: number,
  waitMs: number,
  runMs: number,
  set: (at: number) => void,
): void {
  set(from);
  metrics.known('job', [{ index, startMs: 0, endMs: 2000 }], from);
  metrics.started('job', 'asr', index, from + waitMs);
  set(from + waitMs + runMs);
  metrics.finished('job', 'asr', index, 2000, from + waitMs + runMs);
}

it('keeps what was measured by the minute, over a restart too', () => {
  const { rows, store } = fakeStore();
  let now = 1_000_000;
  const set = (at: number): void => {
    now = at;
  };
  const first = new Metrics(store, () => now);
  work(first, 0, 1_000_000, 100, 400, set);
  first.load(700);
  now = 1_021_000; // a minute ended at 1 020 000
  first.flush({ pending: 3 });
  assert.deepEqual(
    rows
      .filter(row => row.labels === 'asr' && row.name !== 'throughput' && row.name !== 'busy')
      .map(({ at, name, value }) => [at, name, value]),
    [
      [1_000_000, 'done', 1],
      [1_000_000, 'waitMs', 100],
      [1_000_000, 'runMs', 400],
    ],
  );
  assert.ok(rows.some(row => row.name === 'pending' && row.value === 3));
  first.flush({ pending: 3 });
  const before = rows.length;
  work(first, 1, 1_022_000, 300, 600, set);
  first.flush({}, true); // we leave in the middle of a minute
  assert.ok(rows.length > before);
  now = 1_024_000;
  const second = new Metrics(store, () => now);
  work(second, 2, 1_025_000, 200, 200, set);
  const { stages, total } = second.report(990_000, () => 5),
    asr = stages[0]!;
  assert.equal(asr.done, 3);
  assert.equal(asr.queue, 5);
  assert.ok(Math.abs(asr.waitMs.mean - 200) < 1e-9 && Math.abs(asr.runMs.mean - 400) < 1e-9, JSON.stringify(asr));
  assert.ok(Math.abs(asr.throughput - 6000 / (now - 1_000_000)) < 1e-6, 'six seconds of recording in all');
  assert.equal(total('loads'), 1);
  assert.equal(second.report(1_024_500, () => 0).stages[0]!.done, 1, 'a short window leaves the past out');
});

/** Nearest rank, as a person would count it. */
function trueP95(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.95) - 1]!;
}
const near = (actual: number, expected: number): void =>
  assert.ok(Math.abs(actual - expected) <= expected * BUCKET_WIDTH, `${actual}, not ${expected}`);

/** Minutes of steps, some busy and fast, some lonely and slow; what they took, ms. */
function* minutesOfWork(minutes: number): Generator<number[]> {
  for (let minute = 0; minute < minutes; minute++)
    yield minute % 10 === 0 ? [20_000 + minute] : Array.from({ length: 40 }, (_, n) => 200 + ((n * 37) % 100));
}

for (const [name, minutes] of [
  ['an hour', 60],
  ['30 days of every twentieth minute', 2160],
] as const)
  it(`reports the 95th percentile of ${name}, kept by the minute`, () => {
    const { store } = fakeStore();
    let now = 0;
    const metrics = new Metrics(store, () => now);
    const all: number[] = [];
    for (const steps of minutesOfWork(minutes)) {
      const began = now;
      for (const [n, runMs] of steps.entries()) work(metrics, n, began, 50, runMs, at => (now = at));
      all.push(...steps);
      now = began + (minutes === 60 ? 60_000 : 20 * 60_000);
      metrics.flush({});
    }
    const asr = new Metrics(store, () => now).report(0, () => 0).stages[0]!;
    assert.equal(asr.done, all.length);
    near(asr.runMs.p95, trueP95(all));
    near(asr.waitMs.p95, 50);
  });

it('counts a step once, in whichever moment of a minute the rows are written', () => {
  const { store } = fakeStore();
  let now = 0;
  const set = (at: number): void => {
    now = at;
  };
  const metrics = new Metrics(store, () => now);
  work(metrics, 0, 10_000, 100, 400, set);
  metrics.load(500);
  work(metrics, 1, 70_000, 100, 400, set);
  metrics.load(500);
  now = 90_000;
  metrics.flush({}); // the first minute
  now = 150_000;
  metrics.flush({}); // the second
  const after = new Metrics(store, () => now).report(0, () => 0);
  assert.equal(after.stages[0]!.done, 2);
  assert.equal(after.total('loads'), 2);
});

it('forgets no step of a long busy run', () => {
  const { store } = fakeStore();
  let now = 0;
  const set = (at: number): void => {
    now = at;
  };
  const metrics = new Metrics(store, () => now);
  const perMinute = 2000,
    minutes = 100;
  for (let minute = 0; minute < minutes; minute++) {
    for (let n = 0; n < perMinute; n++) work(metrics, n, minute * 60_000 + n, 1, 2, set);
    now = (minute + 1) * 60_000;
    metrics.flush({});
  }
  assert.equal(metrics.report(0, () => 0).stages[0]!.done, minutes * perMinute);
  assert.equal(metrics.report(now - 600_000, () => 0).stages[0]!.done, 10 * perMinute);
});

it("writes Prometheus' text format", () => {
  const { store } = fakeStore();
  let now = 0;
  const metrics = new Metrics(store, () => now);
  for (const [n, runMs] of [120, 400, 900, 7_000].entries()) work(metrics, n, n * 10_000, 50, runMs, at => (now = at));
  const { stages } = metrics.report(0, () => 0);
  const text = prometheus({
    since: 0,
    until: 60_000,
    stages,
    histograms: metrics.histograms(),
    loads: 2,
    loadMs: 1500,
    jobs: { completed: 1, failed: 0, cancelled: 0, pending: 4 },
    devices: [{ device: 'a"b\\c', leasedBytes: 7, residentBytes: null }],
    bottleneck: null,
    estimateError: null,
    startError: null,
  });
  assert.match(
    text,
    /^# HELP earshot_window_seconds .+\n# TYPE earshot_window_seconds gauge\nearshot_window_seconds 60\n/,
  );
  assert.match(text, /\nearshot_steps_done\{stage="asr"\} 4\n/);
  const run = (line: string): string => `earshot_step_run_duration_seconds${line}`;
  assert.deepEqual(
    text.split('\n').filter(line => line.includes('step_run_duration_seconds') && !line.startsWith('# HELP')),
    [
      `# TYPE ${run(' histogram')}`,
      ...[0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600].map((le, i) =>
        run(`_bucket{stage="asr",le="${le}"} ${[0, 1, 2, 3, 3, 3][i] ?? 4}`),
      ),
      run('_bucket{stage="asr",le="+Inf"} 4'),
      run('_sum{stage="asr"} 8.42'),
      run('_count{stage="asr"} 4'),
    ],
  );
  assert.match(text, /\nearshot_jobs\{state="pending"\} 4\n/);
  assert.ok(text.includes('earshot_device_leased_bytes{device="a\\"b\\\\c"} 7\n'));
  assert.ok(!text.includes('resident_bytes') && text.endsWith('\n') && !text.includes('\n\n'));
  for (const line of text.trim().split('\n'))
    assert.match(line, /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{([a-z]+="(\\.|[^"\\])*",?)+\})? -?[\d.e+-]+)$/);
});

describe('a histogram', () => {
  it('is right within the width of a bucket, whatever the values, and adds up', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 0, max: 86_400_000 }), { minLength: 1 }), { minLength: 1 }),
        fc.constantFrom(0.5, 0.95, 0.99, 1),
        (minutes, share) => {
          const all = new Histogram(),
            values = minutes.flat();
          for (const minute of minutes) {
            const one = new Histogram();
            for (const value of minute) one.add(value);
            all.merge(Histogram.decode(one.encode(), one.count, one.sum));
          }
          assert.equal(all.count, values.length);
          assert.equal(all.mean, values.reduce((sum, value) => sum + value, 0) / values.length);
          const expected = values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1]!;
          assert.ok(Math.abs(all.percentile(share) - expected) <= expected * BUCKET_WIDTH);
          assert.deepEqual(all.upTo([-1, 2 ** 31]), [0, values.length]);
        },
      ),
    );
  });
  it('of nothing is nothing', () => {
    assert.deepEqual([new Histogram().mean, new Histogram().percentile(0.95)], [0, 0]);
  });
});
