/**
 * Loading ahead of need, with what is left over.
 *
 * Prefetch: a job under way will want its later models; they load while the first works on its first utterances, so
 * that no stage waits for a load. Never before the recognizer of that job is there, never into room that is reserved or
 * wanted, and only models that nobody wants go for it. Narrowing: an instance that was loaded for one short job alone
 * holds every core; it goes for narrow ones when many more jobs, or a long one, have come. Replicas: another instance
 * where the work that waits is worth several loads, after every stage under way has its first; where instances were
 * measured to slow each other down, only if what one more brings is worth its memory (gains.ts). Thinning: a replica
 * that turns out to bring nothing goes.
 */
import { verdict } from './admit.ts';
import { onDevice, unload } from './evict.ts';
import { gainOfOneMore, worthOfMemory } from './gains.ts';
import {
  headIndex,
  idleOf,
  isRemote,
  loadsOf,
  type DeviceState,
  type InstanceState,
  type Lane,
  type Lanes,
} from './lanes.ts';
import { devicesOf, leastLoaded, load, type Scene } from './seek.ts';
import type { JobView } from './snapshot.ts';
import { STAGES } from '../../schemas/words.ts';

/** A replica must have this many times its load's length of work to do. */
const WORTH = 3;
/** Shared among so many instances, the work is still worth the load of one. */
export const isWorth = (workMs: number, instances: number, loadMs: number): boolean =>
  workMs / instances > WORTH * loadMs;
/** Loading ahead stands behind the needs of its own job too. */
const BEHIND = 0.5;
const RECOGNISER = STAGES[0];

export function prefetch(scene: Scene, lanes: Lanes, underWay: readonly JobView[], order: readonly JobView[]): void {
  for (const job of underWay) {
    const first = job.stages[0];
    if (!first) continue;
    const firstLane = lanes.of(job, first);
    const heard =
      first.finished ||
      firstLane === null ||
      firstLane.instances.some(instance => instance.state === 'idle' || instance.state === 'busy');
    const seldomLast = [...job.stages].sort((a, b) => Number(a.seldom ?? false) - Number(b.seldom ?? false));
    for (const stage of seldomLast) {
      if (stage.finished || (stage.retryAt !== null && stage.retryAt > scene.ledger.now)) continue;
      const lane = lanes.of(job, stage);
      if (!lane || lane.instances.length || lane.model.waiting || lane.waiting.length) continue;
      if (stage !== first && stage.stage !== RECOGNISER && !heard) continue;
      loadAhead(scene, lane, order.indexOf(job));
    }
  }
}

function loadAhead(scene: Scene, lane: Lane, index: number): void {
  const { ledger } = scene;
  for (const device of leastLoaded(lane, devicesOf(ledger, lane)).sort(
    (a, b) => Number(a.view.kind === 'cpu') - Number(b.view.kind === 'cpu'),
  )) {
    if (device.view.pressed) continue;
    const may = verdict(ledger, lane, device, index + BEHIND);
    if (may === 'fits') {
      load(scene, lane, device);
      return;
    }
    if (may === 'loading' || may === 'cores') return; // soon, and here
    if (
      (may === 'memory' || may === 'deviceLimit' || may === 'modelLimit') &&
      !device.reservation &&
      roomOfUnwanted(scene, lane, device)
    )
      return;
  }
}

/** Unloads models that nothing wants when that alone makes room. True: they go, or are going. */
function roomOfUnwanted(scene: Scene, lane: Lane, device: DeviceState): boolean {
  const { ledger } = scene;
  const need = lane.model.need[device.view.id] ?? Infinity;
  if (need > device.view.cap) return false;
  const free = onDevice(ledger, device)
    .filter(instance => isSpare(instance, lane))
    .sort((a, b) => (a.view.idleSince ?? 0) - (b.view.idleSince ?? 0) || (a.view.id < b.view.id ? -1 : 1));
  let bytes = device.free + device.comingBytes;
  let places = Math.min(
    ledger.policy.instancesPerDevice - device.count + device.comingCount,
    ledger.policy.loadedModels - ledger.loaded + ledger.comingLoaded,
  );
  const chosen: typeof free = [];
  for (const instance of free) {
    if (bytes >= need && places >= 1) break;
    chosen.push(instance);
    bytes += instance.view.leaseBytes;
    places++;
  }
  if (bytes < need || places < 1) return false;
  for (const instance of chosen) unload(ledger, instance, 'room', scene.actions);
  return true;
}

