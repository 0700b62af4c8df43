/**
 * The process table of macOS (libproc) and Windows (kernel32), which have no /proc. What a call does not report is
 * null.
 */
import { basename } from 'node:path';
import koffi from 'koffi';
import { descendants, type ProcessTable } from './process-table.ts';

/** Falls back to "lives or not" where the system's library cannot be bound. */
export function nativeProcesses(platform: NodeJS.Platform): ProcessTable {
  try {
    return platform === 'darwin' ? macProcesses() : platform === 'win32' ? windowsProcesses() : plainProcesses();
  } catch {
    return plainProcesses();
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const plainProcesses = (): ProcessTable => ({
  withChildren: pids => descendants(pids, () => new Map()),
  memory: () => null,
  name: () => null,
  alive,
});

function macProcesses(): ProcessTable {
  const system = koffi.load('/usr/lib/libSystem.dylib');
  const usage = system.func('int proc_pid_rusage(int pid, int flavor, _Out_ uint8_t *buffer)');
  const listChildren = system.func('int proc_listchildpids(int ppid, _Out_ int32_t *buffer, int size)');
  const path = system.func('int proc_pidpath(int pid, _Out_ uint8_t *buffer, uint32_t size)');
  const programName = (pid: number): string | null => {
    const buffer = Buffer.alloc(4096);
    const length = path(pid, buffer, buffer.length) as number;
    return length > 0 ? basename(buffer.toString('utf8', 0, length)) : null;
  };
  // rusage_info_v4: 16 bytes of UUID, then 64-bit fields; the footprint is the eighth, its highest value the
  // twenty-ninth.
  const FOOTPRINT = 16 + 7 * 8,
    HIGHEST_FOOTPRINT = 16 + 28 * 8,
    V4 = 4;
  return {
    withChildren(pids) {
      const buffer = new Int32Array(1024);
      const table = {
        get: (pid: number) => [
          ...buffer.subarray(0, Math.max(0, listChildren(pid, buffer, buffer.byteLength) as number)),
        ],
      } as unknown as Map<number, number[]>;
      return descendants(pids, () => table);
    },
    memory(pid) {
      const buffer = Buffer.alloc(512);
      if (usage(pid, V4, buffer) !== 0) return null;
      return {
        pid,
        name: programName(pid),
        bytes: Number(buffer.readBigUInt64LE(FOOTPRINT)),
        peakBytes: Number(buffer.readBigUInt64LE(HIGHEST_FOOTPRINT)),
      };
    },
    name: programName,
    alive,
  };
}

function windowsProcesses(): ProcessTable {
  const kernel = koffi.load('kernel32.dll');
  const Entry = koffi.struct({
    size: 'uint32',
    usage: 'uint32',
    pid: 'uint32',
    heap: 'uintptr_t',
    module: 'uint32',
    threads: 'uint32',
    parent: 'uint32',
    priority: 'int32',
    flags: 'uint32',
    program: koffi.array('char16_t', 260, 'String'),
  });
  const Counters = koffi.struct({
    size: 'uint32',
    faults: 'uint32',
    peakWorkingSet: 'size_t',
    workingSet: 'size_t',
    peakPaged: 'size_t',
    paged: 'size_t',
    peakNonPaged: 'size_t',
    nonPaged: 'size_t',
    pagefile: 'size_t',
    peakPagefile: 'size_t',
  });
  const snapshot = kernel.func('CreateToolhelp32Snapshot', 'void *', ['uint32', 'uint32']);
  const first = kernel.func('Process32FirstW', 'bool', ['void *', koffi.inout(koffi.pointer(Entry))]);
  const next = kernel.func('Process32NextW', 'bool', ['void *', koffi.inout(koffi.pointer(Entry))]);
  const open = kernel.func('OpenProcess', 'void *', ['uint32', 'bool', 'uint32']);
  const close = kernel.func('CloseHandle', 'bool', ['void *']);
  const counters = kernel.func('K32GetProcessMemoryInfo', 'bool', [
    'void *',
    koffi.inout(koffi.pointer(Counters)),
    'uint32',
  ]);
  const SNAPSHOT_PROCESSES = 2,
    QUERY_LIMITED_AND_READ = 0x1010;
  const each = (visit: (entry: { pid: number; parent: number; program: string }) => void): void => {
    const handle = snapshot(SNAPSHOT_PROCESSES, 0) as unknown;
    const entry = { size: koffi.sizeof(Entry), pid: 0, parent: 0, program: '' };
    try {
      for (let more = first(handle, entry) as boolean; more; more = next(handle, entry) as boolean) visit(entry);
    } finally {
      close(handle);
    }
  };
  const programName = (pid: number): string | null => {
    let name: string | null = null;
    each(entry => {
      if (entry.pid === pid) name = entry.program;
    });
    return name;
  };
  return {
    withChildren: pids =>
      descendants(pids, () => {
        const byParent = new Map<number, number[]>();
        each(({ pid, parent }) => byParent.set(parent, [...(byParent.get(parent) ?? []), pid]));
        return byParent;
      }),
    memory(pid) {
      const handle = open(QUERY_LIMITED_AND_READ, false, pid) as unknown;
      if (!handle) return null;
      try {
        const result = { size: koffi.sizeof(Counters), workingSet: 0, peakWorkingSet: 0 };
        if (!counters(handle, result, koffi.sizeof(Counters))) return null;
        return { pid, name: null, bytes: Number(result.workingSet), peakBytes: Number(result.peakWorkingSet) };
      } finally {
        close(handle);
      }
    },
    name: programName,
    alive,
  };
}
