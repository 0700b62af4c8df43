/** What might have been said instead: spans of doubtful units, and near words for them from the dictionary, the glossary and what was said before. */
import type { GlossaryEntry } from '../../schemas/job.ts';
import type { Dictionary } from './dictionaries.ts';
import { soundDistance } from './distance.ts';
import { adjoin, type Unit } from './units.ts';

export type Source = 'model' | 'dictionary' | 'glossary';
/** Units [from, to) might be `text`. */
export interface Proposal { from: number; to: number; text: string; source: Source; distance: number }

/** How sure a word must be to be left alone when the dictionary knows it. */
const SURE = 0.6;
/** Farther than this cannot have sounded like it. */
export const FARTHEST = 0.5;
const PER_SPAN = 6;

/** A word as dictionaries see it: parts at apostrophes and hyphens, each known; numbers and single letters always are. */
export function isKnown(core: string, dictionary: Dictionary): boolean {
  if (!core || /\p{N}/u.test(core) || dictionary.knows(core) || dictionary.knows(core.replace(/’/gu, '\''))) return true;
  const lower = core.toLowerCase();
  if (lower !== core && dictionary.knows(lower)) return true;
  const parts = core.split(/['’-]/u);
  return parts.length > 1 && parts.every((part, i) => part === '' || (i < parts.length - 1 && part.length <= 6) || dictionary.knows(part) || dictionary.knows(part.toLowerCase()));
}

/** Web addresses, abbreviations in capitals and names are not misspelt words. */
export const isSpecial = (core: string): boolean => /[@/\\_]|\p{N}|\.\p{L}/u.test(core) || core.length > 1 && core === core.toUpperCase() && core !== core.toLowerCase();

export interface Doubt { unit: number; unknown: boolean; probability: number }

/** Units that are worth asking about, in order. */
export function doubtsIn(units: readonly Unit[], dictionary: Dictionary | null): Doubt[] {
  return units.flatMap((unit, index) => {
    if (!unit.core || isSpecial(unit.core) || !/\p{L}/u.test(unit.core)) return [];
    const unknown = dictionary !== null && !isKnown(unit.core, dictionary), probability = unit.probability ?? 1;
    return unknown || probability < SURE ? [{ unit: index, unknown, probability }] : [];
  });
}

/** Near words for the spans around a doubtful unit. */
export function proposalsFor(doubt: Doubt, units: readonly Unit[], dictionary: Dictionary, words: readonly string[]): Proposal[] {
  const proposals: Proposal[] = [];
  for (const [from, to] of spansAround(doubt.unit, units)) {
    const cores = units.slice(from, to).map(unit => unit.core), heard = cores.join(' '), joined = cores.join('').toLowerCase();
    const near = new Set<string>();
    if (to - from > 1 && dictionary.knows(joined)) near.add(joined);
    for (const suggestion of dictionary.suggest(to - from > 1 ? joined : cores[0]!)) if (!/-/u.test(suggestion) || heard.includes('-')) near.add(suggestion);
    for (const word of words) near.add(word);
    proposals.push(...[...near].filter(text => differs(text, heard))
      .map(text => ({ from, to, text: inCaseOf(text, heard), source: 'dictionary' as const, distance: soundDistance(text, heard) }))
      .filter(({ distance }) => distance <= FARTHEST).sort((a, b) => a.distance - b.distance).slice(0, PER_SPAN));
  }
  return proposals;
}

/** The unit alone, with its left and with its right neighbour, where nothing but a space is between them. */
export function spansAround(unit: number, units: readonly Unit[]): [number, number][] {
  const spans: [number, number][] = [[unit, unit + 1]];
  if (unit > 0 && adjoin(units[unit - 1]!, units[unit]!)) spans.push([unit - 1, unit + 1]);
  if (unit + 1 < units.length && adjoin(units[unit]!, units[unit + 1]!)) spans.push([unit, unit + 2]);
  return spans;
}

/** Places where a term of the glossary may have been misheard, or an alias was heard. */
export function glossaryProposals(units: readonly Unit[], glossary: readonly GlossaryEntry[]): Proposal[] {
  return glossary.flatMap(({ term, aliases }) => {
    const size = term.split(/\s+/u).length;
    return units.flatMap((_, from) => [size - 1, size, size + 1].filter(count => count > 0 && from + count <= units.length).flatMap(count => {
      const span = units.slice(from, from + count);
      if (!span.every((unit, i) => i === 0 || adjoin(span[i - 1]!, unit))) return [];
      const heard = span.map(unit => unit.core).join(' ');
      if (heard === term) return [];
      const distance = aliases?.some(alias => !differs(alias, heard)) || !differs(term, heard) ? 0 : soundDistance(term, heard);
      return distance <= 0.34 ? [{ from, to: from + count, text: term, source: 'glossary' as const, distance }] : [];
    }));
  });
}

export const differs = (a: string, b: string): boolean => a.toLowerCase() !== b.toLowerCase();

/** The candidate with a capital where what was heard had one. */
export const inCaseOf = (text: string, heard: string): string => /^\p{Lu}/u.test(heard) ? text.replace(/^\p{Ll}/u, letter => letter.toUpperCase()) : text;
