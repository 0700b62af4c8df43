import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  adapt,
  bottleneck,
  NOTHING_LEARNED,
  type Figures,
  type StageFigures,
} from '../../../daemon/scheduler/adaptive.ts';
import { DEFAULTS } from '../../../schemas/settings.ts';

const asr = (change: Partial<StageFigures>): StageFigures => ({
  stage: 'asr',
  instances: 1,
  busy: 0.95,
  queue: 20,
  waitMs: 5000,
  throughput: 8,
  ...change,
});
const window = (...stages: StageFigures[]): Figures => ({ stages, reloads: 0, memoryWait: 0 });

describe('adaptive scheduling', () => {
  it('takes back an instance that did not help, says so, and tries again later', () => {
    let { learned, changes } = adapt(NOTHING_LEARNED, window(asr({})), DEFAULTS, 0);
    assert.deepEqual(changes, []);
    ({ learned, changes } = adapt(learned, window(asr({ instances: 2, throughput: 8.2 })), DEFAULTS, 60_000));
    assert.deepEqual(learned.advice, { replicas: { asr: 1 } });
    assert.deepEqual(changes, [
      { code: 'replicaDidNotHelp', args: { stage: 'asr', replicas: 1, before: 8, after: 8.2 } },
    ]);
    ({ learned, changes } = adapt(learned, window(asr({ instances: 1, throughput: 8 })), DEFAULTS, 120_000));
    assert.deepEqual({ advice: learned.advice, changes }, { advice: { replicas: { asr: 1 } }, changes: [] });
    ({ learned, changes } = adapt(learned, window(asr({})), DEFAULTS, 60_000 + 3_600_000));
    assert.deepEqual(learned.advice, {});
    assert.equal(changes[0]?.code, 'replicasTriedAgain');
  });

  it('leaves an instance that helped, and draws nothing from idle times', () => {
    const one = adapt(NOTHING_LEARNED, window(asr({})), DEFAULTS, 0).learned;
    assert.deepEqual(adapt(one, window(asr({ instances: 2, throughput: 14 })), DEFAULTS, 1).learned.advice, {});
    assert.deepEqual(
      adapt(one, window(asr({ instances: 2, throughput: 1, busy: 0.1, queue: 0 })), DEFAULTS, 1).learned.advice,
      {},
    );
  });

  it('halves batches that are not faster', () => {
    const { learned, changes } = adapt(
      NOTHING_LEARNED,
      window(asr({ batches: { 2: { seconds: 100, ms: 10_000 }, 4: { seconds: 100, ms: 9_900 } } })),
      DEFAULTS,
      0,
    );
    assert.deepEqual(learned.advice.batch, { asr: 2 });
    assert.equal(changes[0]?.code, 'smallerBatch');
    assert.deepEqual(
      adapt(
        NOTHING_LEARNED,
        window(asr({ batches: { 2: { seconds: 100, ms: 10_000 }, 4: { seconds: 100, ms: 6_000 } } })),
        DEFAULTS,
        0,
      ).learned.advice,
      {},
    );
  });

  it('moves keep-alive within its range, both ways, and back to the setting', () => {
    let learned = NOTHING_LEARNED;
    for (let i = 0; i < 6; i++) ({ learned } = adapt(learned, { stages: [], reloads: 3, memoryWait: 0 }, DEFAULTS, i));
    assert.equal(learned.advice.keepAliveSeconds, 2400);
    for (let i = 0; i < 12; i++)
      ({ learned } = adapt(learned, { stages: [], reloads: 3, memoryWait: 0.6 }, DEFAULTS, i));
    assert.equal(learned.advice.keepAliveSeconds, 38);
  });

  it('is off when it is off', () =>
    assert.deepEqual(
      adapt(
        { ...NOTHING_LEARNED, advice: { keepAliveSeconds: 5 } },
        window(asr({})),
        { ...DEFAULTS, adaptive: false },
        0,
      ).learned,
      NOTHING_LEARNED,
    ));

  it('names the bottleneck', () => {
    const stages = [
      { stage: 'asr' as const, busy: 0.94, waitMs: 6200, queue: 9, done: 40 },
      { stage: 'repair' as const, busy: 0.3, waitMs: 3800, queue: 2, done: 40 },
    ];
    assert.deepEqual(bottleneck({ stages, loading: 0.1, memoryWait: 0 }), {
      code: 'stageBusy',
      args: { stage: 'asr', busyShare: 0.94, waitShare: 0.66 },
    });
    assert.equal(bottleneck({ stages, loading: 0.1, memoryWait: 0.8 })?.code, 'memoryShort');
    assert.equal(bottleneck({ stages: stages.map(each => ({ ...each, queue: 0 })), loading: 0, memoryWait: 0 }), null);
  });
});
