/**
 * A sample of small faults in the scheduler and in text that all sides use: the tests must notice most of them. The
 * whole measurement is `npm run mutate`; docs/testing.md holds its figures.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { measure, noticed, score } from '../../scripts/mutate.ts';
import { mutate } from '../../scripts/mutation/mutants.ts';

/** What is measured lies above: another sample must not fail by chance. */
const LEAST = 0.6;

describe('mutants', () => {
  test('a fault of each kind is made, and only where it is switched on', () => {
    const source = `
import { x } from './x.ts';
export function f(a: number, b: number, list: string[] = []): string {
  if (a < b && list.length > 0) note(a, b);
  for (const each of list) a += 1;
  return a >= 20 ? list.filter(Boolean).map(e => e.trim()).join(', ') : \`\${a} \${x}\`;
}
const note = (one: number, other: number): void => {
  seen.push(Math.max(one, other));
};
const seen: number[] = [1];
`;
    const { code, mutants } = mutate(source, 'f.ts', 100);
    assert.deepEqual(
      mutants.map(({ id }) => id),
      mutants.map((_, n) => 100 + n),
    );
    const changes = mutants.map(({ change }) => change);
    for (const wanted of [
      'a < b → a <= b',
      'a < b && list.length > 0 → a < b || list.length > 0',
      'a < b && list.length > 0 → true',
      'note(a, b); → (left out)',
      'note(a, b) → note(b, a)',
      '1 → 2',
      'a += 1 → a -= 1',
      '20 → 40',
      'list.filter(Boolean) → list',
      "', ' → ''",
      'Math.max(one, other) → Math.min(one, other)',
      '[1] → []',
    ])
      assert.ok(changes.includes(wanted), `${wanted}\n${changes.join('\n')}`);
    assert.deepEqual(
      mutants.find(({ change }) => change === 'a < b → a <= b'),
      { id: 104, file: 'f.ts', line: 4, code: 'if (a < b && list.length > 0) note(a, b);', change: 'a < b → a <= b' },
    );
    const run = new Function(
      '$mutant',
      '$loop',
      'x',
      `${code.replace(/^import.*$/m, '').replace('export ', '')}; return f;`,
    );
    const made = (on: number | null) =>
      run(
        (id: number) => id === on,
        () => {},
        'x',
      ) as (...args: unknown[]) => string;
    assert.equal(made(null)(20, 30, [' a', '', 'b ']), 'a, b');
    const at = (change: string): number => mutants.find(each => each.change === change)!.id;
    assert.equal(made(at("', ' → ''"))(20, 30, [' a', '', 'b ']), 'ab');
    assert.equal(made(at('20 → 40'))(20, 30, [' a']), '21 x');
  });

  test(`of a sample at least ${LEAST * 100} % are noticed`, async () => {
    const results = await measure(['scheduler', 'text'], 60, 1, { leaveOut: /scheduler\/(laws|fairness|forecast)/ });
    const left = results
      .filter(each => !noticed(each) && each.outcome !== 'equivalent')
      .map(({ file, line, change }) => `${file}:${line}  ${change}`);
    assert.equal(results.length, 60);
    assert.ok(score(results) >= LEAST, `${left.length} of 60 are noticed by nobody:\n${left.join('\n')}`);
  });
});