/**
 * Idle, and no job needs it: either nothing wants its model, or another instance of the model is there and nothing
 * waits for it.
 */
function isSpare(instance: InstanceState, asking: Lane): boolean {
  const lane = instance.lane;
  if (instance.state !== 'idle' || lane === asking || instance.view.leaseBytes === 0) return false;
  return !lane || (lane.waiting.length === 0 && (lane.wantedBy === Infinity || lane.instances.length > 1));
}

/** Narrow ones do a third more work together, so two loads come back within this many loads' length of work. */
const NARROW_WORTH = 8;

/**
 * Lets idle instances go that are wider than new ones would be, where what waits is worth loading narrow ones and these
 * have room at once.
 */
export function narrow(scene: Scene, lanes: readonly Lane[]): void {
  const { ledger } = scene;
  if (ledger.policy.serial || ledger.policy.modelReuse !== 'warm') return;
  for (const lane of lanes) {
    // One job alone has its first words before anything is loaded anew for the rest of it.
    const many = lane.waiting.length + Math.sign(lane.comingMs) >= 2 || lane.waiting.some(({ from }) => from > 0);
    if (!many || lane.model.elastic || loadsOf(lane).length) continue;
    for (const instance of idleOf(lane)) {
      const { device, view } = instance,
        need = lane.model.need[device.view.id] ?? Infinity;
      const hasRoom =
        need <= device.free &&
        !device.view.pressed &&
        !device.loading &&
        !device.reservation &&
        device.count < ledger.policy.instancesPerDevice &&
        ledger.loaded < ledger.policy.loadedModels;
      if (device.view.kind !== 'cpu' || view.threads <= scene.cpuThreads || !hasRoom) continue;
      if (lane.leftMs + lane.comingMs > NARROW_WORTH * (lane.model.loadMs[device.view.id] ?? Infinity))
        unload(ledger, instance, 'room', scene.actions);
    }
  }
}

/** One that is there goes only when it brings less than this part of what one that comes must bring. */
const BRINGS_NOTHING = 0.5;

/** Lets idle replicas go that were measured to bring nothing beside the other instances of their model there. */
export function thin(scene: Scene, lanes: readonly Lane[]): void {
  const { ledger } = scene;
  if (ledger.policy.serial || ledger.policy.modelReuse !== 'warm') return;
  for (const lane of lanes) {
    const { model } = lane;
    if (!model.gains || lane.instances.length < 2) continue;
    for (const instance of idleOf(lane)) {
      const { device } = instance,
        gains = model.gains[device.view.id];
      const others = lane.instances.filter(each => each !== instance && each.device === device).length;
      if (!gains || others === 0) continue;
      if (gainOfOneMore(gains, others) < BRINGS_NOTHING * worthOfMemory(model, device.view))
        unload(ledger, instance, 'gain', scene.actions);
    }
  }
}

export function replicate(scene: Scene, lanes: readonly Lane[]): void {
  const { ledger } = scene;
  if (ledger.policy.serial || ledger.policy.modelReuse === 'never') return;
  // Room that stages under way still want for their first instance is not for replicas.
  const promised = lanes.filter(
    lane => lane.instances.length === 0 && (lane.waiting.length > 0 || lane.wantedBy < Infinity),
  );
  const asking = lanes
    .filter(lane => lane.waiting.length > 0 && lane.instances.length > 0 && idleOf(lane).length === 0)
    .sort((a, b) => b.leftMs / b.instances.length - a.leftMs / a.instances.length || headIndex(a) - headIndex(b));
  for (const lane of asking) {
    if (asksForMore(scene, lane)) addReplica(scene, lane, promised);
  }
}

