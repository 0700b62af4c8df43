/** Sound by its loudness: where it begins and ends, and where it is best cut. Samples of 16 kHz, [-1, 1). */
const FRAME = 320;
/** Of the loud part of it. */
const QUIET = 0.03;
/** Without this difference there is nothing but a constant. */
const DIGITAL_SILENCE = 1e-4;

/** [from, to) in samples. */
export type Span = readonly [from: number, to: number];

/** Of each 20 ms, the root of its mean power. */
function loudness(samples: Float32Array): number[] {
  const levels: number[] = [];
  for (let at = 0; at + FRAME <= samples.length; at += FRAME) {
    let sum = 0;
    for (let n = at; n < at + FRAME; n++) sum += samples[n]! * samples[n]!;
    levels.push(Math.sqrt(sum / FRAME));
  }
  return levels;
}

export function isSilent(samples: Float32Array): boolean {
  let least = Infinity,
    most = -Infinity;
  for (const sample of samples) {
    least = Math.min(least, sample);
    most = Math.max(most, sample);
  }
  return !(most - least > DIGITAL_SILENCE);
}

/** The span without the quiet at its ends. */
export function audiblePart(samples: Float32Array, [from, to]: Span): Span {
  const levels = loudness(samples.subarray(from, to)),
    loud = [...levels].sort((a, b) => a - b)[Math.floor(levels.length * 0.95)] ?? 0,
    isLoud = (level: number): boolean => level >= QUIET * loud;
  const first = levels.findIndex(isLoud),
    last = levels.findLastIndex(isLoud);
  return first < 0 ? [from, to] : [from + first * FRAME, Math.min(to, from + (last + 1) * FRAME)];
}

/** Pieces of at most so many samples, cut where the second half of the longest possible piece is quietest. */
export function piecesOf(samples: Float32Array, most: number): Span[] {
  const levels = loudness(samples),
    pieces: Span[] = [];
  let from = 0;
  while (samples.length - from > most) {
    const first = Math.ceil((from + most / 2) / FRAME),
      last = Math.floor((from + most) / FRAME) - 1;
    let quietest = last;
    // The mean of 100 ms: a pause, not the closure of a consonant.
    const around = (at: number): number =>
      levels.slice(Math.max(0, at - 2), at + 3).reduce((sum, level) => sum + level, 0);
    for (let at = first; at < last; at++) if (around(at) < around(quietest)) quietest = at;
    const cut = quietest * FRAME + FRAME / 2;
    pieces.push([from, cut]);
    from = cut;
  }
  return [...pieces, [from, samples.length]];
}
