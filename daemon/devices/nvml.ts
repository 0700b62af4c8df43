/**
 * Reads NVIDIA devices through NVML.
 *
 * Calls run one after the other on a thread of the pool, each with a time-out, so that a driver that hangs holds up one
 * thread and never the daemon; until that call comes back no other is made and no device answers. When a device falls
 * off the bus (or the driver was not there), NVML is started anew from time to time, which is also how a device comes
 * back. Each field may fail by itself.
 */
import { failure, type Failure } from '../../schemas/errors.ts';
import {
  DRIVER_NOT_LOADED,
  GPU_IS_LOST,
  INSUFFICIENT_SIZE,
  libraryNames,
  MEMORY_V2_VERSION,
  openNvml,
  RESET_REQUIRED,
  SUCCESS,
  throttleNames,
  UNINITIALIZED,
  VERSION_MISMATCH,
  type DeviceHandle,
  type NvmlLibrary,
  type Symbol,
} from './nvml-library.ts';
import { blankReading, type DeviceReader, type DeviceReading, type Detail, type ProcessReading } from './reading.ts';

export interface NvmlOptions {
  names?: readonly string[];
  /** Longest a call may take, and the first ones, which may have to wake devices up. */
  callMs?: number;
  initMs?: number;
  /** Pause between attempts to find devices that are missing. */
  rescanMs?: number;
}

interface Known {
  handle: DeviceHandle;
  parent: DeviceHandle | null;
  fixed: Pick<DeviceReading, 'id' | 'name' | 'computeCapability' | 'pciBus' | 'powerLimitW'>;
}

export interface NvmlReader extends DeviceReader {
  /** false: no library, no driver, or a call that hangs: something else should look. */
  working(): boolean;
}

class Hanging extends Error {}
class Refused extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`NVML answered ${code}`);
    this.code = code;
  }
}

const GPU_SENSOR = 0,
  SM_CLOCK = 1,
  ALL_ONES = 0xffff_ffff_ffff_ffffn;

