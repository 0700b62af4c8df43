/** One trace under one policy, as a row of figures. */
import { lowerBounds, type Bounds } from './bounds.ts';
import { CEILINGS } from './traces.ts';
import { GiB, World, type JobResult, type Outcome, type Planner, type WorldSpec } from './world.ts';

/** Until the first words of a job begin, and until it is done, ms. */
export interface Waits {
  meanMs: number;
  p95Ms: number;
  largestMs: number;
}
export interface Row {
  policy: string;
  outcome: Outcome;
  /** Makespan over the best lower bound. */
  overBound: number;
  wait: Waits;
  turnaround: Waits;
  small: Waits;
  large: Waits;
  /** Share of the memory held that attempts used. */
  memoryUsed: number;
}
export const LARGE_BYTES = 8 * GiB;
const LARGE_SECONDS_OF_WORK = 30;

export const boundsOf = (spec: WorldSpec): Bounds => lowerBounds(spec, { utilization: 0.9, ...CEILINGS });

export function compare(name: string, planner: Planner, calibrates: boolean, spec: WorldSpec, bounds: Bounds): Row {
  const outcome = new World({ ...spec, calibrates }, planner).run(40 * 24 * 3_600_000);
  const isLarge = (job: JobResult): boolean =>
    job.largestBytes >= LARGE_BYTES && job.workMs >= LARGE_SECONDS_OF_WORK * 1000;
  const started = (jobs: readonly JobResult[]): number[] => jobs.map(job => job.startedAt - job.arrivedAt);
  return {
    policy: name,
    outcome,
    overBound: outcome.makespanMs / bounds.bestMs,
    wait: waits(started(outcome.jobs)),
    turnaround: waits(outcome.jobs.map(job => job.endedAt - job.arrivedAt)),
    small: waits(started(outcome.jobs.filter(job => !isLarge(job)))),
    large: waits(started(outcome.jobs.filter(isLarge))),
    memoryUsed: outcome.usedByteMs / Math.max(1, outcome.heldByteMs),
  };
}

function waits(values: readonly number[]): Waits {
  if (!values.length) return { meanMs: 0, p95Ms: 0, largestMs: 0 };
  const sorted = [...values].sort((a, b) => a - b);
  return {
    meanMs: sorted.reduce((a, b) => a + b, 0) / sorted.length,
    p95Ms: sorted[Math.ceil(sorted.length * 0.95) - 1]!,
    largestMs: sorted.at(-1)!,
  };
}
