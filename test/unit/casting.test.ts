/** Whose voice is how high, and which of a model's voices speaks for whom. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pitchOf } from '../../daemon/diarization/pitch.ts';
import { voicesIn } from '../../daemon/engines/kokoro/voices.ts';
import { cast } from '../../daemon/jobs/casting.ts';

/** A second of a voice's buzz: a pulse a period through two resonances, as a throat makes it, and a little noise. */
function buzz(hz: number, seconds = 1): Float32Array {
  const sound = new Float32Array(seconds * 16_000);
  let seed = 7;
  for (let at = 0; at < sound.length; at += 16_000 / hz) sound[Math.round(at)] = 1;
  for (const resonance of [500, 1500]) {
    const radius = 0.97,
      turn = 2 * radius * Math.cos((2 * Math.PI * resonance) / 16_000);
    for (let n = 2; n < sound.length; n++) sound[n]! += turn * sound[n - 1]! - radius ** 2 * sound[n - 2]!;
  }
  return sound.map(value => value * 0.1 + ((seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647 - 0.5) * 0.01);
}

describe('the pitch of a voice', () => {
  for (const hz of [85, 110, 150, 180, 210, 280])
    it(`of ${hz} Hz`, () => {
      const found = pitchOf(buzz(hz))!;
      assert.ok(Math.abs(found - hz) < hz * 0.08, `${found} Hz`);
    });
  it('is not known of noise, of silence, and of too little', () => {
    let seed = 3;
    const noise = Float32Array.from({ length: 16_000 }, () => (seed = (seed * 16_807) % 2_147_483_647) / 2 ** 31 - 0.5);
    assert.deepEqual([noise, new Float32Array(16_000), buzz(110, 0.1)].map(pitchOf), [null, null, null]);
  });
});

describe('casting', () => {
  const voices = voicesIn('en', ['af_bella', 'af_heart', 'am_adam', 'am_michael', 'bf_emma', 'ef_dora']);
  it('knows which voices are at home in a language, the most natural first', () => {
    assert.deepEqual(
      voices.map(({ name, pitch }) => `${name} ${pitch}`),
      ['af_heart high', 'am_michael low', 'af_bella high', 'am_adam low'],
    );
    assert.deepEqual(
      voicesIn('en-GB', ['af_heart', 'bf_emma']).map(({ name }) => name),
      ['bf_emma'],
    );
    assert.deepEqual(voicesIn('de', ['af_heart']), []);
  });
  it('gives each a voice of about their pitch, and nobody another’s while there are enough', () =>
    assert.deepEqual(
      cast(
        [
          { name: 'Ann', pitchHz: 205 },
          { name: 'Bob', pitchHz: 110 },
          { name: 'Cem', pitchHz: 120 },
          { name: 'Dan', pitchHz: 100 },
        ],
        voices,
      ),
      { Ann: 'af_heart', Bob: 'am_michael', Cem: 'am_adam', Dan: 'am_michael' },
    ));
  it('gives those whose pitch is not known voices that nobody has yet', () =>
    assert.deepEqual(
      cast(
        ['S1', 'S2', 'S3'].map(name => ({ name, pitchHz: undefined })),
        voices,
      ),
      { S1: 'af_heart', S2: 'am_michael', S3: 'af_bella' },
    ));
  it('uses what there is where no voice is of that pitch', () =>
    assert.deepEqual(cast([{ name: 'Bob', pitchHz: 100 }], voicesIn('fr', ['ff_siwis'])), { Bob: 'ff_siwis' }));
});
