/**
 * When jobs are expected to start and to end, from measured times.
 *
 * Jobs go in order, so a job starts when what stands in front of it has passed whatever is narrowest: the instances of
 * its model, the cores of the CPU, the memory of the GPUs, the ceiling on attempts. Those in front are not all done by
 * then, since several share an instance by turns and stages overlap: the last of them count half. One pass over the
 * queue, and only when somebody asks.
 */
import { devicesOf } from './seek.ts';
import { paceOf } from './gains.ts';
import type { InstanceState, Lane, Lanes, Ledger } from './lanes.ts';
import type { JobView, StageView } from './snapshot.ts';

export interface Forecast {
  startAt: Float64Array;
  endAt: Float64Array;
}

/** Something that work goes through: so much of it in a ms, jobs in order. */
class Narrows {
  private readonly capacity: number;
  private total = 0;
  /** The newest jobs' shares, as many as are under way at once; those go on while the next begins. */
  private readonly newest: number[];
  private newestSum = 0;
  private at = 0;

  constructor(capacity: number, atOnce: number) {
    this.capacity = capacity;
    this.newest = new Array<number>(Math.max(1, Math.round(atOnce))).fill(0);
  }

  /** ms until the next job can begin. */
  get startMs(): number {
    return (this.total - this.newestSum / 2) / this.capacity;
  }
  /** ms until all that was added is done. */
  get endMs(): number {
    return this.total / this.capacity;
  }
  add(amount: number): void {
    this.total += amount;
    this.newestSum += amount - this.newest[this.at]!;
    this.newest[this.at] = amount;
    this.at = (this.at + 1) % this.newest.length;
  }
}

interface Place {
  /** Share of their speed alone that its instances keep beside what else works there. */ pace: number;
  instances: Narrows;
  /** Until it can take work at all. */ readyMs: number;
  cores: number;
  bytes: number;
}

/** It works, or will as soon as it may. */
const isAtWork = ({ lane, view }: InstanceState): boolean =>
  lane !== null && view.leaseBytes > 0 && (lane.waiting.length > 0 || lane.wantedBy < Infinity);

export function forecast(order: readonly JobView[], ledger: Ledger, lanes: Lanes): Forecast {
  const { now, policy } = ledger;
  const startAt = new Float64Array(order.length),
    endAt = new Float64Array(order.length);
  const working = ledger.instances.filter(({ state }) => state !== 'stopping' && state !== 'releasing').length;
  const sum = (of: (device: Ledger['devices'][number]) => number): number =>
    ledger.devices.reduce((all, device) => all + of(device), 0);
  const tasks = new Narrows(policy.concurrentTasks, working + 1);
  const cores = new Narrows(
    Math.max(
      1,
      sum(({ view }) => (view.kind === 'cpu' ? view.cores : 0)),
    ),
    working + 1,
  );
  const memory = new Narrows(
    Math.max(
      1,
      sum(({ view }) => (view.kind === 'gpu' ? view.cap : 0)),
    ),
    working + 1,
  );

  const places = new Map<Lane, Place>();
  const placeOf = (lane: Lane): Place => {
    let place = places.get(lane);
    if (!place) places.set(lane, (place = openPlace(lane)));
    return place;
  };
  const openPlace = (lane: Lane): Place => {
    const device = lane.instances[0]?.device ?? devicesOf(ledger, lane)[0],
      width = Math.max(1, lane.instances.length);
    const loaded = lane.instances.some(({ state }) => state === 'idle' || state === 'busy'),
      loading = Math.min(...lane.instances.map(({ busyUntil }) => busyUntil - now));
    const { gains } = lane.model;
    const beside = (state: Ledger['devices'][number]): number =>
      ledger.instances.filter(each => each.device === state && isAtWork(each)).length;
    const paces = lane.instances.map(each => paceOf(gains?.[each.device.view.id], beside(each.device)));
    return {
      pace: paces.length
        ? paces.reduce((all, each) => all + each, 0) / paces.length
        : device
          ? paceOf(gains?.[device.view.id], beside(device) + 1)
          : 1,
      instances: new Narrows(width, width + 1),
      readyMs: loaded
        ? 0
        : Math.max(0, loading < Infinity ? loading : device ? (lane.model.loadMs[device.view.id] ?? 0) : 0),
      cores:
        device?.view.kind === 'cpu' && lane.model.need[device.view.id] !== 0
          ? Math.max(1, ...lane.instances.map(({ view }) => view.threads))
          : 0,
      bytes: device?.view.kind === 'gpu' ? (lane.model.need[device.view.id] ?? 0) : 0,
    };
  };

  for (let i = 0; i < order.length; i++) {
    let startMs = Math.max(tasks.startMs, cores.startMs, memory.startMs),
      endMs = 0,
      longestMs = 0,
      first = true;
    let work = 0,
      coreWork = 0,
      byteWork = 0;
    for (const stage of order[i]!.stages as StageView[]) {
      const lane = stage.finished ? null : lanes.of(order[i]!, stage);
      if (!lane) continue;
      const place = placeOf(lane),
        ms = (stage.leftSeconds * lane.model.msPerSecond) / place.pace;
      if (first) startMs = Math.max(startMs, place.readyMs + place.instances.startMs);
      first = false;
      place.instances.add(ms);
      endMs = Math.max(endMs, place.readyMs + place.instances.endMs);
      longestMs = Math.max(longestMs, ms);
      work += ms;
      coreWork += ms * place.cores;
      byteWork += ms * place.bytes;
    }
    // What does not go through the narrows does not wait for it either: a job of remote engines alone needs no cores.
    tasks.add(work);
    cores.add(coreWork);
    memory.add(byteWork);
    startAt[i] = now + (first ? 0 : startMs);
    endAt[i] =
      now + Math.max(endMs, startMs + longestMs, tasks.endMs, coreWork ? cores.endMs : 0, byteWork ? memory.endMs : 0);
  }
  return { startAt, endAt };
}
