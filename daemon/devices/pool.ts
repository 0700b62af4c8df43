/**
 * The memory pool: who holds what on each device, and what may still be given out.
 *
 * A lease is taken before a worker starts (the check and the entry are one synchronous step), gets the worker's pid
 * with `attach`, and is `loaded` when the model is. `release` means that the worker was told to go: the bytes count as
 * ours until the device shows them free again (`credited`). When that takes too long, what is left of the worker is
 * killed and the lease is `forced`: its device takes nothing new until the memory shows. A credited lease is forgotten,
 * so ending one twice is an error.
 */
import type { Device, Estimate, MemoryHolder } from '../../schemas/device.ts';
import { EarshotError, failure, type Failure } from '../../schemas/errors.ts';
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
  type LeaseState,
} from './account.ts';
import { createEstimates, type CalibrationPort, type CardMemory, type EstimateKey } from './estimates.ts';
import type { ProcessTable } from './process-table.ts';
import { processes } from './processes.ts';
import type { Detail, DeviceReader, DeviceReading } from './reading.ts';
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
  /** false from the start until `loaded`. */
  readonly loaded: boolean;
  /** What it holds now, and the most it ever held; null while unknown. */
  readonly residentBytes: number | null;
  readonly peakBytes: number | null;
}

export interface PoolEvents {
  /** A thing to tell people once: warnings, a device lost or back. */
  notice?(notice: { device: string; failure: Failure }): void;
  /** The device shows the memory of a released lease free again. */
  credited?(lease: Lease): void;
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

export interface Pool {
  /** Reads every device; a reading that had begun before the call does not count. Never fails. */
  refresh(detail?: Detail): Promise<void>;
  /** Devices as the scheduler sees them, and as people do; both by the last reading. */
  views(): DeviceView[];
  devices(): Device[];
  /** Takes bytes of a device. Throws noSuchDevice, deviceLost or noRoom. */
  lease(request: { device: string; instance: string; bytes: number; name?: string }): Lease;
  /** The worker's process. */
  attach(leaseId: string, pid: number): void;
  /** The model is loaded: what the device lost since the lease began is what it took. */
  loaded(leaseId: string): void;
  /** What the worker itself says about its memory. */
  observe(leaseId: string, seen: { residentBytes?: number; peakBytes?: number }): void;
  /** The worker was told to go, or is gone. Throws wrongState when that was said before. */
  release(leaseId: string): void;
  /** The worker had to be killed because its memory did not come back. Releases too, if that was not said yet. */
  forced(leaseId: string): void;
  /** Leases that still count, releasing ones included. */
  leases(): Lease[];
  /** null once it is credited. */
  get(leaseId: string): Lease | null;
  estimate(request: { device: string; card: CardMemory; engine: string; precision: string }): {
    bytes: number;
    source: 'card' | 'measured';
  };
  /** A peak of this model on this device; loadMs when it was loaded in between, else null. */
  measured(sample: EstimateKey & { peakBytes: number; loadMs: number | null }): void;
  /**
   * A worker ran out of memory. Reads the devices and raises the estimate, unless another program took what the lease
   * had left; answers whether it raised.
   */
  outOfMemory(key: EstimateKey, leaseBytes: number, leaseId?: string): Promise<boolean>;
  /** A run of this model ended well: what running out of memory taught fades. */
  ranWell(key: EstimateKey): void;
  loadMs(key: EstimateKey): number | null;
  estimates(): Estimate[];
  /** Bytes needed by device id; a failure when no device can ever hold it. */
  neverFits(need: Readonly<Record<string, number>>): Failure | null;
  /** Why devices may be missing. */
  problems(): Failure[];
  dispose(): void;
}

interface Entry {
  reading: DeviceReading;
  /** ms since the epoch. */
  readAt: number;
  lost: boolean;
  pressed: boolean;
  /** Free memory lately: what made a worker fail may have gone again by now. */
  lately: { at: number; freeBytes: number }[];
  warning: 'high' | 'critical' | null;
}

interface LeaseEntry {
  id: string;
  device: string;
  instance: string;
  name: string;
  bytes: number;
  state: LeaseState;
  pid: number | null;
  loaded: boolean;
  residentBytes: number | null;
  peakBytes: number | null;
  /** The worker and its children, and whether the driver ever listed one of them. */
  tree: Set<number>;
  listed: boolean;
  inList: boolean;
  /** Those of them that live, at the last look since the release. */
  living: Set<number> | null;
  /**
   * Free memory before this lease, while nothing else of ours changed on the device: what is missing since is its own.
   */
  freeBefore: number | null;
  freeAtRelease: number | null;
  releasedAt: number | null;
  goneAt: number | null;
}

/** Children of workers rarely change and looking for them reads every process. */
const TREE_MS = 1000;
/** Memory that does not come back by itself after this long is taken back by force. */
const PATIENCE_MS = 10_000;

const LATELY_MS = 3_000;

const killForGood = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    /* it has ended */
  }
};

