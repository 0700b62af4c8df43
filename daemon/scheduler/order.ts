/**
 * In which order jobs are looked at.
 *
 * Age and priority are one number: a job's key is the time it came plus `ageingSeconds` for each rank below urgent. A normal job is thus
 * equal to a high one that came `ageingSeconds` later: waiting lifts it, without any job ever changing its place relative to another, and
 * a job is passed only by jobs that came within 3 × ageingSeconds of it. That is the bound on starvation.
 *
 * Within one priority the position holds (people move jobs by hand); live jobs go before recordings. A job that stands before an older one
 * of its list takes over that one's age, so that a move by hand cannot make those behind it wait longer than their age allows.
 *
 * Jobs of one priority that came within a short while of each other count as equal, and the one with less work left goes first. This
 * never crosses a place where someone moved a job by hand.
 */
import { PRIORITIES, type Priority } from '../../schemas/words.ts';
import type { JobView, ModelView, Policy } from './snapshot.ts';

export const RANK: Readonly<Record<Priority, number>> = { urgent: 0, high: 1, normal: 2, low: 3 };
/** Jobs that came within this share of the ageing time are equals. */
export const TIE_SHARE = 0.1;
const INDEX_BITS = 2 ** 20;
const MOST_WORK_MS = 2 ** 32 - 1;

/** The key that merges priorities: smaller goes first. */
export const agedKey = (job: Pick<JobView, 'createdAt' | 'priority'>, ageingSeconds: number): number => job.createdAt + RANK[job.priority] * ageingSeconds * 1000;

/** Work that is left of a job on one instance a stage, ms. */
export function workLeft(job: JobView, models: Readonly<Record<string, ModelView>>): number {
  let total = 0;
  for (const stage of job.stages) if (!stage.finished) total += stage.leftSeconds * (models[stage.model]?.msPerSecond ?? 0);
  return total;
}

const byPlace = (a: JobView, b: JobView): number => a.position - b.position || a.createdAt - b.createdAt || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
const cameBefore = (a: JobView, b: JobView): boolean => a.createdAt < b.createdAt || (a.createdAt === b.createdAt && a.id <= b.id);

/** All jobs, the one to be served first at the front. Pure; the input keeps its order. */
export function orderJobs(jobs: readonly JobView[], models: Readonly<Record<string, ModelView>>, policy: Pick<Policy, 'ageingSeconds'>): JobView[] {
  const lists: JobView[][] = PRIORITIES.map(() => []);
  const live: JobView[][] = PRIORITIES.map(() => []);
  for (const job of jobs) (job.live ? live : lists)[RANK[job.priority]]!.push(job);
  const tieMs = policy.ageingSeconds * 1000 * TIE_SHARE;
  const merged = lists.map((list, rank) => {
    sortByPlace(list);
    smallFirst(list, models, tieMs);
    return live[rank]!.length ? [...sortByPlace(live[rank]!), ...list] : list;
  });
  return mergeByAge(merged, policy.ageingSeconds);
}

/** In place; a list that is sorted already, as it mostly is, costs one pass. */
function sortByPlace(list: JobView[]): JobView[] {
  for (let i = 1; i < list.length; i++) if (byPlace(list[i - 1]!, list[i]!) > 0) return list.sort(byPlace);
  return list;
}

/** Sorts each run of equals by the work that is left. */
function smallFirst(list: JobView[], models: Readonly<Record<string, ModelView>>, tieMs: number): void {
  let from = 0;
  for (let i = 1; i <= list.length; i++) {
    const job = list[i];
    if (job && cameBefore(list[i - 1]!, job) && job.createdAt - list[from]!.createdAt <= tieMs) continue;
    if (i - from > 1) sortRange(list, from, i, models);
    from = i;
  }
}

/** Work and place packed into one number: sorting numbers is several times faster than sorting with a comparison. */
function sortRange(list: JobView[], from: number, to: number, models: Readonly<Record<string, ModelView>>): void {
  const speed = new Map<string, number>();
  const keys = new Float64Array(to - from);
  for (let i = from; i < to; i++) {
    let work = 0;
    for (const stage of list[i]!.stages) {
      if (stage.finished) continue;
      let ms = speed.get(stage.model);
      if (ms === undefined) speed.set(stage.model, ms = models[stage.model]?.msPerSecond ?? 0);
      work += stage.leftSeconds * ms;
    }
    keys[i - from] = Math.min(MOST_WORK_MS, Math.round(work)) * INDEX_BITS + (i - from);
  }
  keys.sort();
  const before = list.slice(from, to);
  for (let i = 0; i < keys.length; i++) list[from + i] = before[keys[i]! % INDEX_BITS]!;
}

/** Merges the lists of the priorities by key; each job counts as old as the oldest that stands behind it in its list. */
function mergeByAge(lists: readonly JobView[][], ageingSeconds: number): JobView[] {
  const full = lists.filter(list => list.length);
  if (full.length <= 1) return full[0] ?? [];
  const keys = full.map(list => {
    const key = new Float64Array(list.length);
    let oldest = Infinity;
    for (let i = list.length - 1; i >= 0; i--) key[i] = oldest = Math.min(oldest, agedKey(list[i]!, ageingSeconds));
    return key;
  });
  const at = full.map(() => 0);
  const result: JobView[] = [];
  for (;;) {
    let best = -1;
    for (let k = 0; k < full.length; k++) if (at[k]! < full[k]!.length && (best < 0 || keys[k]![at[k]!]! < keys[best]![at[best]!]!)) best = k;
    if (best < 0) return result;
    result.push(full[best]![at[best]!++]!);
  }
}
