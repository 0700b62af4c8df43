/** Order, ageing and the bounds on waiting. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { orderJobs } from '../../../daemon/scheduler/order.ts';
import { plan } from '../../../daemon/scheduler/plan.ts';
import type { JobView, ModelView } from '../../../daemon/scheduler/snapshot.ts';
import type { Priority } from '../../../schemas/words.ts';
import { GiB, World, type JobSpec, type ModelSpec } from '../../sim/world.ts';

const speeds = { m: { msPerSecond: 10 } as ModelView };
const job = (id: string, createdAt: number, change: Partial<JobView> & { seconds?: number } = {}): JobView => ({
  id,
  priority: 'normal',
  position: createdAt,
  createdAt,
  ingest: 'waiting',
  overtaken: 0,
  live: false,
  stages: [
    {
      stage: 'asr',
      model: 'm',
      next: 0,
      ready: 0,
      running: 0,
      retryAt: null,
      leftSeconds: change.seconds ?? 60,
      finished: false,
    },
  ],
  ...change,
});
const ids = (jobs: JobView[]): string =>
  orderJobs(jobs, speeds, { ageingSeconds: 600 })
    .map(each => each.id)
    .join(' ');
const MINUTE = 60_000;

describe('order', () => {
  it('goes by priority, then by age, and waiting lifts a job by one priority every ageingSeconds', () => {
    assert.equal(
      ids([
        job('low', 0, { priority: 'low' }),
        job('normal', 5 * MINUTE),
        job('urgent', 5 * MINUTE, { priority: 'urgent' }),
      ]),
      'urgent normal low',
    );
    assert.equal(ids([job('old', 0), job('high', 9 * MINUTE, { priority: 'high' })]), 'high old');
    assert.equal(ids([job('old', 0), job('high', 11 * MINUTE, { priority: 'high' })]), 'old high');
    assert.equal(
      ids([job('low', 0, { priority: 'low' }), job('urgent', 31 * MINUTE, { priority: 'urgent' })]),
      'low urgent',
    );
  });
  it('puts the smaller first among jobs that came together, not among others', () => {
    assert.equal(
      ids([job('a', 0, { seconds: 300 }), job('b', 1000, { seconds: 20 }), job('c', 2000, { seconds: 100 })]),
      'b c a',
    );
    assert.equal(ids([job('a', 0, { seconds: 300 }), job('b', 2 * MINUTE, { seconds: 20 })]), 'a b');
  });
  it('keeps what people moved by hand, and what stands in front of an older job is as old as it', () => {
    assert.equal(
      ids([
        job('a', 0, { seconds: 20 }),
        job('b', 1000, { seconds: 30 }),
        job('moved', 2000, { seconds: 900, position: -1 }),
      ]),
      'moved a b',
    );
    assert.equal(
      ids([
        job('old', 0),
        job('moved', 11 * MINUTE, { position: -1 }),
        job('high', 10.5 * MINUTE, { priority: 'high' }),
      ]),
      'moved old high',
    );
  });
  it('puts live jobs before recordings of their priority', () =>
    assert.equal(
      ids([job('file', 0), job('live', 9 * MINUTE, { live: true }), job('high', 1000, { priority: 'high' })]),
      'high live file',
    ));
});

const small: ModelSpec = {
  id: 'small',
  stage: 'asr',
  cardBytes: 2 * GiB,
  weightBytes: 2 * GiB,
  peakBytes: 2 * GiB,
  loadMs: 1000,
  msPerSecond: 50,
};
const large: ModelSpec = {
  id: 'large',
  stage: 'asr',
  cardBytes: 7 * GiB,
  weightBytes: 7 * GiB,
  peakBytes: 7 * GiB,
  loadMs: 4000,
  msPerSecond: 80,
};
const spec = (id: number, at: number, model: string, priority: Priority, seconds: number[]): JobSpec => ({
  id: `job${String(id).padStart(5, '0')}`,
  at,
  priority,
  utteranceSeconds: seconds,
  stages: [{ stage: 'asr', model }],
  ingestMs: 50,
});

describe('nobody starves', () => {
  it('a low job under a flood of urgent ones begins within the bound', () => {
    const ageingSeconds = 20,
      flood: JobSpec[] = [];
    // Twice what the machine can do, for 20 minutes.
    for (let i = 0; i < 2400; i++) flood.push(spec(i + 1, i * 500, 'small', 'urgent', [20]));
    const patient = spec(0, 10_000, 'small', 'low', [20, 20]);
    const world = new World(
      {
        seed: 1,
        devices: [{ id: 'gpu0', kind: 'gpu', totalBytes: 24 * GiB }],
        models: [small],
        jobs: [...flood, patient],
        policy: { ageingSeconds, loadedModels: 1, concurrentTasks: 1 },
        jitter: 0,
      },
      plan,
    );
    const outcome = world.run();
    const begun = outcome.jobs.find(each => each.id === patient.id)!.startedAt;
    // Only what came within 3 × ageing of it can be in front; then its turn comes, shared with one more job.
    const front = flood.filter(each => each.at <= patient.at + 3 * ageingSeconds * 1000 + ageingSeconds * 100);
    const bound =
      patient.at +
      front.reduce((sum, each) => sum + each.utteranceSeconds[0]! * small.msPerSecond, 0) +
      small.loadMs +
      2 * 20 * small.msPerSecond +
      1000;
    assert.ok(begun <= bound, `began at ${begun}, bound ${bound}`);
    assert.ok(begun > patient.at + 2 * ageingSeconds * 1000, 'urgent ones did go first');
    assert.ok(bound < outcome.makespanMs / 4, 'without ageing it would begin at the end');
  });

  it('loaded models first, but no more than `overtakes` jobs pass the one that waits for room', () => {
    const begunAt: number[] = [];
    for (const overtakes of [0, 3]) {
      // The small model is loaded and its jobs keep coming, more than it can do; the large one fits only when it goes.
      const flood = Array.from({ length: 60 }, (_, i) => spec(i + 1, i * 900, 'small', 'normal', [20]));
      const waiting = spec(900, 3500, 'large', 'normal', [10]);
      let passed = 0;
      const world = new World(
        {
          seed: 1,
          devices: [{ id: 'gpu0', kind: 'gpu', totalBytes: 11 * GiB }],
          models: [small, { ...large, msPerSecond: 20 }],
          jobs: [...flood, waiting],
          policy: { overtakes, ageingSeconds: 600 },
          jitter: 0,
          onPlan: (_, { actions }) => {
            passed += actions.filter(action => action.type === 'overtaken' && action.job === waiting.id).length;
          },
        },
        plan,
      );
      const outcome = world.run();
      assert.deepEqual(outcome.lost, []);
      assert.equal(passed, overtakes, 'as many as may, and no more');
      begunAt.push(outcome.jobs.find(each => each.id === waiting.id)!.startedAt);
    }
    assert.ok(begunAt[0]! < begunAt[1]!, 'those that passed went first');
    assert.ok(begunAt[1]! - begunAt[0]! <= 3 * 20 * small.msPerSecond + 3 * small.loadMs, `${begunAt}`);
  });
});
