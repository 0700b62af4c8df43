/**
 * Background that is a tone, a drone or a rumble made into even noise, by a filter that predicts it (linear prediction
 * of what sounds between the words). A voice that such a background drowns stands out from even noise.
 */
import { AUDIBLE, NEAR } from './hum.ts';

const ORDER = 32;
/** Background is worth it where the filter takes away this much of it, dB: tones, not voices and noise. */
const WORTH = 30;
/** And where the loudest sound is louder than it by no more than this, dB: anything else is heard as it is. */
const DROWNING = 18;
/** The filter is made anew after so many frames. */
const EVERY_FRAMES = 8;
/** What is kept of the background's correlation from one frame of it to the next. */
const KEPT = 0.93;

/** Filters one frame after the other; answers the mean power of what is left, null where nothing was filtered. */
export function startWhitening(): (
  samples: Float32Array,
  levels: { level: number; noise: number; loud: number },
) => number | null {
  const correlation = new Float64Array(ORDER + 1);
  let known = 0,
    frames = 0,
    filter: Float64Array | null = null,
    /** The end of the frame before, and this one. */ sound = new Float32Array(ORDER);
  return (samples, { level, noise, loud }) => {
    const drowning = noise > AUDIBLE && loud - noise < DROWNING;
    if (drowning && level <= noise + NEAR) {
      known++;
      correlate(samples, correlation);
    } else if (!drowning && known > 0) {
      known = 0;
      correlation.fill(0);
    }
    if (++frames >= EVERY_FRAMES) {
      frames = 0;
      filter = known >= EVERY_FRAMES ? predictor(correlation) : null;
    }
    const before = sound.subarray(sound.length - ORDER),
      all = sound.length === ORDER + samples.length ? sound : new Float32Array(ORDER + samples.length);
    all.set(before);
    all.set(samples, ORDER);
    sound = all;
    return filter && filtered(sound, filter, samples);
  };
}

function filtered(sound: Float32Array, filter: Float64Array, to: Float32Array): number {
  let energy = 0;
  for (let i = 0; i < to.length; i++) {
    let sample = 0;
    for (let k = 0; k <= ORDER; k++) sample += filter[k]! * sound[ORDER + i - k]!;
    to[i] = sample;
    energy += sample * sample;
  }
  return energy / to.length;
}

/** Adds a frame's own, under a Hann window, to what is kept. */
function correlate(samples: Float32Array, correlation: Float64Array): void {
  const step = (2 * Math.PI) / samples.length,
    windowed = samples.map((sample, i) => sample * (0.5 - 0.5 * Math.cos(step * (i + 0.5))));
  for (let k = 0; k <= ORDER; k++) {
    let sum = 0;
    for (let i = k; i < windowed.length; i++) sum += windowed[i]! * windowed[i - k]!;
    correlation[k] = KEPT * correlation[k]! + sum;
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
