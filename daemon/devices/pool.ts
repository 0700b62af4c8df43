/**
 * The memory pool: who holds what on each device, and what may still be given out.
 *
 * A lease is taken before a worker starts (the check and the entry are one synchronous step), gets the worker's pid
 * with `attach`, and is `loaded` when the model is. `release` means that the worker was asked to stop: the bytes count
 * as ours until the device shows them free again (`credited`). When that takes too long, what is left of the worker is
 * killed and the lease is `forced`: its device takes nothing new until the memory shows. A credited lease is forgotten,
 * so ending one twice is an error. See lease.ts for one lease, device.ts for one device.
 */
import type { Device, Estimate } from '../../schemas/device.ts';
import { EarshotError, failure, type Failure } from '../../schemas/errors.ts';
import type { Settings } from '../../schemas/settings.ts';
import type { DeviceView } from '../scheduler/snapshot.ts';
import { SerialQueue } from '../system/serial.ts';
import { heldBytes } from './account.ts';
import { DeviceRecord, type SendNotice } from './device.ts';
import {
  createEstimates,
  type CalibrationPort,
  type CardMemory,
  type EstimateKey,
  type Estimates,
} from './estimates.ts';
import { LeaseRecord, type Lease } from './lease.ts';
import type { ProcessTable } from './process-table.ts';
import { processes } from './processes.ts';
import type { Detail, DeviceReader, DeviceReading } from './reading.ts';

export type { Lease } from './lease.ts';

export interface PoolEvents {
  /** A notice for people, once: warnings, a device lost or back. */
  notice?(notice: { device: string; failure: Failure }): void;
  /** The device shows the memory of a released lease free again. */
  credited?(lease: Lease): void;
  /** Something could not be read; what was read before holds. */
  failed?(error: unknown): void;
}

export interface PoolOptions {
  settings: () => Settings;
  calibration: CalibrationPort;
  /** Milliseconds since the epoch. */
  clock: () => number;
  /** Earlier ones win where two know the same device. */
  readers: readonly DeviceReader[];
  events?: PoolEvents;
  table?: ProcessTable;
  /** Ends a process for good. */
  kill?: (pid: number) => void;
}

/** Children of workers rarely change and looking for them reads every process. */
const TREE_MS = 1000;

const killForGood = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    /* it has ended */
  }
};

export class Pool {
  private readonly records = new Map<string, DeviceRecord>();
  private readonly held = new Map<string, LeaseRecord>();
  /** Programs of others that hold memory of a GPU, by pid. */
  private readonly programs = new Map<number, string | null>();
  private readonly known: Estimates;
  private readonly options: PoolOptions;
  private readonly events: PoolEvents;
  private readonly table: ProcessTable;
  private readonly kill: (pid: number) => void;
  private readonly turns = new SerialQueue();
  /** A reading that was asked for and has not begun: later callers share it. */
  private next: { detail: Detail; done: Promise<void> } | null = null;
  private sequence = 0;
  private treesAt = -Infinity;

  constructor(options: PoolOptions) {
    this.options = options;
    this.events = options.events ?? {};
    this.table = options.table ?? processes();
    this.kill = options.kill ?? killForGood;
    this.known = createEstimates(options);
  }

  // — reading —

  /** Reads every device; a reading that had begun before the call does not count. Never fails. */
  refresh(detail: Detail = 'memory'): Promise<void> {
    if (this.next) {
      if (detail === 'all') this.next.detail = 'all';
      return this.next.done;
    }
    const next = { detail, done: Promise.resolve() };
    this.next = next;
    return (next.done = this.turns.run(async () => {
      this.next = null;
      try {
        await this.read(next.detail);
      } catch (error) {
        this.events.failed?.(error);
      }
    }));
  }

