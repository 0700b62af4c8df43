import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { bridge, encoderOnnx, WEIGHTS_SHA256 } from '../../daemon/diarization/encoder.ts';
import { ENCODER, labelsFor, voicesOf } from '../../daemon/diarization/label.ts';
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
import { readRegistry } from '../../daemon/models/registry.ts';
import { failsWith } from '../fixtures/fails-with.ts';
import { parseSpeakers, placeToRemember, speakerPlaces, withSpeakers } from '../../text/speakers.ts';

/** Voices around some centres, as far from them as real ones (likeness about 0.8 within, below 0.6 across). */
function talk(turns: readonly number[], seed = 1): Voice[] {
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
  const centres = Array.from({ length: Math.max(...turns) + 1 }, () => unit(Float32Array.from({ length: 64 }, normal)));
  return turns.map(who => unit(centres[who]!.map(x => x + normal() * 0.06)));
}
const alike = (a: readonly (number | null)[], b: readonly number[]): boolean =>
  a.every((x, i) => a.every((y, j) => (x === y) === (b[i] === b[j])));

describe('speakers', () => {
  it('are heard only in an answer that makes sense', () => {
    const voice = writeVoice(talk([0])[0]!),
      other = writeVoice(Float32Array.from({ length: 32 }, () => 0.1)),
      answer = (voices: unknown): string => JSON.stringify({ type: 'voices', voices });
    assert.deepEqual(
      voicesOf(answer([voice, null]), 2).map(each => each?.length),
      [64, undefined],
    );
    for (const text of [
      '',
      'null',
      '[]',
      '7',
      '{"voices":{"length":2}}',
      answer([voice]),
      answer([voice, 7]),
      answer([voice, '']),
      answer([voice, '\u001b[2J']),
      answer([voice, 'A'.repeat(9000)]),
      answer([voice, other]),
      '{"type":"failed","detail":"no library"}',
    ])
      assert.throws(() => voicesOf(text, 2), failsWith('engineFailed'), text.slice(0, 40));
  });
  const turns = [0, 1, 0, 2, 2, 1, 0, 0, 1, 2, 0, 1];
  it('are found by their voices, whether it is known how many there are or not', () => {
    assert.ok(alike(gather(talk(turns), { speakers: null, threshold: 0.69 }), turns));
    assert.ok(alike(gather(talk(turns), { speakers: 3, threshold: 0.69 }), turns));
    assert.equal(new Set(gather(talk(turns), { speakers: 2, threshold: 0.69 })).size, 2);
    assert.deepEqual(gather([], { speakers: null, threshold: 0.5 }), []);
  });
  it('short utterances go to the nearest, and nobody new speaks for a second only', () => {
    const voices = talk([0, 1, 0, 1, 2, 0]),
      ms = [3000, 3000, 500, 800, 1500, 3000];
    const { speakers, voices: centres } = speakersOf(
      voices.map((voice, n) => ({ ms: ms[n]!, voice })),
      { speakers: null, threshold: 0.69 },
    );
    assert.deepEqual(
      [speakers[0], speakers[1], speakers[2], speakers[3], speakers[5], centres.length],
      [0, 1, 0, 1, 0, 2],
    );
    assert.ok(speakers[4] === 0 || speakers[4] === 1);
    assert.deepEqual(speakersOf([{ ms: 100, voice: null }], { speakers: null, threshold: 0.6 }), {
      speakers: [null],
      voices: [],
    });
  });
  it('eight hundred utterances take a moment', () => {
    const many = Array.from({ length: 800 }, (_, n) => (n * 7) % 4),
      started = process.cpuUsage();
    assert.ok(alike(gather(talk(many), { speakers: null, threshold: 0.69 }).slice(0, 50), many.slice(0, 50)));
    assert.ok(process.cpuUsage(started).user < 5e6);
  });
  it('keep their names', () => {
    const voices = talk([0, 1]),
      known = { Anna: writeVoice(voices[1]!) };
    const { labels, voices: prints } = labelsFor(
      [0, 1, 0, 1].map((_, i) => ({ startMs: i * 3000, endMs: i * 3000 + 2900 })),
      [voices[0]!, voices[1]!, voices[0]!, null],
      { known },
    );
    assert.deepEqual(labels, ['S1', 'Anna', 'S1', null]);
    assert.deepEqual(Object.keys(prints), ['S1', 'Anna']);
    assert.deepEqual(
      named([voices[0]!, voices[0]!], [{ name: 'A', voice: voices[0]! }], 0.7),
      ['A', null],
      'nobody twice',
    );
  });
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
    assert.deepEqual(speakerPlaces('/w/a/x.wav', '/w'), ['/w/a/.earshot/speakers.json', '/w/.earshot/speakers.json']);
    assert.equal(
      placeToRemember('/w/a/x.wav', '/w', () => false),
      '/w/.earshot/speakers.json',
    );
    assert.equal(
      placeToRemember('/w/a/x.wav', '/w', path => path.startsWith('/w/a/')),
      '/w/a/.earshot/speakers.json',
    );
  });
  it('weights are read only as published: places in any other file mean nothing', () => {
    const file = readRegistry().models.find(card => card.id === ENCODER)!.files[0]!;
    assert.equal(file.sha256, WEIGHTS_SHA256);
    assert.throws(() => encoderOnnx(Buffer.alloc(file.bytes!)), /as published/);
  });
  it('bands of one kind become bands of the other', () => {
    const matrix = bridge();
    assert.deepEqual([matrix.length, matrix[0]!.length], [80, 40]);
    assert.ok(matrix.flat().every(Number.isFinite));
  });
});
