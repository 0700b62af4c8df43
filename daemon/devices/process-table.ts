/**
 * What is asked about processes, whatever answers: /proc or system libraries. Each call throws where nothing could be
 * looked at (no descriptors left), which says nothing about the process.
 */
import type { ProcessReading } from './reading.ts';

export interface ProcessTable {
  /** The given processes and all that descend from them. */
  withChildren(pids: Iterable<number>): Map<number, Set<number>>;
  memory(pid: number): ProcessReading | null;
  /** Processor time that it has used, ms. Missing: the platform is not asked. */
  cpuMs?(pid: number): number | null;
  /** Program name, or null. */
  name(pid: number): string | null;
  /** False once it ended (a zombie has ended: it holds no memory). */
  alive(pid: number): boolean;
}

/** Each given process with all its descendants; the table of children is made once. */
export function descendants(
  pids: Iterable<number>,
  children: () => ReadonlyMap<number, readonly number[]>,
): Map<number, Set<number>> {
  const result = new Map<number, Set<number>>();
  let table: ReadonlyMap<number, readonly number[]> | undefined;
  for (const pid of pids) {
    table ??= children();
    const tree = new Set([pid]);
    for (const parent of tree) for (const child of table.get(parent) ?? []) tree.add(child);
    result.set(pid, tree);
  }
  return result;
}
