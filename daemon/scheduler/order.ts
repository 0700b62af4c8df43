/**
 * In which order jobs are looked at.
 *
 * Age and priority are one number: a job's key is the time it came plus `ageingSeconds` for each rank below urgent. A
 * normal job is thus equal to a high one that came `ageingSeconds` later: waiting lifts it, without any job ever
 * changing its place relative to another, and a job is passed only by jobs that came within 3 × ageingSeconds of it.
 * That is the bound on starvation.
 *
 * Within one priority the position holds (people move jobs by hand); live jobs go before recordings. A job that stands
 * before an older one of its list takes over that one's age, so that a move by hand cannot make those behind it wait
 * longer than their age allows.
 *
 * Jobs of one priority that came within a short while of each other count as equal, and the one with less work left
 * goes first. This never crosses a place where someone moved a job by hand.
 */
import { PRIORITIES, type Priority } from '../../schemas/words.ts';
import type { JobView, ModelView, Policy } from './snapshot.ts';

export const RANK: Readonly<Record<Priority, number>> = { urgent: 0, high: 1, normal: 2, low: 3 };
/** Jobs that came within this share of the ageing time are equals. */
export const TIE_SHARE = 0.1;
const INDEX_BITS = 2 ** 20;
const MOST_WORK_MS = 2 ** 32 - 1;

/** The queue as columns of numbers: passing over thousands of jobs stays cheap when each object is touched once. */
interface Columns {
  jobs: readonly JobView[];
  createdAt: Float64Array;
  position: Float64Array;
}

/**
 * Live and recorded jobs of each priority are buckets of one array of places; live ones lie before the recordings of
 * their priority.
 */
const BUCKETS = PRIORITIES.length * 2;

/** All jobs, the one to be served first at the front. Pure; the input keeps its order. */
export function orderJobs(
  jobs: readonly JobView[],
  models: Readonly<Record<string, ModelView>>,
  policy: Pick<Policy, 'ageingSeconds'>,
): JobView[] {
  const count = jobs.length;
  const columns: Columns = { jobs, createdAt: new Float64Array(count), position: new Float64Array(count) };
  const bucket = new Uint8Array(count),
    starts = new Int32Array(BUCKETS + 1);
  for (let i = 0; i < count; i++) {
    const job = jobs[i]!;
    columns.createdAt[i] = job.createdAt;
    columns.position[i] = job.position;
    const which = RANK[job.priority] * 2 + (job.live ? 0 : 1);
    bucket[i] = which;
    starts[which + 1] = starts[which + 1]! + 1;
  }
  for (let k = 0; k < BUCKETS; k++) starts[k + 1] = starts[k + 1]! + starts[k]!;
  const places = new Int32Array(count),
    fill = starts.slice();
  for (let i = 0; i < count; i++) {
    const which = bucket[i]!,
      at = fill[which]!;
    places[at] = i;
    fill[which] = at + 1;
  }
  const tieMs = policy.ageingSeconds * 1000 * TIE_SHARE;
  for (let k = 0; k < BUCKETS; k++) {
    const list = places.subarray(starts[k]!, starts[k + 1]!);
    sortByPlace(list, columns);
    if (k % 2 === 1) smallFirst(list, columns, models, tieMs);
  }
  return mergeByAge(places, starts, columns, policy.ageingSeconds);
}

function byCreation(a: number, b: number, { createdAt, jobs }: Columns): number {
  const difference = createdAt[a]! - createdAt[b]!;
  if (difference !== 0) return difference;
  const one = jobs[a]!.id,
    other = jobs[b]!.id;
  return one < other ? -1 : one > other ? 1 : 0;
}

/** In place; a list that is sorted already, as it mostly is, costs one pass. */
function sortByPlace(list: Int32Array, columns: Columns): void {
  const { position } = columns;
  const byPlace = (a: number, b: number): number => position[a]! - position[b]! || byCreation(a, b, columns);
  for (let i = 1; i < list.length; i++)
    if (byPlace(list[i - 1]!, list[i]!) > 0) {
      list.sort(byPlace);
      return;
    }
}

