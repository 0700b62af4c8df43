/** How a long recording is shared out among machines that have nothing to do. Pure. */
import type { LentFacts, JobRow } from '../contracts/store.ts';

/** Shorter parts than this are not worth another machine, unless a setting says so. */
export const PART_MINUTES = 5;
/** A machine that has to load its models first gets a part only where each is this much longer. */
const COLD = 3,
  MOST_PARTS = 16;

/**
 * Whether parts of it give the same text as the whole: nothing may look further back than at the words before, and
 * nothing is found out from all of it. `contextual`: a model looks back at what it made itself.
 */
export const isDivisible = (
  { options, stages, models }: Pick<JobRow, 'options' | 'stages' | 'models'>,
  contextual: boolean,
): boolean =>
  !contextual &&
  // What is not said is heard in what came before.
  Boolean(options.language) &&
  // Who speaks is known from all that each said.
  !options.speakers &&
  // A voice that each machine chooses by itself need not be the same.
  (!stages.includes('tts') || models.tts !== undefined);

/**
 * Where its parts begin, but the first, in ms; none: it stays whole. `peers`: the warm ones first. `partMs`: how long
 * each is at least; Infinity: nothing is divided.
 */
export function bordersOf(durationMs: number, peers: readonly { warm: boolean }[], partMs: number): number[] {
  let parts = Math.min(peers.length, MOST_PARTS);
  while (parts > 1 && durationMs / parts < partMs * (peers[parts - 1]!.warm ? 1 : COLD)) parts--;
  return Array.from({ length: Math.max(0, parts - 1) }, (_, i) => Math.round(((i + 1) * durationMs) / parts));
}

/** What the fleet knows the parts of a job by, in their order; of one that is not divided its own id. */
export const idsOf = ({ id, parts }: LentFacts): string[] => [
  id,
  ...(parts?.borders ?? []).map((_, i) => `${id}.${i + 1}`),
];
/** The one whose text is read now: they are read one after the other, so that the text is in order. */
export const readId = (fleet: LentFacts): string => idsOf(fleet)[fleet.parts?.at ?? 0]!;
