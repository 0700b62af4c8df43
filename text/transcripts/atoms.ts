/** Text in pieces that are never broken, with their times and how good a break after each would be. */
import { isShortened } from '../sentences.ts';
import type { Timeline } from './timing.ts';
import { unspacedPieces } from '../subtitles/pieces.ts';
import { columns, isUnspaced, lineLimit } from '../subtitles/width.ts';

export interface Atom {
  text: string;
  width: number;
  spaceBefore: boolean;
  startMs: number;
  endMs: number;
  /** Cost of a break after it: 0 at a sentence's end, more where words belong together. */
  cost: number;
}

const SENTENCE_END = /[.!?…。！？][\p{Pe}\p{Pf}"']*$/u,
  CLAUSE_END = /[,;:—–，、；：)）](?:(?![)）])[\p{Pe}\p{Pf}"'])*$/u;
/** Words that lean on the next one. */
const LEANING = new Set(
  (
    'a an the of to in on at by for from with and or but nor so as if than that this my your his her its our their ' +
    'is are was were be not no mr mrs ms dr ' +
    'el la los las un una unos unas de del al en con por para y o u e que se su sus mi tu lo no es son muy sin ' +
    'le les des du une à au aux et ou dans sur pour par avec sans ce cette ces son sa ses mon ma mes ' +
    'ne pas qui que il elle je tu nous vous ' +
    'der die das den dem des ein eine einen einem einer und oder zu zur zum im in am an auf mit von vom für bei ' +
    'nicht ich er sie es wir ' +
    'il lo gli i uno di da su con per tra fra e o che non mi ti si ci nel nella del della dei al alla ' +
    'o os as um uma do da dos das em no na nos nas ao à com por para e ou que não se seu sua ' +
    'в на с к и а но не по за из от до у о об для что как это'
  ).split(' '),
);
/** Words that a new phrase likes to begin with. */
const OPENING = new Set(
  (
    'and but or because that which who when where while if so than then y pero o porque que cuando donde como si ' +
    'et mais ou car quand si und aber oder weil dass wenn als e ma o perché quando se mas porque ' +
    'и но или что когда если потому который'
  ).split(' '),
);

export function atomsOf(text: string, language: string, times: Timeline): Atom[] {
  const atoms: Atom[] = [];
  const limit = lineLimit(language);
  for (const { index, 0: chunk } of text.matchAll(/\S+/gu)) {
    let first = true;
    for (const [from, to] of isUnspaced(chunk) ? unspacedPieces(chunk, language) : [[0, chunk.length] as const]) {
      for (const [start, end] of withinLimit(chunk, from, to, limit)) {
        const piece = chunk.slice(start, end);
        atoms.push({
          text: piece,
          width: columns(piece),
          spaceBefore: first && index > 0,
          startMs: times.startMs[index + start]!,
          endMs: times.endMs[index + end - 1]!,
          cost: 0,
        });
        first = false;
      }
    }
  }
  atoms.forEach((atom, n) => {
    atom.cost = breakCost(atom, atoms[n + 1], language);
  });
  return atoms;
}

/** Cuts what is wider than a line by itself (addresses). */
function withinLimit(chunk: string, from: number, to: number, limit: number): [number, number][] {
  if (columns(chunk.slice(from, to)) <= limit) return [[from, to]];
  const pieces: [number, number][] = [];
  let start = from,
    width = 0;
  for (let at = from; at < to;) {
    const character = String.fromCodePoint(chunk.codePointAt(at)!),
      wide = columns(character);
    if (width + wide > limit) {
      pieces.push([start, at]);
      start = at;
      width = 0;
    }
    width += wide;
    at += character.length;
  }
  pieces.push([start, to]);
  return pieces;
}

function breakCost(atom: Atom, next: Atom | undefined, language: string): number {
  const shortened = next !== undefined && isShortened(atom.text, next.text, language);
  if (!next || (SENTENCE_END.test(atom.text) && !shortened)) return 0;
  const pauseGain = Math.min(14, Math.max(0, next.startMs - atom.endMs - 80) / 40);
  if (CLAUSE_END.test(atom.text)) return Math.max(2, 8 - pauseGain / 2);
  const bare = (text: string): string => text.toLowerCase().replace(/^\P{L}+|(?<!\P{L})\P{L}+$/gu, '');
  const base = !next.spaceBefore
    ? 26
    : shortened || LEANING.has(bare(atom.text))
      ? 45
      : OPENING.has(bare(next.text))
        ? 15
        : 26;
  return Math.max(6, base - pauseGain);
}
export const endsSentence = (atom: Atom): boolean => atom.cost === 0;
