/** Where each spoken utterance goes in the track: a pure decision. */

export interface Spoken {
  startMs: number;
  durationMs: number;
}
/** `speed`: 1 as spoken, 1.25 a quarter faster. `durationMs` is what it takes at that speed. */
export interface Placement {
  startMs: number;
  durationMs: number;
  speed: number;
}

/** Faster than this sounds hurried. */
export const FASTEST = 1.25;
/** Who lags this far behind the picture hurries all the same. */
const LAG_MS = 1500;
export const HURRIED = 1.4;
/** Between two utterances that would otherwise touch. */
export const BREATH_MS = 80;

/** One after the other: a text that is read aloud has no times to keep to. */
export function inARow(spoken: readonly Spoken[], pauseMs: number): Placement[] {
  let free = 0;
  return spoken.map(({ durationMs }) => {
    const startMs = free;
    free += Math.ceil(durationMs) + pauseMs;
    return { startMs, durationMs: Math.ceil(durationMs), speed: 1 };
  });
}

/**
 * Each utterance begins when the original did. One that takes longer runs on into the silence after it; where that is
 * not enough it is spoken faster, up to `FASTEST`; what is then still too long delays the next one, which catches up in
 * the same way, and from a lag of some seconds on faster still. Never two at once, and never early.
 */
export function place(spoken: readonly Spoken[]): Placement[] {
  const placements: Placement[] = [];
  let free = 0;
  spoken.forEach(({ startMs, durationMs }, n) => {
    const begin = Math.max(startMs, free),
      next = spoken[n + 1]?.startMs ?? Infinity;
    const speed = Math.min(
      begin - startMs > LAG_MS ? HURRIED : FASTEST,
      Math.max(1, durationMs / Math.max(1, next - BREATH_MS - begin)),
    );
    const placement = { startMs: begin, durationMs: Math.ceil(durationMs / speed), speed };
    placements.push(placement);
    free = begin + placement.durationMs + BREATH_MS;
  });
  return placements;
}

/**
 * The sentences of one utterance, each at its own time where there is room: none is spoken faster for it, none before
 * the one before it has ended, and the last one ends by `endMs`, or when the utterance would have ended in one piece.
 * `sentences`: when the original began, and how long it is spoken at speed 1.
 */
export function spread(whole: Placement, sentences: readonly Spoken[], endMs: number): Placement[] {
  const lengths = sentences.map(({ durationMs }) => durationMs / whole.speed);
  let left = lengths.reduce((sum, length) => sum + length, 0),
    free = whole.startMs;
  const limit = Math.max(endMs, whole.startMs + left);
  return sentences.map(({ startMs }, n) => {
    // The first one begins when the utterance does.
    const begin = n === 0 ? free : Math.max(free, Math.min(startMs, limit - left));
    left -= lengths[n]!;
    free = begin + lengths[n]!;
    return { startMs: begin, durationMs: lengths[n]!, speed: whole.speed };
  });
}

/** How far the utterance that is latest begins behind the recording, ms. */
export const lagOf = (spoken: readonly Spoken[], placements: readonly Placement[]): number =>
  Math.max(0, ...placements.map(({ startMs }, n) => startMs - spoken[n]!.startMs));
