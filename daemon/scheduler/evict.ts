/**
 * What goes when room is needed, and when idle models go by themselves.
 *
 * An idle instance may be taken from a lane, least recently used first, when
 *  - nobody in front of the asking job wants it ("free"), or
 *  - the asking lane's ready work is worth several times the loads that the change costs, or its job is stuck otherwise
 *    ("pays"), or
 *  - only jobs behind the asking one want it ("behind"); these may still go first a bounded number of times
 *    (reserve.ts).
 * A busy instance is never taken: its attempt ends first. A live job's models stay for a while although it is silent
 * now.
 */
import { headIndex, type DeviceState, type InstanceState, type Lane, type Ledger } from './lanes.ts';
import { PATIENCE_MS } from './turns.ts';
import type { Action } from './snapshot.ts';

/** A change of models must bring this many times what its loads take. */
const PAYS = 4;
export type Claim = 'free' | 'pays' | 'behind';
const CLAIM_ORDER: Readonly<Record<Claim, number>> = { free: 0, pays: 1, behind: 2 };

export interface Asking {
  lane: Lane;
  index: number;
  stuck: boolean;
  serial: boolean;
}

export function claimOn(victim: InstanceState, asking: Asking, now: number): Claim | null {
  const lane = victim.lane;
  if (victim.state !== 'idle' || victim.passes) return null;
  if (!lane) return 'free';
  if (lane === asking.lane) return null;
  const head = headIndex(lane),
    loads = (asking.lane.model.loadMs[victim.device.view.id] ?? 0) + (lane.model.loadMs[victim.device.view.id] ?? 0);
  const pays = asking.stuck || asking.lane.readyMs >= PAYS * loads;
  if (lane.instances.length > 1 && asking.lane.instances.length === 0)
    return pays || head > asking.index ? 'pays' : null;
  if (head <= asking.index) return null;
  if (lane.wantedBy <= asking.index && now - (victim.view.idleSince ?? now) < PATIENCE_MS) {
    if (lane.wantedByLive && !asking.stuck) return null;
    if (!pays) return null;
  }
  return head < Infinity ? 'behind' : lane.wantedBy <= asking.index ? 'pays' : 'free';
}

export interface Victim {
  instance: InstanceState;
  claim: Claim;
}

/** Idle instances that the asking lane may take, in the order in which they go. */
export function victims(instances: readonly InstanceState[], asking: Asking, now: number): Victim[] {
  const result: Victim[] = [];
  for (const instance of instances) {
    if (instance.view.leaseBytes === 0 && !asking.serial) continue; // an engine elsewhere holds nothing here
    const claim = claimOn(instance, asking, now);
    if (claim) result.push({ instance, claim });
  }
  return result.sort(
    (a, b) =>
      CLAIM_ORDER[a.claim] - CLAIM_ORDER[b.claim] ||
      (a.instance.view.idleSince ?? 0) - (b.instance.view.idleSince ?? 0) ||
      (a.instance.view.id < b.instance.view.id ? -1 : 1),
  );
}

/** Writes an unload into the ledger: its memory is counted when the device shows it, so only as coming. */
export function unload(
  ledger: Ledger,
  instance: InstanceState,
  why: Extract<Action, { type: 'unload' }>['why'],
  actions: Action[],
): void {
  actions.push({ type: 'unload', instance: instance.view.id, why });
  instance.state = 'stopping';
  if (instance.lane) instance.lane.instances = instance.lane.instances.filter(other => other !== instance);
  if (instance.view.leaseBytes > 0 || ledger.policy.serial) {
    instance.device.comingBytes += instance.view.leaseBytes;
    instance.device.comingCount++;
    ledger.comingLoaded++;
  }
}

/**
 * Idle instances that nothing wants go when their time is over, when another program needs the memory, or at once where
 * models are not kept. Returns when to look again.
 */
export function retire(ledger: Ledger, keepAliveMs: number, actions: Action[]): number {
  const { policy, now } = ledger;
  const jobs = policy.modelReuse === 'never' ? new Map(ledger.snapshot.jobs.map(job => [job.id, job])) : null;
  let wakeAt = Infinity;
  for (const instance of ledger.instances) {
    if (instance.state !== 'idle') continue;
    if (jobs) {
      const stage = jobs.get(instance.view.job ?? '')?.stages.find(each => each.stage === instance.view.stage);
      if (!stage || stage.finished) unload(ledger, instance, 'reuse', actions);
      continue;
    }
    if (instance.lane && (headIndex(instance.lane) < Infinity || instance.lane.wantedBy < Infinity)) continue;
    const end = (instance.view.idleSince ?? now) + keepAliveMs;
    if (policy.yieldTo === 'always' || (policy.yieldTo === 'others' && instance.device.view.pressed))
      unload(ledger, instance, 'yield', actions);
    else if (end <= now) unload(ledger, instance, 'idle', actions);
    else wakeAt = Math.min(wakeAt, end);
  }
  return wakeAt;
}

/** How much of a device's instances an asking lane could ever count on is decided per device. */
export const onDevice = (ledger: Ledger, device: DeviceState): InstanceState[] =>
  ledger.instances.filter(instance => instance.device === device);
