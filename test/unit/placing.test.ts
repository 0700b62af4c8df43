import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FASTEST, HURRIED, inARow, lagOf, place, spread } from '../../daemon/outputs/placing.ts';
import { sentenceStarts } from '../../daemon/outputs/sentence-times.ts';
import type { Utterance } from '../../schemas/job.ts';

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

describe('the sentences of one utterance', () => {
  const at = (startMs: number, durationMs: number): { startMs: number; durationMs: number } => ({
    startMs,
    durationMs,
  });
  const begins = (all: readonly { startMs: number }[]): number[] => all.map(({ startMs }) => startMs);

  test('each waits for its own time', () =>
    assert.deepEqual(
      begins(spread({ ...at(1000, 4000), speed: 1 }, [at(1000, 2000), at(5000, 1000), at(8000, 1000)], 10_000)),
      [1000, 5000, 8000],
    ));
  test('but no longer than the rest needs to be over in time', () =>
    assert.deepEqual(
      begins(spread({ ...at(1000, 4000), speed: 1 }, [at(1000, 2000), at(9000, 2000)], 10_000)),
      [1000, 8000],
    ));
  test('one that takes longer holds up the next, and at the speed of the whole', () =>
    assert.deepEqual(
      begins(spread({ ...at(0, 8000), speed: 1.25 }, [at(0, 5000), at(2000, 5000)], 10_000)),
      [0, 4000],
    ));
  test('without room they stay as they were spoken', () =>
    assert.deepEqual(
      begins(spread({ ...at(3000, 4000), speed: 1 }, [at(0, 3000), at(9000, 1000)], 5000)),
      [3000, 6000],
    ));
  test('in order, none early, and over when there is no more time', () => {
    const some = fc.array(fc.record({ gapMs: fc.nat(3000), durationMs: fc.integer({ min: 1, max: 5000 }) }), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(some, fc.nat(5000), fc.nat(40_000), (parts, late, room) => {
        let time = 0;
        const sentences = parts.map(({ gapMs, durationMs }) => at((time += gapMs), durationMs)),
          whole = {
            ...at(
              late,
              parts.reduce((sum, { durationMs }) => sum + durationMs, 0),
            ),
            speed: 1,
          },
          placed = spread(whole, sentences, room);
        placed.forEach(({ startMs, durationMs }, n) => {
          const before = placed[n - 1];
          assert.ok(startMs >= (before ? before.startMs + before.durationMs : late));
          assert.ok(startMs + durationMs <= Math.max(room, whole.startMs + whole.durationMs) + 1e-6);
        });
      }),
    );
  });

  const utterance = (text: string, words: [string, number][], repaired?: string): Utterance => ({
    index: 0,
    startMs: 0,
    endMs: 20_000,
    asr: {
      text,
      words: words.map(([word, startMs]) => ({ text: word, startMs, endMs: startMs + 200, probability: 1 })),
      language: 'en',
      languageProbability: 1,
    },
    ...(repaired === undefined ? {} : { repair: { text: repaired, changes: [] } }),
  });
  const words: [string, number][] = [
    ['Mr.', 0],
    ['Smith', 300],
    ['came', 700],
    ['in.', 900],
    ['Then', 4000],
    ['he', 4300],
    ['left.', 4600],
    ['Nobody', 9000],
    ['knows.', 9400],
  ];
  const text = 'Mr. Smith came in. Then he left. Nobody knows.';

  test('begin with their first words', () =>
    assert.deepEqual(sentenceStarts(utterance(text, words), 'en', 3), [0, 4000, 9000]));
  test('also where repair changed how long they are', () =>
    assert.deepEqual(
      sentenceStarts(utterance(text, words, 'Mister Smythe-Jones came in. Then he left. Nobody knows.'), 'en', 3),
      [0, 4000, 9000],
    ));
  test('another number of sentences, or no words: not known', () => {
    assert.equal(sentenceStarts(utterance(text, words), 'en', 2), null);
    assert.equal(sentenceStarts(utterance(text, []), 'en', 3), null);
  });
  test('a language without blanks', () =>
    assert.deepEqual(
      sentenceStarts(
        utterance('他来了。然后走了。', [
          ['他', 0],
          ['来了', 200],
          ['然后', 5000],
          ['走了', 5400],
        ]),
        'zh',
        2,
      ),
      [0, 5000],
    ));
});
