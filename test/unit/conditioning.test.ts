/** What the voice detector gets of a recording: pure functions over frames of samples. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRAME, startConditioning, type Conditioned } from '../../daemon/ingest/conditioning.ts';

const RATE = 16_000,
  LIFT = { most: 40, noiseTo: -48 };
const level = (db: number): number => 10 ** (db / 20);
type Sound = (n: number) => number;
const sine =
  (hz: number, db: number): Sound =>
  n =>
    level(db) * Math.SQRT2 * Math.sin((2 * Math.PI * hz * n) / RATE);
const noise = (db: number): Sound => {
  let seed = 1;
  return () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return level(db) * Math.sqrt(12) * (seed / 2 ** 32 - 0.5);
  };
};
/** Somebody who speaks in bursts of 0.3 s with 0.2 s between. */
const bursts =
  (hz: number, db: number): Sound =>
  n =>
    n % (RATE / 2) < 0.3 * RATE ? sine(hz, db)(n) : 0;

function conditioned(seconds: number, sound: Sound): (Omit<Conditioned, 'samples'> & { samples: number[] })[] {
  const condition = startConditioning(LIFT);
  return Array.from({ length: Math.floor((seconds * RATE) / FRAME) }, (_, f) => {
    const frame = Int16Array.from({ length: FRAME }, (_, i) =>
      Math.max(-32_768, Math.min(32_767, Math.round(32_768 * sound(f * FRAME + i)))),
    );
    const { samples, level, lifted } = condition(frame);
    return { samples: [...samples], level, lifted };
  });
}
/** Mean loudness of the loudest tenth of the frames from `fromSeconds` on. */
const loudest = (frames: readonly { lifted: number }[], fromSeconds = 1): number => {
  const levels = frames
    .slice(Math.floor((fromSeconds * RATE) / FRAME))
    .map(frame => frame.lifted)
    .sort((a, b) => b - a);
  const top = levels.slice(0, Math.ceil(levels.length / 10));
  return top.reduce((sum, each) => sum + each, 0) / top.length;
};
const peak = (frames: readonly { samples: readonly number[] }[]): number =>
  frames.reduce((most, { samples }) => samples.reduce((a, b) => Math.max(a, Math.abs(b)), most), 0);

test('quiet speech is lifted to the loudness of speech, as far as is allowed', () => {
  for (const [db, to] of [
    [-30, -20],
    [-50, -20],
    [-65, -25],
  ] as const)
    assert.ok(Math.abs(loudest(conditioned(6, bursts(400, db))) - to) < 1.5, `${db} dB`);
});

test('loud sound stays as it is', () => {
  const frames = conditioned(2, bursts(400, -12));
  assert.ok(Math.abs(loudest(frames) + 12) < 0.5);
  assert.ok(peak(frames) <= 1);
});

test('noise alone is not lifted to speech', () => {
  for (const db of [-70, -60, -50, -30]) {
    const lifted = loudest(conditioned(8, noise(db)), 4);
    assert.ok(lifted < Math.max(-46, db + 1), `noise of ${db} dB becomes ${lifted} dB`);
  }
});

test('an offset, rumble and hum are taken away, and quiet speech on them is lifted', () => {
  for (const [what, sound] of [
    ['offset', (): number => 0.5],
    ['rumble', sine(20, -12)],
    ['hum', sine(50, -20)],
  ] as const) {
    const alone = conditioned(3, sound);
    assert.ok(loudest(alone) < -38, `${what}: ${loudest(alone)}`);
    const both = conditioned(6, n => sound(n) + bursts(400, -40)(n));
    assert.ok(Math.abs(both.at(-1)!.level - both.at(-1)!.lifted) < 40);
    assert.ok(loudest(both, 2) > -41 && loudest(both, 2) < -19, `${what}: ${loudest(both, 2)}`);
  }
  const offset = conditioned(6, n => 0.5 + bursts(400, -40)(n));
  assert.ok(loudest(offset, 2) > -22, 'nothing but the offset was in the way');
});

/** In the same bursts, with a pitch that glides and ten harmonics. */
const voice =
  (db: number): Sound =>
  n => {
    const turn = 2 * Math.PI * ((170 * n) / RATE + 12 * Math.sin((2 * Math.PI * 0.7 * n) / RATE));
    let sum = 0;
    for (let k = 1; k <= 10; k++) sum += Math.sin(k * turn) / 3;
    return n % (RATE / 2) < 0.3 * RATE ? level(db) * sum : 0;
  };
/** How far they stand out from what is between them, dB. */
const contrast = (sound: Sound): number => {
  const levels = conditioned(5, n => sound(n) + voice(-30)(n))
    .slice(Math.floor((2 * RATE) / FRAME))
    .map(frame => frame.level)
    .sort((a, b) => a - b);
  return levels[Math.floor(levels.length * 0.8)]! - levels[Math.floor(levels.length * 0.2)]!;
};

test('a drone that drowns a voice is taken away: hum with all its harmonics, a tone, one that wavers', () => {
  const buzz =
    (hz: number, db: number): Sound =>
    n => {
      let sum = 0;
      for (let k = 1; k <= 30; k++) sum += Math.sin((2 * Math.PI * hz * k * n) / RATE) / k;
      return level(db) * sum;
    };
  for (const [what, sound] of [
    ['50 Hz', buzz(50, -20)],
    ['60 Hz', buzz(60, -20)],
    ['a tone', sine(1013, -15)],
    ['one that wavers', (n: number) => sine(1013, -15)(n + 40 * Math.sin((2 * Math.PI * n) / RATE))],
    ['a rumble', (n: number) => sine(130, -10)(n) + noise(-60)(n)],
  ] as const)
    assert.ok(contrast(sound) > 6, `${what}: ${contrast(sound).toFixed(1)} dB`);
});

test('two seconds after a near speaker a far one is loud enough', () => {
  const frames = conditioned(8, n => (n < 4 * RATE ? bursts(400, -15)(n) : bursts(400, -45)(n)));
  assert.ok(loudest(frames, 6.5) > -22);
  assert.ok(peak(frames) <= 1, 'and nothing leaves the scale when the near one comes back');
});

test('silence stays silence, and costs nothing to look at', () => {
  for (const { samples, level } of conditioned(1, () => 0)) {
    assert.ok(samples.every(sample => sample === 0));
    assert.equal(level, -100);
  }
});