  private async read(detail: Detail): Promise<void> {
    const { readers, clock, settings } = this.options;
    const pids = this.followTrees();
    const answers = await Promise.all(readers.map(reader => this.ask(reader, detail, pids)));
    const now = clock(),
      seen = new Set<DeviceRecord>();
    for (const [n, answer] of answers.entries())
      for (const reading of answer ?? []) {
        let device = this.records.get(reading.id);
        if (device && seen.has(device)) continue;
        if (device) device.update(reading, readers[n]!, detail, now, this.notice);
        else this.records.set(reading.id, (device = new DeviceRecord(reading, readers[n]!, now, settings)));
        seen.add(device);
      }
    for (const device of this.records.values()) {
      const unread = !seen.has(device);
      // Whoever reads it could not look: that says nothing about the device.
      if (unread && answers[readers.indexOf(device.reader)] === null) continue;
      if (unread && !device.lost) {
        device.lost = true;
        this.notice(device, failure('deviceLost', { device: device.name }));
      }
      for (const lease of this.on(device.reading.id)) {
        if (!device.lost) lease.attribute(device.reading);
        if (lease.state !== 'active') this.credit(lease, device, now);
      }
      device.follow(this.on(device.reading.id), now, this.notice);
    }
    this.namePrograms();
  }

  /** null: it could not look. */
  private async ask(
    reader: DeviceReader,
    detail: Detail,
    pids: ReadonlySet<number>,
  ): Promise<readonly DeviceReading[] | null> {
    try {
      return await reader.read(detail, pids);
    } catch (error) {
      this.events.failed?.(error);
      return null;
    }
  }

  /** All processes of our workers. A child whose parent ended is still ours: nothing is taken out of a tree. */
  private followTrees(): Set<number> {
    const workers = [...this.held.values()].filter(lease => lease.pid !== null),
      now = this.options.clock();
    if (workers.length > 0 && now - this.treesAt >= TREE_MS)
      try {
        const trees = this.table.withChildren(workers.map(lease => lease.pid!));
        this.treesAt = now;
        for (const lease of workers) for (const pid of trees.get(lease.pid!) ?? []) lease.tree.add(pid);
      } catch (error) {
        this.events.failed?.(error);
      }
    return new Set(workers.flatMap(lease => [...lease.tree]));
  }

  private credit(lease: LeaseRecord, device: DeviceRecord, now: number): void {
    if (!lease.isCredited(device.reading, device.lost, pid => this.table.alive(pid), now)) {
      for (const pid of lease.overdue(now)) this.kill(pid);
      return;
    }
    this.held.delete(lease.id);
    this.changed(lease.device);
    this.events.credited?.(lease.view());
  }

  /** Programs of others by their name, asked for once. */
  private namePrograms(): void {
    const present = new Set<number>();
    for (const { reading } of this.records.values())
      for (const process of reading.kind === 'gpu' ? (reading.processes ?? []) : []) {
        present.add(process.pid);
        if (!this.programs.has(process.pid))
          this.programs.set(process.pid, process.name ?? this.table.name(process.pid));
      }
    for (const pid of this.programs.keys()) if (!present.has(pid)) this.programs.delete(pid);
  }

  private readonly notice: SendNotice = (device, failure) => {
    this.events.notice?.({ device: device.reading.id, failure });
  };

  /** Why devices may be missing. */
  problems(): Failure[] {
    return this.options.readers.flatMap(reader => reader.problem() ?? []);
  }

  // — devices, by the last reading —

  /** As the scheduler sees them. */
  views(): DeviceView[] {
    return [...this.records.values()].map(device => device.view(this.on(device.reading.id)));
  }

  /** As people see them. */
  devices(): Device[] {
    return [...this.records.values()].map(device =>
      device.present(this.on(device.reading.id), pid => this.programs.get(pid) ?? null),
    );
  }

  // — leases —

