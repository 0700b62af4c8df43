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

/** The queue as columns: passing over thousands of jobs stays cheap when each is touched once. */
interface Columns { jobs: readonly JobView[]; createdAt: Float64Array; position: Float64Array }

/** All jobs, the one to be served first at the front. Pure; the input keeps its order. */
export function orderJobs(jobs: readonly JobView[], models: Readonly<Record<string, ModelView>>, policy: Pick<Policy, 'ageingSeconds'>): JobView[] {
  const columns: Columns = { jobs, createdAt: new Float64Array(jobs.length), position: new Float64Array(jobs.length) };
  const lists: number[][] = PRIORITIES.map(() => []), live: number[][] = PRIORITIES.map(() => []);
  for (let i = 0; i < jobs.length; i++) {
    const job = jobs[i]!;
    columns.createdAt[i] = job.createdAt;
    columns.position[i] = job.position;
    (job.live ? live : lists)[RANK[job.priority]]!.push(i);
  }
  const tieMs = policy.ageingSeconds * 1000 * TIE_SHARE;
  const merged = lists.map((list, rank) => {
    sortByPlace(list, columns);
    smallFirst(list, columns, models, tieMs);
    return live[rank]!.length ? [...sortByPlace(live[rank]!, columns), ...list] : list;
  });
  return mergeByAge(merged, columns, policy.ageingSeconds).map(i => jobs[i]!);
}

const byCreation = (a: number, b: number, { createdAt, jobs }: Columns): number => createdAt[a]! - createdAt[b]! || (jobs[a]!.id < jobs[b]!.id ? -1 : jobs[a]!.id > jobs[b]!.id ? 1 : 0);

/** In place; a list that is sorted already, as it mostly is, costs one pass. */
function sortByPlace(list: number[], columns: Columns): number[] {
  const { position } = columns;
  const byPlace = (a: number, b: number): number => position[a]! - position[b]! || byCreation(a, b, columns);
  for (let i = 1; i < list.length; i++) if (byPlace(list[i - 1]!, list[i]!) > 0) return list.sort(byPlace);
  return list;
}

/** Sorts each run of equals by the work that is left. */
function smallFirst(list: number[], columns: Columns, models: Readonly<Record<string, ModelView>>, tieMs: number): void {
  const speed = speeds(models);
  let from = 0;
  for (let i = 1; i <= list.length; i++) {
    if (i < list.length && byCreation(list[i - 1]!, list[i]!, columns) <= 0 && columns.createdAt[list[i]!]! - columns.createdAt[list[from]!]! <= tieMs) continue;
    if (i - from > 1) sortRange(list, from, i, columns, speed);
    from = i;
  }
}

/** Speed by stage and model. Neighbours mostly use the same models, so the last answer is kept for each place. */
function speeds(models: Readonly<Record<string, ModelView>>): (place: number, model: string) => number {
  const names: string[] = ['', '', '', ''], values = [0, 0, 0, 0];
  return (place, model) => {
    if (names[place] === model) return values[place]!;
    names[place] = model;
    return values[place] = models[model]?.msPerSecond ?? 0;
  };
}

/** Work and place packed into one number: sorting numbers is several times faster than sorting with a comparison. */
function sortRange(list: number[], from: number, to: number, { jobs }: Columns, speed: (place: number, model: string) => number): void {
  const keys = new Float64Array(to - from);
  for (let i = from; i < to; i++) {
    const { stages } = jobs[list[i]!]!;
    let work = 0;
    for (let place = 0; place < stages.length; place++) {
      const stage = stages[place]!;
      if (!stage.finished) work += stage.leftSeconds * speed(place, stage.model);
    }
    keys[i - from] = Math.min(MOST_WORK_MS, Math.round(work)) * INDEX_BITS + (i - from);
  }
  keys.sort();
  const before = list.slice(from, to);
  for (let i = 0; i < keys.length; i++) list[from + i] = before[keys[i]! % INDEX_BITS]!;
}

/** Merges the lists of the priorities by key; each job counts as old as the oldest that stands behind it in its list. */
function mergeByAge(lists: readonly number[][], { createdAt }: Columns, ageingSeconds: number): number[] {
  const full: number[][] = [], keys: Float64Array[] = [];
  lists.forEach((list, rank) => {
    if (!list.length) return;
    const key = new Float64Array(list.length + 1), lift = rank * ageingSeconds * 1000;
    let oldest = key[list.length] = Infinity;
    for (let i = list.length - 1; i >= 0; i--) key[i] = oldest = Math.min(oldest, createdAt[list[i]!]! + lift);
    full.push(list);
    keys.push(key);
  });
  if (full.length <= 1) return full[0] ?? [];
  const at = full.map(() => 0), heads = keys.map(key => key[0]!);
  const result: number[] = [];
  for (;;) {
    let best = 0;
    for (let k = 1; k < heads.length; k++) if (heads[k]! < heads[best]!) best = k;
    if (heads[best] === Infinity) return result;
    const place = at[best]!;
    result.push(full[best]![place]!);
    at[best] = place + 1;
    heads[best] = keys[best]![place + 1]!;
  }
}
