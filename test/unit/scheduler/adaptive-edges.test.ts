/** From which figures on adaptive scheduling draws conclusions, and what it says of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  adapt,
  bottleneck,
  NOTHING_LEARNED,
  type Learned,
  type Load,
  type StageFigures,
} from '../../../daemon/scheduler/adaptive.ts';
import { DEFAULTS } from '../../../schemas/settings.ts';

const HOUR = 3_600_000;
const full = (stage: StageFigures['stage'], change: Partial<StageFigures> = {}): StageFigures => ({
  stage,
  instances: 1,
  busy: 0.9,
  queue: 20,
  waitMs: 1000,
  throughput: 8,
  ...change,
});
const after = (
  windows: { stages?: StageFigures[]; reloads?: number; memoryWait?: number; at?: number }[],
  policy: Partial<typeof DEFAULTS> = {},
) => {
  let learned: Learned = NOTHING_LEARNED,
    changes: unknown[] = [];
  for (const { stages = [], reloads = 0, memoryWait = 0, at = 0 } of windows)
    ({ learned, changes } = adapt(learned, { stages, reloads, memoryWait }, { ...DEFAULTS, ...policy }, at));
  return { ...learned, changes };
};
/** What is advised once a second instance brought little in a window like this. */
const replicas = (change: Partial<StageFigures>, policy: Partial<typeof DEFAULTS> = {}) =>
  after([{ stages: [full('nmt')] }, { stages: [full('nmt', { instances: 2, throughput: 8.1, ...change })] }], policy)
    .advice.replicas?.nmt;

describe('another instance', () => {
  it('is judged under full load alone: busy, a queue, a whole number of them', () => {
    assert.equal(replicas({}), 1);
    assert.equal(replicas({ busy: 0.8 }), 1);
    assert.equal(replicas({ busy: 0.79 }), undefined);
    assert.equal(replicas({ queue: 3 }), 1);
    assert.equal(replicas({ queue: 2 }), undefined);
    assert.equal(replicas({ instances: 1.81 }), 1);
    assert.equal(replicas({ instances: 2.19 }), 1);
    assert.equal(replicas({ instances: 1.79 }), undefined);
    assert.equal(replicas({ instances: 2.21 }), undefined);
  });
  it('must bring five in a hundred', () => {
    assert.equal(replicas({ throughput: 8.39 }), 1);
    assert.equal(replicas({ throughput: 8.4 }), undefined);
  });
  it('stays where the settings want so many recognisers', () => {
    const windows = [
      { stages: [full('asr', { instances: 2 })] },
      { stages: [full('asr', { instances: 3, throughput: 8 })] },
    ];
    assert.equal(after(windows, { minimumConcurrentTasks: 2 }).advice.replicas?.asr, 2);
    assert.equal(after(windows, { minimumConcurrentTasks: 3 }).advice.replicas, undefined);
    assert.equal(replicas({}, { minimumConcurrentTasks: 3 }), 1, 'of other stages one is enough');
  });
  it('newer figures count half, and what was said is not said again', () => {
    const second = full('nmt', { instances: 2, throughput: 8 });
    const twice = after([
      { stages: [full('nmt', { throughput: 4 })] },
      { stages: [full('nmt')] },
      { stages: [second] },
    ]);
    assert.equal(twice.throughput.nmt?.[1], 6);
    assert.equal(twice.advice.replicas, undefined, '8 is more than 6');
    const again = after([{ stages: [full('nmt')] }, { stages: [second] }, { stages: [second], at: 1 }]);
    assert.deepEqual([again.advice, again.changes], [{ replicas: { nmt: 1 } }, []]);
  });
  it('and batches are tried again after an hour, from nothing', () => {
    const slow = { 2: { seconds: 60, ms: 6000 }, 4: { seconds: 60, ms: 6000 } };
    const windows = [{ stages: [full('nmt')] }, { stages: [full('nmt', { instances: 2, batches: slow })], at: 5 }];
    assert.deepEqual(after(windows, { batchMaximum: 4 }).advice, { replicas: { nmt: 1 }, batch: { nmt: 2 } });
    const idle = full('nmt', { busy: 0 });
    assert.deepEqual(after([...windows, { stages: [idle], at: HOUR + 4 }], { batchMaximum: 4 }).changes, []);
    const later = after([...windows, { stages: [idle], at: HOUR + 5 }], { batchMaximum: 4 });
    assert.deepEqual(
      [later.advice, later.throughput, later.cost, later.until, later.changes],
      [
        {},
        {},
        {},
        {},
        [
          { code: 'replicasTriedAgain', args: { stage: 'nmt', replicas: 1 } },
          { code: 'batchTriedAgain', args: { stage: 'nmt', size: 2 } },
        ],
      ],
    );
  });
});

