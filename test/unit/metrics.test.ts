import assert from 'node:assert/strict';
import { it } from 'node:test';
import { prometheus } from '../../cli/prometheus.ts';
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
      [1_000_000, 'waitP95Ms', 100],
      [1_000_000, 'runMs', 400],
      [1_000_000, 'runP95Ms', 400],
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

it("writes Prometheus' text format", () => {
  const { store } = fakeStore();
  const metrics = new Metrics(store, () => 5_000),
    { stages } = metrics.report(0, () => 0);
  const text = prometheus({
    since: 0,
    until: 60_000,
    stages,
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
  assert.match(text, /\nearshot_steps_done\{stage="asr"\} 0\n/);
  assert.match(text, /\nearshot_jobs\{state="pending"\} 4\n/);
  assert.ok(text.includes('earshot_device_leased_bytes{device="a\\"b\\\\c"} 7\n'));
  assert.ok(!text.includes('resident_bytes') && text.endsWith('\n') && !text.includes('\n\n'));
  for (const line of text.trim().split('\n'))
    assert.match(line, /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{([a-z]+="(\\.|[^"\\])*",?)+\})? -?[\d.e+-]+)$/);
});
