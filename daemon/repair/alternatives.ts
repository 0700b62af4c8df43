/**
 * What else the sound may have been, before anybody asks it: near words for those that no dictionary knows, what the
 * recognizer was about to write instead, and terms of the glossary that may have been misheard. For each, what speaks
 * for it already; the recognizer adds how well it fits the sound, and by-ear.ts decides.
 */
import type { GlossaryEntry, Word } from '../../schemas/job.ts';
import type { Alternative } from '../contracts/alternatives.ts';
import type { Dictionary } from './dictionaries.ts';
import { fold, soundCost, soundDistance } from './distance.ts';
import {
  glossaryProposals,
  heardIn,
  inCaseOf,
  isKnown,
  isSpecial,
  isWord,
  nearWords,
  spansAround,
  termUnits,
  type Proposal,
  type Span,
} from './proposals.ts';
import { unitsOf, unitsOfWords, type Unit } from './units.ts';

/** An utterance as it was recognized. */
export interface Heard {
  text: string;
  words: readonly Pick<Word, 'text' | 'probability'>[];
  language: string;
  glossary: readonly GlossaryEntry[];
  /** Somebody will say how it reads: words that exist are asked about too. */
  readable: boolean;
  /** Where the recognizer's other hypotheses differ: words [from, to) might be `text`. */
  hypotheses: readonly { from: number; to: number; text: string }[];
}

/** `written`: with the punctuation around it, as the recognizer would have written it. */
export type Question = Omit<Alternative, 'gain'> & { written: string };

/** Farther than this, over its length, it cannot have sounded so. */
const FARTHEST = 0.6;
/** Of each doubtful word, and of an utterance, how many are worth the time. */
const MOST_A_WORD = 2,
  MOST = 8,
  MOST_NEAR = 6;
/**
 * Dictionaries lack words that exist: from this probability on, what the recognizer heard counts for more, and a word
 * that exists is not asked about.
 */
const SURE = 0.8;
/** Letters. */
const SMALL_WORD = 3;
/** Nats: see `priorOf`. */
const SURE_WORD = 5,
  UNKNOWN = 7,
  MAY_BE_NAME = 4,
  KNOWN = -0.8,
  TERM = 2,
  A_DISTANCE = 7,
  A_WORD_MORE = 5,
  A_WORD_LESS = 2.5;

export function questionsAbout(heard: Heard, dictionary: Dictionary | null): Question[] {
  const units = unitsOf(
      heard.text,
      heard.words.map(word => ({ ...word, startMs: 0, endMs: 0 })),
    ),
    terms = termUnits(units, heard.glossary);
  const isFree = ({ from, to }: { from: number; to: number }): boolean => {
    for (let n = from; n < to; n++) if (terms.has(n)) return false;
    return true;
  };
  const known = (core: string): boolean => !isWord(core) || (dictionary !== null && isKnown(core, dictionary)),
    unknownIn = (text: string): number => coresOf(text).filter(core => !known(core)).length;
  const asked = (one: Proposal, unknown: boolean, prior: number): Question => ({
    from: units[one.from]!.from,
    to: units[one.to - 1]!.to,
    text: one.text,
    source: one.source,
    unknown,
    prior,
    written: units[one.from]!.lead + one.text + units[one.to - 1]!.trail,
  });

  const misheard = glossaryProposals(units, heard.glossary)
    .filter(one => one.cost > 0 && isFree(one))
    .sort((a, b) => a.cost - b.cost)
    .map(one => asked(one, false, TERM));
  if (!dictionary) return misheard.slice(0, MOST);

  const others = heard.hypotheses.flatMap(other => inUnits(other, units)).filter(isFree);
  const doubtful = units.flatMap((unit, index) => (known(unit.core) || terms.has(index) ? [] : [index]));
  const instead = (one: Proposal): boolean => {
    const was = heardIn(units, [one.from, one.to]);
    return (
      one.text.toLowerCase() !== was.toLowerCase() &&
      Math.abs(wordsIn(one.text) - (one.to - one.from)) <= 1 &&
      !addsSpecial(one.text, was) &&
      soundDistance(one.text, was) <= FARTHEST
    );
  };

  const questions = new Map<string, Question>();
  for (const unit of doubtful) {
    const spans = spansAround(unit, units).filter(([from, to]) => isFree({ from, to }));
    const near = [
      ...others.filter(one => one.from <= unit && unit < one.to),
      ...nearWords([spans[0]!], units, dictionary, []).slice(0, MOST_NEAR),
      ...spans.flatMap(span => joined(span, units, dictionary)),
    ].filter(one => instead(one) && unknownIn(one.text) < unknownIn(heardIn(units, [one.from, one.to])));
    const weight = (one: Proposal): number => (one.source === 'model' ? 1 : 0) - one.cost;
    const best = [...new Map(near.reverse().map(one => [key(one), one])).values()].sort(
      (a, b) => weight(b) - weight(a) || (key(a) < key(b) ? -1 : 1),
    );
    for (const one of best.slice(0, MOST_A_WORD))
      questions.set(key(one), asked(one, true, priorOf(one, units, doubtful)));
  }
  for (const one of heard.readable ? others : [])
    if (
      !doubtful.some(unit => one.from <= unit && unit < one.to) &&
      probabilityOf(one, units) < SURE &&
      instead(one) &&
      !isAboutSmallWords(one, units) &&
      unknownIn(one.text) === 0 &&
      digitsOf(one.text) === digitsOf(heardIn(units, [one.from, one.to]))
    )
      questions.set(key(one), asked(one, false, KNOWN - (isJoined(one, units) ? 0 : priceOfWords(one))));
  return [...misheard, ...[...questions.values()].sort((a, b) => b.prior - a.prior)].slice(0, MOST);
}