/** Sorts each run of equals by the work that is left. */
function smallFirst(
  list: Int32Array,
  columns: Columns,
  models: Readonly<Record<string, ModelView>>,
  tieMs: number,
): void {
  const { createdAt } = columns,
    speed = new Speeds(models);
  let from = 0;
  for (let i = 1; i <= list.length; i++) {
    if (
      i < list.length &&
      byCreation(list[i - 1]!, list[i]!, columns) <= 0 &&
      createdAt[list[i]!]! - createdAt[list[from]!]! <= tieMs
    )
      continue;
    if (i - from > 1) sortBySize(list.subarray(from, i), columns.jobs, speed);
    from = i;
  }
}

/** Speed by stage and model. Neighbours mostly use the same models, so the last answer is kept for each place. */
class Speeds {
  private readonly names = ['', '', '', ''];
  private readonly values = new Float64Array(4);
  private readonly models: Readonly<Record<string, ModelView>>;
  constructor(models: Readonly<Record<string, ModelView>>) {
    this.models = models;
  }
  get(place: number, model: string): number {
    if (this.names[place] === model) return this.values[place]!;
    this.names[place] = model;
    return (this.values[place] = this.models[model]?.msPerSecond ?? 0);
  }
  private readonly sums = new Map<readonly string[], number>();
  private last: readonly string[] | null = null;
  private lastSum = 0;
  /** Of models that come one after the other. */
  sum(models: readonly string[]): number {
    if (models === this.last) return this.lastSum;
    let sum = this.sums.get(models);
    if (sum === undefined)
      this.sums.set(models, (sum = models.reduce((total, model) => total + (this.models[model]?.msPerSecond ?? 0), 0)));
    this.last = models;
    return (this.lastSum = sum);
  }
}

/** Work and place packed into one number: sorting numbers is several times faster than sorting with a comparison. */
function sortBySize(run: Int32Array, jobs: readonly JobView[], speeds: Speeds): void {
  const keys = new Float64Array(run.length);
  for (let i = 0; i < run.length; i++) {
    const { stages, untouched } = jobs[run[i]!]!;
    let work = 0;
    if (untouched) work = untouched.seconds * speeds.sum(untouched.models);
    else
      for (let place = 0; place < stages.length; place++) {
        const stage = stages[place]!;
        if (!stage.finished) work += stage.leftSeconds * speeds.get(place, stage.model);
      }
    keys[i] = Math.min(MOST_WORK_MS, Math.round(work)) * INDEX_BITS + i;
  }
  keys.sort();
  const before = run.slice();
  // The remainder by hand: % on numbers this large takes most of a sort's time.
  for (let i = 0; i < keys.length; i++) run[i] = before[keys[i]! - Math.floor(keys[i]! / INDEX_BITS) * INDEX_BITS]!;
}

/** Merges the priorities by key; each job counts as old as the oldest that stands behind it in its priority. */
function mergeByAge(
  places: Int32Array,
  starts: Int32Array,
  { createdAt, jobs }: Columns,
  ageingSeconds: number,
): JobView[] {
  const keys = new Float64Array(places.length),
    heads = new Float64Array(PRIORITIES.length),
    at = new Int32Array(PRIORITIES.length);
  for (let rank = 0; rank < PRIORITIES.length; rank++) {
    const lift = rank * ageingSeconds * 1000,
      first = starts[rank * 2]!;
    let oldest = Infinity;
    for (let i = starts[rank * 2 + 2]! - 1; i >= first; i--) {
      const key = createdAt[places[i]!]! + lift;
      if (key < oldest) oldest = key;
      keys[i] = oldest;
    }
    at[rank] = first;
    heads[rank] = oldest;
  }
  const result = new Array<JobView>(places.length);
  for (let i = 0; i < result.length; i++) {
    let best = 0;
    for (let rank = 1; rank < heads.length; rank++) if (heads[rank]! < heads[best]!) best = rank;
    const place = at[best]!;
    result[i] = jobs[places[place]!]!;
    at[best] = place + 1;
    heads[best] = place + 1 < starts[best * 2 + 2]! ? keys[place + 1]! : Infinity;
  }
  return result;
}
