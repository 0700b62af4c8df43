/**
 * Who is whose child, who lives, and what a process holds of RAM: from /proc on Linux, from system libraries on macOS
 * and Windows.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { nativeProcesses } from './native-processes.ts';
import { descendants, type ProcessTable } from './process-table.ts';

/** The kernel's unit of processor time in /proc: USER_HZ is 100 wherever Node runs. */
const TICK_MS = 10;

/** What the kernel answers when a process has ended, or when something is not for us to see. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ESRCH', 'EACCES', 'EPERM', 'EINVAL']);

/**
 * Null: it is not there, or not for us. @throws where nothing could be looked at (no descriptors left): that says
 * nothing about the file
 */
export function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

/** /proc under another root is for tests. */
export function linuxProcesses(root = '/proc'): ProcessTable {
  const read = (path: string): string | null => readIfThere(`${root}/${path}`);
  // The command in stat may hold spaces and brackets: fields count from the last bracket.
  const stat = (pid: number): { state: string; parent: number; cpuMs: number } | null => {
    const text = read(`${pid}/stat`);
    if (text === null) return null;
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0]!, parent: Number(fields[1]), cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS };
  };
  const children = (): Map<number, number[]> => {
    const byParent = new Map<number, number[]>();
    for (const entry of readdirSync(root)) {
      if (entry < '0' || entry > ':') continue;
      const parent = stat(Number(entry))?.parent;
      if (parent !== undefined) byParent.set(parent, [...(byParent.get(parent) ?? []), Number(entry)]);
    }
    return byParent;
  };
  return {
    withChildren: pids => descendants(pids, children),
    memory(pid) {
      const text = read(`${pid}/status`);
      if (text === null) return null;
      const bytes = (key: string): number | null => {
        const found = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text);
        return found ? Number(found[1]) * 1024 : null;
      };
      // Pages of files can be dropped and so still count as available: only what cannot has left free memory.
      const anonymous = bytes('RssAnon');
      const resident = anonymous === null ? bytes('VmRSS') : anonymous + (bytes('RssShmem') ?? 0);
      return {
        pid,
        name: /^Name:\t(.*)$/m.exec(text)?.[1] ?? null,
        bytes: resident,
        peakBytes: bytes('VmHWM') ?? bytes('VmRSS'),
      };
    },
    cpuMs: pid => stat(pid)?.cpuMs ?? null,
    name(pid) {
      // comm is cut at 15 characters and interpreters hide the program there; the executable's name is whole.
      try {
        return basename(readlinkSync(`${root}/${pid}/exe`)).replace(/ \(deleted\)$/, '');
      } catch {
        return read(`${pid}/comm`)?.trim() || null;
      }
    },
    alive(pid) {
      const found = stat(pid);
      return found !== null && found.state !== 'Z' && found.state !== 'X';
    },
  };
}

/** The process table of this platform. */
export const processes = (platform: NodeJS.Platform = process.platform): ProcessTable =>
  platform === 'linux' ? linuxProcesses() : nativeProcesses(platform);
