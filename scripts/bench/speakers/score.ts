/** Diarization error rate, and the equal error rate of voices. Pure. */
import { likeness, type Voice } from '../../../daemon/diarization/voices.ts';
import type { Span } from '../../../daemon/diarization/pieces.ts';

const FRAME_MS = 10;
/** Around the beginning and end of what was said nothing counts. */
const COLLAR_MS = 250;

export interface Score {
  /** Of the time that is spoken: missed, said by nobody, said by another. Shares. */
  missed: number;
  falseAlarm: number;
  confused: number;
  error: number;
  speakers: number;
}

export function diarizationError(
  said: readonly (Span & { who: string })[],
  found: readonly (Span & { speaker: string | number })[],
  durationMs: number,
): Score {
  const frames = Math.ceil(durationMs / FRAME_MS),
    people = [...new Set(said.map(one => one.who))],
    speakers = [...new Set(found.map(one => String(one.speaker)))];
  const rows = (spans: readonly Span[]): Uint8Array => {
    const row = new Uint8Array(frames);
    for (const { startMs, endMs } of spans) row.fill(1, Math.round(startMs / FRAME_MS), Math.round(endMs / FRAME_MS));
    return row;
  };
  const truth = people.map(who => rows(said.filter(one => one.who === who))),
    answer = speakers.map(speaker => rows(found.filter(one => String(one.speaker) === speaker)));
  const counts = new Uint8Array(frames).fill(1);
  for (const edge of said.flatMap(one => [one.startMs, one.endMs]))
    counts.fill(0, Math.max(0, Math.round((edge - COLLAR_MS) / FRAME_MS)), Math.round((edge + COLLAR_MS) / FRAME_MS));
  const common = truth.map(a => answer.map(b => a.reduce((sum, value, f) => sum + (value & b[f]! & counts[f]!), 0))),
    best = matched(common, 0, 0);
  let spoken = 0,
    missed = 0,
    falseAlarm = 0,
    wrong = 0;
  for (let f = 0; f < frames; f++) {
    if (!counts[f]) continue;
    const ref = truth.reduce((sum, row) => sum + row[f]!, 0),
      hyp = answer.reduce((sum, row) => sum + row[f]!, 0),
      right = best.pairs.reduce((sum, [a, b]) => sum + (truth[a]![f]! & answer[b]![f]!), 0);
    spoken += ref;
    missed += Math.max(0, ref - hyp);
    falseAlarm += Math.max(0, hyp - ref);
    wrong += Math.min(ref, hyp) - right;
  }
  const share = (value: number): number => value / Math.max(1, spoken);
  return {
    missed: share(missed),
    falseAlarm: share(falseAlarm),
    confused: share(wrong),
    error: share(missed + falseAlarm + wrong),
    speakers: speakers.length,
  };
}

interface Match {
  sum: number;
  pairs: [number, number][];
}
/** The pairs of rows and columns with the most in common, each once. */
function matched(
  common: readonly (readonly number[])[],
  row: number,
  used: number,
  memo = new Map<string, Match>(),
): Match {
  if (row === common.length) return { sum: 0, pairs: [] };
  const key = `${row} ${used}`,
    known = memo.get(key);
  if (known) return known;
  let best = matched(common, row + 1, used, memo);
  common[row]!.forEach((value, column) => {
    if (used & (1 << column) || value === 0) return;
    const rest = matched(common, row + 1, used | (1 << column), memo);
    if (rest.sum + value > best.sum) best = { sum: rest.sum + value, pairs: [[row, column], ...rest.pairs] };
  });
  memo.set(key, best);
  return best;
}

/** Where as many pairs of one person are taken for two as of two for one; and at which likeness. */
export function equalError(voices: readonly { who: string; voice: Voice }[]): { rate: number; at: number } {
  const same: number[] = [],
    other: number[] = [];
  voices.forEach((a, i) =>
    voices.slice(i + 1).forEach(b => (a.who === b.who ? same : other).push(likeness(a.voice, b.voice))),
  );
  let best = { rate: 1, at: 0, apart: Infinity };
  for (let at = 0; at < 1; at += 0.01) {
    const rejected = same.filter(value => value < at).length / same.length,
      taken = other.filter(value => value >= at).length / other.length,
      apart = Math.abs(rejected - taken);
    if (apart < best.apart) best = { rate: (rejected + taken) / 2, at, apart };
  }
  return best;
}
