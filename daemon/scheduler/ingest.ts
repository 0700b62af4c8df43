/**
 * Which recordings are decoded next: by order, two at a time, and only as many ahead as could start soon. Decoding everything at once
 * would fill the disk with sound that waits.
 */
import { begun, type Lane, type Lanes } from './lanes.ts';
import type { Action, JobView, Snapshot } from './snapshot.ts';

export const INGESTS_AT_ONCE = 2;
/** Jobs of one model that are decoded and wait for their first turn, beyond one for each of its instances. */
const AHEAD = 2;

/** Emits the ingests to begin; returns their jobs. `moved`: jobs that this plan lets begin. */
export function beginIngests(snapshot: Snapshot, order: readonly JobView[], lanes: Lanes, moved: ReadonlySet<string>, actions: Action[]): JobView[] {
  const chosen: JobView[] = [];
  const ahead = new Map<Lane, number>();
  let live = 0, decoding = 0, liveWaits = false;
  for (const job of order) {
    if (job.ingest === 'running') { if (job.live) live++; else decoding++; }
    if (job.live && job.ingest === 'waiting') liveWaits = true;
    if (job.ingest === 'waiting' || begun(job) || moved.has(job.id)) continue;
    const lane = laneOf(job, lanes);
    if (lane) ahead.set(lane, (ahead.get(lane) ?? 0) + 1);
  }
  let running = Math.max(decoding, snapshot.ingestsRunning - live); // a live recording takes no decoder's place
  for (const job of order) {
    if (running >= INGESTS_AT_ONCE && !liveWaits) break;
    if (job.ingest !== 'waiting') continue;
    if (!job.live && running >= INGESTS_AT_ONCE) continue;
    const lane = laneOf(job, lanes);
    if (!lane || lane.model.waiting) continue;
    const waiting = ahead.get(lane) ?? 0;
    if (!job.live && waiting >= AHEAD + Math.max(1, lane.instances.length)) continue;
    ahead.set(lane, waiting + 1);
    if (!job.live) running++;
    chosen.push(job);
    actions.push({ type: 'ingest', job: job.id });
  }
  return chosen;
}

function laneOf(job: JobView, lanes: Lanes): Lane | null {
  const first = job.stages[0];
  return first ? lanes.of(job, first) : null;
}
