/** When each character of a text is said, and which voices are remembered. */
import assert from 'node:assert/strict';
import { normalize } from 'node:path';
import { describe, test } from 'node:test';
import type { Word } from '../../schemas/job.ts';
import { isUnnamed, shownSpeaker } from '../../text/speaker-names.ts';
import { parseSpeakers, placeToRemember, speakerPlaces, withSpeakers } from '../../text/speakers.ts';
import { columns, isUnspaced, joiner, lineLimit } from '../../text/subtitles/width.ts';
import { proportionalTimeline, timelineOf } from '../../text/transcripts/timing.ts';

const word = (text: string, startMs: number, endMs: number): Word => ({ text, startMs, endMs, probability: 1 });
const HEARD = [word(' ab', 0, 200), word(' cd', 300, 500)];

describe('the time of each character', () => {
  test('words as they were heard', () => {
    assert.deepEqual(timelineOf('ab cd', HEARD, 0, 600), {
      startMs: [0, 100, 200, 300, 400],
      endMs: [100, 200, 200, 400, 500],
    });
    assert.deepEqual(timelineOf('«Ab», ĆD!', HEARD, 0, 600), {
      startMs: [0, 0, 100, 200, 200, 200, 300, 400, 500],
      endMs: [0, 100, 200, 200, 200, 200, 400, 500, 500],
    });
  });
  test('what was not heard shares the time between what was', () => {
    assert.deepEqual(timelineOf('ab xx cd', HEARD, 0, 600), {
      startMs: [0, 100, 200, 200, 250, 300, 300, 400],
      endMs: [100, 200, 200, 250, 300, 300, 400, 500],
    });
    assert.deepEqual(timelineOf('zabcd', HEARD, 0, 600).startMs, [0, 0, 100, 300, 400]);
    assert.deepEqual(timelineOf('abcdz', HEARD, 0, 600).endMs, [100, 200, 400, 500, 500]);
    assert.deepEqual(timelineOf('abd', HEARD, 0, 600), { startMs: [0, 100, 400], endMs: [100, 200, 500] });
    assert.deepEqual(timelineOf('axc', [word('abc', 0, 300)], 0, 600), {
      startMs: [0, 100, 200],
      endMs: [100, 200, 300],
    });
    assert.deepEqual(timelineOf('xbydz', [word('abcde', 0, 500)], 0, 600), {
      startMs: [0, 100, 200, 300, 400],
      endMs: [100, 200, 300, 400, 500],
    });
  });
  test('nothing heard: evenly over the utterance; signs alone stand for all of it', () => {
    assert.deepEqual(timelineOf('abcd', [], 1000, 2000), {
      startMs: [1000, 1250, 1500, 1750],
      endMs: [1250, 1500, 1750, 2000],
    });
    assert.deepEqual(timelineOf('…!', [], 5, 9), { startMs: [5, 5], endMs: [9, 9] });
    assert.deepEqual(timelineOf('', [], 5, 9), { startMs: [], endMs: [] });
    assert.deepEqual(timelineOf('…', HEARD, 5, 9), { startMs: [0], endMs: [500] });
    assert.deepEqual(timelineOf('a', [word('…', 100, 300)], 5, 9), { startMs: [5], endMs: [9] });
  });
  test('signs of two units, and words that overlap, never run backwards', () => {
    assert.deepEqual(timelineOf('𝒳b', [word('𝒳b', 0, 200)], 0, 200), {
      startMs: [0, 100, 100],
      endMs: [100, 100, 200],
    });
    assert.deepEqual(timelineOf('ab', [word('a', 0, 300), word('b', 100, 200)], 0, 300), {
      startMs: [0, 300],
      endMs: [300, 300],
    });
  });
  test('a translation: sentence by sentence where both have as many, else over the whole', () => {
    const times = { startMs: [0, 100, 200, 300, 400, 500, 600], endMs: [100, 200, 300, 400, 500, 600, 700] };
    assert.deepEqual(proportionalTimeline('A! B!', 'Xx. Yy.', times, 'und', 0, 900), {
      startMs: [0, 100, 200, 400, 550],
      endMs: [100, 200, 300, 550, 700],
    });
    assert.deepEqual(proportionalTimeline('abc', 'Xx. Yy.', times, 'en', 0, 900), {
      startMs: [0, 233, 467],
      endMs: [233, 467, 700],
    });
    assert.deepEqual(proportionalTimeline('ab', '', { startMs: [], endMs: [] }, 'en', 100, 300), {
      startMs: [100, 200],
      endMs: [200, 300],
    });
  });
});

