/** What attempts that worked at once on a device teach of how they slow each other down. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BusyTimes } from '../../daemon/pipeline/busy-times.ts';
import { Slowdowns, type Measured } from '../../daemon/pipeline/slowdowns.ts';
import { Speeds } from '../../daemon/pipeline/speeds.ts';
import { openStore } from '../../daemon/store/sqlite/store.ts';
import { Random } from '../sim/random.ts';

const HOUR = 3_600_000;
const noStore = { meta: () => null, setMeta: () => undefined };
const near = (value: number | undefined, wanted: number, by = 0.1): void =>
  assert.ok(Math.abs(value! - wanted) <= by, `${value} is not near ${wanted}`);

/** Attempts with so many at work all the time, that take what `slowdown` says of 1000 ms for 10 s of recording. */
const attempts = (
  into: Slowdowns,
  { count, slowdown, runs = 40, ...change }: { count: number; slowdown: number; runs?: number } & Partial<Measured>,
  now = 0,
): void => {
  const random = new Random(count);
  for (let run = 0; run < runs; run++)
    into.measured(
      {
        device: 'GPU-0',
        model: 'ear',
        work: 'asr 1',
        shares: Array.from({ length: 8 }, (_, i) => Number(i + 1 === count)),
        seconds: 10,
        ms: 1000 * slowdown * Math.exp(0.2 * random.normal()),
        ...change,
      },
      now,
    );
};

test('an attempt knows for what share of its time how many worked on its device', () => {
  const times = new BusyTimes();
  times.begin('a', 'GPU-0', 0);
  times.begin('other', 'GPU-1', 0);
  times.begin('b', 'GPU-0', 100);
  assert.equal(times.busy('GPU-0'), 2);
  times.begin('c', 'GPU-0', 200);
  assert.deepEqual(times.end('b', 300), { ms: 200, shares: [0, 0.5, 0.5, 0, 0, 0, 0, 0] });
  assert.deepEqual(times.end('c', 300)?.shares, [0, 0, 1, 0, 0, 0, 0, 0]);
  assert.deepEqual(times.end('a', 400), { ms: 400, shares: [0.5, 0.25, 0.25, 0, 0, 0, 0, 0] });
  assert.deepEqual(times.end('other', 400)?.shares[0], 1);
  assert.equal(times.end('a', 500), null, 'over already');
  assert.equal(times.busy('GPU-0'), 0);
});

test('the gain of two and three is found through noise, by device and for models that never ran there', () => {
  const known = new Slowdowns(noStore);
  assert.equal(known.gains('GPU-0', 'ear', 0), undefined);
  for (const [count, slowdown] of [
    [1, 1],
    [2, 1.25],
    [3, 1.6],
  ] as const)
    attempts(known, { count, slowdown });
  const gains = known.gains('GPU-0', 'ear', 0)!;
  assert.equal(gains.length, 3);
  near(gains[1], 1.6, 0.2);
  near(gains[2], 1.9, 0.25);
  assert.deepEqual(known.gains('GPU-0', 'another', 0), gains, 'a model begins with what is known for all');
  assert.equal(known.gains('GPU-1', 'ear', 0), undefined, 'a device inherits nothing');
});

test('models that differ are told apart', () => {
  const known = new Slowdowns(noStore);
  for (const [model, slowdown] of [
    ['ear', 2],
    ['voice', 1],
  ] as const) {
    attempts(known, { count: 1, slowdown: 1, model });
    attempts(known, { count: 2, slowdown, model });
  }
  near(known.gains('GPU-0', 'ear', 0)![1], 1, 0.15);
  near(known.gains('GPU-0', 'voice', 0)![1], 2, 0.2);
});

test('nothing is compared with what was not measured alone, nor with other work', () => {
  const known = new Slowdowns(noStore);
  attempts(known, { count: 2, slowdown: 2 });
  assert.equal(known.gains('GPU-0', 'ear', 0), undefined);
  attempts(known, { count: 1, slowdown: 1, work: 'asr 4' });
  attempts(known, { count: 2, slowdown: 2 });
  assert.equal(known.gains('GPU-0', 'ear', 0), undefined);
  attempts(known, { count: 1, slowdown: 1, runs: 2 });
  attempts(known, { count: 2, slowdown: 2 });
  assert.equal(known.gains('GPU-0', 'ear', 0), undefined, 'twice alone says little');
  attempts(known, { count: 1, slowdown: 1, runs: 1 });
  attempts(known, { count: 2, slowdown: 2, ms: 20, seconds: 0.1 });
  assert.equal(known.gains('GPU-0', 'ear', 0), undefined, 'the shortest ones are the daemon at work');
});

test('one accident changes little, noise counts as no slowdown, and one more never brings more than the one before', () => {
  const known = new Slowdowns(noStore);
  attempts(known, { count: 1, slowdown: 1 });
  attempts(known, { count: 2, slowdown: 1.05 });
  assert.equal(known.gains('GPU-0', 'ear', 0)![1], 2);
  attempts(known, { count: 2, slowdown: 50, runs: 1 });
  near(known.gains('GPU-0', 'ear', 0)![1], 2, 0.2);
  attempts(known, { count: 3, slowdown: 2.5 });
  attempts(known, { count: 5, slowdown: 1 });
  const gains = known.gains('GPU-0', 'ear', 0)!;
  gains.slice(2).forEach((gain, i) => assert.ok(gain - gains[i + 1]! <= Math.max(0, gains[i + 1]! - gains[i]!) + 1e-9));
  assert.equal(gains.length, 5);
});

test('what was not measured for an hour is tried again', () => {
  const known = new Slowdowns(noStore);
  attempts(known, { count: 1, slowdown: 1 });
  attempts(known, { count: 2, slowdown: 2 }, 1000);
  near(known.gains('GPU-0', 'ear', HOUR)![1], 1);
  assert.equal(known.gains('GPU-0', 'ear', HOUR + 1000), undefined);
});

test('an attempt is freed of what others took from it', () => {
  const known = new Slowdowns(noStore),
    half = [0.5, 0.5, 0, 0, 0, 0, 0, 0];
  assert.equal(known.pace('GPU-0', 'ear', half, 0), 1);
  attempts(known, { count: 1, slowdown: 1 });
  attempts(known, { count: 2, slowdown: 2 });
  near(known.pace('GPU-0', 'ear', half, 0), 0.75, 0.07);
});

test('a restart keeps it', t => {
  const store = openStore(':memory:');
  t.after(() => store.dispose());
  const speeds = new Speeds(store),
    { slowdowns } = speeds;
  attempts(slowdowns, { count: 1, slowdown: 1 });
  attempts(slowdowns, { count: 2, slowdown: 2 });
  speeds.save();
  assert.deepEqual(new Speeds(store).slowdowns.gains('GPU-0', 'ear', 0), slowdowns.gains('GPU-0', 'ear', 0));
  assert.ok(slowdowns.gains('GPU-0', 'ear', 0));
});
