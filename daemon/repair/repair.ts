/**
 * Repair of one utterance. Doubtful words (unknown to the dictionary, or unsure to the recognizer) are held against
 * near words; the judge says which reads better; a change is made only where the gain outweighs how far it is from what
 * was heard; the guard has the last word. An utterance without a doubtful word costs a few look-ups and no model at
 * all.
 */
import type { RepairOutput } from '../../schemas/job.ts';
import type { StepInputs } from '../contracts/worker-protocol.ts';
import type { Dictionaries, Dictionary } from './dictionaries.ts';
import { decide, surplus, type Weighed } from './decide.ts';
import type { Judge, Reading } from './judge.ts';
import {
  doubtsIn,
  expectations,
  expectedWords,
  glossaryProposals,
  isKnown,
  nearWords,
  sharedDoubts,
  shortlist,
  spansAround,
  termUnits,
  type Doubt,
  type Proposal,
} from './proposals.ts';
import { contextOf, leadOf, settle, textBefore, withoutOverlap } from './settle.ts';
import { unitsOf, type Unit } from './units.ts';

/** Units of text behind a change that the judge reads along; more takes time and says little. */
const SUFFIX_UNITS = 3;

export type { Weighed } from './decide.ts';
export type Trace = (weighed: Weighed) => void;

/** Never worse than what was heard: without a judge only the glossary is applied. */
export async function repair(
  input: StepInputs['repair'],
  judge: Judge | null,
  dictionaries: Dictionaries,
  signal: AbortSignal,
  trace: Trace = () => {},
): Promise<RepairOutput> {
  const units = unitsOf(input.text, input.words),
    dictionary = await dictionaries.of(input.language);
  const sure: Proposal[] = [],
    open: Proposal[] = [],
    terms = termUnits(units, input.glossary);
  const isTerm = (from: number, to: number): boolean => {
    for (let n = from; n < to; n++) if (terms.has(n)) return true;
    return false;
  };
  for (const proposal of glossaryProposals(units, input.glossary))
    if (proposal.cost === 0) sure.push(proposal);
    else if (!isTerm(proposal.from, proposal.to)) open.push(proposal);
  const doubts = doubtsIn(units, dictionary).filter(doubt => !terms.has(doubt.unit));

  const taken: Taken[] = withoutOverlap(sure).map(one => ({ ...one, surplus: Infinity }));
  if (judge && (open.length || doubts.length)) {
    const reading = await judge.open({ before: input.before, language: input.language }, signal);
    const surprise =
      doubts.length && reading.surprise
        ? await reading.surprise(
            units.map(unit => input.text.slice(unit.start, unit.end)),
            signal,
          )
        : null;
    for (const group of groups(
      units,
      sharedDoubts(doubts, units, surprise).filter(doubt => !terms.has(doubt.unit)),
      open,
    )) {
      const free = (from: number, to: number) =>
        !isTerm(from, to) && !sure.some(change => change.from < to && from < change.to);
      const best = await judgeGroup({
        group,
        units,
        dictionary,
        reading,
        free,
        prefixOf: from => textBefore(input.text, units, taken, from),
        text: input.text,
        said: input.before,
        signal,
        trace,
      });
      if (best) takeOver(taken, best);
    }
  }
  taken.sort((a, b) => a.from - b.from);
  return settle(input, units, taken);
}

type Taken = Proposal & { surplus: number };

interface Group {
  doubt: Doubt | null;
  terms: Proposal[];
  at: number;
}

/** Questions in the order of the text: each doubtful unit, each place where a term may have been misheard. */
function groups(units: readonly Unit[], doubts: readonly Doubt[], open: readonly Proposal[]): Group[] {
  const all: Group[] = doubts.map(doubt => ({
    doubt,
    terms: open.filter(one => one.from <= doubt.unit && doubt.unit < one.to),
    at: doubt.unit,
  }));
  for (const term of open)
    if (!all.some(group => group.terms.includes(term))) all.push({ doubt: null, terms: [term], at: term.from });
  return all.sort((a, b) => a.at - b.at);
}

interface GroupContext {
  group: Group;
  units: readonly Unit[];
  dictionary: Dictionary | null;
  reading: Reading;
  free(from: number, to: number): boolean;
  prefixOf(from: number): string;
  text: string;
  said: string;
  signal: AbortSignal;
  trace: Trace;
}

/** The one change that this doubt deserves, or none. */
async function judgeGroup({
  group,
  units,
  dictionary,
  reading,
  free,
  prefixOf,
  text,
  said,
  signal,
  trace,
}: GroupContext): Promise<Weighed | null> {
  const { doubt, terms } = group;
  const proposals = [...terms];
  if (doubt) {
    const around = spansAround(doubt.unit, units).filter(([from, to]) => free(from, to));
    if (dictionary) proposals.push(...nearWords(around, units, dictionary, doubt.unknown ? capitalised(said) : []));
    const accepts = (word: string) =>
      !dictionary || (word.length > 1 && isKnown(word, dictionary)) || dictionary.knows(word);
    if (reading.expect)
      for (const { from, spans, heard, ends } of expectations(around, units)) {
        proposals.push(
          ...expectedWords(
            await reading.expect({ prefix: prefixOf(from) + leadOf(units, from), heard, ends, accepts }, signal),
            spans,
            units,
          ),
        );
      }
  }
  const weighed: Weighed[] = [],
    short = shortlist(proposals);
  const spans = [...new Set(short.map(({ from, to }) => `${from}-${to}`))].map(
    key => key.split('-').map(Number) as [number, number],
  );
  for (const [from, to] of spans) {
    if (!free(from, to)) continue;
    const mine = short.filter(one => one.from === from && one.to === to),
      { heard, suffix } = contextOf(text, units, [from, to], SUFFIX_UNITS);
    const gains = await reading.weigh(
      { prefix: prefixOf(from) + leadOf(units, from), heard, candidates: mine.map(one => one.text), suffix },
      signal,
    );
    const probability = Math.min(...units.slice(from, to).map(unit => unit.probability ?? 1));
    weighed.push(
      ...mine.map((one, i) => ({
        ...one,
        heard,
        gain: gains[i]!,
        unknown: doubt?.unknown ?? false,
        probability,
        taken: false,
      })),
    );
  }
  const best = decide(weighed);
  for (const one of weighed) trace({ ...one, taken: one === best });
  return best;
}

/** Adds a change; where it overlaps earlier ones, only if it gains more than they. */
function takeOver(taken: Taken[], best: Weighed): void {
  const others = taken.filter(change => change.from < best.to && best.from < change.to);
  if (others.some(change => change.surplus >= surplus(best))) return;
  for (const other of others) taken.splice(taken.indexOf(other), 1);
  taken.push({ ...best, surplus: surplus(best) });
}

/** Names and words with a capital that were said before: likely to be said again. */
const capitalised = (said: string): string[] => [...new Set(said.match(/\p{Lu}\p{L}{3,}/gu) ?? [])];
