/** Which utterances are recognised together. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Windows } from '../../daemon/jobs/windows.ts';
import type { UtteranceRow } from '../../daemon/contracts/store.ts';

/** Utterances so many seconds long, with a pause of so many behind each. */
const rows = (...lengths: [seconds: number, pause?: number][]): UtteranceRow[] => {
  let at = 0;
  return lengths.map(([seconds, pause = 0.5], index) => {
    const startMs = at,
      endMs = startMs + seconds * 1000;
    at = endMs + pause * 1000;
    return { index, startMs, endMs };
  });
};
const ranges = (utterances: UtteranceRow[], mostMs: number): string => {
  const windows = new Windows(utterances, mostMs),
    found: string[] = [];
  for (let at = 0; at < utterances.length; at = windows.of(at).end)
    found.push(`${windows.of(at).first}-${windows.of(at).end}`);
  return found.join(' ');
};

test('the first utterance is alone, the others go together up to the length, and not over long pauses', () => {
  assert.equal(ranges(rows([5], [5], [5], [5], [5], [5]), 20_000), '0-1 1-4 4-6');
  assert.equal(ranges(rows([5], [5, 2], [5], [5]), 20_000), '0-1 1-2 2-4');
  assert.equal(ranges(rows([5], [25], [5], [30]), 20_000), '0-1 1-2 2-3 3-4', 'longer ones stay alone');
  assert.equal(ranges(rows([5], [5], [5]), 0), '0-1 1-2 2-3');
});

test('windows are closed once no utterance can join them, and never change however the utterances come', () =>
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.double({ min: 0, max: 3, noNaN: true })), {
        minLength: 1,
        maxLength: 40,
      }),
      lengths => {
        const all = rows(...lengths),
          whole = new Windows(all, 20_000),
          growing: UtteranceRow[] = [],
          live = new Windows(growing, 20_000);
        for (const row of all) {
          growing.push(row);
          for (let index = 0; index < live.closed(false); index++) assert.deepEqual(live.of(index), whole.of(index));
          assert.ok(growing.length - live.closed(false) <= 20);
        }
        assert.equal(live.closed(true), all.length);
        assert.equal(live.closed(false) === all.length, all.length === 1);
      },
    ),
  ));