export function createPool({
  settings,
  calibration,
  clock,
  readers,
  events = {},
  table = processes(),
  kill = killForGood,
}: PoolOptions): Pool {
  const devices = new Map<string, Entry>();
  const leases = new Map<string, LeaseEntry>();
  const names = new Map<number, string | null>();
  const estimates = createEstimates({ settings, calibration, clock });
  let sequence = 0,
    treesAt = -Infinity;
  /** The last reading asked for, and the one that has not begun, which later callers share. */
  let last: Promise<void> = Promise.resolve(),
    queued: { detail: Detail; done: Promise<void> } | null = null;

  const on = (device: string): LeaseEntry[] => [...leases.values()].filter(lease => lease.device === device);
  const find = (id: string): LeaseEntry => {
    const lease = leases.get(id);
    if (!lease) throw new EarshotError('wrongState', { lease: id, state: 'gone' });
    return lease;
  };
  const excluded = (device: string): boolean => settings().excludedDevices.includes(device);
  const limitsOf = ({ reading }: Entry) =>
    limits({ kind: reading.kind, totalBytes: reading.totalBytes ?? 0, degraded: reading.degraded }, settings());
  const known = ({ reading, lost }: Entry): boolean =>
    !lost && reading.totalBytes !== null && reading.freeBytes !== null;
  const admissible = (entry: Entry): number =>
    known(entry) ? admissibleBytes(limitsOf(entry), entry.reading.freeBytes!, on(entry.reading.id)) : 0;
  const display = (entry: Entry): string => entry.reading.name ?? entry.reading.id;

  /**
   * What a lease holds by this reading. The driver knows best, then the worker, then what the device lost while nothing
   * else of ours changed.
   */
  function attribute(lease: LeaseEntry, reading: DeviceReading): void {
    const mine = reading.processes?.filter(process => lease.tree.has(process.pid)) ?? [];
    lease.inList = mine.length > 0;
    const told = mine.filter(process => process.bytes !== null);
    if (told.length > 0) {
      lease.listed = true;
      lease.residentBytes = told.reduce((sum, process) => sum + process.bytes!, 0);
      lease.peakBytes = Math.max(
        lease.peakBytes ?? 0,
        lease.residentBytes,
        told.reduce((sum, process) => sum + (process.peakBytes ?? 0), 0),
      );
    } else if (lease.listed) {
      lease.residentBytes = 0;
    } else if (
      lease.pid !== null &&
      lease.state === 'active' &&
      lease.freeBefore !== null &&
      reading.freeBytes !== null &&
      (reading.processes === null || lease.inList || lease.loaded)
    ) {
      // Others move too, so a wild figure is cut.
      lease.residentBytes = Math.min(Math.max(0, lease.freeBefore - reading.freeBytes), lease.bytes * 2);
      lease.peakBytes = Math.max(lease.peakBytes ?? 0, lease.residentBytes);
    }
  }

  function credit(lease: LeaseEntry, entry: Entry, now: number): void {
    // Once seen dead a number may be somebody else's: it is not looked at again.
    lease.living = new Set([...(lease.living ?? lease.tree)].filter(pid => table.alive(pid)));
    const gone = lease.living.size === 0;
    if (gone) lease.goneAt ??= now;
    const free = entry.reading.freeBytes;
    const done = isReleased({
      processesGone: gone,
      deviceThere: !entry.lost,
      listed: lease.listed,
      inList: lease.inList,
      residentBytes: entry.reading.kind === 'cpu' ? 0 : lease.residentBytes,
      freedBytes: free === null || lease.freeAtRelease === null ? null : free - lease.freeAtRelease,
      goneForMs: lease.goneAt === null ? 0 : now - lease.goneAt,
      forced: lease.state === 'forced',
    });
    if (!done) {
      if (lease.state === 'releasing' && now - lease.releasedAt! >= PATIENCE_MS) {
        for (const pid of lease.living) kill(pid);
        lease.state = 'forced';
      }
      return;
    }
    leases.delete(lease.id);
    settle(lease.device);
    events.credited?.(view(lease));
  }

  /** Something of ours changed on the device: from now on its free memory says nothing about single leases. */
  const settle = (device: string): void => {
    for (const lease of on(device)) lease.freeBefore = null;
  };

  function notice(
    entry: Entry,
    code: 'deviceLost' | 'deviceBack' | 'memoryHigh' | 'memoryCritical',
    args: Failure['args'] = {},
  ): void {
    events.notice?.({ device: entry.reading.id, failure: failure(code, { device: display(entry), ...args }) });
  }

  function follow(entry: Entry, now: number): void {
    if (entry.reading.freeBytes !== null)
      entry.lately = [
        ...entry.lately.filter(({ at }) => now - at < LATELY_MS),
        { at: now, freeBytes: entry.reading.freeBytes },
      ];
    const { capBytes, reserveBytes } = limitsOf(entry),
      { inUse } = totals(on(entry.reading.id));
    const before = entry.warning;
    entry.warning = warningOf(before, inUse, capBytes);
    if (entry.warning && entry.warning !== before && before !== 'critical')
      notice(entry, entry.warning === 'high' ? 'memoryHigh' : 'memoryCritical', { usedBytes: inUse, capBytes });
    entry.pressed = known(entry) && pressedAfter(entry.pressed, entry.reading.freeBytes!, reserveBytes);
  }

  async function readAll(detail: Detail): Promise<void> {
    const workers = [...leases.values()].filter(lease => lease.pid !== null);
    if (workers.length > 0 && clock() - treesAt >= TREE_MS) {
      treesAt = clock();
      const trees = table.withChildren(workers.map(lease => lease.pid!));
      // A child whose parent ended is still ours: nothing is taken out of a tree.
      for (const lease of workers) for (const pid of trees.get(lease.pid!) ?? []) lease.tree.add(pid);
    }
    const pids = new Set(workers.flatMap(lease => [...lease.tree]));
    const found = (
      await Promise.all(readers.map(reader => reader.read(detail, pids).catch(() => [] as DeviceReading[])))
    ).flat();
    const now = clock(),
      seen = new Set<string>();
    for (const reading of found) {
      if (seen.has(reading.id)) continue;
      seen.add(reading.id);
      const entry = devices.get(reading.id);
      if (!entry)
        devices.set(reading.id, { reading, readAt: now, lost: false, pressed: false, lately: [], warning: null });
      else {
        const back = entry.lost;
        // A quick reading leaves what people look at as it was.
        entry.reading = detail === 'all' || back ? reading : { ...entry.reading, ...memoryPart(reading) };
        entry.readAt = now;
        entry.lost = false;
        if (back) notice(entry, 'deviceBack');
      }
    }
    for (const entry of devices.values()) {
      if (!seen.has(entry.reading.id) && !entry.lost) {
        entry.lost = true;
        notice(entry, 'deviceLost');
      }
      for (const lease of on(entry.reading.id)) {
        if (!entry.lost) attribute(lease, entry.reading);
        if (lease.state !== 'active') credit(lease, entry, now);
      }
      follow(entry, now);
    }
    name();
  }

  function refresh(detail: Detail): Promise<void> {
    if (queued) {
      if (detail === 'all') queued.detail = 'all';
      return queued.done;
    }
    const mine: { detail: Detail; done: Promise<void> } = { detail, done: last };
    queued = mine;
    return (mine.done = last =
      last.then(() => {
        queued = null;
        return readAll(mine.detail);
      }));
  }

  const memoryPart = ({ totalBytes, freeBytes, processes, outsideCores, degraded, source }: DeviceReading) => ({
    totalBytes,
    freeBytes,
    processes,
    outsideCores,
    degraded,
    source,
  });

  /** Outsiders by the name of their program, asked for once. */
  function name(): void {
    const present = new Set<number>();
    for (const { reading } of devices.values())
      for (const process of reading.kind === 'gpu' ? (reading.processes ?? []) : []) {
        present.add(process.pid);
        if (!names.has(process.pid)) names.set(process.pid, process.name ?? table.name(process.pid));
      }
    for (const pid of names.keys()) if (!present.has(pid)) names.delete(pid);
  }

  function holders({ reading }: Entry): MemoryHolder[] {
    const mine = on(reading.id);
    const ours: MemoryHolder[] = mine.map(lease => ({
      kind: 'ours',
      name: lease.name,
      pid: lease.pid,
      bytes: lease.residentBytes,
      instance: lease.instance,
    }));
    const trees = new Set(mine.flatMap(lease => [...lease.tree]));
    if (reading.kind === 'gpu' && reading.processes !== null) {
      const others = reading.processes.filter(process => !trees.has(process.pid));
      return [
        ...ours,
        ...others.map(({ pid, bytes }): MemoryHolder => ({
          kind: 'other',
          name: names.get(pid) ?? '',
          pid,
          bytes,
          instance: null,
        })),
      ];
    }
    // Nobody says who: all that is used and not ours is one entry without a name.
    const rest =
      (reading.totalBytes ?? 0) -
      (reading.freeBytes ?? 0) -
      mine.reduce((sum, lease) => sum + (lease.residentBytes ?? 0), 0);
    return rest > 0 ? [...ours, { kind: 'other', name: '', pid: null, bytes: rest, instance: null }] : ours;
  }

  const view = ({
    id,
    device,
    instance,
    name,
    bytes,
    state,
    pid,
    loaded,
    residentBytes,
    peakBytes,
  }: LeaseEntry): Lease => ({ id, device, instance, name, bytes, state, pid, loaded, residentBytes, peakBytes });

  function end(id: string, state: 'releasing' | 'forced'): void {
    const lease = find(id);
    if (lease.state === 'forced' || (lease.state === 'releasing' && state === 'releasing'))
      throw new EarshotError('wrongState', { lease: id, state: lease.state });
    if (lease.state === 'active') {
      lease.freeAtRelease = devices.get(lease.device)?.reading.freeBytes ?? null;
      lease.releasedAt = clock();
    }
    lease.state = state;
  }

  return {
    refresh: (detail = 'memory') => refresh(detail),
    views: () =>
      [...devices.values()].map(entry => {
        const { reading } = entry,
          here = on(reading.id);
        return {
          id: reading.id,
          kind: reading.kind,
          name: display(entry),
          admissible: admissible(entry),
          cap: everBytes(limitsOf(entry), reading.totalBytes ?? 0),
          cores: reading.kind === 'cpu' ? (settings().cpuThreads ?? reading.cores ?? 1) : Infinity,
          outsideCores: reading.outsideCores ?? 0,
          usable: known(entry) && !excluded(reading.id) && !here.some(lease => lease.state === 'forced'),
          loading: here.some(lease => lease.state === 'active' && !lease.loaded),
          releasing: here.some(lease => lease.state !== 'active'),
          pressed: entry.pressed && settings().yieldTo === 'others',
        };
      }),
    devices: () =>
      [...devices.values()].map(entry => {
        const { reading } = entry,
          { capBytes, reserveBytes } = limitsOf(entry),
          { leased, notResident } = totals(on(reading.id));
        return {
          id: reading.id,
          kind: reading.kind,
          name: display(entry),
          health: entry.lost ? 'lost' : reading.degraded || !known(entry) ? 'degraded' : 'ok',
          source: reading.source,
          memory: {
            total: reading.totalBytes ?? 0,
            free: entry.lost ? 0 : (reading.freeBytes ?? 0),
            cap: capBytes,
            reserve: reserveBytes,
            leased,
            notResident,
            admissible: Math.max(0, admissible(entry)),
            holders: entry.lost ? [] : holders(entry),
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
          excluded: excluded(reading.id),
          warning: entry.warning,
          readAt: entry.readAt,
        };
      }),
    lease({ device, instance, bytes, name = instance }) {
      const entry = devices.get(device);
      if (!Number.isSafeInteger(bytes) || bytes < 0) throw new RangeError(`a lease of ${bytes} bytes`);
      if (!entry || excluded(device)) throw new EarshotError('noSuchDevice', { device });
      if (!known(entry)) throw new EarshotError('deviceLost', { device: display(entry) });
      const closed = on(device).some(lease => lease.state === 'forced'),
        room = closed ? 0 : admissible(entry);
      if (closed || bytes > room)
        throw new EarshotError('noRoom', {
          device: display(entry),
          needBytes: bytes,
          admissibleBytes: Math.max(0, room),
        });
      settle(device);
      const lease: LeaseEntry = {
        id: `lease-${++sequence}`,
        device,
        instance,
        name,
        bytes,
        state: 'active',
        pid: null,
        loaded: false,
        residentBytes: null,
        peakBytes: null,
        tree: new Set(),
        listed: false,
        inList: false,
        living: null,
        freeBefore: entry.reading.kind === 'gpu' ? entry.reading.freeBytes : null,
        freeAtRelease: null,
        releasedAt: null,
        goneAt: null,
      };
      leases.set(lease.id, lease);
      return view(lease);
    },
    attach(id, pid) {
      const lease = find(id);
      lease.pid = pid;
      lease.tree = new Set([pid]);
      treesAt = -Infinity;
    },
    loaded(id) {
      find(id).loaded = true;
    },
    observe(id, { residentBytes, peakBytes }) {
      const lease = find(id);
      if (residentBytes !== undefined && !lease.listed) {
        lease.residentBytes = residentBytes;
        lease.freeBefore = null;
      }
      lease.peakBytes = Math.max(lease.peakBytes ?? 0, residentBytes ?? 0, peakBytes ?? 0) || null;
    },
    release: id => end(id, 'releasing'),
    forced: id => end(id, 'forced'),
    leases: () => [...leases.values()].map(view),
    get: id => {
      const lease = leases.get(id);
      return lease ? view(lease) : null;
    },
    estimate({ device, card, engine, precision }) {
      const entry = devices.get(device),
        ever = entry && known(entry) ? everBytes(limitsOf(entry), entry.reading.totalBytes!) : undefined;
      return estimates.estimate(
        { device, model: card.id, engine, precision },
        card,
        entry?.reading.kind ?? (device === 'cpu' ? 'cpu' : 'gpu'),
        ever,
      );
    },
    measured: ({ peakBytes, loadMs, ...key }) => estimates.measured(key, peakBytes, loadMs),
    async outOfMemory(key, leaseBytes, leaseId) {
      const lease = leaseId === undefined ? undefined : leases.get(leaseId);
      await refresh('memory');
      const entry = devices.get(key.device);
      const left = lease ? Math.max(0, heldBytes(lease) - (lease.residentBytes ?? 0)) : 0;
      const overdrawn = lease !== undefined && (lease.peakBytes ?? 0) > lease.bytes;
      if (
        lease &&
        !overdrawn &&
        entry &&
        known(entry) &&
        Math.min(...entry.lately.map(({ freeBytes }) => freeBytes)) < left
      )
        return false;
      estimates.raise(
        key,
        leaseBytes,
        entry && known(entry) ? everBytes(limitsOf(entry), entry.reading.totalBytes!) : leaseBytes * 2,
      );
      return true;
    },
    ranWell: key => estimates.ranWell(key),
    loadMs: key => estimates.loadMs(key),
    estimates: () => estimates.list(),
    neverFits(need) {
      let largest = -1,
        least = Infinity,
        name = '';
      for (const [device, bytes] of Object.entries(need)) {
        const entry = devices.get(device);
        if (!entry || excluded(device)) continue;
        // A device that is lost may come back.
        if (!known(entry)) return null;
        const most = everBytes(limitsOf(entry), entry.reading.totalBytes!);
        if (bytes <= most) return null;
        if (most > largest) {
          largest = most;
          name = display(entry);
        }
        least = Math.min(least, bytes);
      }
      return failure('neverFits', {
        need: Number.isFinite(least) ? least : 0,
        device: name,
        largest: Math.max(0, largest),
      });
    },
    problems: () => readers.flatMap(reader => reader.problem() ?? []),
    dispose() {
      for (const reader of readers) reader.dispose();
    },
  };
}