describe('batches', () => {
  const advised = (whole: [number, number], half: [number, number], policy: Partial<typeof DEFAULTS> = {}) =>
    after(
      [
        {
          stages: [
            full('nmt', {
              busy: 0,
              batches: { 4: { seconds: whole[0], ms: whole[1] }, 2: { seconds: half[0], ms: half[1] } },
            }),
          ],
        },
      ],
      { batchMaximum: 4, batchMinimum: 1, ...policy },
    );
  it('are halved when the half costs less than five in a hundred more', () => {
    assert.equal(advised([100, 10_000], [100, 10_490]).advice.batch?.nmt, 2);
    assert.equal(advised([100, 10_000], [100, 10_500]).advice.batch, undefined);
    assert.deepEqual(advised([100, 10_000], [100, 10_126]).changes, [
      { code: 'smallerBatch', args: { stage: 'nmt', size: 2, before: 100, after: 101.26 } },
    ]);
  });
  it('of any size are compared with the half of it, and tried again alone where replicas were never limited', () => {
    const slow = { 8: { seconds: 60, ms: 6000 }, 4: { seconds: 60, ms: 6000 }, 3: { seconds: 60, ms: 6000 } };
    const windows = [{ stages: [full('nmt', { busy: 0, batches: slow })] }];
    assert.deepEqual(after(windows, { batchMaximum: 8 }).advice.batch, { nmt: 4 });
    assert.deepEqual(
      after([...windows, { stages: [full('nmt', { busy: 0 })], at: HOUR }], { batchMaximum: 8 }).changes,
      [{ code: 'batchTriedAgain', args: { stage: 'nmt', size: 4 } }],
    );
  });
  it('of a minute of sound each, not below the least that is allowed', () => {
    assert.equal(advised([60, 6000], [60, 6000]).advice.batch?.nmt, 2);
    assert.equal(advised([59, 5900], [60, 6000]).advice.batch, undefined);
    assert.equal(advised([60, 6000], [59, 5900]).advice.batch, undefined);
    assert.equal(advised([60, 6000], [60, 6000], { batchMinimum: 2 }).advice.batch?.nmt, 2);
    assert.equal(advised([60, 6000], [60, 6000], { batchMinimum: 3 }).advice.batch, undefined);
  });
});

describe('keep-alive', () => {
  const kept = (reloads: number, memoryWait: number, times = 1) =>
    after(
      Array.from({ length: times }, () => ({ reloads, memoryWait })),
      { keepAliveSeconds: 80 },
    );
  it('doubles when models come back, halves while jobs wait for memory, within eight times', () => {
    assert.deepEqual(kept(1, 0.3).changes, []);
    assert.deepEqual(kept(2, 0.3).changes, [{ code: 'keepLonger', args: { seconds: 160, before: 80, reloads: 2 } }]);
    assert.deepEqual(kept(2, 0.314).changes, [{ code: 'keepShorter', args: { seconds: 40, before: 80, share: 0.31 } }]);
    assert.equal(kept(2, 0, 9).advice.keepAliveSeconds, 640);
    assert.equal(kept(0, 1, 9).advice.keepAliveSeconds, 10);
  });
});

describe('the bottleneck', () => {
  const stage = (change: Partial<Load['stages'][number]> = {}): Load['stages'][number] => ({
    stage: 'asr',
    busy: 0.9,
    waitMs: 100,
    queue: 5,
    done: 5,
    ...change,
  });
  const found = (change: Partial<Load>) => bottleneck({ stages: [stage()], loading: 0, memoryWait: 0, ...change });
  it('is none where nobody waits for a second in all, or nothing is in the queue', () => {
    assert.equal(found({})?.code, 'stageBusy');
    assert.equal(found({ stages: [stage({ waitMs: 99 })] }), null);
    assert.equal(found({ stages: [stage({ waitMs: 999, queue: 1, done: 0 })] }), null);
    assert.equal(found({ stages: [stage({ waitMs: 1000, queue: 1, done: 0 })] })?.code, 'stageBusy');
    assert.equal(found({ stages: [stage({ queue: 0, done: 50 })] }), null);
    assert.equal(found({ stages: [stage({ queue: 0, done: 50 }), stage({ stage: 'nmt' })] })?.code, 'stageBusy');
  });
  it('is memory or loading when either is more than half of it', () => {
    assert.equal(found({ memoryWait: 0.5, loading: 0.5 })?.code, 'stageBusy');
    assert.deepEqual(found({ memoryWait: 0.514, loading: 1 }), { code: 'memoryShort', args: { share: 0.51 } });
    assert.deepEqual(found({ loading: 0.514 }), { code: 'loading', args: { share: 0.51 } });
  });
  it('else the stage that most is waited for, if it is busy half of its time', () => {
    const stages = [
      stage({ waitMs: 100 }),
      stage({ stage: 'repair', waitMs: 300 }),
      stage({ stage: 'nmt', waitMs: 200 }),
    ];
    assert.deepEqual(found({ stages })?.args, { stage: 'repair', busyShare: 0.9, waitShare: 0.5 });
    assert.equal(found({ stages: [stage({ busy: 0.5 })] })?.code, 'stageBusy');
    assert.equal(found({ stages: [stage({ busy: 0.49 })] }), null);
  });
});
