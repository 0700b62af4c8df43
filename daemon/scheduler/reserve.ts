/**
 * Reservations: what a job that does not fit is promised.
 *
 * The first lane on a device that finds no room gets that device's reservation (EASY backfilling): the earliest time at
 * which enough of what is held there can be free. Others may load there only into what is to spare at that time, or if
 * they are over before it.
 *
 * Loaded models first: where the room is held by an idle instance that jobs behind the reserved one could use at once,
 * those may pass, `overtakes` of them in all over the job's life, and those that are nearly done may finish. After that
 * the instance has to go.
 */
import { paceOf } from './gains.ts';
import {
  headIndex,
  type Candidate,
  type DeviceState,
  type InstanceState,
  type Lane,
  type Ledger,
  type Reservation,
} from './lanes.ts';
import { begun } from './lanes.ts';
import { PATIENCE_MS } from './turns.ts';

/** Until a device shows what a worker gave back. */
export const RELEASE_MS = 1000;

/**
 * When an instance could be free for a job at `index`: after its attempt, and after what jobs in front of that still
 * want of it.
 */
export function freeAt(instance: InstanceState, index: number, now: number): number {
  if (instance.state === 'stopping' || instance.state === 'releasing') return now + RELEASE_MS;
  const lane = instance.lane;
  let ahead = 0;
  if (lane) {
    for (const candidate of lane.waiting)
      if (candidate.index <= index) ahead += candidate.stage.leftSeconds * lane.model.msPerSecond;
    ahead /=
      Math.max(1, lane.instances.length) * paceOf(lane.model.gains?.[instance.device.view.id], instance.device.busy);
    if (instance.state === 'loading' || instance.state === 'starting')
      return (
        Math.max(now, instance.view.startedAt + (lane.model.loadMs[instance.device.view.id] ?? 0)) + ahead + RELEASE_MS
      );
  }
  return Math.max(now, instance.busyUntil) + ahead + RELEASE_MS;
}

/**
 * The earliest time at which `bytes` and a place for one more instance are free on the device, and the memory to spare
 * then.
 */
export function earliest(
  ledger: Ledger,
  device: DeviceState,
  bytes: number,
  index: number,
): { at: number; spare: number; last: InstanceState | null } {
  const held = ledger.instances
    .filter(instance => instance.device === device && instance.view.leaseBytes > 0)
    .map(instance => ({ instance, at: freeAt(instance, index, ledger.now) }))
    .sort((a, b) => a.at - b.at);
  let free = device.free,
    count = device.count,
    at = ledger.now,
    last: InstanceState | null = null;
  for (const { instance, at: when } of held) {
    if (free >= bytes && count < ledger.policy.instancesPerDevice) break;
    free += instance.view.leaseBytes;
    count--;
    at = when;
    last = instance;
  }
  return free >= bytes ? { at, spare: free - bytes, last } : { at: Infinity, spare: 0, last };
}

/** May the job that a lane would run next go on although it stands behind a reservation? */
export function mayPass(reservation: Reservation, candidate: Candidate, lane: Lane, now: number): boolean {
  if (reservation.at - now > PATIENCE_MS && headIndex(reservation.lane) === reservation.index && begun(candidate.job))
    return true;
  return begun(candidate.job)
    ? candidate.stage.leftSeconds * lane.model.msPerSecond <= PATIENCE_MS
    : reservation.passesLeft > 0;
}
