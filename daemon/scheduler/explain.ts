/** Why a job does not move: exactly one reason for each that does not, worked out when somebody asks. */
import type { Reason } from '../../schemas/reasons.ts';
import { PRIORITIES, type Priority } from '../../schemas/words.ts';
import type { Lanes, Ledger } from './lanes.ts';
import { because } from './reasons.ts';
import type { JobView, Snapshot } from './snapshot.ts';

interface Facts {
  snapshot: Snapshot;
  ledger: Ledger;
  lanes: Lanes;
  order: readonly JobView[];
  moved: ReadonlySet<string>;
  only: JobView | null;
}

export function explain({ snapshot, ledger, lanes, order, moved, only }: Facts): (place: number) => Reason | null {
  let ahead: Uint32Array[] | null = null;
  /** Jobs in front of a place, by priority. */
  const behind = (place: number): Reason => {
    ahead ??= countAhead(order);
    const by = Object.fromEntries(PRIORITIES.map((priority, rank) => [priority, ahead![rank]![place]!])) as Record<
      Priority,
      number
    >;
    return because.behind(place, by);
  };
  return place => {
    const job = order[place]!;
    if (
      moved.has(job.id) ||
      job.stages.some(stage => stage.running > 0) ||
      (job.ingest === 'done' && job.stages.every(stage => stage.finished))
    )
      return null;
    if (!snapshot.open) return because.queuePaused();
    if (only && job !== only) return because.serial(place);
    const first = job.stages.find(stage => !stage.finished);
    if (job.ingest === 'waiting') {
      const waits = first && lanes.of(job, first)?.model.waiting;
      return waits || (place === 0 ? because.ingesting() : behind(place));
    }
    let soft: Reason | null = null;
    for (const stage of job.stages) {
      if (stage.finished) continue;
      const lane = lanes.of(job, stage);
      if (!lane) {
        soft ??= because.starting();
        continue;
      }
      if (lane.model.waiting) return lane.model.waiting;
      if (stage.retryAt !== null && stage.retryAt > ledger.now) return because.retryAt(stage.stage, stage.retryAt);
      const ready = stage.ready > stage.next;
      if (!ready) continue;
      const head = lane.waiting[0];
      if (head?.job === job || !head) return lane.reason ?? because.instanceBusy(stage.stage, lane.model.id, null);
      return behind(place);
    }
    return job.ingest === 'running' ? because.ingesting() : (soft ?? because.starting());
  };
}

function countAhead(order: readonly JobView[]): Uint32Array[] {
  const counts = PRIORITIES.map(() => new Uint32Array(order.length));
  const sum = PRIORITIES.map(() => 0);
  for (let place = 0; place < order.length; place++) {
    for (let rank = 0; rank < sum.length; rank++) counts[rank]![place] = sum[rank]!;
    const rank = PRIORITIES.indexOf(order[place]!.priority);
    sum[rank] = sum[rank]! + 1;
  }
  return counts;
}
