/**
 * Decides about an utterance by what its recognizer says of the sound. What it leaves open, a language model may be
 * asked about, if there is one; nobody is trusted alone.
 */
import type { RepairOutput } from '../../schemas/job.ts';
import type { Alternative } from '../contracts/alternatives.ts';
import type { StepInputs } from '../contracts/worker-protocol.ts';
import type { Judge } from './judge.ts';
import { exactTerms, termUnits, type Proposal } from './proposals.ts';
import { contextOf, settle, withoutOverlap } from './settle.ts';
import { unitsOf, unitsOfWords, type Unit } from './units.ts';

/**
 * Nats: what is not worse than the first is left open by the sound; what takes an unknown word's place, is better than
 * the second and leads whatever else may stand there by the third, is decided.
 */
const OPEN = -2.5,
  CERTAIN = 2,
  LEAD = 1;
/** Alternatives of an utterance that are asked about: some in any, and more in a long one. */
const QUESTIONS = 2,
  WORDS_A_QUESTION = 12;
/** What a nat of the language model's counts beside one of the sound. */
const READS = 0.5;
/** Words before the first alternative, and behind each, that are read along: more takes time and says little. */
const AHEAD = 12,
  BEHIND = 3;

interface Weighed extends Proposal {
  unknown: boolean;
  worth: number;
}

/** Alternatives that a language model has to be asked about. */
export const isOpen = (alternatives: readonly Alternative[]): boolean => openOf(alternatives, 0).length > 0;

function openOf(alternatives: readonly Alternative[], words: number): Alternative[] {
  const rivals = (one: Alternative): Alternative[] =>
      alternatives.filter(other => other !== one && other.from < one.to && one.from < other.to),
    certain = alternatives.filter(
      one =>
        one.unknown && standing(one) > CERTAIN && !rivals(one).some(other => standing(other) > standing(one) - LEAD),
    );
  return alternatives
    .filter(
      one =>
        one.source !== 'glossary' &&
        standing(one) > OPEN &&
        !certain.includes(one) &&
        !rivals(one).some(other => certain.includes(other)),
    )
    .sort((a, b) => standing(b) - standing(a))
    .slice(0, Math.max(QUESTIONS, Math.round(words / WORDS_A_QUESTION)));
}

/** What speaks for it so far, in nats. */
const standing = ({ prior, gain }: Alternative): number => prior + gain;

/** By the sound alone. A word that exists stays: what sounds better than it is mostly not what was said. */
export function repairByEar(input: StepInputs['repair'], alternatives: readonly Alternative[]): RepairOutput {
  const units = unitsOf(input.text, input.words);
  return take(
    input,
    units,
    alternatives.flatMap(one => weigh(units, one, 0)).filter(one => one.unknown || one.source === 'glossary'),
  );
}

/** By the sound, and by how the sentence reads where the sound leaves it open. */
export async function repairByBoth(
  input: StepInputs['repair'],
  alternatives: readonly Alternative[],
  judge: Judge,
  signal: AbortSignal,
  trace: (one: Alternative, reads: number) => void = () => {},
): Promise<RepairOutput> {
  const units = unitsOf(input.text, input.words),
    open = openOf(alternatives, units.length),
    reads = new Map<Alternative, number>();
  if (open.length) {
    const reading = await judge.open({ before: '', language: input.language }, signal),
      first = Math.min(...open.map(({ from, to }) => unitsOfWords(units, from, to)?.[0] ?? 0)),
      start = units[Math.max(0, first - AHEAD)]!.start;
    for (const [from, to] of new Map(open.map(({ from, to }) => [`${from} ${to}`, [from, to] as const])).values()) {
      const place = unitsOfWords(units, from, to);
      if (!place) continue;
      const mine = open.filter(one => one.from === from && one.to === to);
      const { prefix, heard, suffix } = contextOf(input.text, units, place, BEHIND);
      const gains = await reading.weigh(
        { prefix: prefix.slice(start), heard, candidates: mine.map(one => one.text), suffix },
        signal,
      );
      for (const [n, one] of mine.entries()) {
        reads.set(one, gains[n]!);
        trace(one, gains[n]!);
      }
    }
  }
  return take(
    input,
    units,
    alternatives
      .filter(one => one.unknown || one.source === 'glossary' || reads.has(one))
      .flatMap(one => weigh(units, one, READS * (reads.get(one) ?? 0))),
  );
}

function weigh(units: readonly Unit[], one: Alternative, reads: number): Weighed[] {
  const place = unitsOfWords(units, one.from, one.to);
  if (!place) return [];
  const [from, to] = place;
  return [
    { from, to, text: one.text, source: one.source, cost: 0, unknown: one.unknown, worth: standing(one) + reads },
  ];
}

/** What is certain by the glossary, and the rest in the order of its worth, as far as the guard lets it. */
function take(input: StepInputs['repair'], units: readonly Unit[], weighed: readonly Weighed[]): RepairOutput {
  const terms = termUnits(units, input.glossary);
  const taken: Proposal[] = withoutOverlap(exactTerms(units, input.glossary));
  for (const one of [...weighed].sort((a, b) => b.worth - a.worth || a.from - b.from || (a.text < b.text ? -1 : 1))) {
    if (one.worth <= 0) break;
    if (taken.some(other => other.from < one.to && one.from < other.to)) continue;
    if (units.slice(one.from, one.to).some((_, n) => terms.has(one.from + n))) continue;
    taken.push(one);
  }
  return settle(
    input,
    units,
    taken.sort((a, b) => a.from - b.from),
  );
}
