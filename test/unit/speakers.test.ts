import assert from 'node:assert/strict';
import { normalize } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { heardIn, labelsFor, speakersIn, type Heard } from '../../daemon/diarization/label.ts';
import { piecesOf, soloOf, turnsOf, windowsOf } from '../../daemon/diarization/pieces.ts';
import {
  gather,
  likeness,
  meanVoice,
  named,
  readVoice,
  speakersOf,
  writeVoice,
  type Voice,
} from '../../daemon/diarization/voices.ts';
import { failsWith } from '../fixtures/fails-with.ts';
import { parseSpeakers, placeToRemember, speakerPlaces, withSpeakers } from '../../text/speakers.ts';

const SIZE = 192,
  SAME = 0.5;
/** Voices around some centres, as far from them as real ones (likeness about 0.7 within, near 0 across). */
function talk(turns: readonly number[], size = SIZE, seed = 1): Voice[] {
  let state = seed;
  const normal = (): number => {
    let sum = -6;
    for (let i = 0; i < 12; i++) {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      sum += state / 2_147_483_648;
    }
    return sum;
  };
  const unit = (v: Float32Array): Voice => {
    const length = Math.hypot(...v);
    return v.map(x => x / length);
  };
  const centres = Array.from({ length: Math.max(...turns) + 1 }, () =>
    unit(Float32Array.from({ length: size }, normal)),
  );
  return turns.map(who => unit(centres[who]!.map(x => x + (normal() * 0.6) / Math.sqrt(size))));
}
const long = (voices: readonly Voice[]) => voices.map(voice => ({ ms: 3000, voice }));
const alike = (a: readonly (number | null)[], b: readonly number[]): boolean =>
  a.every((x, i) => a.every((y, j) => (x === y) === (b[i] === b[j])));

