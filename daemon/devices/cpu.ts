/** The CPU as a device: its pool is RAM, within the limits of the control groups that this process runs in. */
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { environment } from '../workers/environment.ts';
import { run, succeeded, SYSTEM_FOLDER } from '../workers/spawn.ts';
import { cpuLoad } from './cpu-load.ts';
import { metalReader } from './metal.ts';
import { blankReading, type DeviceReader } from './reading.ts';
import type { ProcessTable } from './process-table.ts';
import { processes, readIfThere } from './processes.ts';

const CPU_ID = 'cpu';

export interface Ram {
  totalBytes: number;
  freeBytes: number;
}

const number = (text: string | null): number | null => (text !== null && /^\d+\s*$/.test(text) ? Number(text) : null);
const field = (text: string | null, key: string): number | null => {
  const found = text === null ? null : new RegExp(`^${key}:?\\s+(\\d+)`, 'm').exec(text);
  return found ? Number(found[1]) : null;
};

/**
 * RAM on Linux: the machine's, or less where a control group (either version, at any level above us) allows less.
 * `read` answers null for files that are not there.
 */
export function linuxRam(read: (path: string) => string | null): Ram {
  const machine = read('/proc/meminfo');
  let totalBytes = (field(machine, 'MemTotal') ?? Math.floor(totalmem() / 1024)) * 1024;
  let freeBytes = (field(machine, 'MemAvailable') ?? field(machine, 'MemFree') ?? Math.floor(freemem() / 1024)) * 1024;
  const apply = (limit: number | null, usage: number | null, inactiveFile: number | null): void => {
    // A limit of nearly 2^63 means none.
    if (limit === null || limit >= 2 ** 60) return;
    totalBytes = Math.min(totalBytes, limit);
    // Cached file pages that nobody used lately go when memory is needed.
    if (usage !== null) freeBytes = Math.min(freeBytes, Math.max(0, limit - usage + (inactiveFile ?? 0)));
  };
  for (const line of (read('/proc/self/cgroup') ?? '').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path === undefined || controllers === undefined) continue;
    const unified = controllers === '';
    if (!unified && !controllers.split(',').includes('memory')) continue;
    const root = unified ? '/sys/fs/cgroup' : '/sys/fs/cgroup/memory';
    for (let folder = path; ; folder = dirname(folder)) {
      const at = (name: string): string | null => read(`${root}${folder === '/' ? '' : folder}/${name}`);
      if (unified)
        apply(number(at('memory.max')), number(at('memory.current')), field(at('memory.stat'), 'inactive_file'));
      else
        apply(
          number(at('memory.limit_in_bytes')),
          number(at('memory.usage_in_bytes')),
          field(at('memory.stat'), 'total_inactive_file'),
        );
      if (folder === '/' || folder === '.' || folder === '') break;
    }
  }
  return { totalBytes, freeBytes };
}

/**
 * RAM on macOS from `vm_stat`: free pages alone would look like a full machine. What is read from files or may be
 * dropped goes when it is needed; inactive pages of other programs would have to be compressed for it.
 */
export function macRam(vmStat: string, totalBytes: number): Ram {
  const pageBytes = Number(/page size of (\d+) bytes/.exec(vmStat)?.[1] ?? 16384);
  const pages = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(vmStat)?.[1] ?? 0);
  // Systems before 10.9 do not say which pages are a file's; pages read ahead are among those.
  const ofFiles = pages('File-backed pages') || pages('Pages inactive') + pages('Pages speculative');
  return {
    totalBytes,
    freeBytes: Math.min(totalBytes, (pages('Pages free') + ofFiles + pages('Pages purgeable')) * pageBytes),
  };
}

async function platformRam(): Promise<Ram> {
  if (process.platform === 'linux') return linuxRam(readIfThere);
  if (process.platform === 'darwin') {
    try {
      return macRam(
        succeeded(
          await run('/usr/bin/vm_stat', [], { cwd: SYSTEM_FOLDER, env: environment('local'), timeoutMs: 2000 }),
        ),
        totalmem(),
      );
    } catch {
      /* the plain figures below */
    }
  }
  return { totalBytes: totalmem(), freeBytes: freemem() };
}

/** The reader of the CPU device. What it asks can be replaced in tests. */
export function cpuReader({
  ram = platformRam,
  table = processes(),
  hostName = cpus()[0]?.model?.trim() || 'CPU',
  metal = metalReader(),
}: {
  ram?: () => Ram | Promise<Ram>;
  table?: ProcessTable;
  hostName?: string;
  metal?: ReturnType<typeof metalReader>;
} = {}): DeviceReader {
  const cores = availableParallelism(),
    load = cpuLoad({ cores, table });
  return {
    async read(detail, pids) {
      const { totalBytes, freeBytes } = await ram();
      return [
        {
          ...blankReading(CPU_ID, 'cpu', 'os'),
          name: hostName,
          totalBytes,
          freeBytes,
          cores,
          processes: [...pids].map(pid => table.memory(pid)).filter(process => process !== null),
          ...load(pids),
          metal: metal(detail),
        },
      ];
    },
    problem: () => null,
    dispose() {},
  };
}
