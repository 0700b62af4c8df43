/** The benchmark's goals in short form: shorter traces, several seeds. `npm run bench:sim` makes the whole table. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { boundsOf, compare, type Row } from '../../sim/compare.ts';
import { maximize } from '../../sim/bounds.ts';
import { POLICIES } from '../../sim/policies.ts';
import { burst, chaos, flood, liveSessions } from '../../sim/traces.ts';
import type { WorldSpec } from '../../sim/world.ts';

const run = (spec: WorldSpec, ...names: string[]): Row[] => {
  const bounds = boundsOf(spec);
  return names.map(name => {
    const { planner, calibrates } = POLICIES.find(each => each.name === name)!;
    return compare(name, planner, calibrates, spec, bounds);
  });
};
const lawful = ({ outcome, policy }: Row, jobs: number): void => {
  const { lost, refused, capExceeded, doubleLoads, doubleRuns, orderViolations } = outcome;
  assert.deepEqual(
    { lost, refused, capExceeded, doubleLoads, doubleRuns, orderViolations, done: outcome.jobs.length },
    { lost: [], refused: [], capExceeded: 0, doubleLoads: 0, doubleRuns: 0, orderViolations: 0, done: jobs },
    policy,
  );
};

describe('the simulator', () => {
  for (const seed of [1, 2])
    it(`burst of 200, seed ${seed}: makespan ≤ 1.35 × bound, mean wait ≤ 0.6 × first fit's`, () => {
      const spec = burst(seed);
      const [ours, first, byDuration] = run(spec, 'Earshot', 'first fit', 'first fit, memory by duration') as [
        Row,
        Row,
        Row,
      ];
      lawful(ours, spec.jobs.length);
      assert.ok(ours.overBound >= 1, 'nothing is faster than the bound');
      assert.ok(ours.overBound <= 1.35, `makespan ${ours.overBound}`);
      assert.ok(
        ours.wait.meanMs <= 0.6 * Math.min(first.wait.meanMs, byDuration.wait.meanMs),
        `wait ${ours.wait.meanMs} against ${first.wait.meanMs}`,
      );
      assert.ok(
        ours.turnaround.meanMs <= 0.6 * Math.min(first.turnaround.meanMs, byDuration.turnaround.meanMs),
        `done after ${ours.turnaround.meanMs} against ${first.turnaround.meanMs}`,
      );
      assert.ok(
        ours.memoryUsed >= 1.3 * byDuration.memoryUsed,
        `memory used ${ours.memoryUsed} against ${byDuration.memoryUsed}`,
      );
    });

  for (const seed of [1, 2])
    it(`flood, seed ${seed}: a large job waits no longer than under first fit, the mean is 5 times better than serial`, () => {
      const spec = flood(seed, 240);
      const [ours, first, byDuration, serial] = run(
        spec,
        'Earshot',
        'first fit',
        'first fit, memory by duration',
        'serial, first come',
      ) as [Row, Row, Row, Row];
      lawful(ours, spec.jobs.length);
      assert.ok(
        ours.large.largestMs <= Math.min(first.large.largestMs, byDuration.large.largestMs),
        `${ours.large.largestMs} against ${first.large.largestMs}`,
      );
      assert.ok(
        ours.wait.meanMs * 5 <= serial.wait.meanMs && ours.turnaround.meanMs * 5 <= serial.turnaround.meanMs,
        `${ours.turnaround.meanMs} against ${serial.turnaround.meanMs}`,
      );
    });

  for (const seed of [1, 2])
    it(`chaos, seed ${seed}: workers and daemon killed, 8 GB taken, a device out of sight: nothing lost, the cap kept, order kept`, () => {
      const spec = chaos(seed, 60);
      for (const row of run(spec, 'Earshot')) lawful(row, spec.jobs.length);
    });

  it('ten live sessions: each gets its first words in time, and ends with its sound', () => {
    const spec = liveSessions(1);
    const [ours] = run(spec, 'Earshot') as [Row];
    lawful(ours, spec.jobs.length);
    for (const job of ours.outcome.jobs.filter(each => each.live)) {
      const spoken = spec.jobs.find(each => each.id === job.id)!.utteranceSeconds.reduce((a, b) => a + b, 0) * 1000;
      assert.ok(
        job.endedAt - job.arrivedAt - spoken <= 20_000,
        `${job.id} ends ${job.endedAt - job.arrivedAt - spoken} ms after its last word`,
      );
    }
  });

  it('every policy of the comparison keeps the laws too, or the comparison would not be fair', () => {
    const spec = burst(4, 40);
    for (const row of run(spec, ...POLICIES.map(each => each.name))) lawful(row, 40);
  });

  it('the linear program: textbook values', () => {
    assert.ok(
      Math.abs(
        maximize(
          [3, 5],
          [
            [1, 0],
            [0, 2],
            [3, 2],
          ],
          [4, 12, 18],
        ) - 36,
      ) < 1e-9,
    );
    assert.equal(maximize([1, 1], [[1, -1]], [1]), Infinity);
    assert.ok(Math.abs(maximize([-1], [[1]], [3])) < 1e-9);
  });
});
