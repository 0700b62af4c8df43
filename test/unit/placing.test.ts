import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FASTEST, HURRIED, inARow, lagOf, place } from '../../daemon/outputs/placing.ts';

const rounded = (spoken: [number, number][]): [number, number, number][] =>
  place(spoken.map(([startMs, durationMs]) => ({ startMs, durationMs }))).map(({ startMs, durationMs, speed }) => [
    startMs,
    durationMs,
    Math.round(speed * 100) / 100,
  ]);

describe('the spoken track', () => {
  test('what fits is spoken as it is, at its own time', () =>
    assert.deepEqual(
      rounded([
        [0, 900],
        [1000, 2000],
        [4000, 500],
      ]),
      [
        [0, 900, 1],
        [1000, 2000, 1],
        [4000, 500, 1],
      ],
    ));
  test('a longer one runs on into the silence that follows', () =>
    assert.deepEqual(
      rounded([
        [0, 3900],
        [4000, 500],
      ]),
      [
        [0, 3900, 1],
        [4000, 500, 1],
      ],
    ));
  test('where there is no silence it is spoken faster', () =>
    assert.deepEqual(
      rounded([
        [0, 4312],
        [4000, 500],
      ]),
      [
        [0, 3920, 1.1],
        [4000, 500, 1],
      ],
    ));
  test('and where that is not enough the next one waits, and catches up', () => {
    assert.deepEqual(
      rounded([
        [0, 6000],
        [4000, 3300],
        [8000, 1000],
      ]),
      [
        [0, 4800, 1.25],
        [4880, 3040, 1.09],
        [8000, 1000, 1],
      ],
    );
  });
  test('one that lags far behind hurries', () => {
    const spoken = [0, 4000, 8000, 12_000].map(startMs => ({ startMs, durationMs: 7000 })),
      placements = place(spoken);
    assert.deepEqual(
      placements.map(({ startMs, speed }) => [startMs, speed]),
      [
        [0, FASTEST],
        [5680, HURRIED],
        [10_760, HURRIED],
        [15_840, HURRIED],
      ].map(([startMs, speed], n) => (n === 3 ? [startMs, 1] : [startMs, speed])),
    );
    assert.equal(lagOf(spoken, placements), 3840);
  });
  test('a text that is read aloud: one after the other with a pause between', () =>
    assert.deepEqual(
      inARow(
        [
          { startMs: 900, durationMs: 1000.2 },
          { startMs: 0, durationMs: 500 },
          { startMs: 0, durationMs: 1 },
        ],
        300,
      ),
      [
        { startMs: 0, durationMs: 1001, speed: 1 },
        { startMs: 1301, durationMs: 500, speed: 1 },
        { startMs: 2101, durationMs: 1, speed: 1 },
      ],
    ));
  test('a breath stays between two that touch, also where one begins at once', () =>
    assert.deepEqual(
      rounded([
        [0, 1000],
        [1000, 10],
        [1000, 100],
      ]),
      [
        [0, 920, 1.09],
        [1000, 8, 1.25],
        [1088, 100, 1],
      ],
    ));
  test('the last one takes the time that it needs', () => assert.deepEqual(rounded([[0, 60_000]]), [[0, 60_000, 1]]));
  test('never two at once, never early, never too fast', () => {
    const spoken = fc
      .array(fc.record({ gapMs: fc.nat(5000), durationMs: fc.integer({ min: 0, max: 20_000 }) }), { maxLength: 40 })
      .map(parts => {
        let at = 0;
        return parts.map(({ gapMs, durationMs }) => ({ startMs: (at += gapMs), durationMs }));
      });
    fc.assert(
      fc.property(spoken, all => {
        place(all).forEach(({ startMs, speed }, n, placements) => {
          const before = placements[n - 1];
          assert.ok(
            startMs >= all[n]!.startMs &&
              speed >= 1 &&
              speed <= HURRIED &&
              (!before || startMs >= before.startMs + before.durationMs),
          );
        });
      }),
    );
  });
});
