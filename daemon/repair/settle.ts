/** Changes of an utterance as its new text: as far as the guard lets them. */
import type { RepairChange, RepairOutput } from '../../schemas/job.ts';
import type { StepInputs } from '../contracts/worker-protocol.ts';
import { refusalOf } from './guard.ts';
import { heardIn, type Proposal, type Span } from './proposals.ts';
import type { Unit } from './units.ts';

export function withoutOverlap(proposals: readonly Proposal[]): Proposal[] {
  const kept: Proposal[] = [];
  for (const one of [...proposals].sort((a, b) => b.to - b.from - (a.to - a.from) || a.from - b.from))
    if (!kept.some(other => other.from < one.to && one.from < other.to)) kept.push(one);
  return kept;
}

/** An opening quote or bracket is part of what stands before a word. */
export const leadOf = (units: readonly Unit[], from: number): string =>
  units[from]!.lead ? ` ${units[from]!.lead}` : '';

/** The utterance up to unit `end`, with the changes made so far. */
export function textBefore(text: string, units: readonly Unit[], changes: readonly Proposal[], end: number): string {
  return apply(
    text,
    units,
    changes.filter(change => change.to <= end),
    units[end]!.start,
  ).trimEnd();
}

/** What stands around a span: all before it, and so many units behind it. */
export function contextOf(
  text: string,
  units: readonly Unit[],
  [from, to]: Span,
  behind: number,
  changes: readonly Proposal[] = [],
): { prefix: string; heard: string; suffix: string } {
  const last = units[to - 1]!;
  return {
    prefix: textBefore(text, units, changes, from) + leadOf(units, from),
    heard: heardIn(units, [from, to]),
    suffix: text.slice(last.end - last.trail.length, units[Math.min(units.length, to + behind) - 1]!.end),
  };
}

function apply(text: string, units: readonly Unit[], changes: readonly Proposal[], until = text.length): string {
  let out = '',
    at = 0;
  for (const change of [...changes].sort((a, b) => a.from - b.from)) {
    const first = units[change.from]!,
      last = units[change.to - 1]!;
    out += text.slice(at, first.start + first.lead.length) + change.text;
    at = last.end - last.trail.length;
  }
  return out + text.slice(at, until);
}

/** Applies the changes if the guard lets them pass: all of them, else those that pass alone. */
export function settle(
  input: StepInputs['repair'],
  units: readonly Unit[],
  changes: readonly Proposal[],
): RepairOutput {
  if (!changes.length) return { text: input.text, changes: [] };
  const terms = input.glossary.map(entry => entry.term);
  const refusal = (some: readonly Proposal[]) =>
    refusalOf({ heard: input.text, repaired: apply(input.text, units, some), before: input.before, terms });
  const refused = refusal(changes);
  let passed = changes;
  if (refused) {
    passed = changes.filter(change => refusal([change]) === null);
    if (passed.length && refusal(passed)) passed = [];
  }
  return {
    text: apply(input.text, units, passed),
    changes: passed.map(change => asChange(units, change)),
    ...(refused ? { refused } : {}),
  };
}

const asChange = (units: readonly Unit[], { from, to, text, source }: Proposal): RepairChange => ({
  from: units[from]!.from,
  to: units[to - 1]!.to,
  before: heardIn(units, [from, to]),
  after: text,
  source,
});
