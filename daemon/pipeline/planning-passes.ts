/**
 * How much of the queue a turn looks at. What the end of a step changes is decided by the front of the queue: the jobs
 * under way and the first that wait to be decoded. So while steps end faster than thousands of jobs can be looked at,
 * most turns look at the front alone, in the order that the last look at all of them found; looks at all take a small
 * share of the time. Whatever else happens (a new job, a move, a setting) has all looked at.
 */
import { ASLEEP_IN_FRONT, front } from '../scheduler/front.ts';
import { plan } from '../scheduler/plan.ts';
import type { Plan } from '../scheduler/snapshot.ts';
import { buildSnapshot, type World } from './snapshot.ts';
import type { JobWork } from '../jobs/work.ts';

/** Looks at all take one part in so many of the time, unless something calls for one. */
const SHARE = 20;

export class PlanningPasses {
  private called = true;
  private dueMs = -Infinity;
  private front: readonly JobWork[] = [];

  /** The next look goes over the whole queue. */
  requireFull(): void {
    this.called = true;
  }

  /**
   * What happens next. `allIn`: after so many ms all jobs are to be looked at; null: they were, and the plan knows why
   * each of them waits.
   */
  run(world: World, now: number): { next: Plan; allIn: number | null } {
    const beganMs = performance.now(),
      { jobs } = world;
    if (!this.called && beganMs < this.dueMs && jobs.size > ASLEEP_IN_FRONT)
      return {
        next: plan(
          buildSnapshot(
            world,
            this.front.filter(work => jobs.get(work.row.id) === work),
          ),
          now,
        ),
        allIn: this.dueMs - beganMs,
      };
    const next = plan(buildSnapshot(world), now);
    this.called = false;
    this.front = this.frontOf(next, jobs);
    const endedMs = performance.now();
    this.dueMs = endedMs + (endedMs - beganMs) * SHARE;
    return { next, allIn: null };
  }

  private frontOf({ order }: Plan, jobs: World['jobs']): JobWork[] {
    if (jobs.size <= ASLEEP_IN_FRONT) return [];
    const chosen = new Set(front(order).map(({ id }) => jobs.get(id)!));
    // What was paused while it is decoded has no place in the order, but the decoder is taken.
    for (const work of jobs.values()) if (work.ingest === 'running') chosen.add(work);
    return [...chosen];
  }
}
