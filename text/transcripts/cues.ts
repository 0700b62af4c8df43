/**
 * Subtitles: at most two lines of 42 columns, cut at phrases by the words' times, shown long enough to be read.
 * Usual limits of broadcasters and streaming services: 17 characters a second to aim at, 20 at most, 1 to 7 seconds,
 * two frames between two.
 */
import { atomsOf, endsSentence, type Atom } from './atoms.ts';
import type { Passage } from './passages.ts';
import { proportionalTimeline, timelineOf } from './timing.ts';
import { lineLimit } from '../subtitles/width.ts';

/** `second`: how many of the last lines are the translation. */
export interface Cue {
  startMs: number;
  endMs: number;
  lines: string[];
  second: number;
  speaker: string | null;
}

const COMFORTABLE_CPS = 17,
  MOST_CPS = 20;
const LEAST_MS = 1000,
  MOST_MS = 7000,
  GAP_MS = 80;
/** A gap that is shorter is closed, so that subtitles do not flicker. */
const FLICKER_MS = 320;
const MAX_LINES = 2;
const CRUMB = 14;

/**
 * @param inText a new speaker's name stands before what is said, for formats that have no place of its own for it
 * @param columns of a line, where somebody asked for another length than a language's own
 */
export function cuesOf(
  passages: readonly Passage[],
  durationMs: number | null,
  inText = false,
  columns?: number,
): Cue[] {
  const limitOf = (language: string): number => columns ?? lineLimit(language);
  const shownText = (passage: Passage): Passage =>
    inText && passage.turn
      ? {
          ...passage,
          main: { ...passage.main, text: `${passage.speaker}: ${passage.main.text}` },
          source: `${passage.speaker}: ${passage.source}`,
        }
      : passage;
  return retime(
    passages.flatMap(passage => {
      const shown = shownText(passage);
      return (shown.second ? bilingualCues(shown, limitOf) : monolingualCues(shown, limitOf)).map(cue => ({
        ...cue,
        speaker: passage.speaker,
      }));
    }),
    durationMs,
  );
}

function mainAtoms(passage: Passage): Atom[] {
  const { main, source, words, startMs, endMs } = passage;
  const heard = timelineOf(source, words, startMs, endMs);
  const times =
    main.text === source || passage.marker
      ? timelineOf(main.text, passage.marker ? [] : words, startMs, endMs)
      : proportionalTimeline(main.text, source, heard, main.language, startMs, endMs);
  return atomsOf(main.text, main.language, times);
}

type LimitOf = (language: string) => number;

function monolingualCues(passage: Passage, limitOf: LimitOf): Omit<Cue, 'speaker'>[] {
  const atoms = mainAtoms(passage),
    limit = limitOf(passage.main.language);
  return splitAtoms(atoms, limit, MAX_LINES).map(([from, to]) => ({
    startMs: atoms[from]!.startMs,
    endMs: atoms[to - 1]!.endMs,
    lines: breakLines(atoms.slice(from, to), limit),
    second: 0,
  }));
}

/** One line of each language: the original is cut at its phrases, the translation in the same proportions. */
function bilingualCues(passage: Passage, limitOf: LimitOf): Omit<Cue, 'speaker'>[] {
  const second = passage.second!;
  const atoms = mainAtoms(passage),
    limit = limitOf(passage.main.language),
    secondLimit = limitOf(second.language);
  const heard = timelineOf(passage.source, passage.words, passage.startMs, passage.endMs);
  const others = atomsOf(
    second.text,
    second.language,
    proportionalTimeline(second.text, passage.source, heard, second.language, passage.startMs, passage.endMs),
  );
  // A longer translation needs more cues than the original would.
  for (let narrowed = limit; ; narrowed = Math.floor(narrowed * 0.8)) {
    const parts = splitAtoms(atoms, narrowed, 1);
    const secondParts = splitLike(others, atoms, parts, secondLimit);
    const fits = secondParts.every(([from, to]) => widthOf(others, from, to) <= secondLimit);
    if (!fits && narrowed > limit / 3 && parts.length < atoms.length) continue;
    return parts.map(([from, to], n) => {
      const [secondFrom, secondTo] = secondParts[n]!;
      const below = secondTo > secondFrom ? breakLines(others.slice(secondFrom, secondTo), secondLimit) : [];
      return {
        startMs: atoms[from]!.startMs,
        endMs: atoms[to - 1]!.endMs,
        lines: [...breakLines(atoms.slice(from, to), limit), ...below],
        second: below.length,
      };
    });
  }
}

const widthOf = (atoms: readonly Atom[], from: number, to: number): number => {
  let width = 0;
  for (let at = from; at < to; at++) width += atoms[at]!.width + (at > from && atoms[at]!.spaceBefore ? 1 : 0);
  return width;
};

const textOf = (atoms: readonly Atom[]): string =>
  atoms.reduce((text, atom, n) => text + (n > 0 && atom.spaceBefore ? ' ' : '') + atom.text, '');

/** Whether atoms [from, to) fit into so many lines. */
function fits(atoms: readonly Atom[], from: number, to: number, limit: number, lines: number): boolean {
  let width = 0,
    used = 1;
  for (let at = from; at < to; at++) {
    const more = atoms[at]!.width + (width > 0 && atoms[at]!.spaceBefore ? 1 : 0);
    if (width + more <= limit) width += more;
    else if (++used > lines) return false;
    else width = atoms[at]!.width;
  }
  return true;
}

