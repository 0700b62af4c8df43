/**
 * How busy the processors are, and with whose work: threads for a model are worth nothing on cores that other programs
 * use.
 */
import { cpus } from 'node:os';
import type { ProcessTable } from './process-table.ts';

export interface CpuTimes {
  idleMs: number;
  totalMs: number;
  cores: number;
}
export interface CpuLoad {
  /** Share of all cores that is busy, 0 to 1. */
  utilization: number;
  /** Of `cores` of ours, how many others use; null: the system does not report what our own processes use. */
  outsideCores: number | null;
}

/** A shorter look says little: the system counts in hundredths of a second. */
const SHORTEST_MS = 200;
/** What others do comes in bursts: half of what is believed is older than this. */
const HALF_LIFE_MS = 2_000;

function machineTimes(): CpuTimes {
  let idleMs = 0,
    totalMs = 0;
  const all = cpus();
  for (const { times } of all) {
    idleMs += times.idle;
    totalMs += times.idle + times.user + times.nice + times.sys + times.irq;
  }
  return { idleMs, totalMs, cores: all.length };
}

/** Asked now and then with the processes that are ours; each answer is of the time since the one before. */
export function cpuLoad({
  cores,
  table,
  times = machineTimes,
  now = Date.now,
}: {
  cores: number;
  table: ProcessTable;
  times?: () => CpuTimes;
  now?: () => number;
}): (pids: ReadonlySet<number>) => CpuLoad {
  let before: { at: number; machine: CpuTimes; ours: Map<number, number> } | null = null;
  let load: CpuLoad = { utilization: 0, outsideCores: null };
  return pids => {
    const at = now(),
      ms = before ? at - before.at : Infinity;
    if (ms < SHORTEST_MS) return load;
    const machine = times(),
      ours = new Map<number, number>();
    for (const pid of new Set([...pids, process.pid])) {
      const used = table.cpuMs?.(pid) ?? null;
      if (used !== null) ours.set(pid, used);
    }
    const passed = before ? machine.totalMs - before.machine.totalMs : 0;
    if (before && passed > 0) {
      const idle = Math.max(0, machine.idleMs - before.machine.idleMs) / passed;
      let ownMs = 0;
      for (const [pid, used] of ours) {
        const earlier = before.ours.get(pid);
        if (earlier !== undefined) ownMs += Math.max(0, used - earlier);
      }
      // What is idle we could have, and what we use we have.
      const open = idle * machine.cores + ownMs / ms,
        outside = Math.min(cores, Math.max(0, cores - open)),
        weight = 1 - 0.5 ** (ms / HALF_LIFE_MS);
      load = {
        utilization: 1 - idle,
        outsideCores:
          ours.size === 0
            ? null
            : load.outsideCores === null
              ? outside
              : load.outsideCores + (outside - load.outsideCores) * weight,
      };
    }
    before = { at, machine, ours };
    return load;
  };
}
