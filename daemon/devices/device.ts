/** One device as it was last read: whether it answers, what of it may be given out, and what people see of it. */
import type { Device, MemoryHolder } from '../../schemas/device.ts';
import { failure, type Failure } from '../../schemas/errors.ts';
import type { Settings } from '../../schemas/settings.ts';
import type { DeviceView } from '../scheduler/snapshot.ts';
import {
  admissibleBytes,
  everBytes,
  heldBytes,
  limits,
  pressedAfter,
  totals,
  warningOf,
  type Limits,
} from './account.ts';
import type { LeaseRecord } from './lease.ts';
import { METAL_ID } from './metal.ts';
import type { Detail, DeviceReader, DeviceReading } from './reading.ts';

/** Free memory is remembered for this long: what made a worker fail may have gone again by now. */
const LATELY_MS = 3_000;

export type SendNotice = (device: DeviceRecord, failure: Failure) => void;

export class DeviceRecord {
  reading: DeviceReading;
  /** Who reads it. */
  reader: DeviceReader;
  /** ms since the epoch. */
  readAt: number;
  lost = false;
  private pressed = false;
  private lately: { at: number; freeBytes: number }[] = [];
  private warning: 'high' | 'critical' | null = null;
  private readonly settings: () => Settings;

  constructor(reading: DeviceReading, reader: DeviceReader, readAt: number, settings: () => Settings) {
    this.reading = reading;
    this.reader = reader;
    this.readAt = readAt;
    this.settings = settings;
  }

  get name(): string {
    return this.reading.name ?? this.reading.id;
  }
  get excluded(): boolean {
    return this.settings().excludedDevices.includes(this.reading.id);
  }
  /** It answers and says how much memory it has. */
  get known(): boolean {
    return !this.lost && this.reading.totalBytes !== null && this.reading.freeBytes !== null;
  }
  get limits(): Limits {
    const { kind, totalBytes, degraded } = this.reading;
    return limits({ kind, totalBytes: totalBytes ?? 0, degraded }, this.settings());
  }
  /** The most that one model could ever have of it; undefined while unknown. */
  get everBytes(): number | undefined {
    return this.known ? everBytes(this.limits, this.reading.totalBytes!) : undefined;
  }
  /** The least that was free lately. */
  get leastFreeBytes(): number {
    return Math.min(...this.lately.map(({ freeBytes }) => freeBytes));
  }

  admissible(leases: readonly LeaseRecord[]): number {
    return this.known ? admissibleBytes(this.limits, this.reading.freeBytes!, leases) : 0;
  }

  /** What its GPU may still hold of unified memory; 0: it has none, or is to leave it alone. */
  metalRoom(leases: readonly LeaseRecord[]): number {
    const { metal } = this.reading;
    if (!metal || this.settings().excludedDevices.includes(METAL_ID)) return 0;
    return metal.limitBytes - onMetal(leases);
  }

  /** Takes a reading over. A quick one leaves what people look at as it was. */
  update(reading: DeviceReading, reader: DeviceReader, detail: Detail, now: number, notice: SendNotice): void {
    const back = this.lost;
    this.reading = detail === 'all' || back ? reading : { ...this.reading, ...memoryPart(reading) };
    this.reader = reader;
    this.readAt = now;
    this.lost = false;
    if (back) notice(this, failure('deviceBack', { device: this.name }));
  }

  /** After its leases were attributed: what this reading means for warnings and for those who need memory. */
  follow(leases: readonly LeaseRecord[], now: number, notice: SendNotice): void {
    const { freeBytes } = this.reading;
    if (freeBytes !== null)
      this.lately = [...this.lately.filter(({ at }) => now - at < LATELY_MS), { at: now, freeBytes }];
    const { capBytes, reserveBytes } = this.limits,
      { inUse } = totals(leases);
    const before = this.warning;
    this.warning = warningOf(before, inUse, capBytes);
    if (this.warning && this.warning !== before && before !== 'critical')
      notice(
        this,
        failure(this.warning === 'high' ? 'memoryHigh' : 'memoryCritical', {
          device: this.name,
          usedBytes: inUse,
          capBytes,
        }),
      );
    this.pressed = this.known && pressedAfter(this.pressed, freeBytes!, reserveBytes);
  }

