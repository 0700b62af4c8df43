/**
 * Which recordings are decoded next: by order, two at a time, and only as many ahead as could start soon. Decoding
 * everything at once would fill the disk with sound that waits.
 */
import type { Lane, Lanes } from './lanes.ts';
import type { Action, JobView, Snapshot } from './snapshot.ts';

export const INGESTS_AT_ONCE = 2;
/** Jobs of one model that are decoded and wait for their first turn, beyond one for each of its instances. */
const AHEAD = 2;

/**
 * Emits the ingests to begin; returns their jobs. `asleep`: places in order of those that wait for it; `decoding`,
 * `live`: how many run.
 */
export function beginIngests(
  snapshot: Snapshot,
  order: readonly JobView[],
  { asleep, decoding, live }: { asleep: readonly number[]; decoding: number; live: number },
  lanes: Lanes,
  actions: Action[],
): JobView[] {
  const chosen: JobView[] = [];
  let running = Math.max(decoding, snapshot.ingestsRunning - live); // a live recording takes no decoder's place
  const liveWaits = running >= INGESTS_AT_ONCE && asleep.some(place => order[place]!.live);
  for (const place of asleep) {
    if (running >= INGESTS_AT_ONCE && !liveWaits) break;
    const job = order[place]!;
    if (!job.live && running >= INGESTS_AT_ONCE) continue;
    const lane = laneOf(job, lanes);
    if (!lane || lane.model.waiting || (!job.live && lane.decoded >= AHEAD + Math.max(1, lane.instances.length)))
      continue;
    lane.decoded++;
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