export function nvmlReader({
  names = libraryNames(),
  callMs = 2000,
  initMs = 30_000,
  rescanMs = 5000,
}: NvmlOptions = {}): NvmlReader {
  let library: NvmlLibrary | null = null;
  let devices: Known[] = [],
    driver: string | null = null,
    cuda: string | null = null;
  let started = false,
    missing = false,
    hanging = false,
    trouble: Failure | null = null;
  let scanning: Promise<void> | null = null,
    scannedAt = -Infinity;

  // A process waits for its threads before it ends, and this one would never: then the end comes by force, when all
  // else is done.
  const endAnyway = (): void => {
    if (hanging) process.kill(process.pid, 'SIGKILL');
  };
  process.once('exit', endAnyway);

  /**
   * One call, on a thread. Resolves with NVML's result code; rejects when it takes too long, or while an earlier one
   * has not come back.
   */
  function call(symbol: Symbol, args: unknown[], limitMs = callMs): Promise<number> {
    if (hanging) return Promise.reject(new Hanging());
    return new Promise((resolve, reject) => {
      let late = false;
      const timer = setTimeout(() => {
        late = hanging = true;
        reject(new Hanging());
      }, limitMs);
      symbol.async(...args, (error: Error | null, code: number) => {
        clearTimeout(timer);
        if (late) hanging = false;
        else if (error) reject(error);
        else resolve(code);
      });
    });
  }
  async function must(symbol: Symbol, args: unknown[], limitMs?: number): Promise<void> {
    const code = await call(symbol, args, limitMs);
    if (code !== SUCCESS) throw new Refused(code);
  }
  /** A value that may be missing: null for any refusal that does not concern the whole device. */
  async function maybe<T>(symbol: Symbol | null, args: unknown[], value: () => T): Promise<T | null> {
    if (!symbol) return null;
    const code = await call(symbol, args);
    if (code === SUCCESS) return value();
    if (code === GPU_IS_LOST || code === RESET_REQUIRED || code === UNINITIALIZED) throw new Refused(code);
    return null;
  }
  const text = (symbol: Symbol | null, before: unknown[] = []): Promise<string | null> => {
    const buffer = Buffer.alloc(96);
    return maybe(symbol, [...before, buffer, buffer.length], () =>
      buffer.toString('utf8', 0, Math.max(0, buffer.indexOf(0))),
    );
  };
  const unsigned = (symbol: Symbol | null, args: unknown[]): Promise<number | null> => {
    const value = [0];
    return maybe(symbol, [...args, value], () => value[0]!);
  };

  /** Starts NVML anew and finds the devices that answer. */
  async function scan(): Promise<void> {
    devices = [];
    try {
      library ??= openNvml(names);
      if (!library) {
        missing = true;
        trouble = null;
        return;
      }
      const nvml = library;
      if (started) {
        started = false;
        await call(nvml.shutdown, []);
      }
      const code = await call(nvml.init, [], initMs);
      trouble = code === VERSION_MISMATCH ? failure('driverMismatch') : null;
      if (code !== SUCCESS) {
        missing = code === DRIVER_NOT_LOADED;
        return;
      }
      started = true;
      missing = false;
      driver = await text(nvml.driver);
      const version = await unsigned(nvml.cuda, []);
      cuda = version === null ? null : `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;
      const count = [0];
      await must(nvml.count, [count]);
      const found: Known[] = [];
      for (let index = 0; index < count[0]!; index++) {
        try {
          found.push(...(await knownAt(nvml, index)));
        } catch (error) {
          if (error instanceof Hanging) throw error;
        }
      }
      devices = found;
      expected = Math.max(expected, found.length);
    } catch (error) {
      if (error instanceof Hanging) trouble = failure('driverHangs');
    }
  }
  let expected = 0;

  /** A device, or the parts that it was divided into (MIG): work runs on those. */
  async function knownAt(nvml: NvmlLibrary, index: number): Promise<Known[]> {
    const handle: [DeviceHandle | null] = [null];
    await must(nvml.handle, [index, handle], initMs);
    const whole = await fixedOf(nvml, handle[0]!, null);
    const current = [0],
      pending = [0];
    if ((await maybe(nvml.migMode, [handle[0], current, pending], () => current[0])) !== 1) return [whole];
    const parts: Known[] = [],
      most = (await unsigned(nvml.migCount, [handle[0]])) ?? 0;
    for (let part = 0; part < most; part++) {
      const partHandle: [DeviceHandle | null] = [null];
      if (await maybe(nvml.migHandle, [handle[0], part, partHandle], () => true))
        parts.push(await fixedOf(nvml, partHandle[0]!, whole));
    }
    return parts;
  }

  async function fixedOf(nvml: NvmlLibrary, handle: DeviceHandle, parent: Known | null): Promise<Known> {
    const id = await text(nvml.uuid, [handle]);
    if (id === null) throw new Error('a device without UUID');
    const major = [0],
      minor = [0],
      bus: { busId?: string } = {},
      limit = await unsigned(nvml.powerLimit, [handle]);
    return {
      handle,
      parent: parent?.handle ?? null,
      fixed: {
        id,
        name: await text(nvml.name, [handle]),
        computeCapability:
          (await maybe(nvml.capability, [handle, major, minor], () => `${major[0]}.${minor[0]}`)) ??
          parent?.fixed.computeCapability ??
          null,
        pciBus: (await maybe(nvml.pci, [handle, bus], () => bus.busId ?? null)) ?? parent?.fixed.pciBus ?? null,
        powerLimitW: limit === null ? (parent?.fixed.powerLimitW ?? null) : limit / 1000,
      },
    };
  }

  async function memoryOf(
    nvml: NvmlLibrary,
    handle: DeviceHandle,
  ): Promise<Pick<DeviceReading, 'totalBytes' | 'freeBytes'>> {
    const v2 = { version: MEMORY_V2_VERSION, total: 0, free: 0 },
      v1 = { total: 0, free: 0 };
    return (
      (await maybe(nvml.memoryV2, [handle, v2], () => ({
        totalBytes: Number(v2.total),
        freeBytes: Number(v2.free),
      }))) ??
      (await maybe(nvml.memory, [handle, v1], () => ({
        totalBytes: Number(v1.total),
        freeBytes: Number(v1.free),
      }))) ?? { totalBytes: null, freeBytes: null }
    );
  }

  /**
   * Compute and graphics together: a process in both lists stands there with the same figure. null: no list, or one
   * without any figures.
   */
  async function processesOf(nvml: NvmlLibrary, handle: DeviceHandle): Promise<ProcessReading[] | null> {
    const byPid = new Map<number, ProcessReading>();
    let reported = false;
    for (const { call: symbol, decode, entryBytes } of nvml.processLists) {
      for (let room = 64; room <= 16_384; room *= 4) {
        const count = [room],
          buffer = Buffer.alloc(room * entryBytes);
        const code = await call(symbol, [handle, count, buffer]);
        if (code === INSUFFICIENT_SIZE) continue;
        if (code === GPU_IS_LOST || code === RESET_REQUIRED || code === UNINITIALIZED) throw new Refused(code);
        if (code !== SUCCESS) break;
        reported = true;
        for (const { pid, bytes } of count[0]! > 0 ? decode(buffer, count[0]!) : []) {
          const known = BigInt(bytes) === ALL_ONES ? null : Number(bytes),
            before = byPid.get(pid)?.bytes ?? null;
          byPid.set(pid, {
            pid,
            name: null,
            bytes: known === null ? before : Math.max(known, before ?? 0),
            peakBytes: null,
          });
        }
        break;
      }
    }
    return reported ? [...byPid.values()] : null;
  }

  async function readOne(nvml: NvmlLibrary, { handle, parent, fixed }: Known, detail: Detail): Promise<DeviceReading> {
    const reading: DeviceReading = {
      ...blankReading(fixed.id, 'gpu', 'nvml'),
      ...fixed,
      driver,
      cuda,
      ...(await memoryOf(nvml, handle)),
      processes: await processesOf(nvml, handle),
    };
    if (detail === 'memory') return reading;
    // A part has no sensors of its own: heat, power and clocks are the whole device's.
    const board = parent ?? handle,
      rates = { gpu: 0, memory: 0 },
      mask: [number | bigint] = [0];
    const power = await unsigned(nvml.power, [board]),
      fan = await unsigned(nvml.fan, [board]);
    return {
      ...reading,
      temperatureC: await unsigned(nvml.temperature, [board, GPU_SENSOR]),
      powerW: power === null ? null : power / 1000,
      fan: fan === null ? null : Math.min(1, fan / 100),
      clockMhz: await unsigned(nvml.clock, [board, SM_CLOCK]),
      throttle: (await maybe(nvml.throttle, [board, mask], () => throttleNames(mask[0]))) ?? [],
      ...(await maybe(nvml.utilization, [handle, rates], () => ({
        utilization: Math.min(1, rates.gpu / 100),
        memoryUtilization: Math.min(1, rates.memory / 100),
      }))),
    };
  }

  async function rescan(): Promise<void> {
    scannedAt = performance.now();
    scanning ??= scan().finally(() => {
      scanning = null;
    });
    // Waking devices up may take long: the others are not kept waiting for it.
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      scanning,
      new Promise<void>(resolve => {
        timer = setTimeout(resolve, callMs);
      }),
    ]);
    clearTimeout(timer);
  }

  return {
    async read(detail) {
      const due = performance.now() - scannedAt >= rescanMs;
      if (!hanging && due && (!started || devices.length < expected)) await rescan();
      const nvml = library;
      if (!nvml || !started || scanning) return [];
      const readings: DeviceReading[] = [];
      for (const device of [...devices]) {
        try {
          readings.push(await readOne(nvml, device, detail));
        } catch (error) {
          if (error instanceof Hanging) {
            trouble = failure('driverHangs');
            return [];
          }
          // Lost: leave it out until a new scan finds it.
          devices = devices.filter(other => other !== device);
          if (error instanceof Refused && error.code === UNINITIALIZED) started = false;
        }
      }
      trouble = trouble?.code === 'driverHangs' ? null : trouble;
      return readings;
    },
    working: () => started && !hanging && !missing,
    problem: () => trouble,
    dispose() {
      const nvml = library;
      library = null;
      devices = [];
      if (!hanging) process.off('exit', endAnyway);
      if (nvml && started && !hanging) {
        started = false;
        nvml.shutdown();
      }
    },
  };
}
