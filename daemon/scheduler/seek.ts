/**
 * What a lane does that has work and no instance for it: load, take room from others, or wait with a reservation and a
 * reason.
 *
 * GPUs come first; repair goes to the CPU when no GPU has room. On each kind of device: where it fits now, the least
 * loaded; else where idle instances can go for it; else it gets the reservation of the device on which room will be
 * first.
 */
import type { Reason } from '../../schemas/reasons.ts';
import { allowedDevices, placesKept, verdict, type Verdict } from './admit.ts';
import { batchEnd, largestBatch } from './batches.ts';
import { onDevice, unload, victims, type Asking, type Victim } from './evict.ts';
import {
  attemptMs,
  begun,
  idleOf,
  isRemote,
  type Candidate,
  type DeviceState,
  type InstanceState,
  type Lane,
  type Ledger,
  type Reservation,
} from './lanes.ts';
import { because } from './reasons.ts';
import { earliest, mayPass, RELEASE_MS } from './reserve.ts';
import type { Action } from './snapshot.ts';
import { GPU_THREADS } from './threads.ts';
import { PATIENCE_MS } from './turns.ts';

export interface Scene {
  ledger: Ledger;
  actions: Action[];
  cpuThreads: number;
  wake(at: number): void;
  turnOf(lane: Lane): Candidate | null;
}

/** Verdicts that time, not room, will change; a stage that may go to the CPU does not go there because of these. */
const SOON: readonly Verdict[] = ['loading', 'cores'];

export function devicesOf(ledger: Ledger, lane: Lane): DeviceState[] {
  return allowedDevices(ledger.snapshot.devices, lane.stage, lane.model, ledger.policy).map(view =>
    ledger.byId.get(view.id)!,
  );
}

/** Least loaded first: fewest instances of this lane, fewest instances, most memory free. */
export function leastLoaded(lane: Lane, devices: readonly DeviceState[]): DeviceState[] {
  const own = (device: DeviceState): number => lane.instances.filter(instance => instance.device === device).length;
  return [...devices].sort(
    (a, b) => own(a) - own(b) || a.count - b.count || b.free - a.free || (a.view.id < b.view.id ? -1 : 1),
  );
}

/** Writes a load into the ledger. The new instance counts from here on. */
export function load(scene: Scene, lane: Lane, device: DeviceState): void {
  const { ledger } = scene,
    { view } = device;
  const bytes = lane.model.need[view.id]!,
    remote = isRemote(lane.model, view.id);
  const threads = remote
    ? 0
    : view.kind === 'gpu'
      ? GPU_THREADS
      : lane.model.elastic
        ? 1
        : Math.min(scene.cpuThreads, Math.floor(device.cores));
  scene.actions.push({
    type: 'load',
    stage: lane.stage,
    model: lane.model.id,
    device: view.id,
    bytes,
    threads,
    job: lane.job,
  });
  device.free -= bytes;
  if (view.kind === 'cpu') device.cores -= threads;
  if (!remote || ledger.policy.serial) {
    device.count++;
    ledger.loaded++;
    device.loading = true;
    device.loadingModel = lane.model.id;
  }
  const held = device.reservation;
  if (held && held.lane !== lane) held.spare -= Math.min(held.spare, bytes);
  const instance: InstanceState = {
    view: {
      id: `load ${ledger.instances.length}`,
      stage: lane.stage,
      model: lane.model.id,
      device: view.id,
      state: 'starting',
      leaseBytes: bytes,
      threads,
      job: lane.job,
      idleSince: null,
      startedAt: ledger.now,
      busyUntil: null,
    },
    state: 'starting',
    device,
    lane,
    busyUntil: ledger.now + (lane.model.loadMs[view.id] ?? 0),
    passes: null,
  };
  ledger.instances.push(instance);
  lane.instances.push(instance);
}

/**
 * Tries to get the lane's first instance. True: something was begun and the lane may be looked at again. Else the lane
 * has its reason.
 */