  /**
   * Takes bytes of a device; `usesMetal`: for an instance that computes on the GPU of unified memory where that has
   * room (`onMetal` says). Throws noSuchDevice, deviceLost or noRoom.
   */
  lease({
    device: id,
    instance,
    bytes,
    name = instance,
    usesMetal = false,
  }: {
    device: string;
    instance: string;
    bytes: number;
    name?: string;
    usesMetal?: boolean;
  }): Lease {
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw new RangeError(`a lease of ${bytes} bytes`);
    const device = this.records.get(id);
    if (!device || device.excluded) throw new EarshotError('noSuchDevice', { device: id });
    if (!device.known) throw new EarshotError('deviceLost', { device: device.name });
    const here = this.on(id),
      closed = here.some(lease => lease.state === 'forced'),
      room = closed ? 0 : device.admissible(here);
    if (closed || bytes > room)
      throw new EarshotError('noRoom', { device: device.name, needBytes: bytes, admissibleBytes: Math.max(0, room) });
    this.changed(id);
    const lease = new LeaseRecord(
      {
        id: `lease-${++this.sequence}`,
        device: id,
        instance,
        name,
        bytes,
        onMetal: usesMetal && bytes <= device.metalRoom(here),
      },
      device.reading.kind === 'gpu' ? device.reading.freeBytes : null,
    );
    this.held.set(lease.id, lease);
    return lease.view();
  }

  /** The worker's process. */
  attach(leaseId: string, pid: number): void {
    this.find(leaseId).attach(pid);
    this.treesAt = -Infinity;
  }

  /** The model is loaded: what the device lost since the lease began is what it took. */
  loaded(leaseId: string): void {
    this.find(leaseId).loaded = true;
  }

  /** The worker was asked to stop, or is gone. Throws wrongState when that was said before. */
  release(leaseId: string): void {
    const lease = this.find(leaseId);
    lease.release(this.records.get(lease.device)?.reading.freeBytes ?? null, this.options.clock());
  }

  /** Leases that still count, releasing ones included. */
  leases(): Lease[] {
    return [...this.held.values()].map(lease => lease.view());
  }

  /** null once it is credited. */
  get(leaseId: string): Lease | null {
    return this.held.get(leaseId)?.view() ?? null;
  }

  private on(device: string): LeaseRecord[] {
    return [...this.held.values()].filter(lease => lease.device === device);
  }

  private find(id: string): LeaseRecord {
    const lease = this.held.get(id);
    if (!lease) throw new EarshotError('wrongState', { id, state: 'gone' });
    return lease;
  }

  /** Something of ours changed on the device: from now on its free memory says nothing about single leases. */
  private changed(device: string): void {
    for (const lease of this.on(device)) lease.freeBefore = null;
  }

  // — what models need —

  estimate({
    device,
    card,
    engine,
    precision,
  }: {
    device: string;
    card: CardMemory;
    engine: string;
    precision: string;
  }): { bytes: number; source: 'card' | 'measured' } {
    const found = this.records.get(device);
    return this.known.estimate(
      { device, model: card.id, engine, precision },
      card,
      found?.reading.kind ?? (device === 'cpu' ? 'cpu' : 'gpu'),
      found?.everBytes,
    );
  }

  /** A peak of this model on this device; loadMs when it was loaded in between, else null. */
  measured({ peakBytes, loadMs, ...key }: EstimateKey & { peakBytes: number; loadMs: number | null }): void {
    this.known.measured(key, peakBytes, loadMs);
  }

  /**
   * A worker ran out of memory. Reads the devices and raises the estimate, unless another program took what the lease
   * had left; answers whether it raised.
   */
  async outOfMemory(key: EstimateKey, leaseBytes: number, leaseId?: string): Promise<boolean> {
    const lease = leaseId === undefined ? undefined : this.held.get(leaseId);
    await this.refresh('memory');
    const device = this.records.get(key.device);
    if (lease && device?.known) {
      const left = Math.max(0, heldBytes(lease) - (lease.residentBytes ?? 0)),
        overdrawn = (lease.peakBytes ?? 0) > lease.bytes;
      if (!overdrawn && device.leastFreeBytes < left) return false;
    }
    this.known.raise(key, leaseBytes, device?.everBytes ?? leaseBytes * 2);
    return true;
  }

  /** A run of this model ended well: what running out of memory taught fades. */
  ranWell(key: EstimateKey): void {
    this.known.ranWell(key);
  }
  loadMs(key: EstimateKey): number | null {
    return this.known.loadMs(key);
  }
  estimates(): Estimate[] {
    return this.known.list();
  }

  dispose(): void {
    for (const reader of this.options.readers) reader.dispose();
  }
}
