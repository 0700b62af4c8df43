/** What was going on over a window of time, as adaptive scheduling and the bottleneck get to see it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JobWork } from '../../daemon/jobs/work.ts';
import { Gauge } from '../../daemon/pipeline/gauge.ts';
import { openStore } from '../../daemon/store/sqlite/store.ts';
import { Metrics } from '../../daemon/telemetry/metrics.ts';
import type { Waiting } from '../../daemon/scheduler/snapshot.ts';
import type { Instance } from '../../daemon/workers/instance.ts';
import type { Reason } from '../../schemas/reasons.ts';
import type { Stage } from '../../schemas/words.ts';
import { jobRow } from '../fixtures/job-row.ts';

const BEGIN = 1_000_000;
const instance = (stage: Stage, state: Instance['state']): Instance => ({ state, options: { stage } }) as Instance;
const waits = (...codes: Reason['code'][]): Map<string, Waiting> =>
  new Map(codes.map((code, n) => [`job${n}`, { reason: { code, args: {} }, expectedStartAt: null }]));
function place(t: { after(end: () => void): void }) {
  const store = openStore(':memory:');
  t.after(() => store.dispose());
  const metrics = new Metrics(store, () => BEGIN);
  const gauge = new Gauge(BEGIN);
  return {
    gauge,
    metrics,
    stage: (name: Stage, jobs: JobWork[] = []) =>
      gauge.figures(metrics, jobs).stages.find(({ stage }) => stage === name)!,
  };
}
const none = new Map<string, Waiting>();

test('instances and how busy they were, as shares of the time since the window began', t => {
  const { gauge, stage } = place(t);
  gauge.observe(BEGIN + 1000, [instance('asr', 'busy'), instance('asr', 'idle'), instance('nmt', 'loading')], none);
  gauge.observe(BEGIN + 4000, [instance('asr', 'busy'), instance('tts', 'stopping')], none);
  assert.deepEqual([stage('asr').instances, stage('asr').busy], [1.25, 0.8]);
  assert.deepEqual([stage('nmt').instances, stage('nmt').busy], [0, 0]);
  assert.deepEqual([stage('tts').instances, stage('tts').busy], [0, 0]);
  gauge.reset();
  gauge.observe(BEGIN + 5000, [instance('asr', 'idle')], none);
  assert.deepEqual([stage('asr').instances, stage('asr').busy], [1, 0], 'a new window');
});

test('a clock that goes backwards takes nothing back', t => {
  const { gauge, stage } = place(t);
  gauge.observe(BEGIN + 2000, [instance('asr', 'busy')], none);
  gauge.observe(BEGIN + 1000, [instance('asr', 'busy')], none);
  gauge.observe(BEGIN + 4000, [instance('asr', 'idle')], none);
  assert.deepEqual([stage('asr').instances, stage('asr').busy], [1.25, 0.4]);
});

test('loading: the share of the time in which any model came', t => {
  const { gauge, metrics } = place(t);
  gauge.observe(BEGIN + 1000, [instance('asr', 'loading'), instance('nmt', 'starting')], none);
  gauge.observe(BEGIN + 2000, [instance('asr', 'starting')], none);
  gauge.observe(BEGIN + 8000, [instance('asr', 'busy')], none);
  assert.equal(gauge.load(metrics, []).loading, 0.25);
  gauge.reset();
  gauge.observe(BEGIN + 9000, [], none);
  assert.equal(gauge.load(metrics, []).loading, 0);
});

test('the share of all waiting that was for memory; reasons are looked at once a second', t => {
  const { gauge, metrics } = place(t);
  const share = () => gauge.figures(metrics, []).memoryWait;
  assert.equal(share(), 0, 'nobody waits');
  gauge.observe(BEGIN + 999, [], waits('memory'));
  assert.equal(share(), 0, 'too soon');
  gauge.observe(BEGIN + 1000, [], waits('memory', 'reserved', 'releasing', 'behind'));
  assert.equal(share(), 0.75);
  gauge.observe(BEGIN + 1500, [], waits('memory'));
  gauge.observe(BEGIN + 3000, [], waits('behind', 'cores'));
  assert.equal(share(), 3000 / 8000);
  assert.equal(gauge.load(metrics, []).memoryWait, 3000 / 8000);
  gauge.reset();
  assert.equal(share(), 0);
});

test('reloads: models that came back within twice their keep-alive', t => {
  const { gauge, metrics } = place(t);
  const reloads = () => gauge.figures(metrics, []).reloads;
  gauge.loading('never gone', BEGIN, 10_000);
  gauge.unloaded('base', BEGIN);
  gauge.loading('other', BEGIN + 1, 10_000);
  gauge.loading('base', BEGIN + 20_000, 10_000);
  assert.equal(reloads(), 0);
  gauge.loading('base', BEGIN + 19_999, 10_000);
  assert.equal(reloads(), 1);
  gauge.reset();
  assert.equal(reloads(), 0);
  gauge.loading('base', BEGIN + 19_999, 10_000);
  assert.equal(reloads(), 1, 'when it went is known in the next window too');
});

test('what batches of each size took, by stage', t => {
  const { gauge, stage } = place(t);
  gauge.ran('asr', 4, 60, 900);
  gauge.ran('asr', 4, 40, 600);
  gauge.ran('asr', 1, 10, 200);
  gauge.ran('nmt', 4, 5, 50);
  assert.deepEqual(stage('asr').batches, { 1: { seconds: 10, ms: 200 }, 4: { seconds: 100, ms: 1500 } });
  assert.deepEqual(stage('nmt').batches, { 4: { seconds: 5, ms: 50 } });
  gauge.reset();
  assert.deepEqual(stage('asr').batches, {});
});

test('the queue: steps that could start and have not; what ended, and its waiting, come from the metrics', t => {
  const { gauge, metrics, stage } = place(t);
  const work = new JobWork(jobRow(), 9000);
  work.restore(
    [0, 1, 2].map(index => ({
      index,
      startMs: index * 3000,
      endMs: index * 3000 + 3000,
      ...(index === 0 ? { asr: { text: 'a', words: [], language: 'en', languageProbability: 1 } } : {}),
    })),
  );
  metrics.known('job', [{ index: 0, startMs: 0, endMs: 3000 }], BEGIN);
  metrics.started('job', 'asr', 0, BEGIN + 500);
  metrics.finished('job', 'asr', 0, 3000, BEGIN + 800);
  gauge.observe(BEGIN + 1000, [], none);
  assert.deepEqual([stage('asr', [work]).queue, stage('repair', [work]).queue], [2, 1]);
  assert.deepEqual([stage('asr', [work, work]).queue, stage('nmt', [work]).queue], [4, 0]);
  assert.equal(stage('asr').waitMs, 500);
  assert.deepEqual(
    gauge
      .load(metrics, [work])
      .stages.map(({ stage: name, done, queue }) => [name, done, queue])
      .slice(0, 2),
    [
      ['asr', 1, 2],
      ['repair', 0, 1],
    ],
  );
});
