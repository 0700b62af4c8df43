/**
 * What might have been said instead: spans of doubtful units, and near words for them from the dictionary, the glossary
 * and what was said before.
 */
import type { GlossaryEntry } from '../../schemas/job.ts';
import type { Dictionary } from './dictionaries.ts';
import { fold, soundCost, soundDistance } from './distance.ts';
import { adjoin, type Unit } from './units.ts';

export type Source = 'model' | 'dictionary' | 'glossary';
/** Units [from, to) might be `text`. */
export interface Proposal {
  from: number;
  to: number;
  text: string;
  source: Source;
  /** Cost of the difference in sound. */ cost: number;
}

/** How sure a word must be to be left alone when the dictionary knows it. */
const SURE = 0.6;
/** Farther than this, over its length, cannot have sounded like it. */
const FARTHEST = 0.28;
/** Proposals of each kind that are worth the judge's time. */
const MOST_DICTIONARY = 2,
  MOST_EXPECTED = 4;

/**
 * A word as dictionaries see it: parts at apostrophes and hyphens, each known; numbers and single letters always are.
 */
export function isKnown(core: string, dictionary: Dictionary): boolean {
  if (!core || /\p{N}/u.test(core) || dictionary.knows(core) || dictionary.knows(core.replace(/’/gu, "'"))) return true;
  const lower = core.toLowerCase();
  if (lower !== core && dictionary.knows(lower)) return true;
  const parts = core.split(/['’-]/u);
  return (
    parts.length > 1 &&
    parts.every(
      (part, i) =>
        part === '' ||
        (i < parts.length - 1 && part.length <= 6) ||
        dictionary.knows(part) ||
        dictionary.knows(part.toLowerCase()),
    )
  );
}

/** Web addresses, abbreviations in capitals and names are not misspelt words. */
export const isSpecial = (core: string): boolean =>
  /[@/\\_]|\p{N}|\.\p{L}/u.test(core) ||
  (core.length > 1 && core === core.toUpperCase() && core !== core.toLowerCase());

export interface Doubt {
  unit: number;
  unknown: boolean;
  probability: number;
}

/**
 * Units that may be worth asking about, in order: words that no dictionary knows and words that the recognizer was
 * unsure of.
 */
export function doubtsIn(units: readonly Unit[], dictionary: Dictionary | null): Doubt[] {
  return units.flatMap((unit, index) => {
    if (!isWord(unit.core)) return [];
    const unknown = dictionary !== null && !isKnown(unit.core, dictionary),
      probability = unit.probability ?? 1;
    return unknown || probability < SURE ? [{ unit: index, unknown, probability }] : [];
  });
}

/** Nats from which a word is a surprise to the judge; names and terms that it knows are none. */
const SURPRISE_UNKNOWN = 4,
  SURPRISE_UNSURE = 7,
  SURPRISE_SURE = 11;
/**
 * Doubts that are looked into, the most doubtful first: bounds the time of an utterance that was not understood at all.
 */
const MOST_DOUBTS = 4;

/** What to look into, in order of the text: doubts that the judge shares, and words that surprise it very much. */
export function sharedDoubts(
  doubts: readonly Doubt[],
  units: readonly Unit[],
  surprise: readonly number[] | null,
): Doubt[] {
  const shared = !surprise
    ? doubts
    : units.flatMap((unit, index) => {
        const doubt = doubts.find(one => one.unit === index),
          nats = surprise[index]!;
        if (doubt) return nats >= (doubt.unknown ? SURPRISE_UNKNOWN : SURPRISE_UNSURE) ? [doubt] : [];
        return nats >= SURPRISE_SURE && isWord(unit.core)
          ? [{ unit: index, unknown: false, probability: unit.probability ?? 1 }]
          : [];
      });
  const weight = (doubt: Doubt) =>
    (doubt.unknown ? 4 : 0) + 6 * (1 - doubt.probability) + (surprise?.[doubt.unit] ?? 0) / 2;
  return [...shared]
    .sort((a, b) => weight(b) - weight(a) || a.unit - b.unit)
    .slice(0, MOST_DOUBTS)
    .sort((a, b) => a.unit - b.unit);
}

/** A letter alone is one that was spelt out, or too little to go by. */
export const isWord = (core: string): boolean => /\p{L}.*\p{L}/su.test(core) && !isSpecial(core);

export type Span = readonly [from: number, to: number];
export const heardIn = (units: readonly Unit[], [from, to]: Span): string =>
  units
    .slice(from, to)
    .map(unit => unit.core)
    .join(' ');

/** The unit alone, with its left and with its right neighbour, where nothing but a space is between them. */
export function spansAround(unit: number, units: readonly Unit[]): Span[] {
  const spans: Span[] = [[unit, unit + 1]];
  if (unit > 0 && adjoin(units[unit - 1]!, units[unit]!)) spans.push([unit - 1, unit + 1]);
  if (unit + 1 < units.length && adjoin(units[unit]!, units[unit + 1]!)) spans.push([unit, unit + 2]);
  return spans;
}

/** Near words of the dictionary, and of `words`, for the spans; nearest first. */
export function nearWords(
  spans: readonly Span[],
  units: readonly Unit[],
  dictionary: Dictionary,
  words: readonly string[],
): Proposal[] {
  const proposals = spans.flatMap(([from, to]) => {
    const heard = heardIn(units, [from, to]),
      joined = heard.replace(/ /gu, ''),
      whole = to - from > 1;
    const near = new Set([
      ...(whole && dictionary.knows(joined.toLowerCase()) ? [joined.toLowerCase()] : []),
      ...dictionary.suggest(whole ? joined.toLowerCase() : joined),
      ...words,
    ]);
    return [...near]
      .filter(text => changesAll(text, heard) && sensible(text, heard))
      .map(text => proposal(text, heard, [from, to], 'dictionary'))
      .filter(isNear);
  });
  return proposals.sort((a, b) => a.cost - b.cost || (a.text < b.text ? -1 : 1));
}

/** No hyphens that were not heard, and no splitting into fragments: the dictionary splits everywhere it can. */
const sensible = (text: string, heard: string): boolean =>
  (heard.includes('-') || !text.includes('-')) &&
  text
    .split(' ')
    .every((part, _, all) => all.length === 1 || part.length > 2 || (/^\p{L}$/u.test(part) && all.length === 2));

const proposal = (text: string, heard: string, [from, to]: Span, source: Source): Proposal => ({
  from,
  to,
  text: inCaseOf(text, heard),
  source,
  cost: soundCost(text, heard),
});
const isNear = ({ text, cost }: Proposal): boolean => cost <= FARTHEST * Math.max(3, fold(text).length);

/** The questions that make a judge spell out words for these spans: one for each place where they begin. */
export function expectations(
  spans: readonly Span[],
  units: readonly Unit[],
): { spans: Span[]; heard: string; ends: number[]; from: number }[] {
  return [...new Set(spans.map(([from]) => from))]
    .sort((a, b) => a - b)
    .map(from => {
      const mine = spans.filter(span => span[0] === from).sort((a, b) => a[1] - b[1]);
      return {
        from,
        spans: mine,
        heard: heardIn(units, mine.at(-1)!),
        ends: mine.map(span => fold(heardIn(units, span)).length),
      };
    });
}

/** Words that a judge expected, for the spans that they sound like: the nearest one, and others about as near. */
export function expectedWords(words: readonly string[], spans: readonly Span[], units: readonly Unit[]): Proposal[] {
  return words.flatMap(text => {
    const fits = spans
      .map(span => proposal(text, heardIn(units, span), span, 'model'))
      .filter(isNear)
      .sort((a, b) => a.cost - b.cost);
    return fits.filter(
      one => one.cost <= fits[0]!.cost + 0.5 && changesAll(one.text, heardIn(units, [one.from, one.to])),
    );
  });
}

/** The proposals that are worth the judge's time: expected ones first, no word twice for a span. */
export function shortlist(proposals: readonly Proposal[]): Proposal[] {
  const seen = new Set<string>(),
    count = { model: MOST_EXPECTED, dictionary: MOST_DICTIONARY, glossary: 2 };
  return [...proposals]
    .sort((a, b) => Number(a.source === 'dictionary') - Number(b.source === 'dictionary') || a.cost - b.cost)
    .filter(one => {
      const key = `${one.from} ${one.to} ${one.text.toLowerCase()}`;
      return !seen.has(key) && seen.add(key);
    })
    .filter(one => count[one.source]-- > 0);
}

/** Places where a term of the glossary may have been misheard, or an alias was heard. */
export function glossaryProposals(units: readonly Unit[], glossary: readonly GlossaryEntry[]): Proposal[] {
  return glossary.flatMap(({ term, aliases }) => {
    const size = term.split(/\s+/u).length;
    return units.flatMap((_, from) =>
      [size - 1, size, size + 1]
        .filter(count => count > 0 && from + count <= units.length)
        .flatMap(count => {
          const span = units.slice(from, from + count);
          if (!span.every((unit, i) => i === 0 || adjoin(span[i - 1]!, unit))) return [];
          const heard = span.map(unit => unit.core).join(' ');
          if (heard === term) return [];
          const distance =
            aliases?.some(alias => !differs(alias, heard)) || !differs(term, heard) ? 0 : soundDistance(term, heard);
          return distance <= 0.34
            ? [
                {
                  from,
                  to: from + count,
                  text: term,
                  source: 'glossary' as const,
                  cost: distance ? soundCost(term, heard) : 0,
                },
              ]
            : [];
        }),
    );
  });
}

/** Units that are a term of the glossary as it stands there: nothing may take their place. */
export function termUnits(units: readonly Unit[], glossary: readonly GlossaryEntry[]): ReadonlySet<number> {
  const found = new Set<number>();
  for (const { from, to } of standing(units, new Map(glossary.map(({ term }) => [plain(term), term]))))
    for (let n = from; n < to; n++) found.add(n);
  return found;
}

/** Where a term, or an alias of one, was heard to the letter but for its capitals. */
export function exactTerms(units: readonly Unit[], glossary: readonly GlossaryEntry[]): Proposal[] {
  const names = glossary.flatMap(({ term, aliases = [] }) =>
    [term, ...aliases].map(name => [plain(name), term] as const),
  );
  return standing(units, new Map(names))
    .filter(({ from, to, term }) => heardIn(units, [from, to]) !== term)
    .map(({ from, to, term }) => ({ from, to, text: term, source: 'glossary', cost: 0 }));
}

const plain = (name: string): string => name.trim().split(/\s+/u).join(' ').toLowerCase();

/** Where any of the names (lower case) stands, and what it stands for. */
function standing(
  units: readonly Unit[],
  names: ReadonlyMap<string, string>,
): { from: number; to: number; term: string }[] {
  const sizes = new Set([...names.keys()].map(name => name.split(' ').length));
  return units.flatMap((_, from) =>
    [...sizes].flatMap(size => {
      const to = from + size;
      if (to > units.length) return [];
      const term = names.get(heardIn(units, [from, to]).toLowerCase());
      return term === undefined ? [] : [{ from, to, term }];
    }),
  );
}

/** No word of it stays where it was: what changes one word of two is a proposal for that word alone. */
const changesAll = (text: string, heard: string): boolean => {
  const now = text.toLowerCase().split(/[ -]/u),
    was = heard.toLowerCase().split(/[ -]/u);
  return now[0] !== was[0] && now.at(-1) !== was.at(-1);
};

export const differs = (a: string, b: string): boolean => a.toLowerCase() !== b.toLowerCase();

/** The candidate with a capital where what was heard had one. */
export const inCaseOf = (text: string, heard: string): string =>
  /^\p{Lu}/u.test(heard) ? text.replace(/^\p{Ll}/u, letter => letter.toUpperCase()) : text;
