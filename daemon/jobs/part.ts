/** The part of a recording that is this machine's, where several do it: every one hears where all utterances are. */
import type { Part, UtteranceRow } from '../contracts/store.ts';

export const isWithin = ({ fromMs, toMs }: Part, { startMs }: Pick<UtteranceRow, 'startMs'>): boolean =>
  startMs >= fromMs && (toMs === null || startMs < toMs);
/** `first`: the index of the part's first utterance. */
export const isLeft = (part: Part, row: UtteranceRow, first: number): boolean =>
  isWithin(part, row) && !part.done.some(([from, end]) => row.index - first >= from && row.index - first < end);

/** Numbers in order, as ranges [first, end). */
export function rangesOf(numbers: Iterable<number>): [number, number][] {
  const ranges: [number, number][] = [];
  for (const n of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last?.[1] === n) last[1]++;
    else ranges.push([n, n + 1]);
  }
  return ranges;
}
