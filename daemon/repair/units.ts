/** The recognized text as units: what stands between spaces, tied to the recognizer's words and their probabilities. */
import type { Word } from '../../schemas/job.ts';

export interface Unit {
  /** Position in the text, [start, end), punctuation included. */
  start: number;
  end: number;
  /** The word itself, and the punctuation around it. */
  core: string;
  lead: string;
  trail: string;
  /** The recognizer's words it is made of, [from, to). */
  from: number;
  to: number;
  /** The least sure of its words; null when the recognizer does not say. */
  probability: number | null;
}

/**
 * Splits `text` at white space and finds each unit's words. Words that do not spell the text are left aside; then units
 * number themselves.
 */
export function unitsOf(text: string, words: readonly Word[]): Unit[] {
  const places = placesOf(text, words);
  return [...text.matchAll(/\S+/gu)].map((match, index) => {
    const start = match.index,
      end = start + match[0].length;
    const [, lead = '', core = '', trail = ''] = /^([^\p{L}\p{N}]*)((?:.*[\p{L}\p{N}])?)([^\p{L}\p{N}]*)$/su.exec(
      match[0],
    )!;
    const mine =
      places?.map((place, i) => ({ ...place, i })).filter(place => place.start < end && place.end > start) ?? [];
    return {
      start,
      end,
      core,
      lead,
      trail,
      from: mine[0]?.i ?? index,
      to: (mine.at(-1)?.i ?? index) + 1,
      probability: mine.length ? Math.min(...mine.map(({ i }) => words[i]!.probability)) : null,
    };
  });
}

/** The units [first, last) that are exactly the recognizer's words [from, to); null: none are. */
export function unitsOfWords(units: readonly Unit[], from: number, to: number): readonly [number, number] | null {
  const first = units.findIndex(unit => unit.from === from),
    last = units.findIndex(unit => unit.to === to);
  return first < 0 || last < first ? null : [first, last + 1];
}

function placesOf(text: string, words: readonly Word[]): { start: number; end: number }[] | null {
  const places: { start: number; end: number }[] = [];
  let at = 0;
  for (const word of words) {
    const spelt = word.text.trim(),
      start = text.indexOf(spelt, at);
    if (start < 0 || text.slice(at, start).trim()) return null;
    places.push({ start, end: (at = start + spelt.length) });
  }
  return words.length && !text.slice(at).trim() ? places : null;
}

/** True when nothing but a space separates the two: no comma, no full stop, no quote. */
export const adjoin = (left: Unit, right: Unit): boolean =>
  left.trail === '' && right.lead === '' && left.core !== '' && right.core !== '';
