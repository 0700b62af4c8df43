/** Reads what changes of one device: memory, processes, sensors. Each field may be missing by itself. */
import { concernsDevice, NvmlError, type Nvml } from './nvml-calls.ts';
import {
  INSUFFICIENT_SIZE,
  MEMORY_V2_VERSION,
  SUCCESS,
  throttleNames,
  type DeviceHandle,
  type NvmlLibrary,
} from './nvml-library.ts';
import type { KnownDevice, Versions } from './nvml-scan.ts';
import { blankReading, type Detail, type DeviceReading, type ProcessReading } from './reading.ts';

const GPU_SENSOR = 0,
  SM_CLOCK = 1,
  ALL_ONES = 0xffff_ffff_ffff_ffffn;

type Memory = Pick<DeviceReading, 'totalBytes' | 'freeBytes'>;
type Sensors = Pick<DeviceReading, 'temperatureC' | 'powerW' | 'fan' | 'clockMhz' | 'throttle'> &
  Partial<Pick<DeviceReading, 'utilization' | 'memoryUtilization'>>;

/** @throws HangingError, and NvmlError when the device is lost */
export async function readDevice(
  nvml: Nvml,
  device: KnownDevice,
  versions: Versions,
  detail: Detail,
): Promise<DeviceReading> {
  const reading: DeviceReading = {
    ...blankReading(device.fixed.id, 'gpu', 'nvml'),
    ...device.fixed,
    ...versions,
    ...(await readMemory(nvml, device.handle)),
    processes: await readProcesses(nvml, device.handle),
  };
  return detail === 'memory' ? reading : { ...reading, ...(await readSensors(nvml, device)) };
}

async function readMemory({ library, calls }: Nvml, handle: DeviceHandle): Promise<Memory> {
  const v2 = { version: MEMORY_V2_VERSION, total: 0, free: 0 },
    v1 = { total: 0, free: 0 };
  const bytesOf = ({ total, free }: typeof v1): Memory => ({ totalBytes: Number(total), freeBytes: Number(free) });
  return (
    (await calls.maybe(library.memoryV2, [handle, v2], () => bytesOf(v2))) ??
    (await calls.maybe(library.memory, [handle, v1], () => bytesOf(v1))) ?? { totalBytes: null, freeBytes: null }
  );
}

/**
 * Compute and graphics together: a process in both lists stands there with the same figure. null: no list, or one
 * without any figures.
 */
async function readProcesses(nvml: Nvml, handle: DeviceHandle): Promise<ProcessReading[] | null> {
  const byPid = new Map<number, ProcessReading>();
  let reported = false;
  for (const list of nvml.library.processLists) {
    const entries = await readProcessList(nvml, handle, list);
    if (!entries) continue;
    reported = true;
    for (const { pid, bytes } of entries) {
      const known = BigInt(bytes) === ALL_ONES ? null : Number(bytes),
        before = byPid.get(pid)?.bytes ?? null;
      byPid.set(pid, {
        pid,
        name: null,
        bytes: known === null ? before : Math.max(known, before ?? 0),
        peakBytes: null,
      });
    }
  }
  return reported ? [...byPid.values()] : null;
}

type ProcessList = NvmlLibrary['processLists'][number];

/** null: the driver does not give this list, or it is longer than any that we take. */
async function readProcessList(
  { calls }: Nvml,
  handle: DeviceHandle,
  { call: symbol, decode, entryBytes }: ProcessList,
): Promise<ReturnType<ProcessList['decode']> | null> {
  for (let room = 64; room <= 16_384; room *= 4) {
    const count = [room],
      buffer = Buffer.alloc(room * entryBytes);
    const code = await calls.call(symbol, [handle, count, buffer]);
    if (code === INSUFFICIENT_SIZE) continue;
    if (concernsDevice(code)) throw new NvmlError(code);
    if (code !== SUCCESS) return null;
    return count[0]! > 0 ? decode(buffer, count[0]!) : [];
  }
  return null;
}

async function readSensors({ library, calls }: Nvml, { handle, parent }: KnownDevice): Promise<Sensors> {
  // A part has no sensors of its own: heat, power and clocks are the whole device's.
  const board = parent ?? handle,
    rates = { gpu: 0, memory: 0 },
    mask: [number | bigint] = [0];
  const power = await calls.unsigned(library.power, [board]),
    fan = await calls.unsigned(library.fan, [board]);
  return {
    temperatureC: await calls.unsigned(library.temperature, [board, GPU_SENSOR]),
    powerW: power === null ? null : power / 1000,
    fan: fan === null ? null : Math.min(1, fan / 100),
    clockMhz: await calls.unsigned(library.clock, [board, SM_CLOCK]),
    throttle: (await calls.maybe(library.throttle, [board, mask], () => throttleNames(mask[0]))) ?? [],
    ...(await calls.maybe(library.utilization, [handle, rates], () => ({
      utilization: Math.min(1, rates.gpu / 100),
      memoryUtilization: Math.min(1, rates.memory / 100),
    }))),
  };
}