describe('speakers', () => {
  it('are heard only in an answer that makes sense', () => {
    const voice = writeVoice(talk([0])[0]!),
      turn = { startMs: 0, endMs: 900, speaker: 0 },
      answer = (turns: unknown, voices: unknown[], pitches: unknown = voices.map(() => null)): string =>
        JSON.stringify({ turns, voices, pitches });
    const heard = heardIn(answer([turn], [voice]));
    assert.deepEqual([heard.turns, heard.voices.map(each => each.length)], [[turn], [SIZE]]);
    for (const text of [
      '',
      'null',
      '[]',
      '7',
      answer({ length: 1 }, [voice]),
      answer([turn], []),
      answer([{ ...turn, speaker: 1 }], [voice]),
      answer([{ ...turn, endMs: -1 }], [voice]),
      answer([{ ...turn, startMs: 'x' }], [voice]),
      answer([null], [voice]),
      answer([turn], [7]),
      answer([turn], ['\u001b[2J']),
      answer([turn], [writeVoice(talk([0], 256)[0]!)]),
      answer([], Array<string>(5000).fill(voice)),
      answer([turn], [voice], []),
      answer([turn], [voice], ['high']),
      answer([turn], [voice], [-100]),
      '{"detail":"no library"}',
    ])
      assert.throws(() => heardIn(text), failsWith('engineFailed'), text.slice(0, 40));
  });

  describe('gathered', () => {
    const turns = [0, 1, 0, 2, 2, 1, 0, 0, 1, 2, 0, 1];
    it('by their voices, whether it is known how many there are or not', () => {
      assert.ok(alike(gather(long(talk(turns)), { speakers: null, threshold: SAME }), turns));
      assert.ok(alike(gather(long(talk(turns)), { speakers: 3, threshold: SAME }), turns));
      assert.equal(new Set(gather(long(talk(turns)), { speakers: 2, threshold: SAME })).size, 2);
      assert.deepEqual(gather([], { speakers: null, threshold: SAME }), []);
    });
    it('as many as were said, though a cough is like nobody', () => {
      const voices = talk([0, 1, 0, 1, 0, 1, 2]),
        spoken = voices.map((voice, n) => ({ voice, ms: n === 6 ? 1000 : 3000 }));
      const { speakers, voices: centres } = speakersOf(spoken, { speakers: 2, threshold: SAME });
      assert.ok(alike(speakers.slice(0, 6), [0, 1, 0, 1, 0, 1]));
      assert.equal(centres.length, 2);
    });
    it('of four hours, in bounded memory', () => {
      const many = Array.from({ length: 6000 }, (_, n) => (n * 7 + (n >> 9)) % 5),
        before = process.memoryUsage().arrayBuffers,
        groups = gather(long(talk(many)), { speakers: null, threshold: SAME });
      assert.ok(
        alike(
          groups.filter((_, n) => n % 60 === 0),
          many.filter((_, n) => n % 60 === 0),
        ),
      );
      assert.equal(new Set(groups).size, 5);
      // Each with each, six thousand would take 144 MB.
      assert.ok(process.memoryUsage().arrayBuffers - before < 100e6);
    });
  });

  it('short pieces go to the nearest, and nobody new speaks for a second only', () => {
    const voices = talk([0, 1, 0, 1, 2, 0]),
      ms = [3000, 3000, 500, 800, 1500, 3000];
    const { speakers, voices: centres } = speakersOf(
      voices.map((voice, n) => ({ ms: ms[n]!, voice })),
      { speakers: null, threshold: SAME },
    );
    assert.deepEqual(
      [speakers[0], speakers[1], speakers[2], speakers[3], speakers[5], centres.length],
      [0, 1, 0, 1, 0, 2],
    );
    assert.ok(speakers[4] === 0 || speakers[4] === 1);
    assert.deepEqual(speakersOf([{ ms: 100, voice: null }], { speakers: null, threshold: SAME }), {
      speakers: [null],
      voices: [],
    });
  });

  describe('in windows', () => {
    it('whose middles cover a recording once, where anything is said', () =>
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 200_000 }), durationMs => {
          const windows = windowsOf(durationMs, [{ startMs: 0, endMs: durationMs }]);
          assert.equal(windows[0]!.kept.startMs, 0);
          assert.equal(windows.at(-1)!.kept.endMs, durationMs);
          windows.forEach(({ startMs, endMs, kept }, n) => {
            assert.ok(endMs - startMs <= 10_000 && kept.startMs >= startMs && kept.endMs <= endMs);
            if (n) assert.equal(kept.startMs, windows[n - 1]!.kept.endMs);
          });
          assert.deepEqual(windowsOf(durationMs, []), []);
        }),
      ));
    it('silence between is not listened to', () => {
      const windows = windowsOf(3_600_000, [
        { startMs: 1000, endMs: 4000 },
        { startMs: 3_000_000, endMs: 3_002_000 },
      ]);
      assert.deepEqual(
        windows.map(window => window.startMs),
        [0, 2_995_000],
      );
    });
    it('where a voice is alone it stands for itself', () => {
      const window = windowsOf(10_000, [{ startMs: 0, endMs: 10_000 }])[0]!,
        [a, b] = piecesOf(window, [
          { startMs: 0, endMs: 4000, local: 0 },
          { startMs: 3000, endMs: 3800, local: 1 },
          { startMs: 5000, endMs: 5100, local: 2 },
        ]) as [never, never];
      assert.deepEqual(soloOf(a, [a, b]), [
        { startMs: 0, endMs: 3000 },
        { startMs: 3800, endMs: 4000 },
      ]);
      // There is nothing of it alone: all of it, then.
      assert.deepEqual(soloOf(b, [a, b]), [{ startMs: 3000, endMs: 3800 }]);
    });
    it('a turn goes on over the edges of windows, and what has no voice is the nearest speaker’s', () => {
      assert.deepEqual(
        turnsOf(
          [
            { startMs: 0, endMs: 7500 },
            { startMs: 7500, endMs: 9000 },
            { startMs: 9100, endMs: 9300 },
            { startMs: 12_000, endMs: 15_000 },
          ],
          [0, 0, null, 1],
        ),
        [
          { startMs: 0, endMs: 9300, speaker: 0 },
          { startMs: 12_000, endMs: 15_000, speaker: 1 },
        ],
      );
    });
  });

  const [one, two] = talk([0, 1]) as [Voice, Voice];
  const heard: Heard = {
    voices: [one, two],
    pitches: [110, null],
    turns: [
      { startMs: 0, endMs: 4000, speaker: 0 },
      { startMs: 3500, endMs: 6000, speaker: 1 },
      { startMs: 7000, endMs: 9000, speaker: 1 },
      { startMs: 8950, endMs: 9100, speaker: 0 },
    ],
  };
  const utterances = [
    { startMs: 0, endMs: 6000 },
    { startMs: 7000, endMs: 9100 },
    { startMs: 20_000, endMs: 21_000 },
  ];
  it('are those who say the most, with turns where there are several, and a breath is nobody’s', () => {
    assert.deepEqual(
      speakersIn(utterances, heard.turns).map(({ speaker, turns }) => [speaker, turns?.map(turn => turn.speaker)]),
      [
        [0, [0, 1]],
        [1, undefined],
        [null, undefined],
      ],
    );
  });
  it('keep their names; overlapping speech is marked', () => {
    const { labels, turns, voices, pitches, outdated } = labelsFor(utterances, heard, {
      known: { Anna: writeVoice(two) },
    });
    assert.deepEqual(labels, ['S1', 'Anna', null]);
    assert.deepEqual(turns, [
      [
        { speaker: 'S1', startMs: 0, endMs: 4000, overlap: true },
        { speaker: 'Anna', startMs: 3500, endMs: 6000, overlap: true },
      ],
      null,
      null,
    ]);
    assert.deepEqual([Object.keys(voices), pitches, outdated], [['S1', 'Anna'], { S1: 110 }, []]);
    assert.deepEqual(named([one, one], [{ name: 'A', voice: one }], 0.7), ['A', null], 'nobody twice');
  });
  it('are asked for again where another model made their voices, and never taken for somebody', () =>
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -127, max: 127 }), { minLength: 256, maxLength: 256 }), values => {
        const print = Buffer.from(Int8Array.from(values)).toString('base64'),
          { labels, outdated } = labelsFor(utterances, heard, { known: { Ben: print } });
        assert.deepEqual([labels, outdated], [['S1', 'S2', null], ['Ben']]);
      }),
      { numRuns: 20 },
    ));
  it('a voice as text is as good as the voice', () =>
    fc.assert(
      fc.property(
        fc
          .array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 8, maxLength: 256 })
          .filter(v => Math.hypot(...v) > 0.1),
        values => {
          const voice = meanVoice([Float32Array.from(values)], [1]);
          assert.ok(likeness(voice, readVoice(writeVoice(voice))) > 0.98 || Math.max(...voice.map(Math.abs)) > 0.5);
        },
      ),
    ));
  it('are remembered by folder', () => {
    const text = withSpeakers(null, { Anna: 'AAAA', S2: 'BBBB' });
    assert.deepEqual(parseSpeakers(text), { Anna: 'AAAA' });
    assert.deepEqual(parseSpeakers(withSpeakers(text, { Ben: 'CCCC' })), { Anna: 'AAAA', Ben: 'CCCC' });
    for (const wrong of ['', '[]', '{"speakers": 1}', '{"speakers": {"A": 7, "B": "not base 64!"}}'])
      assert.deepEqual(parseSpeakers(wrong), {});
    assert.deepEqual(
      speakerPlaces('/w/a/x.wav', '/w'),
      ['/w/a/.earshot/speakers.json', '/w/.earshot/speakers.json'].map(normalize),
    );
    assert.equal(
      placeToRemember('/w/a/x.wav', '/w', () => false),
      normalize('/w/.earshot/speakers.json'),
    );
    assert.equal(
      placeToRemember('/w/a/x.wav', '/w', path => path.startsWith(normalize('/w/a/'))),
      normalize('/w/a/.earshot/speakers.json'),
    );
  });
});
