/** How high a voice is: the median of its pitch, by autocorrelation of short frames. Pure. */

const RATE = 16_000,
  /** Pitch needs no more than this; a lag is then 0.25 ms. */ STEP = 4,
  REDUCED = RATE / STEP,
  FRAME = 0.04 * REDUCED,
  HOP = 0.02 * REDUCED,
  LOWEST_HZ = 60,
  HIGHEST_HZ = 400,
  /** A frame that repeats itself less is no vowel. */ VOICED = 0.6,
  /** Of lags that fit about as well the shortest is the pitch; the others are its octaves. */ AS_GOOD = 0.9,
  /** Fewer frames with a pitch say nothing. */ LEAST_FRAMES = 10,
  MOST_FRAMES = 500;

export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/** @param samples at 16 kHz, of one voice @returns Hz; null: too little of it has a pitch */
export function pitchOf(samples: Float32Array): number | null {
  const sound = new Float32Array(Math.floor(samples.length / STEP));
  for (let n = 0; n < sound.length; n++) {
    let sum = 0;
    for (let k = 0; k < STEP; k++) sum += samples[n * STEP + k]!;
    sound[n] = sum / STEP;
  }
  const found: number[] = [],
    longest = Math.ceil(REDUCED / LOWEST_HZ);
  for (let from = 0; from + FRAME + longest <= sound.length && found.length < MOST_FRAMES; from += HOP) {
    const hz = pitchAt(sound, from, longest);
    if (hz !== null) found.push(hz);
  }
  return found.length < LEAST_FRAMES ? null : median(found);
}

function pitchAt(sound: Float32Array, from: number, longest: number): number | null {
  const fits: number[] = [],
    shortest = Math.floor(REDUCED / HIGHEST_HZ);
  let best = 0;
  for (let lag = shortest; lag <= longest; lag++) {
    let both = 0,
      here = 0,
      there = 0;
    for (let n = from; n < from + FRAME; n++) {
      const a = sound[n]!,
        b = sound[n + lag]!;
      both += a * b;
      here += a * a;
      there += b * b;
    }
    const fit = here > 1e-6 && there > 1e-6 ? both / Math.sqrt(here * there) : 0;
    fits.push(fit);
    best = Math.max(best, fit);
  }
  if (best < VOICED) return null;
  // A peak, not the slope beside the shortest lag.
  const peak = fits.findIndex(
    (fit, n) => fit >= best * AS_GOOD && fit >= (fits[n - 1] ?? Infinity) && fit >= (fits[n + 1] ?? Infinity),
  );
  return peak < 0 ? null : REDUCED / (shortest + peak);
}
