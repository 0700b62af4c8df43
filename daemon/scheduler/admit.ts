/** Where a model may be loaded, and what forbids it now: every ceiling is enforced here and nowhere else. */
import { failure, type Failure } from '../../schemas/errors.ts';
import type { DeviceKind, Stage } from '../../schemas/words.ts';
import { isRemote, type DeviceState, type Lane, type Ledger } from './lanes.ts';
import type { DeviceView, ModelView, Policy, Snapshot } from './snapshot.ts';

export type Verdict =
  | 'fits'
  | 'loading'
  | 'memory'
  | 'reserved'
  | 'deviceLimit'
  | 'modelLimit'
  | 'cores'
  | 'failedLately'
  | 'unusable';

/** Which kinds of device a stage may use, best first, on this machine. */
export function kindsFor(
  stage: Stage,
  model: Pick<ModelView, 'devices'>,
  policy: Policy,
  hasGpu: boolean,
): DeviceKind[] {
  const gpu = hasGpu && model.devices.includes('gpu');
  const cpu =
    model.devices.includes('cpu') &&
    (!gpu || (stage === 'repair' || stage === 'summary' ? policy.repairOnCpu : policy.othersOnCpu));
  return [...(gpu ? ['gpu' as const] : []), ...(cpu ? ['cpu' as const] : [])];
}

/** Devices that this model may ever use, by kind. A pin leaves one. */
export function allowedDevices<D extends { id: string; kind: DeviceKind }>(
  devices: readonly D[],
  stage: Stage,
  model: Pick<ModelView, 'id' | 'devices' | 'need'>,
  policy: Policy,
): D[] {
  const pin = policy.pinnedModels[model.id];
  const known = devices.filter(device => model.need[device.id] !== undefined);
  if (pin !== undefined) return known.filter(device => device.id === pin && model.devices.includes(device.kind));
  const kinds = kindsFor(
    stage,
    model,
    policy,
    devices.some(device => device.kind === 'gpu'),
  );
  return kinds.flatMap(kind => known.filter(device => device.kind === kind));
}

/**
 * A failure when no device that the model may use could ever hold it. `alternatives`: models of its family that would
 * fit, joined by commas.
 */
export function neverFits(snapshot: Snapshot, stage: Stage, model: ModelView): Failure | null {
  const devices = allowedDevices(snapshot.devices, stage, model, snapshot.policy);
  if (!devices.length || devices.some(device => fitsEver(device, model))) return null;
  const largest = devices.reduce((a, b) => (b.cap > a.cap ? b : a));
  const others = Object.values(snapshot.models).filter(
    other =>
      other.id !== model.id &&
      other.stages.includes(stage) &&
      allowedDevices(snapshot.devices, stage, other, snapshot.policy).some(device => fitsEver(device, other)),
  );
  others.sort(
    (a, b) =>
      Number(b.family === model.family) - Number(a.family === model.family) ||
      b.size - a.size ||
      (a.id < b.id ? -1 : 1),
  );
  return failure('neverFits', {
    model: model.id,
    stage,
    needBytes: Math.min(...devices.map(device => model.need[device.id]!)),
    device: largest.name,
    largestBytes: largest.cap,
    alternatives: others.map(other => other.id).join(', ') || undefined,
  });
}
const fitsEver = (device: DeviceView, model: ModelView): boolean => (model.need[device.id] ?? Infinity) <= device.cap;

/**
 * The model that is loaded in place of one that fails everywhere, where the user allowed it: the largest smaller one of
 * its family.
 */
export function standIn(snapshot: Snapshot, model: ModelView, stage: Stage, now: number): ModelView {
  if (!snapshot.policy.smallerModelOnFailure) return model;
  const usable = (candidate: ModelView): boolean =>
    allowedDevices(snapshot.devices, stage, candidate, snapshot.policy).some(
      device => fitsEver(device, candidate) && (candidate.notBefore[device.id] ?? 0) <= now,
    );
  if (usable(model)) return model;
  const smaller = Object.values(snapshot.models).filter(
    other =>
      other.family === model.family &&
      other.size < model.size &&
      other.waiting === null &&
      other.stages.includes(stage) &&
      usable(other),
  );
  return (
    smaller.reduce<ModelView | null>(
      (best, other) =>
        best === null || other.size > best.size || (other.size === best.size && other.id < best.id) ? other : best,
      null,
    ) ?? model
  );
}

/** May an instance of the lane be loaded on the device now? `index`: the place in order of the job that wants it. */
export function verdict(ledger: Ledger, lane: Lane, device: DeviceState, index: number): Verdict {
  const { view } = device,
    model = lane.model;
  const need = model.need[view.id] ?? Infinity;
  if (!view.usable) return 'unusable';
  if (need > view.cap) return 'memory';
  if ((model.notBefore[view.id] ?? 0) > ledger.now) return 'failedLately';
  if (isRemote(model, view.id) && !ledger.policy.serial) return 'fits';
  if (ledger.loaded + placesKept(ledger.devices, lane, index) >= ledger.policy.loadedModels) return 'modelLimit';
  if (device.count + placesKept([device], lane, index) >= ledger.policy.instancesPerDevice) return 'deviceLimit';
  if (need > device.free) return 'memory';
  const held = device.reservation;
  if (
    held &&
    held.lane !== lane &&
    held.index < index &&
    need > held.spare &&
    !endsBefore(ledger, lane, device, held.at)
  )
    return 'reserved';
  if (device.loading) return 'loading';
  if (view.kind === 'cpu' && device.cores < 1) return 'cores';
  return 'fits';
}

/** Places for instances that are kept for lanes in front; a job's own stages do not stand in each other's way. */
export const placesKept = (devices: readonly DeviceState[], lane: Lane, index: number): number =>
  devices.filter(({ reservation }) => reservation?.place && reservation.lane !== lane && reservation.index < index)
    .length;

/** Backfilling: loaded now, all its known work would be over before the reservation's time. */
function endsBefore(ledger: Ledger, lane: Lane, device: DeviceState, at: number): boolean {
  return ledger.now + (lane.model.loadMs[device.view.id] ?? 0) + lane.leftMs <= at;
}
