/**
 * The C side of NVML: symbols, structs, result codes. Each symbol is bound by itself, because older drivers lack newer
 * ones.
 */
import koffi from 'koffi';

export const SUCCESS = 0,
  UNINITIALIZED = 1,
  NOT_SUPPORTED = 3,
  INSUFFICIENT_SIZE = 7,
  DRIVER_NOT_LOADED = 9,
  VERSION_MISMATCH = 18,
  GPU_IS_LOST = 15,
  RESET_REQUIRED = 16;

const Device = koffi.pointer(koffi.opaque());
const Memory = koffi.struct({ total: 'uint64', free: 'uint64', used: 'uint64' });
const MemoryV2 = koffi.struct({ version: 'uint', total: 'uint64', reserved: 'uint64', free: 'uint64', used: 'uint64' });
const Utilization = koffi.struct({ gpu: 'uint', memory: 'uint' });
/** Drivers before 11.x had the first two fields only. */
const ProcessV1 = koffi.struct({ pid: 'uint', bytes: 'uint64' });
const ProcessV2 = koffi.struct({ pid: 'uint', bytes: 'uint64', gpuInstance: 'uint', computeInstance: 'uint' });
const Pci = koffi.struct({
  legacy: koffi.array('char', 16, 'String'),
  domain: 'uint',
  bus: 'uint',
  device: 'uint',
  deviceId: 'uint',
  subsystemId: 'uint',
  busId: koffi.array('char', 32, 'String'),
});

/** Versioned structs carry their size and version in the first field. */
export const MEMORY_V2_VERSION = (koffi.sizeof(MemoryV2) | (2 << 24)) >>> 0;

export type DeviceHandle = { readonly brand: 'nvmlDevice_t' };
type Library = ReturnType<typeof koffi.load>;
export type Symbol = ReturnType<Library['func']>;
type TypeSpec = Parameters<typeof koffi.sizeof>[0];

const out = (type: TypeSpec) => koffi.out(koffi.pointer(type));
const inout = (type: TypeSpec) => koffi.inout(koffi.pointer(type));

export interface NvmlLibrary {
  init: Symbol;
  shutdown: Symbol;
  count: Symbol;
  handle: Symbol;
  uuid: Symbol;
  name: Symbol | null;
  driver: Symbol | null;
  cuda: Symbol | null;
  memory: Symbol | null;
  memoryV2: Symbol | null;
  temperature: Symbol | null;
  utilization: Symbol | null;
  power: Symbol | null;
  powerLimit: Symbol | null;
  fan: Symbol | null;
  clock: Symbol | null;
  capability: Symbol | null;
  pci: Symbol | null;
  throttle: Symbol | null;
  migMode: Symbol | null;
  migCount: Symbol | null;
  migHandle: Symbol | null;
  /** Lists of processes: compute and graphics, with the entry's layout. */
  processLists: {
    call: Symbol;
    decode(buffer: Buffer, count: number): { pid: number; bytes: number | bigint }[];
    entryBytes: number;
  }[];
}

