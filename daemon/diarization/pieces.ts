/**
 * Where somebody speaks: the segmentation looks at windows of 10 s, every 5 s, and of each window its middle counts.
 * Each run of one of its voices is a piece; whose it is, the voices decide. Pure.
 */

export interface Span {
  startMs: number;
  endMs: number;
}
/** A run of one voice of a window; `local`: which of that window's voices. */
export interface Piece extends Span {
  local: number;
}
/** A stretch that one speaker talks, by number. Those of different speakers may overlap. */
export interface NumberedTurn extends Span {
  speaker: number;
}

export const WINDOW_MS = 10_000;
const HOP_MS = 5000,
  EDGE_MS = (WINDOW_MS - HOP_MS) / 2;
/** Shorter runs are the segmentation's doubt. */
const SHORTEST_MS = 150;
/** So much of a piece without other voices stands for its voice. */
const SOLO_MS = 900;
/** A speaker who goes on after less is in one turn. */
const BREATH_MS = 250;

export interface Window extends Span {
  /** What counts of it. */
  kept: Span;
}

/** Windows over a recording, without those in whose middle nobody was heard. */
export function windowsOf(durationMs: number, spoken: readonly Span[]): Window[] {
  const count = Math.max(1, Math.ceil((durationMs - WINDOW_MS) / HOP_MS) + 1);
  const windows = Array.from({ length: count }, (_, n): Window => {
    const startMs = n * HOP_MS,
      endMs = Math.min(durationMs, startMs + WINDOW_MS);
    return {
      startMs,
      endMs,
      kept: {
        startMs: n === 0 ? 0 : startMs + EDGE_MS,
        endMs: n === count - 1 ? endMs : startMs + WINDOW_MS - EDGE_MS,
      },
    };
  });
  let next = 0;
  return windows.filter(({ kept }) => {
    while (next < spoken.length && spoken[next]!.endMs <= kept.startMs) next++;
    return next < spoken.length && spoken[next]!.startMs < kept.endMs;
  });
}

/** What counts of the runs that the segmentation found in a window, by time. Times are the recording's. */
export const piecesOf = ({ kept }: Window, runs: readonly Piece[]): Piece[] =>
  runs
    .map(({ startMs, endMs, local }) => ({
      startMs: Math.max(startMs, kept.startMs),
      endMs: Math.min(endMs, kept.endMs),
      local,
    }))
    .filter(({ startMs, endMs }) => endMs - startMs >= SHORTEST_MS)
    .sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);

/** Where a piece is alone among those of its window; all of it where that is too little. */
export function soloOf(piece: Piece, pieces: readonly Piece[]): Span[] {
  let alone: Span[] = [{ startMs: piece.startMs, endMs: piece.endMs }];
  for (const other of pieces)
    if (other.local !== piece.local)
      alone = alone.flatMap(({ startMs, endMs }) =>
        [
          { startMs, endMs: Math.min(endMs, other.startMs) },
          { startMs: Math.max(startMs, other.endMs), endMs },
        ].filter(span => span.endMs > span.startMs),
      );
  return lengthOf(alone) >= SOLO_MS ? alone : [{ startMs: piece.startMs, endMs: piece.endMs }];
}

export const lengthOf = (spans: readonly Span[]): number =>
  spans.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);

/**
 * Pieces with their speakers as turns, by time: a speaker's own that touch are one. Where a piece has no voice to judge
 * by, it is the nearest piece's speaker who talks.
 */
export function turnsOf(pieces: readonly Span[], speakers: readonly (number | null)[]): NumberedTurn[] {
  const known = pieces.flatMap((piece, n) => (speakers[n] === null ? [] : [{ ...piece, speaker: speakers[n]! }]));
  if (!known.length) return [];
  const away = (a: Span, b: Span): number => Math.max(a.startMs - b.endMs, b.startMs - a.endMs);
  const open = new Map<number, NumberedTurn>(),
    turns: NumberedTurn[] = [];
  for (const [n, piece] of pieces.entries()) {
    const speaker =
      speakers[n] ?? known.reduce((best, one) => (away(one, piece) < away(best, piece) ? one : best)).speaker;
    const last = open.get(speaker);
    if (last && piece.startMs - last.endMs <= BREATH_MS) last.endMs = Math.max(last.endMs, piece.endMs);
    else {
      const turn = { startMs: piece.startMs, endMs: piece.endMs, speaker };
      turns.push(turn);
      open.set(speaker, turn);
    }
  }
  return turns;
}