  /** As the scheduler sees it. */
  view(leases: readonly LeaseRecord[]): DeviceView {
    const { reading } = this,
      { cpuThreads, yieldTo } = this.settings();
    return {
      id: reading.id,
      kind: reading.kind,
      name: this.name,
      admissible: this.admissible(leases),
      cap: everBytes(this.limits, reading.totalBytes ?? 0),
      cores: reading.kind === 'cpu' ? (cpuThreads ?? reading.cores ?? 1) : Infinity,
      outsideCores: reading.outsideCores ?? 0,
      usable: this.known && !this.excluded && !leases.some(lease => lease.state === 'forced'),
      loading: leases.some(lease => lease.state === 'active' && !lease.loaded),
      releasing: leases.some(lease => lease.state !== 'active'),
      pressed: this.pressed && yieldTo === 'others',
    };
  }

  /** As people see it. `programName`: of a process that is not ours. */
  present(leases: readonly LeaseRecord[], programName: (pid: number) => string | null): Device {
    const { reading, lost } = this,
      { capBytes, reserveBytes } = this.limits,
      { leased, notResident } = totals(leases);
    return {
      id: reading.id,
      kind: reading.kind,
      name: this.name,
      health: lost ? 'lost' : reading.degraded || !this.known ? 'degraded' : 'ok',
      source: reading.source,
      memory: {
        total: reading.totalBytes ?? 0,
        free: lost ? 0 : (reading.freeBytes ?? 0),
        cap: capBytes,
        reserve: reserveBytes,
        leased,
        notResident,
        admissible: Math.max(0, this.admissible(leases)),
        holders: lost ? [] : this.holders(leases, programName),
      },
      utilization: reading.utilization,
      memoryUtilization: reading.memoryUtilization,
      temperatureC: reading.temperatureC,
      powerW: reading.powerW,
      powerLimitW: reading.powerLimitW,
      fan: reading.fan,
      clockMhz: reading.clockMhz,
      throttle: reading.throttle,
      computeCapability: reading.computeCapability,
      driver: reading.driver,
      cuda: reading.cuda,
      pciBus: reading.pciBus,
      cores: reading.cores,
      ...(reading.metal
        ? {
            metal: {
              ...reading.metal,
              leasedBytes: onMetal(leases),
              excluded: this.settings().excludedDevices.includes(METAL_ID),
            },
          }
        : {}),
      excluded: this.excluded,
      warning: this.warning,
      readAt: this.readAt,
    };
  }

  private holders(leases: readonly LeaseRecord[], programName: (pid: number) => string | null): MemoryHolder[] {
    const { kind, processes, totalBytes, freeBytes } = this.reading;
    const ours = leases.map((lease): MemoryHolder => ({
      kind: 'ours',
      name: lease.name,
      pid: lease.pid,
      bytes: lease.residentBytes,
      instance: lease.instance,
    }));
    const other = (pid: number | null, name: string, bytes: number | null): MemoryHolder => ({
      kind: 'other',
      name,
      pid,
      bytes,
      instance: null,
    });
    if (kind === 'gpu' && processes !== null) {
      const own = new Set(leases.flatMap(lease => [...lease.tree]));
      const others = processes.filter(process => !own.has(process.pid));
      return [...ours, ...others.map(({ pid, bytes }) => other(pid, programName(pid) ?? '', bytes))];
    }
    // Nobody says who: all that is used and not ours is one entry without a name.
    const held = leases.reduce((sum, lease) => sum + (lease.residentBytes ?? 0), 0),
      rest = (totalBytes ?? 0) - (freeBytes ?? 0) - held;
    return rest > 0 ? [...ours, other(null, '', rest)] : ours;
  }
}

const onMetal = (leases: readonly LeaseRecord[]): number =>
  leases.reduce((sum, lease) => sum + (lease.onMetal ? heldBytes(lease) : 0), 0);

const memoryPart = ({ totalBytes, freeBytes, processes, outsideCores, metal, degraded, source }: DeviceReading) => ({
  totalBytes,
  freeBytes,
  processes,
  outsideCores,
  metal,
  degraded,
  source,
});