function asksForMore(scene: Scene, lane: Lane): boolean {
  const { ledger } = scene,
    { instances } = lane;
  if (loadsOf(lane).length) return false; // one at a time: what the first changes is seen before the next
  if (instances.length >= (ledger.snapshot.advice?.replicas?.[lane.stage] ?? Infinity)) return false;
  const steps = lane.waiting.reduce((sum, each) => sum + each.stage.ready - each.from, 0);
  if (steps < 2 && lane.comingMs === 0 && instances.length >= lane.waiting.length) return false;
  // Sessions that go on speaking are known only by what they said so far: that some wait for each other is the sign.
  if (sessionsWait(lane)) return true;
  const loadMs = Math.min(...devicesOf(ledger, lane).map(device => lane.model.loadMs[device.view.id] ?? 0));
  return isWorth(lane.leftMs + lane.comingMs, instances.length + 1, loadMs);
}

const sessionsWait = (lane: Lane): boolean => lane.waiting.filter(each => each.job.live).length > lane.instances.length;

/** What one more brings there beside what works now, in instances. */
const gainHere = (lane: Lane, device: DeviceState): number =>
  gainOfOneMore(lane.model.gains?.[device.view.id], device.busy);

/** Where one more brings most first, in quarters of an instance; the least loaded of those. */
function bestGain(lane: Lane, devices: readonly DeviceState[]): DeviceState[] {
  const found = leastLoaded(lane, devices);
  if (!lane.model.gains) return found;
  const lost = (device: DeviceState): number =>
    device.view.kind === 'cpu' ? Infinity : Math.round(4 * (1 - gainHere(lane, device)));
  return found.sort((a, b) => compare(lost(a), lost(b)));
}
const compare = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0);

/** The gain that was measured is worth the memory, and what it does of the work its load. */
function gainsEnough(lane: Lane, device: DeviceState): boolean {
  const { model } = lane,
    { view } = device;
  if (!model.gains?.[view.id]) return true;
  const gain = gainHere(lane, device);
  if (gain < worthOfMemory(model, view)) return false;
  const workMs = (lane.leftMs + lane.comingMs) * gain;
  return sessionsWait(lane) || isWorth(workMs, lane.instances.length + gain, model.loadMs[view.id] ?? 0);
}

function addReplica(scene: Scene, lane: Lane, promised: readonly Lane[]): boolean {
  const { ledger } = scene;
  if (ledger.tasks >= ledger.policy.concurrentTasks) return false;
  for (const device of bestGain(lane, devicesOf(ledger, lane))) {
    if (device.view.pressed || !gainsEnough(lane, device)) continue;
    // A stage that only falls back to the CPU does not spread there by itself.
    if (
      device.view.kind === 'cpu' &&
      lane.instances.some(instance => instance.device.view.kind === 'gpu') &&
      !isRemote(lane.model, device.view.id)
    )
      continue;
    // One that takes all cores at once gains nothing by another beside it.
    if (device.view.kind === 'cpu' && lane.model.elastic) continue;
    const others = promised.filter(other => devicesOf(ledger, other)[0] === device);
    const bytes = others.reduce((sum, other) => sum + (other.model.need[device.view.id] ?? 0), 0);
    const may = verdict(ledger, lane, device, headIndex(lane) + BEHIND);
    if (may === 'memory' || may === 'deviceLimit' || may === 'modelLimit') {
      if (others.length === 0 && roomOfUnwanted(scene, lane, device)) return true;
      continue;
    }
    if (may !== 'fits') continue;
    const remote = isRemote(lane.model, device.view.id);
    if (
      !remote &&
      (device.free - bytes < lane.model.need[device.view.id]! ||
        ledger.loaded + promised.length >= ledger.policy.loadedModels ||
        device.count + others.length >= ledger.policy.instancesPerDevice)
    )
      continue;
    load(scene, lane, device);
    return true;
  }
  return false;
}
