/** Which of the weighed proposals is taken. The numbers come from the measurement in scripts/bench/repair. */
import type { Proposal } from './proposals.ts';

/** One proposal and what the judge thought of it: for the measurement in scripts/bench/repair. */
export interface Weighed extends Proposal {
  heard: string;
  gain: number;
  unknown: boolean;
  probability: number;
  taken: boolean;
}

/**
 * Nats that a change must gain: the farther from what was heard, and the surer the recognizer was of a word that
 * exists, the more. A capital on an unknown word may be a name that no dictionary has, the more so where it would fall
 * into two words; what sounds the same and exists is the better spelling.
 */
export function price({ heard, text, cost, unknown, probability, source }: Weighed): number {
  const mayBeName = unknown && /^\p{Lu}/u.test(heard),
    falls = text.includes(' ') && !heard.includes(' ');
  const base =
    source === 'glossary'
      ? 0
      : !unknown
        ? 4 + 6 * probability
        : mayBeName
          ? falls
            ? 12
            : 5.5
          : cost <= 0.2
            ? 0.8
            : 2.5;
  return base + 7 * cost;
}

export const surplus = (weighed: Weighed): number => weighed.gain - price(weighed);

/** The one with the greatest surplus, if any has one. */
export function decide(weighed: readonly Weighed[]): Weighed | null {
  const best = [...weighed].sort((a, b) => surplus(b) - surplus(a) || a.from - b.from || (a.text < b.text ? -1 : 1))[0];
  return best && surplus(best) > 0 ? best : null;
}
