/**
 * When memory that an instance was asked to give back counts as given back: when the device shows it, not when we
 * asked.
 */

export interface ReleaseEvidence {
  /** The worker and its children have ended. */
  processesGone: boolean;
  /** The device is there and was read. */
  deviceThere: boolean;
  /** The driver lists who holds what, and listed this worker before: then its absence from the list means something. */
  listed: boolean;
  /** The worker or a child of it stands in that list now. */
  inList: boolean;
  /** What the instance held when it was asked to stop, and how much more is free on the device since. */
  residentBytes: number | null;
  freedBytes: number | null;
  /** ms since the processes were gone. */
  goneForMs: number;
  forced: boolean;
}

/**
 * Without a list of processes others may take what we gave back before we see it free: then time decides, and longer
 * after force.
 */
const GRACE_MS = 10_000,
  FORCED_GRACE_MS = 60_000;

export function isReleased(evidence: ReleaseEvidence): boolean {
  if (!evidence.processesGone) return false;
  // A device that fell off the bus holds nothing of ours any more; what comes back comes back empty.
  if (!evidence.deviceThere) return true;
  if (evidence.listed) return !evidence.inList;
  if (evidence.residentBytes === null || evidence.residentBytes === 0) return true;
  if (evidence.freedBytes !== null && evidence.freedBytes >= evidence.residentBytes * 0.8) return true;
  return evidence.goneForMs >= (evidence.forced ? FORCED_GRACE_MS : GRACE_MS);
}
