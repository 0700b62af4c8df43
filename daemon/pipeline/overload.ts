/**
 * What happens when a live session's text falls behind what is said. Decided here, in this order:
 * people are warned; repair is left out of utterances that would come too late with it; and no more sound is taken than
 * `MOST_BEHIND_MS` of it may wait. Late is an utterance that was spoken and cut this long ago, by the clock.
 */
import { failure, type Failure } from '../../schemas/errors.ts';
import type { JobWork } from '../jobs/work.ts';

/** A warning from here on; it is over at half of it. */
export const WARN_MS = 10_000;
/** An utterance that still waits for repair after this long stays as it was recognized. */
export const LEAVE_REPAIR_MS = 20_000;
/** The mark on an utterance whose repair was left out. */
export const LATE = 'late';

/** How long ago an utterance was spoken, ms; 0 in a job that is not live. */
export function lateMs(work: Pick<JobWork, 'row' | 'utteredAt'>, index: number, now: number): number {
  const at = work.row.live ? work.utteredAt[index] : undefined;
  return at === undefined ? 0 : Math.max(0, now - at);
}

/** The first utterance that waits for its text: recognition, or repair where the job has it. Null: none. */
export function firstWaiting(work: JobWork): number | null {
  const text = work.stages.filter(({ stage }) => stage === 'asr' || stage === 'repair');
  const first = Math.min(...text.map(stage => stage.delivered));
  return first < work.utterances.length ? first : null;
}

/** Whether the text counts as behind, with hysteresis: `warned` is what holds so far. */
export const isBehind = (late: number, warned: boolean): boolean => late >= (warned ? WARN_MS / 2 : WARN_MS);

/** A job's warnings with the one that says how far behind it came at most; null: they say it already. */
export function warnedOf(work: Pick<JobWork, 'row' | 'unrepaired'>, late: number): Failure[] | null {
  const before = work.row.warnings.find(({ code }) => code === 'sessionBehind'),
    seconds = Math.max(Math.round(late / 1000), Number(before?.args.seconds ?? 0));
  if (before && seconds === before.args.seconds && work.unrepaired === Number(before.args.unrepaired ?? 0)) return null;
  return [
    ...work.row.warnings.filter(each => each !== before),
    failure('sessionBehind', { seconds, ...(work.unrepaired ? { unrepaired: work.unrepaired } : {}) }),
  ];
}

/**
 * Sound that waits to become text, ms: what was received and not ingested yet, or everything after the first utterance
 * without its text.
 */
export function behindMs(work: JobWork, receivedMs: number): number {
  const first = firstWaiting(work);
  return Math.max(0, receivedMs - (first === null ? work.row.ingestedMs : work.utterances[first]!.endMs));
}
