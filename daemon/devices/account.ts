/** The arithmetic of a device's memory: whose bytes are whose, and how many may still be given out. Integers only. */
import type { Settings } from '../../schemas/settings.ts';
import type { DeviceKind } from '../../schemas/words.ts';

/** active: its instance lives; releasing: asked to stop; forced: killed, and the device does not show it yet. */
export type LeaseState = 'active' | 'releasing' | 'forced';

export interface Held {
  state: LeaseState;
  bytes: number;
  residentBytes: number | null;
}

/** What a lease counts for: what it was given, or what its instance really took if that is more. */
export const heldBytes = (lease: Held): number => Math.max(lease.bytes, lease.residentBytes ?? 0);

/** The part of a lease that free memory does not show yet, but that its instance will still take. */
export const notResidentBytes = (lease: Held): number =>
  lease.state === 'active' ? Math.max(0, lease.bytes - (lease.residentBytes ?? 0)) : 0;

export interface Limits {
  capBytes: number;
  reserveBytes: number;
}

/** What we may hold of a device at most, and what we leave free on it; a coarse reading doubles the reserve. */
export function limits(
  device: { kind: DeviceKind; totalBytes: number; degraded: boolean },
  settings: Pick<Settings, 'memoryUtilization' | 'memoryReserveBytes' | 'ramCapBytes'>,
): Limits {
  const share = Math.floor(settings.memoryUtilization * device.totalBytes);
  const capBytes =
    device.kind === 'cpu' && settings.ramCapBytes !== null ? Math.min(settings.ramCapBytes, device.totalBytes) : share;
  return { capBytes, reserveBytes: settings.memoryReserveBytes * (device.degraded ? 2 : 1) };
}

const sum = <T>(items: Iterable<T>, of: (item: T) => number): number => {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
};

/** Bytes that may be given out now; negative when we or others hold more than we would allow. */
export const admissibleBytes = (
  { capBytes, reserveBytes }: Limits,
  freeBytes: number,
  leases: readonly Held[],
): number => Math.min(capBytes - sum(leases, heldBytes), freeBytes - reserveBytes - sum(leases, notResidentBytes));

/** The most that one model could ever have: an empty device less what we leave free. */
export const everBytes = ({ capBytes, reserveBytes }: Limits, totalBytes: number): number =>
  Math.max(0, Math.min(capBytes, totalBytes - reserveBytes));

export const totals = (leases: readonly Held[]): { leased: number; notResident: number; inUse: number } => ({
  leased: sum(leases, heldBytes),
  notResident: sum(leases, notResidentBytes),
  inUse: sum(leases, lease => lease.residentBytes ?? lease.bytes),
});

/**
 * The warning after this reading. It comes at 85 and 95 % of the cap and goes three points lower, so that it does not
 * flicker.
 */
export function warningOf(
  before: 'high' | 'critical' | null,
  inUseBytes: number,
  capBytes: number,
): 'high' | 'critical' | null {
  const share = capBytes > 0 ? inUseBytes / capBytes : 0;
  if (share >= 0.95 || (before === 'critical' && share >= 0.92)) return 'critical';
  if (share >= 0.85 || (before !== null && share >= 0.82)) return 'high';
  return null;
}

/** Another program needs memory when it has eaten into our reserve; it does no more once the reserve is whole. */
export const pressedAfter = (before: boolean, freeBytes: number, reserveBytes: number): boolean =>
  before ? freeBytes < reserveBytes : freeBytes < Math.floor(reserveBytes * 0.75);
