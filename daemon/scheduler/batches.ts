/**
 * How many utterances go together.
 *
 * The first utterance of a job goes alone, so that its text appears early. After that contiguous ready ones go together
 * up to the model's and the settings' limit, but never so many that another idle instance of the model would stand
 * without work.
 */
import type { Advice, ModelView, Policy, StageView } from './snapshot.ts';

export function largestBatch(
  policy: Pick<Policy, 'batchMaximum'>,
  model: ModelView,
  stage: StageView['stage'],
  advice?: Advice,
): number {
  return Math.max(1, Math.min(policy.batchMaximum, model.maxBatch, advice?.batch?.[stage] ?? Infinity));
}

/** The end of the batch that starts at `from`; `idle` instances share what is ready. */
export function batchEnd(from: number, ready: number, largest: number, idle: number): number {
  if (from === 0) return 1;
  return from + Math.min(largest, Math.ceil((ready - from) / Math.max(1, idle)));
}

/** True: too few are ready and more are sure to come, so wait. Never for live jobs, nor at the start of a job. */
export function waitsForMore(stage: StageView, smallest: number, moreWillCome: boolean): boolean {
  return moreWillCome && stage.next > 0 && stage.ready - stage.next < smallest;
}