export function seek(scene: Scene, lane: Lane, index: number, stuck: boolean): boolean {
  const { ledger } = scene;
  const all = devicesOf(ledger, lane);
  if (!all.length) {
    lane.reason = because.starting();
    return false;
  }
  const asking: Asking = { lane, index, stuck, serial: ledger.policy.serial };
  let firstReason: Reason | null = null,
    waitsSoon = false;
  for (const kind of ['gpu', 'cpu'] as const) {
    const tier = leastLoaded(
      lane,
      all.filter(device => device.view.kind === kind),
    );
    if (!tier.length) continue;
    const verdicts = tier.map(device => verdict(ledger, lane, device, index));
    const fits = tier.find((_, i) => verdicts[i] === 'fits');
    if (fits) {
      load(scene, lane, fits);
      return true;
    }
    for (const device of tier) wakeForRetry(scene, lane, device);
    if (verdicts.some(each => SOON.includes(each))) {
      // Its room and place there are kept: jobs behind it may only use what is left over.
      const device = tier[verdicts.findIndex(each => SOON.includes(each))]!;
      firstReason = reasonFor(scene, lane, device, index);
      hold(
        scene,
        lane,
        index,
        device,
        ledger.now + RELEASE_MS,
        Math.max(0, device.free - (lane.model.need[device.view.id] ?? 0)),
      );
      waitsSoon = true;
      break;
    }
    const taken = takeRoom(scene, asking, tier);
    if (taken?.going) {
      lane.reason = taken.reason;
      return false;
    }
    firstReason ??= taken?.reason ?? reasonFor(scene, lane, tier[0]!, index);
  }
  lane.reason = (waitsSoon ? null : reserve(scene, lane, index, all)) ?? firstReason ?? because.starting();
  return false;
}

function wakeForRetry(scene: Scene, lane: Lane, device: DeviceState): void {
  const at = lane.model.notBefore[device.view.id] ?? 0;
  if (at > scene.ledger.now) scene.wake(at);
}

/**
 * Unloads idle instances so that the lane will fit on one of the devices; not going: others may pass first. Null when
 * idle ones alone do not make the room.
 */
function takeRoom(
  scene: Scene,
  asking: Asking,
  tier: readonly DeviceState[],
): { going: boolean; reason: Reason } | null {
  const { ledger } = scene;
  let best: { device: DeviceState; set: Victim[]; cost: number } | null = null;
  for (const device of tier) {
    const set = roomOn(ledger, asking, device);
    if (!set) continue;
    const cost = set.reduce(
      (sum, victim) => sum + (victim.claim === 'free' ? 1 : victim.claim === 'pays' ? 10 : 100),
      0,
    );
    if (!best || cost < best.cost) best = { device, set, cost };
  }
  if (!best) return null;
  const { device, set } = best;
  const behind = set.filter(victim => victim.claim === 'behind');
  if (behind.length) {
    const reservation = hold(scene, asking.lane, asking.index, device, ledger.now + RELEASE_MS, 0);
    if (letPass(scene, reservation, behind)) {
      // Those that pass hold their room until their attempts end: the promised start counts from then.
      const when = earliest(ledger, device, reservation.bytes, asking.index);
      Object.assign(reservation, { at: when.at, spare: when.spare, place: when.at - ledger.now <= PATIENCE_MS });
      return { going: false, reason: waitsForMemory(asking.lane, device, reservation.at, behind[0]!.instance) };
    }
  }
  for (const { instance } of set) unload(ledger, instance, 'room', scene.actions);
  hold(scene, asking.lane, asking.index, device, ledger.now + RELEASE_MS, 0);
  return { going: true, reason: because.releasing(device.view.name, device.comingBytes) };
}

/**
 * Idle instances whose leaving makes room on the device, [] when what is leaving already is enough, null when it cannot
 * be done by idle ones alone.
 */