/** What takes an unknown word's place has this for it, in nats: the sound must not say more against it. */
function priorOf(one: Proposal, units: readonly Unit[], doubtful: readonly number[]): number {
  const was = heardIn(units, [one.from, one.to]);
  const mayBeName = doubtful.some(
    unit => one.from <= unit && unit < one.to && /^\p{Lu}/u.test(units[unit]!.core) && !beginsSentence(units, unit),
  );
  return (
    (mayBeName ? MAY_BE_NAME : UNKNOWN) -
    SURE_WORD * Math.max(0, (probabilityOf(one, units) - SURE) / (1 - SURE)) -
    A_DISTANCE * soundDistance(one.text, was) -
    priceOfWords(one)
  );
}

/** Nats for each word more or less: what the sound says of a text does not count that it ends. */
function priceOfWords({ from, to, text }: Proposal): number {
  const more = wordsIn(text) - (to - from);
  return A_WORD_MORE * Math.max(0, more) + A_WORD_LESS * Math.max(0, -more);
}

/** Of the least sure of the words that it would take the place of; of a recognizer that does not say, 1. */
const probabilityOf = ({ from, to }: Proposal, units: readonly Unit[]): number =>
  Math.min(...units.slice(from, to).map(unit => unit.probability ?? 1));

/**
 * Whether all that it changes are words of a few letters: articles and the like sound alike, and a small language model
 * takes the wrong one as gladly as the right one.
 */
function isAboutSmallWords({ from, to, text }: Proposal, units: readonly Unit[]): boolean {
  const was = coresOf(heardIn(units, [from, to]).toLowerCase()),
    instead = coresOf(text.toLowerCase());
  return [...was.filter(core => !instead.includes(core)), ...instead.filter(core => !was.includes(core))].every(
    core => core.length <= SMALL_WORD,
  );
}

/** Whether words became fewer by being written as one, with none that is only left out: all of the sound is in it. */
function isJoined({ from, to, text }: Proposal, units: readonly Unit[]): boolean {
  const was = foldedIn(heardIn(units, [from, to])),
    instead = foldedIn(text);
  return instead.length < was.length && !instead.every(word => was.includes(word));
}
const foldedIn = (text: string): string[] => coresOf(text).map(core => fold(core).join());

const key = ({ from, to, text }: Proposal): string => `${from} ${to} ${text}`;
const coresOf = (text: string): string[] => unitsOf(text, []).map(unit => unit.core);
const wordsIn = (text: string): number => text.split(/\s+/u).filter(Boolean).length;
const digitsOf = (text: string): string => text.replace(/\P{Nd}/gu, '');
const beginsSentence = (units: readonly Unit[], index: number): boolean =>
  index === 0 || /[.!?:…。！？]/u.test(units[index - 1]!.trail);
/** Abbreviations, addresses and figures that were not there. */
const addsSpecial = (text: string, was: string): boolean =>
  coresOf(text).some(core => core.length > 1 && isSpecial(core) && !coresOf(was).includes(core));

/** Two words that are one: asking a dictionary what is near them takes too long. */
function joined(span: Span, units: readonly Unit[], dictionary: Dictionary): Proposal[] {
  const heard = heardIn(units, span),
    one = heard.replace(/ /gu, '').toLowerCase();
  return one !== heard.toLowerCase() && dictionary.knows(one) ? [proposalOf(inCaseOf(one, heard), span, heard)] : [];
}

const proposalOf = (text: string, [from, to]: Span, heard: string): Proposal => ({
  from,
  to,
  text,
  source: 'dictionary',
  cost: soundCost(text, heard),
});

/** A difference in recognized words as one in units, without the punctuation around it. */
function inUnits({ from, to, text }: Heard['hypotheses'][number], units: readonly Unit[]): Proposal[] {
  const span = unitsOfWords(units, from, to);
  if (!span) return [];
  const bare = text.replace(/^[^\p{L}\p{N}]+|(?<![^\p{L}\p{N}])[^\p{L}\p{N}]+$/gu, '').replace(/\s+/gu, ' ');
  if (!bare) return [];
  return [{ ...proposalOf(bare, span, heardIn(units, span)), source: 'model' }];
}
