/**
 * GPU memory of single processes on Windows, where the driver leaves it to the system (WDDM) and NVML does not know it:
 * the performance counters that the Task Manager shows. English names are understood in every language of Windows.
 */
import koffi from 'koffi';
import { NvmlCalls } from './nvml-calls.ts';
import type { DeviceReader, DeviceReading } from './reading.ts';

const PATH = String.raw`\GPU Process Memory(*)\Dedicated Usage`;
const FORMAT_LARGE = 0x400,
  MORE_DATA = 0x800007d2;
/** Valid, and valid for the first time. */
const VALID: readonly number[] = [0, 1];
/** Collecting costs some milliseconds for each program that draws. */
const PAUSE_MS = 1000,
  CALL_MS = 2000;
/** Of one answer: what is beyond is no answer. */
const MOST_BYTES = 16 * 1024 ** 2;

/** One process on one adapter. */
export interface CounterItem {
  /** `pid_1234_luid_0x00000000_0x0000D1F4_phys_0` */
  name: string;
  status: number;
  value: number | bigint;
}

/** Bytes by process id, over all adapters. */
export function bytesByProcess(items: readonly CounterItem[]): Map<number, number> {
  const result = new Map<number, number>();
  for (const { name, status, value } of items) {
    const pid = Number(/^pid_(\d+)_/.exec(name)?.[1] ?? NaN);
    if (Number.isNaN(pid) || !VALID.includes(status) || Number(value) < 0) continue;
    result.set(pid, (result.get(pid) ?? 0) + Number(value));
  }
  return result;
}

export interface GpuCounters {
  /** Null: this system has no such counter. As of the last second. */
  read(): Promise<ReadonlyMap<number, number> | null>;
  dispose(): void;
}

/** The counters of `library`; everything that fails makes them unknown. */
export function gpuCounters(library = 'pdh.dll', now: () => number = () => performance.now()): GpuCounters {
  const calls = new NvmlCalls(CALL_MS);
  let bound: ReturnType<typeof bind> | null | undefined,
    known: ReadonlyMap<number, number> | null = null,
    readAt = -Infinity,
    reading: Promise<void> | null = null;
  const collect = async (): Promise<void> => {
    try {
      bound ??= bind(library);
      known = bytesByProcess(await bound.collect(calls));
    } catch {
      known = null;
      // A call that is late may yet come; what was refused will be refused again.
      if (!calls.hanging) bound = null;
    }
  };
  return {
    async read() {
      if (bound === null) return null;
      if (!reading && now() - readAt >= PAUSE_MS) {
        readAt = now();
        reading = collect().finally(() => (reading = null));
      }
      await reading;
      return known;
    },
    dispose() {
      calls.dispose();
      if (!calls.hanging) bound?.close();
      bound = null;
    },
  };
}

function bind(name: string): { collect(calls: NvmlCalls): Promise<CounterItem[]>; close(): void } {
  const library = koffi.load(name);
  const handle = 'void *',
    out = koffi.out(koffi.pointer('void *')),
    inout = koffi.inout(koffi.pointer('uint32'));
  const open = library.func('PdhOpenQueryW', 'uint32', ['str16', 'uintptr_t', out]),
    add = library.func('PdhAddEnglishCounterW', 'uint32', [handle, 'str16', 'uintptr_t', out]),
    collectData = library.func('PdhCollectQueryData', 'uint32', [handle]),
    array = library.func('PdhGetFormattedCounterArrayW', 'uint32', [handle, 'uint32', inout, inout, 'void *']),
    closeQuery = library.func('PdhCloseQuery', 'uint32', [handle]);
  /** PDH_FMT_COUNTERVALUE_ITEM_W: the union of values is aligned to 8 bytes. */
  const Item = koffi.struct({ name: 'str16', status: 'uint32', value: 'int64' });
  const query: [unknown] = [null],
    counter: [unknown] = [null];
  let opened = false;
  const must = (status: number): void => {
    if (status !== 0) throw new Error(`PDH answered 0x${(status >>> 0).toString(16)}`);
  };
  return {
    async collect(calls) {
      if (!opened) {
        must(await calls.call(open, [null, 0, query]));
        opened = true;
        must(await calls.call(add, [query[0], PATH, 0, counter]));
      }
      must(await calls.call(collectData, [query[0]]));
      // Programs may begin between the question for the size and that for the content.
      for (let tries = 0, bytes = 0; tries < 4; tries++) {
        const size: [number] = [bytes],
          count: [number] = [0],
          buffer = bytes > 0 ? Buffer.alloc(bytes) : null;
        const status = (await calls.call(array, [counter[0], FORMAT_LARGE, size, count, buffer])) >>> 0;
        if (status === 0) return buffer ? (koffi.decode(buffer, koffi.array(Item, count[0])) as CounterItem[]) : [];
        if (status !== MORE_DATA || size[0] > MOST_BYTES) must(status || 1);
        bytes = size[0];
      }
      throw new Error('PDH has more each time');
    },
    close() {
      if (opened) closeQuery(query[0]);
      opened = false;
    },
  };
}

/**
 * Fills in what the driver did not report. Counters know adapters by other names: a figure is taken only for a process
 * that is on one device, and never one that this device could not hold.
 */
export function withCounters(devices: readonly DeviceReading[], bytes: ReadonlyMap<number, number>): DeviceReading[] {
  const places = new Map<number, number>();
  for (const { processes } of devices)
    for (const { pid } of processes ?? []) places.set(pid, (places.get(pid) ?? 0) + 1);
  return devices.map(device => ({
    ...device,
    processes:
      device.processes?.map(process => {
        const found = bytes.get(process.pid);
        return process.bytes === null &&
          found !== undefined &&
          found <= (device.totalBytes ?? 0) &&
          places.get(process.pid) === 1
          ? { ...process, bytes: found }
          : process;
      }) ?? null,
  }));
}

/** A reader whose processes have figures also where its driver gives none. */
export function countedReader(reader: DeviceReader, counters: GpuCounters): DeviceReader {
  return {
    async read(detail, pids) {
      const devices = await reader.read(detail, pids);
      if (!devices.some(({ processes }) => processes?.some(({ bytes }) => bytes === null))) return devices;
      const bytes = await counters.read();
      return bytes ? withCounters(devices, bytes) : devices;
    },
    problem: () => reader.problem(),
    dispose() {
      reader.dispose();
      counters.dispose();
    },
  };
}