describe('voices by name', () => {
  test('names of people, not those that were given', () =>
    assert.deepEqual(['S1', 'S12', 'S', 's1', 'S1a', 'Sam'].map(isUnnamed), [true, true, false, false, false, false]));
  test('who has no name is called by a number, in the language of whoever reads', () => {
    assert.deepEqual(
      ['S12', 'Anna', 'S', ''].map(name => shownSpeaker(name)),
      ['Speaker 12', 'Anna', 'S', ''],
    );
    assert.equal(
      shownSpeaker('S2', n => `说话人 ${n}`),
      '说话人 2',
    );
  });
  test('what is no such file has none; what is no voice is left out', () => {
    for (const text of ['', '{', 'null', '7', '[]', '{}', '{"speakers":null}', '{"speakers":7}'])
      assert.deepEqual(parseSpeakers(text), {}, text);
    const read = (speakers: object) => Object.keys(parseSpeakers(JSON.stringify({ speakers })));
    assert.deepEqual(
      read({
        Anna: 'AB+/9==',
        '': 'AB',
        Ben: 7,
        Cy: '',
        Di: 'a b',
        Ed: '=',
        ['e'.repeat(100)]: 'AB',
        ['f'.repeat(101)]: 'AB',
        Long: 'A'.repeat(3990),
        Longer: 'A'.repeat(3991),
      }),
      ['Anna', 'e'.repeat(100), 'Long'],
    );
    assert.equal(read(Object.fromEntries(Array.from({ length: 201 }, (_, n) => [`n${n}`, 'AB']))).length, 200);
  });
  test('a file with more of them keeps those that it has', () => {
    assert.equal(withSpeakers(null, { Anna: 'AA', S2: 'BB' }), '{\n  "speakers": {\n    "Anna": "AA"\n  }\n}\n');
    assert.deepEqual(parseSpeakers(withSpeakers(withSpeakers(null, { Anna: 'AA' }), { Ben: 'BB', Anna: 'CC' })), {
      Anna: 'CC',
      Ben: 'BB',
    });
  });
  test('where they are remembered: the nearest file that is there, else at the root, else beside the recording', () => {
    assert.deepEqual(
      speakerPlaces('/w/a/x.wav', '/w'),
      ['/w/a/.earshot/speakers.json', '/w/.earshot/speakers.json'].map(normalize),
    );
    assert.equal(
      placeToRemember('/w/a/x.wav', '/w', path => path === normalize('/w/a/.earshot/speakers.json')),
      normalize('/w/a/.earshot/speakers.json'),
    );
    assert.equal(
      placeToRemember('/w/a/x.wav', '/w', () => false),
      normalize('/w/.earshot/speakers.json'),
    );
    assert.equal(
      placeToRemember('/w/a/x.wav', null, () => false),
      normalize('/w/a/.earshot/speakers.json'),
    );
  });
});

test('how wide text is, and what stands between two texts', () => {
  assert.deepEqual(
    ['', 'abc', '你好', 'é', 'e\u0301', 'ｱ', 'Ａ', '👍', '한', 'a\u200b'].map(columns),
    [0, 3, 4, 1, 1, 1, 2, 2, 2, 1],
  );
  assert.deepEqual(['abc', '你', 'か', 'ไทย', '한'].map(isUnspaced), [false, true, true, true, false]);
  assert.deepEqual(
    [joiner('你', '好'), joiner('你。', '「好'), joiner('你', 'a'), joiner('a', '你'), joiner('a', 'b')],
    ['', '', ' ', ' ', ' '],
  );
  assert.deepEqual(
    ['zh', 'zh-TW', 'ja', 'ko', 'yue', 'en', 'zha', 'de'].map(lineLimit),
    [32, 32, 32, 32, 32, 42, 42, 42],
  );
});
