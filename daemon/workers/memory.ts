/** Memory of a worker and its children, as the operating system counts it. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Memory {
  /** Resident now, bytes; null: this platform does not tell. */
  residentBytes: number | null;
  /** Highest so far, bytes. Of several processes: the sum of their peaks, so never too low. */
  peakBytes: number | null;
}

/** A worker's processes: itself and what it started (Linux); elsewhere only itself. */
export function processes(pid: number, read = readProc): number[] {
  const found = [pid];
  for (let at = 0; at < found.length && found.length < 100; at++) {
    const children = read(`/proc/${found[at]}/task/${found[at]}/children`);
    for (const child of children?.trim().split(/\s+/) ?? []) if (child) found.push(Number(child));
  }
  return found;
}

/** Reads /proc (about 50 µs). Null on other platforms and when the process is gone. */
export function procMemory(pid: number, read = readProc): { residentBytes: number; peakBytes: number } | null {
  let residentBytes = 0,
    peakBytes = 0,
    any = false;
  for (const one of processes(pid, read)) {
    const status = read(`/proc/${one}/status`);
    const resident = kibibytes(status, 'VmRSS'),
      peak = kibibytes(status, 'VmHWM');
    if (resident === null) continue;
    any = true;
    residentBytes += resident;
    peakBytes += peak ?? resident;
  }
  return any ? { residentBytes, peakBytes } : null;
}

/** Resident bytes by `ps`, for macOS and the BSDs; null when it does not answer. */
export function psMemory(pid: number): Promise<number | null> {
  return new Promise(resolve => {
    execFile('ps', ['-o', 'rss=', '-p', String(pid)], { timeout: 2000 }, (error, stdout) => {
      const kib = Number(stdout.trim());
      resolve(error || !Number.isFinite(kib) || kib <= 0 ? null : kib * 1024);
    });
  });
}

/** How many processes the kernel has killed for want of memory since it started; null where it does not say. */
export function outOfMemoryKills(read = readProc): number | null {
  const count = /^oom_kill (\d+)$/m.exec(read('/proc/vmstat') ?? '')?.[1];
  return count === undefined ? null : Number(count);
}

function readProc(path: string): string | null {
  if (process.platform !== 'linux') return null;
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
function kibibytes(status: string | null, field: string): number | null {
  const value = status && new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1];
  return value ? Number(value) * 1024 : null;
}
