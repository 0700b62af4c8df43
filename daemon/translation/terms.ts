/**
 * Translations that the glossary demands: found in what is to be translated, held against what came of it, put in where
 * they are missing.
 */
import type { GlossaryEntry } from '../../schemas/job.ts';

export type Demand = GlossaryEntry & { translation: string };

const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;

/** Names as whole words, where the script parts words at all; the longest first. */
function pattern(names: readonly string[]): RegExp {
  const within = (c: string | undefined): boolean => c !== undefined && /[\p{L}\p{N}]/u.test(c) && !UNSPACED.test(c);
  const one = (name: string): string =>
    `${within([...name][0]) ? '(?<![\\p{L}\\p{N}])' : ''}` +
    `${name.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&').replace(/\s+/g, '\\s+')}` +
    `${within([...name].at(-1)) ? '(?![\\p{L}\\p{N}])' : ''}`;
  return new RegExp(
    [...names]
      .sort((x, y) => y.length - x.length)
      .map(one)
      .join('|'),
    'giu',
  );
}

const namesOf = ({ term, aliases }: GlossaryEntry): string[] => [term, ...(aliases ?? [])];

/** The entries with a translation that the text speaks of. */
export const demandsOf = (text: string, glossary: readonly GlossaryEntry[]): Demand[] =>
  glossary
    .filter((entry): entry is Demand => entry.translation !== undefined && pattern(namesOf(entry)).test(text))
    .slice(0, 20);

export const missing = (target: string, demands: readonly Demand[]): Demand[] => {
  const lower = target.toLocaleLowerCase();
  return demands.filter(({ translation }) => !lower.includes(translation.toLocaleLowerCase()));
};

/** The text with each term's translation in its place: translators mostly leave words of the other language alone. */
export function substituted(text: string, demands: readonly Demand[]): string {
  if (!demands.length) return text;
  const fold = (name: string): string => name.toLowerCase().replace(/\s+/g, ' '),
    by = new Map(demands.flatMap(demand => namesOf(demand).map(name => [fold(name), demand.translation] as const)));
  // In one pass: what was put in is not looked at again.
  return text.replace(pattern(demands.flatMap(namesOf)), name => by.get(fold(name)) ?? name);
}

/**
 * A translation in which a term was left as it was gets the term's translation there; other words are never touched.
 */
export const enforced = (target: string, demands: readonly Demand[]): string =>
  substituted(target, missing(target, demands));
