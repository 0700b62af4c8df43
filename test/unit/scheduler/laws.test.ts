/** Laws that hold for every plan, in worlds that fast-check makes up: devices, models, jobs, settings and accidents. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { front } from '../../../daemon/scheduler/front.ts';
import { LOOK_AHEAD } from '../../../daemon/scheduler/lanes.ts';
import { plan } from '../../../daemon/scheduler/plan.ts';
import type { Plan, Snapshot } from '../../../daemon/scheduler/snapshot.ts';
import { PRIORITIES, STAGES } from '../../../schemas/words.ts';
import { GiB, World, type Accident, type JobSpec, type ModelSpec, type WorldSpec } from '../../sim/world.ts';

const MODELS: readonly (readonly [string, number, number, number])[] = [
  ['base', 0, 1, 20],
  ['large', 0, 6, 80],
  ['fixer', 1, 3, 25],
  ['translator', 2, 1.5, 60],
  ['big-translator', 2, 5, 90],
  ['voice', 3, 0.5, 10],
  ['server', 2, 0, 40],
];
const models: ModelSpec[] = MODELS.map(([id, stage, gigabytes, msPerSecond]) => ({
  id,
  stage: STAGES[stage]!,
  cardBytes: gigabytes * GiB,
  weightBytes: gigabytes * 0.8 * GiB,
  peakBytes: gigabytes * GiB,
  loadMs: 200 + gigabytes * 1500,
  msPerSecond,
  maxBatch: stage === 3 ? 1 : 4,
}));
const modelFor = (stage: number, pick: number): string => {
  const fit = MODELS.filter(each => each[1] === stage);
  return fit[pick % fit.length]![0];
};

const jobArbitrary = (place: number): fc.Arbitrary<JobSpec> =>
  fc
    .record({
      at: fc.integer({ min: 0, max: 120_000 }),
      priority: fc.constantFrom(...PRIORITIES),
      live: fc.boolean().map(value => value && place % 5 === 0),
      utteranceSeconds: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 12 }),
      picks: fc.tuple(fc.nat(9), fc.nat(9), fc.nat(9), fc.nat(9)),
      wants: fc.integer({ min: 0, max: 7 }),
      ingestMs: fc.integer({ min: 1, max: 3000 }),
    })
    .map(({ picks, wants, ...job }) => ({
      ...job,
      id: `job${String(place).padStart(4, '0')}`,
      stages: STAGES.flatMap((stage, i) =>
        i === 0 || (wants >> (i - 1)) & 1 ? [{ stage, model: modelFor(i, picks[i]!) }] : [],
      ),
    }));

const accidentArbitrary: fc.Arbitrary<Accident> = fc.oneof(
  fc.record({
    at: fc.integer({ min: 0, max: 300_000 }),
    type: fc.constant('outsider' as const),
    device: fc.constantFrom('gpu0', 'gpu1'),
    bytes: fc.integer({ min: -6, max: 6 }).map(gigabytes => gigabytes * GiB),
  }),
  fc.record({ at: fc.integer({ min: 0, max: 300_000 }), type: fc.constant('workerKilled' as const) }),
  fc.record({
    at: fc.integer({ min: 0, max: 300_000 }),
    type: fc.constant('daemonKilled' as const),
    downMs: fc.integer({ min: 1, max: 10_000 }),
  }),
  fc.record({
    at: fc.integer({ min: 0, max: 300_000 }),
    type: fc.constant('lost' as const),
    device: fc.constantFrom('gpu0', 'gpu1'),
    forMs: fc.integer({ min: 1, max: 60_000 }),
  }),
);

const worldOf = (fewest: number, most: number): fc.Arbitrary<WorldSpec> =>
  fc
    .record({
      seed: fc.nat(),
      gpus: fc.integer({ min: 0, max: 2 }),
      gigabytes: fc.constantFrom(11, 16, 24),
      cores: fc.constantFrom(1, 2, 8),
      count: fc.integer({ min: fewest, max: most }),
      accidents: fc.array(accidentArbitrary, { maxLength: 6 }),
      policy: fc.record({
        instancesPerDevice: fc.integer({ min: 1, max: 5 }),
        loadedModels: fc.integer({ min: 1, max: 6 }),
        concurrentTasks: fc.integer({ min: 1, max: 8 }),
        serial: fc.constantFrom(false, false, false, true),
        modelReuse: fc.constantFrom('warm' as const, 'warm' as const, 'never' as const),
        keepAliveSeconds: fc.constantFrom(0, 10, 300),
        overtakes: fc.constantFrom(0, 2, 8),
        ageingSeconds: fc.constantFrom(10, 600),
        batchMinimum: fc.constantFrom(1, 2),
        batchMaximum: fc.constantFrom(2, 4),
        repairOnCpu: fc.boolean(),
        othersOnCpu: fc.boolean(),
        yieldTo: fc.constantFrom('never' as const, 'others' as const, 'always' as const),
      }),
    })
    .chain(({ seed, gpus, gigabytes, cores, count, accidents, policy }) =>
      fc.tuple(...Array.from({ length: count }, (_, place) => jobArbitrary(place))).map(jobs => ({
        // In the end other programs give back what they took: a job that waits for their memory waits rightly.
        seed,
        jobs,
        models,
        policy,
        accidents: [
          ...accidents,
          ...['gpu0', 'gpu1'].map(device => ({ at: 400_000, type: 'outsider' as const, device, bytes: -100 * GiB })),
        ].filter(each => !('device' in each) || Number(each.device.slice(3)) < gpus),
        devices: [
          ...Array.from({ length: gpus }, (_, i) => ({
            id: `gpu${i}`,
            kind: 'gpu' as const,
            totalBytes: gigabytes * GiB,
          })),
          { id: 'cpu', kind: 'cpu' as const, totalBytes: 16 * GiB, cores },
        ],
      })),
    );

const worldArbitrary = worldOf(1, 14);

/** More for a longer search: FAST_CHECK_RUNS=2000. */
const RUNS = { numRuns: Number(process.env.FAST_CHECK_RUNS ?? 80) };
const forAll = (check: (snapshot: Snapshot, plan: Plan, now: number) => void): void => {
  fc.assert(
    fc.property(worldArbitrary, spec => {
      new World({ ...spec, onPlan: check }, plan).run(3_600_000);
    }),
    RUNS,
  );
};

