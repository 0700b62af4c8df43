/** Which jobs of a long queue decide what happens next. Pure. */
import type { JobView } from './snapshot.ts';

/**
 * Of the jobs that wait to be decoded for one model, as many as a plan looks ahead at and those that may begin before
 * all jobs are looked at again.
 */
export const ASLEEP_IN_FRONT = 256;

/**
 * The jobs under way, live ones and the first that wait for each model, in the order of `order`: a plan for them does
 * what the plan for all would.
 */
export function front(order: readonly JobView[], most = ASLEEP_IN_FRONT): JobView[] {
  const asleep = new Map<string, number>();
  return order.filter(job => {
    if (job.ingest !== 'waiting' || job.live) return true;
    const model = job.stages[0]?.model ?? '',
      before = asleep.get(model) ?? 0;
    asleep.set(model, before + 1);
    return before < most;
  });
}
