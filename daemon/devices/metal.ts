/**
 * The GPU of Apple silicon. It has no memory of its own: what it computes with is RAM, of which macOS lets it hold only
 * a part at a time. So it is no device beside the processor but a part of that one (`DeviceReading.metal`), and nothing
 * is booked twice.
 */
import { totalmem } from 'node:os';
import { environment } from '../workers/environment.ts';
import { run, succeeded, SYSTEM_FOLDER } from '../workers/spawn.ts';
import type { Detail, MetalReading } from './reading.ts';

const MiB = 1024 ** 2,
  GiB = 1024 ** 3;

/** What people call it in the settings that leave devices alone. */
export const METAL_ID = 'metal';

/** Runs a program of the system's and answers its output; rejects when it fails. */
export type AskMac = (program: string, args: readonly string[], timeoutMs: number) => Promise<string>;

const askMac: AskMac = async (program, args, timeoutMs) =>
  succeeded(await run(program, args, { cwd: SYSTEM_FOLDER, env: environment('local'), timeoutMs }));

interface DisplaysReport {
  SPDisplaysDataType?: readonly { sppci_model?: string; sppci_cores?: string }[];
}

/**
 * Apple's GPU in the JSON of `system_profiler -json SPDisplaysDataType`. null: there is none of Apple's own (Intel), or
 * only a virtual machine's ("Apple Paravirtual device"), which lacks what llama.cpp computes with.
 */
export function appleGpu(report: string): { name: string; cores: number | null } | null {
  let displays: DisplaysReport['SPDisplaysDataType'];
  try {
    displays = (JSON.parse(report) as DisplaysReport).SPDisplaysDataType;
  } catch {
    return null;
  }
  if (!Array.isArray(displays)) return null;
  const found = displays.find(({ sppci_model: model }) => /^Apple M\d/.test(model ?? ''));
  return found ? { name: found.sppci_model!, cores: Number(found.sppci_cores) || null } : null;
}

/**
 * Of unified memory, what the GPU may hold (Metal's recommendedMaxWorkingSetSize): what `iogpu.wired_limit_mb` says;
 * without it, 0, macOS takes two thirds, and three quarters from 36 GB on.
 */
export function metalLimitBytes(wiredLimitMb: string | null, totalBytes: number): number {
  const chosen = Number(/^\d+$/.exec(wiredLimitMb?.trim() ?? '')?.[0] ?? 0) * MiB;
  return Math.min(chosen || Math.floor(totalBytes * (totalBytes >= 36 * GiB ? 3 / 4 : 2 / 3)), totalBytes);
}

/** Answers what is known so far; the first look, which takes a second, keeps nobody waiting. */
export function metalReader({
  platform = process.platform,
  arch = process.arch,
  totalBytes = totalmem(),
  ask = askMac,
}: { platform?: NodeJS.Platform; arch?: string; totalBytes?: number; ask?: AskMac } = {}): (
  detail: Detail,
) => MetalReading | null {
  if (platform !== 'darwin' || arch !== 'arm64') return () => null;
  let gpu: ReturnType<typeof appleGpu> | undefined,
    limitBytes = metalLimitBytes(null, totalBytes),
    looking = false;
  const look = async (): Promise<void> => {
    gpu ??= appleGpu(await ask('/usr/sbin/system_profiler', ['-json', 'SPDisplaysDataType'], 20_000).catch(() => ''));
    // Older systems do not know it.
    const wired = gpu && (await ask('/usr/sbin/sysctl', ['-n', 'iogpu.wired_limit_mb'], 2_000).catch(() => null));
    limitBytes = metalLimitBytes(wired, totalBytes);
  };
  return detail => {
    if (!looking && (gpu === undefined || (gpu && detail === 'all'))) {
      looking = true;
      void look().finally(() => (looking = false));
    }
    return gpu ? { ...gpu, limitBytes } : null;
  };
}
