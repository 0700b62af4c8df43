/**
 * Subtitles that do not fit their recording: how their times must be stretched and moved so that they fall on the words
 * that were heard. Runs of words that occur exactly once in both texts are the anchors between the two clocks; a
 * straight line through them is the answer. Pure.
 */
import { visible } from './inline.ts';
import type { SubtitleKind } from './parse.ts';

export interface Timed {
  text: string;
  startMs: number;
  endMs: number;
}
/**
 * heard = scale × subtitle + shiftMs. `anchors`: runs of words found in both; `offMs`: how far the middle one is off
 * afterwards.
 */
export interface Sync {
  scale: number;
  shiftMs: number;
  anchors: number;
  offMs: number;
}

/** Films made for one rate and shown at another: 23.976, 24, 25 and 29.97 frames a second. */
const RATES = [24_000 / 1001, 24, 25, 30_000 / 1001];
const SCALES = [1, ...RATES.flatMap(a => RATES.filter(b => b !== a).map(b => a / b))];
/** From this span on drift can be distinguished from the noise of single words, ms. */
const DRIFT_SPAN_MS = 120_000;
const FEWEST_TIES = 5,
  MOST_OFF_MS = 1500;

interface Token {
  text: string;
  atMs: number;
}

/** Words in small letters with the time at which each begins; a script without spaces goes by characters. */
function tokens(parts: readonly Timed[]): Token[] {
  return parts.flatMap(({ text, startMs, endMs }) => {
    const length = Math.max(1, text.length);
    return [
      ...text
        .toLowerCase()
        .normalize('NFKC')
        .matchAll(
          /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{N}\p{M}]+(?:['’][\p{L}]+)?/gu,
        ),
    ].map(match => ({ text: match[0].replace('’', "'"), atMs: startMs + ((endMs - startMs) * match.index) / length }));
  });
}

/** Runs of `size` words that stand once in each text: [time there, time here], in order of the first. */
function anchorsOf(a: readonly Token[], b: readonly Token[], size: number): [number, number][] {
  const once = (list: readonly Token[]): Map<string, number> => {
    const seen = new Map<string, number>();
    for (let i = 0; i + size <= list.length; i++) {
      const run = list
        .slice(i, i + size)
        .map(t => t.text)
        .join(' ');
      seen.set(run, seen.has(run) ? -1 : i);
    }
    return seen;
  };
  const here = once(a),
    there = once(b),
    pairs: [number, number][] = [];
  for (const [run, i] of here) {
    const j = there.get(run);
    if (i >= 0 && j !== undefined && j >= 0) pairs.push([i, j]);
  }
  return rising(pairs.sort((x, y) => x[0] - y[0])).map(([i, j]) => [a[i]!.atMs, b[j]!.atMs]);
}

/** The longest part of the pairs whose second figures rise too: what crosses was tied wrongly. */
function rising(pairs: readonly [number, number][]): [number, number][] {
  const tails: number[] = [],
    before: number[] = [];
  pairs.forEach(([, y], i) => {
    let low = 0,
      high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (pairs[tails[middle]!]![1] < y) low = middle + 1;
      else high = middle;
    }
    before[i] = low > 0 ? tails[low - 1]! : -1;
    tails[low] = i;
  });
  const chain: [number, number][] = [];
  for (let i = tails.at(-1) ?? -1; i >= 0; i = before[i]!) chain.unshift(pairs[i]!);
  return chain;
}

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
};

/** The line of this slope that half of the anchors lie above, and how far off the middle one is. */
function fit(pairs: readonly [number, number][], scale: number): { scale: number; shiftMs: number; offMs: number } {
  const shiftMs = median(pairs.map(([x, y]) => y - scale * x));
  return { scale, shiftMs, offMs: median(pairs.map(([x, y]) => Math.abs(y - scale * x - shiftMs))) };
}

/** The middle slope of all between anchors that lie far apart; wrong anchors do not move it. */
function slope(pairs: readonly [number, number][]): number {
  const step = Math.max(1, Math.floor(pairs.length / 300)),
    some = pairs.filter((_p, i) => i % step === 0),
    slopes: number[] = [];
  for (const [i, [x, y]] of some.entries())
    for (const [x2, y2] of some.slice(i + 1)) if (x2 - x > DRIFT_SPAN_MS / 4) slopes.push((y2 - y) / (x2 - x));
  return median(slopes);
}

/**
 * Null: the texts do not say (another language, another film, too few words). Cues need times; `kind` says how to read
 * their tags.
 */
export function synchronise(
  cues: readonly { startMs: number | null; endMs: number | null; lines: readonly string[] }[],
  words: readonly Timed[],
  kind: SubtitleKind,
): Sync | null {
  const mine = tokens(
    cues.flatMap(({ startMs, endMs, lines }) =>
      startMs === null || endMs === null
        ? []
        : [{ startMs, endMs, text: lines.map(line => visible(line, kind)).join(' ') }],
    ),
  );
  const heard = tokens(words);
  let pairs: [number, number][] = [];
  // The longest runs are the surest; shorter ones serve where there are few.
  for (const size of [5, 4, 3, 2, 1]) {
    pairs = anchorsOf(mine, heard, size);
    if (pairs.length >= Math.max(12, Math.min(mine.length, heard.length) / 20)) break;
  }
  if (pairs.length < FEWEST_TIES) return null;
  const span = pairs.at(-1)![0] - pairs[0]![0];
  const tried = SCALES.map(scale => fit(pairs, scale)),
    plain = tried[0]!;
  if (span >= DRIFT_SPAN_MS) tried.push(fit(pairs, slope(pairs)));
  const best = tried.reduce((a, b) => (b.offMs < a.offMs ? b : a));
  // In a short recording a stretch is believed only where it explains much.
  const chosen =
    best.offMs < plain.offMs * (span >= DRIFT_SPAN_MS ? 0.8 : 0.4) && plain.offMs - best.offMs > 60 ? best : plain;
  return chosen.offMs > MOST_OFF_MS
    ? null
    : { ...chosen, shiftMs: Math.round(chosen.shiftMs), offMs: Math.round(chosen.offMs), anchors: pairs.length };
}

/** A time under a sync; never before the beginning. */
export const moved = (ms: number, { scale, shiftMs }: Pick<Sync, 'scale' | 'shiftMs'>): number =>
  Math.max(0, Math.round(ms * scale + shiftMs));