function roomOn(ledger: Ledger, asking: Asking, device: DeviceState): Victim[] | null {
  const need = asking.lane.model.need[device.view.id] ?? Infinity;
  if (!device.view.usable || need > device.view.cap || (asking.lane.model.notBefore[device.view.id] ?? 0) > ledger.now)
    return null;
  if (device.reservation && device.reservation.index < asking.index && device.reservation.lane !== asking.lane)
    return null;
  const chosen: Victim[] = [];
  let bytes = device.free + device.comingBytes;
  let places =
    ledger.policy.instancesPerDevice -
    (device.count - device.comingCount) -
    placesKept([device], asking.lane, asking.index);
  let models =
    ledger.policy.loadedModels -
    (ledger.loaded - ledger.comingLoaded) -
    placesKept(ledger.devices, asking.lane, asking.index);
  const here = victims(onDevice(ledger, device), asking, ledger.now);
  for (const victim of here) {
    if (bytes >= need && places >= 1) break;
    chosen.push(victim);
    bytes += victim.instance.view.leaseBytes;
    places++;
    models++;
  }
  if (bytes < need || places < 1) return null;
  if (models < 1) {
    const victim = victims(ledger.instances, asking, ledger.now).find(
      each => !chosen.includes(each) && !chosen.some(other => other.instance === each.instance),
    );
    if (!victim) return null;
    chosen.push(victim);
  }
  return prune(chosen, need, device, ledger, asking);
}

/** Leaves out those that turn out not to be needed once the later ones go. */
function prune(chosen: Victim[], need: number, device: DeviceState, ledger: Ledger, asking: Asking): Victim[] {
  let bytes =
    device.free +
    device.comingBytes +
    chosen
      .filter(victim => victim.instance.device === device)
      .reduce((sum, victim) => sum + victim.instance.view.leaseBytes, 0);
  let places =
    ledger.policy.instancesPerDevice -
    (device.count - device.comingCount) -
    placesKept([device], asking.lane, asking.index) +
    chosen.filter(victim => victim.instance.device === device).length;
  let models =
    ledger.policy.loadedModels -
    (ledger.loaded - ledger.comingLoaded) -
    placesKept(ledger.devices, asking.lane, asking.index) +
    chosen.length;
  return chosen.filter(({ instance }) => {
    const own = instance.device === device;
    const lessBytes = bytes - (own ? instance.view.leaseBytes : 0),
      lessPlaces = places - (own ? 1 : 0);
    if (lessBytes < need || lessPlaces < 1 || models - 1 < 1) return true;
    bytes = lessBytes;
    places = lessPlaces;
    models--;
    return false;
  });
}

/** Makes the reservation of a device for the lane; one that is there for it already stays. */
function hold(scene: Scene, lane: Lane, index: number, device: DeviceState, at: number, spare: number): Reservation {
  const known = device.reservation;
  if (known && known.index <= index) return known;
  const job = lane.waiting[0]!.job;
  return (device.reservation = {
    job,
    index,
    lane,
    bytes: lane.model.need[device.view.id] ?? 0,
    at,
    spare,
    passesLeft: Math.max(0, scene.ledger.policy.overtakes - job.overtaken),
    place: at - scene.ledger.now <= PATIENCE_MS,
  });
}

/** True: at least one of the instances stays for jobs that may pass; the passes are written into the ledger. */
function letPass(scene: Scene, reservation: Reservation, behind: readonly Victim[]): boolean {
  let any = false;
  for (const { instance } of behind) {
    const next = instance.lane && scene.turnOf(instance.lane);
    if (!next || !instance.lane || !mayPass(reservation, next, instance.lane, scene.ledger.now)) continue;
    instance.passes = reservation;
    instance.busyUntil =
      scene.ledger.now +
      attemptMs(
        instance.lane,
        instance.device,
        next.stage,
        batchEnd(
          next.from,
          next.stage.ready,
          largestBatch(scene.ledger.policy, instance.lane.model, instance.lane.stage, scene.ledger.snapshot.advice),
          idleOf(instance.lane).length,
        ) - next.from,
      );
    if (!begun(next.job)) reservation.passesLeft--;
    any = true;
  }
  return any;
}

