/** The short form of `npm run test:security`: the same inputs every time, and proof that a fault would be seen. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EarshotError } from '../../schemas/errors.ts';
import { Chance, form, TARGETS, tried, type Target } from './fuzzing.ts';

const SEEDS = 12;

test('every reader takes what chance makes of texts, headers and frames', () => {
  for (const target of TARGETS)
    for (let seed = 1; seed <= SEEDS; seed++) assert.equal(tried(target, seed), null, `${target.name} ${seed}`);
});

test('forms that are cut, altered or no forms are answered in our words', async () => {
  for (let seed = 1; seed <= 40; seed++) assert.equal(await form(seed), null);
});

test('what breaks or hangs is found, and said with its seed', () => {
  const target = (read: Target['read']): Target => ({ name: 'a reader', input: chance => chance.bytes(8), read });
  assert.equal(
    tried(
      target(() => {
        throw new EarshotError('badRequest');
      }),
      7,
    ),
    null,
  );
  assert.match(
    tried(
      target(bytes => (bytes as unknown as { a: { b: number } }).a.b),
      7,
    )!,
    /seed 7: [^]*broke: TypeError/,
  );
  const slow = (): void => {
    for (const before = process.threadCpuUsage(); process.threadCpuUsage(before).user < 110_000;);
  };
  assert.match(tried(target(slow), 8)!, /seed 8: [^]*kept its thread/);
  assert.deepEqual(new Chance(3).bytes(5), new Chance(3).bytes(5));
});
