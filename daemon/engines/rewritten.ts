/** Repair by someone who hands back a whole text: what of it is taken, and as which changes. */
import type { RepairChange, RepairOutput } from '../../schemas/job.ts';
import type { StepInputs } from '../contracts/worker-protocol.ts';
import { soundDistance } from '../repair/distance.ts';
import { refusalOf } from '../repair/guard.ts';

/** Farther apart than this, the one cannot have been heard for the other. */
const FARTHEST = 0.3;

/**
 * Takes from `answer` each change whose words could have been heard as what stands there, if the guard lets the result
 * pass; otherwise none. `certain`: what was settled before anyone was asked (the glossary); the answer was made from
 * its text, and its changes stay.
 */
export function acceptRewrite(
  input: StepInputs['repair'],
  answer: string,
  certain: RepairOutput = { text: input.text, changes: [] },
): RepairOutput {
  const base = wordsOf(certain.text),
    spans = differences(base, wordsOf(answer)),
    settled = placesIn(certain.changes),
    terms = termsIn(
      base,
      input.glossary.map(entry => entry.term),
    );
  const taken = spans.filter(
    ({ from, to, before, after }) =>
      before.length > 0 &&
      after.length > 0 &&
      !terms.some(place => place.start < to && from < place.end) &&
      !settled.some(place => place.start < to && from < place.end) &&
      soundDistance(before.join(' '), after.join(' ')) <= FARTHEST,
  );
  if (taken.length === 0) return { ...certain, ...(spans.length ? { refused: 'drift' } : {}) };
  const out: string[] = [];
  let at = 0;
  for (const { from, to, after } of taken) {
    out.push(...base.slice(at, from), ...after);
    at = to;
  }
  out.push(...base.slice(at));
  const text = out.join(' ');
  const refused = refusalOf({
    heard: input.text,
    repaired: text,
    before: input.before,
    terms: input.glossary.map(entry => entry.term),
  });
  if (refused) return { ...certain, refused };
  const changes = taken.map(span => {
    // Positions count recognized words, not those of the text that the glossary has changed already.
    const shift = settled.filter(place => place.end <= span.from).reduce((sum, place) => sum + place.grown, 0);
    return asChange({ ...span, from: span.from - shift, to: span.to - shift });
  });
  return { text, changes: [...certain.changes, ...changes].sort((a, b) => a.from - b.from) };
}

/** Where words are a term of the glossary as it stands there: nobody's answer takes their place. */
function termsIn(base: readonly string[], terms: readonly string[]): { start: number; end: number }[] {
  const bare = base.map(word => word.toLowerCase().replace(/^[^\p{L}\p{N}]+|(?<![^\p{L}\p{N}])[^\p{L}\p{N}]+$/gu, ''));
  return terms.flatMap(term => {
    const parts = wordsOf(term.toLowerCase());
    return bare.flatMap((_word, start) =>
      parts.every(
        (part, i) => bare[start + i] === part.replace(/^[^\p{L}\p{N}]+|(?<![^\p{L}\p{N}])[^\p{L}\p{N}]+$/gu, ''),
      )
        ? [{ start, end: start + parts.length }]
        : [],
    );
  });
}

/** Where changes stand in the text that they made, in words, and by how many words each made it longer. */
function placesIn(changes: readonly RepairChange[]): { start: number; end: number; grown: number }[] {
  let shift = 0;
  return [...changes]
    .sort((a, b) => a.from - b.from)
    .map(({ from, to, after }) => {
      const start = from + shift,
        length = wordsOf(after).length,
        grown = length - (to - from);
      shift += grown;
      return { start, end: start + length, grown };
    });
}

interface Difference {
  from: number;
  to: number;
  before: string[];
  after: string[];
}

const asChange = ({ from, to, before, after }: Difference): RepairChange => {
  const [a, b] = [before.join(' '), after.join(' ')];
  return { from, to, before: a, after: b, source: a.toLowerCase() === b.toLowerCase() ? 'casing' : 'model' };
};

const wordsOf = (text: string): string[] => text.split(/\s+/u).filter(word => word !== '');

/** Where two lists of words differ, by their longest common part. */
export function differences(a: readonly string[], b: readonly string[]): Difference[] {
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--) {
      common[i]![j] = a[i] === b[j] ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
    }
  const found: Difference[] = [];
  let i = 0,
    j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      i++;
      j++;
      continue;
    }
    const [from, start] = [i, j];
    while ((i < a.length || j < b.length) && !(i < a.length && j < b.length && a[i] === b[j])) {
      if (j >= b.length || (i < a.length && common[i + 1]![j]! >= common[i]![j + 1]!)) i++;
      else j++;
    }
    found.push({ from, to: i, before: a.slice(from, i), after: b.slice(start, j) });
  }
  return found;
}