/** Names to look under: a path that was given, else the system's own. */
export function libraryNames(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string[] {
  if (env.EARSHOT_NVML) return [env.EARSHOT_NVML];
  if (platform === 'win32')
    return ['nvml.dll', `${env.ProgramFiles ?? 'C:\\Program Files'}\\NVIDIA Corporation\\NVSMI\\nvml.dll`];
  return platform === 'linux' ? ['libnvidia-ml.so.1', '/usr/lib/wsl/lib/libnvidia-ml.so.1'] : [];
}

/** null when there is no such library here, which is no error: most machines have none. */
export function openNvml(names: readonly string[]): NvmlLibrary | null {
  for (const path of names) {
    try {
      return bind(koffi.load(path));
    } catch {
      /* not here, or not NVML: the next name */
    }
  }
  return null;
}

function bind(library: Library): NvmlLibrary {
  const need = (name: string, ...parameters: TypeSpec[]): Symbol => library.func(name, 'int', parameters);
  const may = (names: string | string[], ...parameters: TypeSpec[]): Symbol | null => {
    for (const name of [names].flat()) {
      try {
        return need(name, ...parameters);
      } catch {
        /* an older driver */
      }
    }
    return null;
  };
  const lists = (kind: 'Compute' | 'Graphics'): NvmlLibrary['processLists'] => {
    const base = `nvmlDeviceGet${kind}RunningProcesses`,
      parameters: TypeSpec[] = [Device, inout('uint'), 'void *'];
    const newer = may([`${base}_v3`, `${base}_v2`], ...parameters),
      older = newer ? null : may(base, ...parameters);
    const call = newer ?? older,
      entry = newer ? ProcessV2 : ProcessV1;
    return call
      ? [
          {
            call,
            decode: (buffer, count) => koffi.decode(buffer, koffi.array(entry, count)),
            entryBytes: koffi.sizeof(entry),
          },
        ]
      : [];
  };
  return {
    init: need('nvmlInit_v2'),
    shutdown: need('nvmlShutdown'),
    count: need('nvmlDeviceGetCount_v2', out('uint')),
    handle: need('nvmlDeviceGetHandleByIndex_v2', 'uint', out(Device)),
    uuid: need('nvmlDeviceGetUUID', Device, 'void *', 'uint'),
    name: may('nvmlDeviceGetName', Device, 'void *', 'uint'),
    driver: may('nvmlSystemGetDriverVersion', 'void *', 'uint'),
    cuda: may(['nvmlSystemGetCudaDriverVersion_v2', 'nvmlSystemGetCudaDriverVersion'], out('int')),
    memory: may('nvmlDeviceGetMemoryInfo', Device, out(Memory)),
    memoryV2: may('nvmlDeviceGetMemoryInfo_v2', Device, inout(MemoryV2)),
    temperature: may('nvmlDeviceGetTemperature', Device, 'int', out('uint')),
    utilization: may('nvmlDeviceGetUtilizationRates', Device, out(Utilization)),
    power: may('nvmlDeviceGetPowerUsage', Device, out('uint')),
    powerLimit: may('nvmlDeviceGetEnforcedPowerLimit', Device, out('uint')),
    fan: may('nvmlDeviceGetFanSpeed', Device, out('uint')),
    clock: may('nvmlDeviceGetClockInfo', Device, 'int', out('uint')),
    capability: may('nvmlDeviceGetCudaComputeCapability', Device, out('int'), out('int')),
    pci: may(['nvmlDeviceGetPciInfo_v3'], Device, out(Pci)),
    throttle: may(
      ['nvmlDeviceGetCurrentClocksEventReasons', 'nvmlDeviceGetCurrentClocksThrottleReasons'],
      Device,
      out('uint64'),
    ),
    migMode: may('nvmlDeviceGetMigMode', Device, out('uint'), out('uint')),
    migCount: may('nvmlDeviceGetMaxMigDeviceCount', Device, out('uint')),
    migHandle: may('nvmlDeviceGetMigDeviceHandleByIndex', Device, 'uint', out(Device)),
    processLists: [...lists('Compute'), ...lists('Graphics')],
  };
}

/** Reasons that slow a clock down, by bit; idling and clocks that somebody chose slow nothing down. */
const THROTTLE: readonly [bit: bigint, name: string][] = [
  [0x4n, 'powerCap'],
  [0x8n, 'hardware'],
  [0x10n, 'syncBoost'],
  [0x20n, 'thermal'],
  [0x40n, 'hardwareThermal'],
  [0x80n, 'powerBrake'],
];
export const throttleNames = (mask: number | bigint): string[] =>
  THROTTLE.filter(([bit]) => (BigInt(mask) & bit) !== 0n).map(([, name]) => name);
