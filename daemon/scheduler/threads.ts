/**
 * How many threads a new instance on the CPU gets.
 *
 * Alone (one job, one stage on the CPU) all cores: its first words come soonest. Otherwise narrow, so that stages and jobs overlap: on two
 * cores four stages with one thread each take as long as the best serial run and a third less CPU time, and two workers of one thread do
 * 1.37 times the work of one with two.
 */
export interface CpuLoad { cores: number; jobs: number; lanes: number; mostInstances: number }

export function threadsFor({ cores, jobs, lanes, mostInstances }: CpuLoad): number {
  if (jobs <= 1 && lanes <= 1) return cores;
  return Math.max(1, Math.floor(cores / Math.max(2, lanes, Math.min(jobs, mostInstances))));
}
/** On a GPU threads only feed the device. */
export const GPU_THREADS = 2;
