/**
 * The hum of the mains, its harmonics and whatever else repeats in step with them, taken out of a sound: its mean over
 * periods of 100 ms, which are five of 50 Hz and six of 60 Hz. Voices do not repeat like that and stay.
 */

/** A period, samples of 16 kHz. */
const PERIOD = 1600;
/** How far a period moves the mean: it follows within four seconds. */
const RATE = 0.03;
/** What is louder than the background by this factor moves the mean no further: a voice leaves hardly a trace in it. */
const MOST = 3;
/** The hum is taken out where the background loses this much by it, dB. */
const WORTH = 3;
/** Where the background turns out to be quieter by this, what was heard before was not all background, dB. */
const QUIETER = 6;
/** While somebody speaks the mean moves this much less, or the pauses would have an echo of it. */
const SPOKEN = 1 / 8;
/** Somebody speaks where what is left is louder than the quietest of late by this factor, which is forgotten slowly. */
const LOUDER = 4,
  FORGOTTEN = 1.02;
/** Of the frames of a sound, those are background that are louder than the quietest by no more than this, dB. */
export const NEAR = 3;
/** Background that is quieter is none, dB of full scale. */
export const AUDIBLE = -75;

/**
 * Takes it out of one frame after the other; answers the mean power of what is left, null where nothing was taken.
 * `level`: of the frame; `noise`: of the background, dB of full scale.
 */
export function startHumRemoval(): (samples: Float32Array, level: number, noise: number) => number | null {
  const mean = new Float32Array(PERIOD);
  let rest = new Float32Array(0),
    at = 0,
    periods = 0,
    rate = 1,
    gained = 0,
    quiet = Infinity,
    begunAt = -Infinity;
  return (samples, level, noise) => {
    if (noise < Math.max(AUDIBLE, begunAt - QUIETER)) {
      mean.fill(0);
      at = periods = gained = 0;
      rate = 1;
      quiet = Infinity;
      begunAt = noise;
    }
    if (noise < AUDIBLE) return null;
    begunAt = Math.max(begunAt, noise);
    if (rest.length !== samples.length) rest = new Float32Array(samples.length);
    const power = without(mean, at, samples, rest) / samples.length;
    if (rate < 0.5) quiet = Math.min(power, quiet * FORGOTTEN);
    follow(mean, at, rest, power > LOUDER * quiet ? rate * SPOKEN : rate, MOST * 10 ** (noise / 20));
    for (at += samples.length; at >= PERIOD; at -= PERIOD) rate = Math.max(RATE, 1 / (++periods + 1));
    if (level <= noise + NEAR) gained += 0.2 * (level - 10 * Math.log10(power + 1e-10) - gained);
    if (gained <= WORTH) return null;
    samples.set(rest);
    return power;
  };
}

// What runs for every sample stands by itself: a variable that a closure changes is an object to V8.

/** What is left of a sound that begins at `at` of the period; answers its energy. */
function without(mean: Float32Array, at: number, samples: Float32Array, rest: Float32Array): number {
  let energy = 0;
  for (let i = 0, from = at; i < samples.length; i++) {
    const off = samples[i]! - mean[from]!;
    rest[i] = off;
    energy += off * off;
    if (++from === PERIOD) from = 0;
  }
  return energy;
}

/** Moves the mean towards what is left, but no further than towards `most`. */
function follow(mean: Float32Array, at: number, rest: Float32Array, step: number, most: number): void {
  for (let i = 0, to = at; i < rest.length; i++) {
    const off = rest[i]!;
    mean[to]! += step * (off > most ? most : off < -most ? -most : off);
    if (++to === PERIOD) to = 0;
  }
}
