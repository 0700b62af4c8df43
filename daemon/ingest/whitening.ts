/**
 * Background that is a tone, a drone or a rumble made into even noise, by a filter that predicts it (linear prediction
 * of what sounds between the words). A voice that such a background drowns stands out from even noise.
 */
import { AUDIBLE, NEAR } from './hum.ts';

/** With lag 0 a number of lags that three divides. */
const ORDER = 32;
/** Background is worth it where the filter takes away this much of it, dB: tones, not voices and noise. */
const WORTH = 30;
/** And where the loudest sound is louder than it by no more than this, dB: anything else is heard as it is. */
const DROWNING = 18;
/** The filter is made anew after so many frames. */
const EVERY_FRAMES = 8;
/** What is kept of the background's correlation from one frame of it to the next. */
const KEPT = 0.93;

/** How loud a sound has been lately, and the noise in it, dB of full scale. */
export interface Levels {
  loud: number;
  noise: number;
}

/**
 * Filters one frame after the other, each of a length that four divides; answers the mean power of what is left, null
 * where nothing was filtered.
 */
export function startWhitening(): (samples: Float32Array, level: number, levels: Levels) => number | null {
  const correlation = new Float64Array(ORDER + 1),
    end = new Float32Array(ORDER);
  let known = 0,
    frames = 0,
    filter: Float64Array | null = null,
    window = new Float64Array(0),
    /** Zeros, and the frame under the window. */ windowed = new Float64Array(ORDER),
    /** The end of the frame before, and this one. */ sound = new Float64Array(ORDER);
  return (samples, level, { noise, loud }) => {
    const { length } = samples,
      drowning = noise > AUDIBLE && loud - noise < DROWNING;
    if (window.length !== length) {
      const step = (2 * Math.PI) / length;
      window = Float64Array.from(samples, (_, i) => 0.5 - 0.5 * Math.cos(step * (i + 0.5)));
      windowed = new Float64Array(ORDER + length);
      sound = new Float64Array(ORDER + length);
    }
    if (drowning && level <= noise + NEAR) {
      known++;
      for (let i = 0; i < length; i++) windowed[ORDER + i] = Math.fround(samples[i]! * window[i]!);
      correlate(windowed, correlation);
    } else if (!drowning && known > 0) {
      known = 0;
      correlation.fill(0);
    }
    if (++frames >= EVERY_FRAMES) {
      frames = 0;
      filter = known >= EVERY_FRAMES ? predictor(correlation) : null;
    }
    if (filter) {
      sound.set(end);
      sound.set(samples, ORDER);
    }
    end.set(samples.subarray(length - ORDER));
    return filter && filtered(sound, filter, samples);
  };
}

// Sums that wait for each other are slow: several stand side by side.

/** Four samples at a time. */
function filtered(sound: Float64Array, filter: Float64Array, to: Float32Array): number {
  let energy = 0;
  for (let i = 0; i < to.length; i += 4) {
    let a = 0,
      b = 0,
      c = 0,
      d = 0;
    for (let k = 0; k <= ORDER; k++) {
      const by = filter[k]!,
        at = ORDER + i - k;
      a += by * sound[at]!;
      b += by * sound[at + 1]!;
      c += by * sound[at + 2]!;
      d += by * sound[at + 3]!;
    }
    to[i] = a;
    to[i + 1] = b;
    to[i + 2] = c;
    to[i + 3] = d;
    energy = energy + a * a + b * b + c * c + d * d;
  }
  return energy / to.length;
}

/** Adds a frame's own to what is kept, three lags at a time. `windowed`: begins with zeros, as many as the most lag. */
function correlate(windowed: Float64Array, correlation: Float64Array): void {
  for (let k = 0; k <= ORDER; k += 3) {
    let a = 0,
      b = 0,
      c = 0;
    for (let i = ORDER; i < windowed.length; i++) {
      const sample = windowed[i]!;
      a += sample * windowed[i - k]!;
      b += sample * windowed[i - k - 1]!;
      c += sample * windowed[i - k - 2]!;
    }
    correlation[k] = KEPT * correlation[k]! + a;
    correlation[k + 1] = KEPT * correlation[k + 1]! + b;
    correlation[k + 2] = KEPT * correlation[k + 2]! + c;
  }
}

/** Levinson and Durbin's: the filter whose output has the least power; null where that is not worth it. */
function predictor(correlation: Float64Array): Float64Array | null {
  const filter = new Float64Array(ORDER + 1),
    all = correlation[0]! * (1 + 1e-7);
  filter[0] = 1;
  let error = all;
  for (let n = 1; n <= ORDER && error > 0; n++) {
    let sum = correlation[n]!;
    for (let k = 1; k < n; k++) sum += filter[k]! * correlation[n - k]!;
    const reflection = -sum / error,
      before = filter.slice();
    for (let k = 1; k < n; k++) filter[k] = before[k]! + reflection * before[n - k]!;
    filter[n] = reflection;
    error *= 1 - reflection * reflection;
  }
  return error > 0 && 10 * Math.log10(all / error) > WORTH ? filter : null;
}
