/** How long something keeps its thread, on a machine that has other things to do. */

/** What a thread that others wait for may be kept. */
export const MOST_MS = 100;

/**
 * Milliseconds of the processor that `work` takes in this thread. What took too long is done again, twice at most: the
 * quickest counts, since a neighbor can only slow it down.
 */
export function cpuMsOf(work: () => unknown, mostMs: number): number {
  let quickest = Infinity;
  for (let tries = 0; tries < 3 && quickest >= mostMs; tries++) {
    const before = process.threadCpuUsage();
    work();
    const { user, system } = process.threadCpuUsage(before);
    quickest = Math.min(quickest, (user + system) / 1000);
    // Nothing that hangs is waited for three times.
    if (quickest > 5 * mostMs) break;
  }
  return quickest;
}
