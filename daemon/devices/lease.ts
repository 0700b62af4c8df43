/**
 * One lease: bytes of a device that are set aside for one instance, from before its worker starts until the device
 * shows them free again.
 *
 * active (its instance lives) → releasing (asked to stop, or gone) → forced (its memory did not come back and what was
 * left of it was killed) → credited, which is its end.
 */
import { EarshotError } from '../../schemas/errors.ts';
import type { LeaseState } from './account.ts';
import type { DeviceReading } from './reading.ts';
import { isReleased } from './release.ts';

export interface Lease {
  readonly id: string;
  readonly device: string;
  readonly instance: string;
  /** What people know the instance by: the model's name. */
  readonly name: string;
  readonly bytes: number;
  readonly state: LeaseState;
  readonly pid: number | null;
  /** It computes on the GPU that shares its device's memory. */
  readonly onMetal: boolean;
  /** false from the start until `loaded`. */
  readonly loaded: boolean;
  /** What it holds now, and the most it ever held; null while unknown. */
  readonly residentBytes: number | null;
  readonly peakBytes: number | null;
}

/** Memory that does not come back by itself after this long is taken back by force. */
const PATIENCE_MS = 10_000;

export class LeaseRecord implements Lease {
  readonly id: string;
  readonly device: string;
  readonly instance: string;
  readonly name: string;
  readonly bytes: number;
  readonly onMetal: boolean;
  state: LeaseState = 'active';
  pid: number | null = null;
  loaded = false;
  residentBytes: number | null = null;
  peakBytes: number | null = null;
  /** The worker and its children. */
  tree = new Set<number>();
  /**
   * Free memory before this lease, while nothing else of ours changed on the device: what is missing since is its own.
   */
  freeBefore: number | null;
  /** Whether the driver ever listed one of its processes, and lists one now. */
  private listed = false;
  private inList = false;
  /** Those of the tree that lived when last looked at since the release. */
  private living: Set<number> | null = null;
  private freeAtRelease: number | null = null;
  private releasedAt = 0;
  private goneAt: number | null = null;

  constructor(of: Pick<Lease, 'id' | 'device' | 'instance' | 'name' | 'bytes' | 'onMetal'>, freeBefore: number | null) {
    this.id = of.id;
    this.device = of.device;
    this.instance = of.instance;
    this.name = of.name;
    this.bytes = of.bytes;
    this.onMetal = of.onMetal;
    this.freeBefore = freeBefore;
  }

  attach(pid: number): void {
    this.pid = pid;
    this.tree = new Set([pid]);
  }

  /**
   * What it holds by this reading. The driver knows best; where it does not report it, what the device lost while
   * nothing else of ours changed.
   */
  attribute(reading: DeviceReading): void {
    const mine = reading.processes?.filter(process => this.tree.has(process.pid)) ?? [];
    this.inList = mine.length > 0;
    const known = mine.filter(process => process.bytes !== null);
    if (known.length > 0) {
      this.listed = true;
      this.residentBytes = known.reduce((sum, process) => sum + process.bytes!, 0);
      this.raisePeak(
        this.residentBytes,
        known.reduce((sum, process) => sum + (process.peakBytes ?? 0), 0),
      );
    } else if (this.listed) {
      this.residentBytes = 0;
    } else if (
      this.pid !== null &&
      this.state === 'active' &&
      this.freeBefore !== null &&
      reading.freeBytes !== null &&
      (reading.processes === null || this.inList || this.loaded)
    ) {
      // Others move too, so a wild figure is cut.
      this.residentBytes = Math.min(Math.max(0, this.freeBefore - reading.freeBytes), this.bytes * 2);
      this.raisePeak(this.residentBytes);
    }
  }

  /** @throws wrongState when that was said before */
  release(freeBytes: number | null, now: number): void {
    if (this.state !== 'active') throw new EarshotError('wrongState', { id: this.id, state: this.state });
    this.state = 'releasing';
    this.freeAtRelease = freeBytes;
    this.releasedAt = now;
  }

  /** Asked to stop: whether its device shows by this reading that the memory is back. */
  isCredited(reading: DeviceReading, lost: boolean, alive: (pid: number) => boolean, now: number): boolean {
    // Once seen dead a number may be somebody else's: it is not looked at again.
    this.living = new Set([...(this.living ?? this.tree)].filter(alive));
    if (this.living.size === 0) this.goneAt ??= now;
    const { freeBytes } = reading;
    return isReleased({
      processesGone: this.goneAt !== null,
      deviceThere: !lost,
      listed: this.listed,
      inList: this.inList,
      residentBytes: reading.kind === 'cpu' ? 0 : this.residentBytes,
      freedBytes: freeBytes === null || this.freeAtRelease === null ? null : freeBytes - this.freeAtRelease,
      goneForMs: this.goneAt === null ? 0 : now - this.goneAt,
      forced: this.state === 'forced',
    });
  }

  /** Released too long ago: it is forced now. Answers with the processes that are still to be killed. */
  overdue(now: number): readonly number[] {
    if (this.state !== 'releasing' || now - this.releasedAt < PATIENCE_MS) return [];
    this.state = 'forced';
    return [...(this.living ?? [])];
  }

  view(): Lease {
    const { id, device, instance, name, bytes, onMetal, state, pid, loaded, residentBytes, peakBytes } = this;
    return { id, device, instance, name, bytes, onMetal, state, pid, loaded, residentBytes, peakBytes };
  }

  private raisePeak(...bytes: number[]): void {
    this.peakBytes = Math.max(this.peakBytes ?? 0, ...bytes) || null;
  }
}