/**
 * Reserves the device on which room will be first. What is idle there and wanted only by jobs behind goes, unless it
 * may pass.
 */
function reserve(scene: Scene, lane: Lane, index: number, devices: readonly DeviceState[]): Reason | null {
  const { ledger } = scene;
  let best: { device: DeviceState; at: number; spare: number; last: InstanceState | null } | null = null;
  for (const device of devices) {
    const need = lane.model.need[device.view.id] ?? Infinity;
    if (
      !device.view.usable ||
      need > device.view.cap ||
      isRemote(lane.model, device.view.id) ||
      (lane.model.notBefore[device.view.id] ?? 0) > ledger.now
    )
      continue;
    if (device.reservation && device.reservation.lane !== lane) continue;
    const when = earliest(ledger, device, need, index);
    if (!best || when.at < best.at) best = { device, ...when };
  }
  if (!best || best.at === Infinity) return null;
  const { device, at } = best;
  const why = verdict(ledger, lane, device, index);
  if (SOON.includes(why)) return null;
  const soon = at - ledger.now <= PATIENCE_MS;
  const reservation = hold(scene, lane, index, device, at, best.spare);
  const here = victims(
    onDevice(ledger, device),
    { lane, index, stuck: false, serial: ledger.policy.serial },
    ledger.now,
  ).filter(victim => victim.claim === 'behind');
  if (here.length && soon && !letPass(scene, reservation, here))
    for (const { instance } of here) unload(ledger, instance, 'room', scene.actions);
  else
    letPass(
      scene,
      reservation,
      here.filter(victim => !victim.instance.passes),
    );
  return why === 'modelLimit'
    ? because.modelLimit(ledger.policy.loadedModels)
    : why === 'deviceLimit'
      ? because.deviceLimit(device.view.name, ledger.policy.instancesPerDevice)
      : waitsForMemory(lane, device, at, best.last);
}

function waitsForMemory(lane: Lane, device: DeviceState, at: number, holder: InstanceState | null): Reason {
  const missing = (lane.model.need[device.view.id] ?? 0) - device.free;
  // Nobody holds it any more, and it does not show yet.
  if (!holder && device.view.releasing) return because.releasing(device.view.name, Math.max(0, missing));
  return because.memory(
    lane.stage,
    lane.model.id,
    device.view.name,
    Math.max(0, missing),
    holder?.view.model ?? '',
    at,
  );
}

/** Why the lane has nothing on this device now. */
export function reasonFor(scene: Scene, lane: Lane, device: DeviceState, index: number): Reason {
  const { ledger } = scene,
    { view } = device,
    held = device.reservation;
  switch (verdict(ledger, lane, device, index)) {
    case 'loading':
      return because.deviceBusyLoading(view.name, device.loadingModel);
    case 'cores':
      return because.cores(view.name, scene.cpuThreads, soonest(ledger, device));
    case 'deviceLimit':
      return because.deviceLimit(view.name, ledger.policy.instancesPerDevice);
    case 'modelLimit':
      return because.modelLimit(ledger.policy.loadedModels);
    case 'reserved':
      return because.reserved(lane.stage, lane.model.id, view.name, held?.job.id ?? '', held?.at ?? null);
    case 'failedLately':
      return because.retryAt(lane.stage, lane.model.notBefore[view.id]!);
    default: {
      const when = earliest(ledger, device, lane.model.need[view.id] ?? Infinity, index);
      return waitsForMemory(lane, device, when.at, when.last);
    }
  }
}

/** When cores are free next. */
export function soonest(ledger: Ledger, device: DeviceState): number | null {
  let at = Infinity;
  for (const instance of ledger.instances)
    if (instance.device === device && instance.state === 'busy') at = Math.min(at, instance.busyUntil);
  return at === Infinity ? null : at;
}