/** The cheapest way to cut atoms into cues: ranges [from, to). */
function splitAtoms(atoms: readonly Atom[], limit: number, lines: number): [number, number][] {
  const best: { cost: number; from: number }[] = [{ cost: 0, from: 0 }];
  for (let to = 1; to <= atoms.length; to++) {
    best[to] = { cost: Infinity, from: to - 1 };
    for (let from = to - 1; from >= 0 && (from === to - 1 || fits(atoms, from, to, limit, lines)); from--) {
      const cost = best[from]!.cost + cueCost(atoms, from, to);
      if (cost < best[to]!.cost) best[to] = { cost, from };
    }
  }
  const ranges: [number, number][] = [];
  for (let to = atoms.length; to > 0; to = best[to]!.from) ranges.unshift([best[to]!.from, to]);
  return ranges;
}

function cueCost(atoms: readonly Atom[], from: number, to: number): number {
  const first = atoms[from]!,
    last = atoms[to - 1]!,
    width = widthOf(atoms, from, to);
  const ms = last.endMs - first.startMs;
  const untilNext = (atoms[to]?.startMs ?? last.endMs + LEAST_MS) - first.startMs;
  const cps = (width * 1000) / Math.max(1, untilNext);
  let cost = 14 + last.cost;
  if (untilNext < LEAST_MS) cost += 40 * (1 - untilNext / LEAST_MS);
  if (ms > MOST_MS) cost += 30 + (ms - MOST_MS) / 20;
  // No crumbs: the tail of a phrase alone on the screen.
  if (width < CRUMB && from > 0 && !endsSentence(atoms[from - 1]!)) cost += 2 * (CRUMB - width);
  if (cps > COMFORTABLE_CPS) cost += 2 * (cps - COMFORTABLE_CPS);
  if (cps > MOST_CPS) cost += 4 * (cps - MOST_CPS);
  for (let at = from; at < to - 1; at++) {
    const silence = atoms[at + 1]!.startMs - atoms[at]!.endMs;
    if (endsSentence(atoms[at]!)) cost += 16;
    if (silence > 700) cost += Math.min(40, silence / 40);
  }
  return cost;
}

/** One or two lines, broken where the phrase allows it and evenly, the lower one rather the longer. */
function breakLines(atoms: readonly Atom[], limit: number): string[] {
  if (widthOf(atoms, 0, atoms.length) <= limit) return [textOf(atoms)];
  let best = -1,
    least = Infinity;
  for (let at = 1; at < atoms.length; at++) {
    const upper = widthOf(atoms, 0, at),
      lower = widthOf(atoms, at, atoms.length);
    const cost =
      atoms[at - 1]!.cost +
      Math.abs(upper - lower) * 0.6 +
      (upper > lower ? 2 : 0) +
      100 * (Math.max(0, upper - limit) + Math.max(0, lower - limit));
    if (cost < least) {
      least = cost;
      best = at;
    }
  }
  return best < 0 ? [textOf(atoms)] : [textOf(atoms.slice(0, best)), textOf(atoms.slice(best))];
}

/** Cuts a translation into as many parts as the original has, near the same moments and at its own phrases. */
function splitLike(
  atoms: readonly Atom[],
  original: readonly Atom[],
  parts: readonly [number, number][],
  limit: number,
): [number, number][] {
  const count = parts.length,
    total = atoms.length;
  const span = Math.max(1, (atoms.at(-1)?.endMs ?? 1) - (atoms[0]?.startMs ?? 0));
  let row: { cost: number; from: number }[] = Array.from({ length: total + 1 }, (_, n) => ({
    cost: n === 0 ? 0 : Infinity,
    from: 0,
  }));
  const rows = [row];
  for (let part = 0; part < count; part++) {
    const endMs = original[parts[part]![1] - 1]!.endMs;
    const next = Array.from({ length: total + 1 }, () => ({ cost: Infinity, from: 0 }));
    for (let to = part === count - 1 ? total : 0; to <= total; to++)
      for (let from = to; from >= 0; from--) {
        const wide = widthOf(atoms, from, to);
        if (wide > limit * 3) break;
        if (row[from]!.cost === Infinity) continue;
        const away = to > 0 ? Math.abs(atoms[to - 1]!.endMs - endMs) / span : 1;
        const cost =
          row[from]!.cost +
          (to < total && to > 0 ? atoms[to - 1]!.cost : 0) +
          150 * away +
          (wide > limit ? 200 + wide - limit : 0) +
          (from === to ? 80 : 0);
        if (cost < next[to]!.cost) next[to] = { cost, from };
      }
    rows.push((row = next));
  }
  const ranges: [number, number][] = [];
  for (let part = count, to = total; part > 0; part--) {
    const { cost, from } = rows[part]![to]!;
    ranges.unshift(cost === Infinity ? [0, to] : [from, to]);
    to = ranges[0]![0];
  }
  return ranges;
}

/** Shows cues long enough, without overlap, and not beyond the recording's end. */
function retime(cues: readonly Cue[], durationMs: number | null): Cue[] {
  const ordered = cues.map(cue => ({ ...cue })).sort((a, b) => a.startMs - b.startMs);
  ordered.forEach((cue, n) => {
    const next = ordered[n + 1]?.startMs ?? Math.max(durationMs ?? Infinity, cue.endMs);
    const room = next - cue.startMs > 3 * GAP_MS && ordered[n + 1] ? next - GAP_MS : next;
    const characters = cue.lines.reduce((sum, line) => sum + line.length, 0);
    const wanted = Math.max(
      cue.endMs,
      cue.startMs + Math.max(LEAST_MS, Math.min(MOST_MS, (characters * 1000) / COMFORTABLE_CPS)),
    );
    let end = Math.min(room, wanted);
    if (ordered[n + 1] && next - end < FLICKER_MS && room > end) end = room;
    cue.endMs = Math.max(cue.startMs + 1, Math.round(end));
  });
  return ordered;
}