describe('laws of the plan', () => {
  it('loses no job, keeps below the cap, one load a device, one attempt an instance, order within a job', () => {
    fc.assert(
      fc.property(worldArbitrary, spec => {
        const outcome = new World(spec, plan).run(50_000_000);
        const { capExceeded, doubleLoads, doubleRuns, orderViolations, lost } = outcome;
        assert.deepEqual(
          { capExceeded, doubleLoads, doubleRuns, orderViolations, lost },
          { capExceeded: 0, doubleLoads: 0, doubleRuns: 0, orderViolations: 0, lost: [] },
        );
        assert.equal(outcome.jobs.length + outcome.refused.length, spec.jobs.length);
      }),
      RUNS,
    );
  });

  it('every ceiling holds', () => {
    forAll((snapshot, { actions }) => {
      const { policy } = snapshot;
      const loads = actions.filter(action => action.type === 'load'),
        runs = actions.filter(action => action.type === 'run');
      const ours = snapshot.instances.filter(instance => policy.serial || instance.leaseBytes > 0);
      const taking = loads.filter(load => policy.serial || load.bytes > 0);
      if (taking.length) {
        assert.ok(ours.length + taking.length <= (policy.serial ? 1 : policy.loadedModels), 'loaded models');
        for (const device of snapshot.devices)
          assert.ok(
            !taking.some(load => load.device === device.id) ||
              ours.filter(each => each.device === device.id).length +
                taking.filter(load => load.device === device.id).length <=
                (policy.serial ? 1 : policy.instancesPerDevice),
            'instances on a device',
          );
      }
      assert.ok(
        !runs.length ||
          snapshot.instances.filter(each => each.state === 'busy').length + runs.length <=
            (policy.serial ? 1 : policy.concurrentTasks),
        'tasks',
      );
      for (const device of snapshot.devices) {
        assert.ok(
          loads.filter(load => load.device === device.id).reduce((sum, load) => sum + load.bytes, 0) <=
            Math.max(0, device.admissible),
          'memory',
        );
        if (device.kind !== 'cpu') continue;
        const threads =
          snapshot.instances
            .filter(each => each.device === device.id && ['busy', 'loading', 'starting'].includes(each.state))
            .reduce((sum, each) => sum + each.threads, 0) +
          loads.filter(load => load.device === device.id).reduce((sum, load) => sum + load.threads, 0) +
          runs.reduce((sum, run) => {
            const instance = snapshot.instances.find(each => each.id === run.instance)!;
            return sum + (instance.device === device.id ? instance.threads : 0);
          }, 0);
        assert.ok(threads <= device.cores, `cores: ${threads} of ${device.cores}`);
      }
      assert.equal(new Set(runs.map(run => run.instance)).size, runs.length, 'an instance runs one attempt');
    });
  });

  it('is deterministic: the same snapshot gives the same plan', () => {
    forAll((snapshot, first, now) => {
      const second = plan(structuredClone(snapshot), now);
      assert.deepEqual(second.actions, first.actions);
      assert.deepEqual([...second.waiting], [...first.waiting]);
      assert.deepEqual([...second.expectedEndAt], [...first.expectedEndAt]);
      assert.equal(second.wakeAt, first.wakeAt);
    });
  });

  it('is stable: once its actions are applied, planning again at the same time asks for nothing', () => {
    fc.assert(
      fc.property(worldArbitrary, spec => {
        const world: World = new World(
          {
            ...spec,
            onApplied: (now: number) => {
              const again = plan(world.snapshot(), now).actions;
              assert.deepEqual(again, [], `at ${now}`);
            },
          },
          plan,
        );
        world.run(3_600_000);
      }),
      RUNS,
    );
  });

  it('the front of a long queue decides what all of it does', () => {
    let shorter = 0;
    // All come at once, so that of each model's jobs more wait than the front has.
    fc.assert(
      fc.property(worldOf(220, 250), spec => {
        const onPlan = (snapshot: Snapshot, { actions, order }: Plan, now: number): void => {
          const jobs = front(order, LOOK_AHEAD);
          if (jobs.length < order.length) shorter++;
          assert.deepEqual(
            plan({ ...snapshot, jobs, isFront: true }, now).actions,
            actions.filter(({ type }) => type !== 'refuse'),
          );
        };
        new World({ ...spec, jobs: spec.jobs.map(job => ({ ...job, at: job.at % 1000 })), onPlan }, plan).run(120_000);
      }),
      { numRuns: Math.ceil(RUNS.numRuns / 20), endOnFailure: true },
    );
    assert.ok(shorter > 100, `${shorter} plans of a part`);
  });

  it('every job that does not move has exactly one reason, and those that move have none', () => {
    forAll((snapshot, { actions, waiting, expectedEndAt }, now) => {
      const refused = new Set(actions.flatMap(action => (action.type === 'refuse' ? [action.job] : [])));
      const moves = new Set(
        actions.flatMap(action => (action.type === 'run' || action.type === 'ingest' ? [action.job] : [])),
      );
      for (const job of snapshot.jobs) {
        if (refused.has(job.id)) continue;
        const moving = moves.has(job.id) || job.stages.some(stage => stage.running > 0);
        const reason = waiting.get(job.id);
        assert.equal(reason === undefined, moving, `${job.id}: ${JSON.stringify(reason)}`);
        if (reason)
          assert.ok(
            Object.values(reason.reason.args).every(value => typeof value === 'string' || Number.isFinite(value)),
            JSON.stringify(reason),
          );
        assert.ok((expectedEndAt.get(job.id) ?? -1) >= now);
      }
    });
  });
});
