/**
 * Virtual GPUs for tests: builds the fake NVML and the control library with the machine's C compiler, and makes the
 * state file that they share.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';

const HERE = import.meta.dirname;

/** The paths of the libraries, built once for each version of their sources; or why they cannot be built. */
export function build(): { nvml: string; control: string; pdh: string } | { reason: string } {
  if (process.platform !== 'linux') return { reason: 'virtual GPUs need Linux' };
  const sources = ['state.h', 'nvml.c', 'pdh.c', 'control.c'].map(name => readFileSync(join(HERE, name)));
  const folder = join(
    tmpdir(),
    `earshot-vgpu-${process.getuid!()}` +
      `-${createHash('sha256').update(Buffer.concat(sources)).digest('hex').slice(0, 16)}`,
  );
  const nvml = join(folder, 'libnvidia-ml.so.1'),
    pdh = join(folder, 'libpdh.so'),
    control = join(folder, 'libvgpu.so');
  if (existsSync(control)) return { nvml, control, pdh };
  const compiler = ['cc', 'gcc', 'clang'].find(name => {
    try {
      execFileSync(name, ['--version'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
  if (!compiler) return { reason: 'virtual GPUs need a C compiler (cc), and there is none here' };
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [source, target] of [
    ['nvml.c', nvml],
    ['pdh.c', pdh],
    ['control.c', control],
  ] as const) {
    const part = `${target}.${process.pid}`;
    execFileSync(compiler, ['-shared', '-fPIC', '-O1', '-Wall', '-Wextra', '-Werror', '-o', part, join(HERE, source)], {
      stdio: 'inherit',
    });
    renameSync(part, target);
  }
  return { nvml, control, pdh };
}

/** Fields that a driver may refuse to tell: the bits of `missing`. */
export const MISSING = {
  temperature: 1,
  utilization: 2,
  power: 4,
  powerLimit: 8,
  fan: 16,
  clock: 32,
  capability: 64,
  pci: 128,
  throttle: 256,
  name: 512,
  memoryV2: 1024,
  memory: 2048,
  processes: 4096,
  processMemory: 8192,
} as const;

export type Field =
  | 'total'
  | 'reserved'
  | 'release_delay_ms'
  | 'fragmentation_permille'
  | 'temperature'
  | 'power_mw'
  | 'power_limit_mw'
  | 'fan'
  | 'clock_mhz'
  | 'utilization'
  | 'memory_utilization'
  | 'capability_major'
  | 'capability_minor'
  | 'throttle'
  | 'missing'
  | 'lost'
  | 'delay_us'
  | 'hang'
  | 'mig'
  | 'part_of'
  | 'shared_permille'
  | 'out_of_memory'
  | 'peak_used'
  | 'peak_workers';

/** What can be done to devices whose state file EARSHOT_VGPU names. */
export interface Control {
  set(device: number, field: Field, value: number): void;
  get(device: number, field: Field): number;
  identify(device: number, name: string, uuid: string): void;
  /** What starting NVML answers from now on, and how many devices it finds. */
  driver(initResult: number, devices: number): void;
  /** -1: there is none. */
  index(uuid: string): number;
  /**
   * The allocation's number; 0: out of memory; -1: no such device. `staged` ones stay when their process does not
   * exist.
   */
  allocate(device: number, pid: number, bytes: number, options?: { graphics?: boolean; staged?: boolean }): number;
  giveBack(device: number, allocation: number, delayMs?: number): void;
  /**
   * Gives it work that takes so many ms alone; the ms until it is done. What others gave it before
   * comes first, as far as the device's `shared_permille` says.
   */
  compute(device: number, ms: number): number;
  /** Bytes held by a process, or by all. */
  held(device: number, pid?: number): number;
  /** Bytes held by processes that are no staged outsiders. */
  workers(device: number): number;
  clear(device: number): void;
  /** Calls made to the fake NVML about devices. */
  calls(): number;
}

export function control(path: string): Control {
  const library = koffi.load(path);
  const set = library.func('int vgpu_set(int device, str field, int64 value)'),
    get = library.func('int64 vgpu_get(int device, str field)');
  const identify = library.func('int vgpu_identify(int device, str name, str uuid)'),
    driver = library.func('int vgpu_driver(int result, int devices)');
  const index = library.func('int vgpu_index(str uuid)'),
    allocate = library.func(
      'int64 vgpu_allocate(int device, uint32 pid, uint64 bytes, uint32 graphics, uint32 staged)',
    );
  const giveBack = library.func('int vgpu_give_back(int device, int64 id, uint64 delay)'),
    held = library.func('int64 vgpu_held(int device, uint32 pid)');
  const compute = library.func('int64 vgpu_compute(int device, uint64 us)');
  const workers = library.func('int64 vgpu_workers(int device)');
  const clear = library.func('int vgpu_clear(int device)'),
    calls = library.func('int64 vgpu_calls()');
  const good = (result: number): void => {
    if (result !== 0) throw new Error('the virtual GPUs refused: is EARSHOT_VGPU set?');
  };
  return {
    set: (device, field, value) => good(set(device, field, value)),
    get: (device, field) => Number(get(device, field)),
    identify: (device, name, uuid) => good(identify(device, name, uuid)),
    driver: (result, devices) => good(driver(result, devices)),
    index: uuid => index(uuid) as number,
    allocate: (device, pid, bytes, { graphics = false, staged = false } = {}) =>
      Number(allocate(device, pid, bytes, graphics ? 1 : 0, staged ? 1 : 0)),
    giveBack: (device, allocation, delayMs = 0) => good(giveBack(device, allocation, delayMs)),
    compute: (device, ms) => Number(compute(device, Math.round(ms * 1000))) / 1000,
    held: (device, pid = 0) => Number(held(device, pid)),
    workers: device => Number(workers(device)),
    clear: device => good(clear(device)),
    calls: () => Number(calls()),
  };
}

export interface VirtualGpus extends Control {
  nvml: string;
  control: string;
  state: string;
  dispose(): void;
}

/**
 * Makes `count` devices of `totalBytes`. The environment of this process then names them, for itself and for the
 * processes it starts: EARSHOT_VGPU the state file, EARSHOT_VGPU_CONTROL the control library, EARSHOT_NVML the fake
 * NVML. One set at a time in a process.
 */
export function virtualGpus(
  libraries: { nvml: string; control: string },
  count: number,
  totalBytes: number,
): VirtualGpus {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-vgpus-')),
    state = join(folder, 'state');
  const create = koffi.load(libraries.control).func('int vgpu_create(str path, int devices, uint64 total)');
  if (create(state, count, totalBytes) !== 0) throw new Error('the state file cannot be made');
  // process.env is the C environment too, where the libraries read it.
  Object.assign(process.env, {
    EARSHOT_VGPU: state,
    EARSHOT_VGPU_CONTROL: libraries.control,
    EARSHOT_NVML: libraries.nvml,
  });
  return {
    ...control(libraries.control),
    ...libraries,
    state,
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}
