/**
 * How many threads a new instance on the CPU gets.
 *
 * Alone (one short job, one stage on the CPU) all cores: its words come soonest. Otherwise narrow, so that stages, jobs
 * and the parts of a long recording overlap: on two cores four stages with one thread each take as long as the best
 * serial run and a third less CPU time, and two workers of one thread do 1.4 to 2 times the work of one with two.
 */
import type { Action, DeviceView, Snapshot } from './snapshot.ts';

/** Cores that other programs leave, at least one. What runs alone is not narrowed for less than half of one. */
export const calmCores = ({ cores, outsideCores = 0 }: Pick<DeviceView, 'cores' | 'outsideCores'>): number =>
  Math.max(1, Math.min(Math.floor(cores), Math.round(cores - outsideCores)));

/** `long`: a job has more to do than a second instance costs to load. */
export interface CpuLoad {
  cores: number;
  jobs: number;
  lanes: number;
  mostInstances: number;
  long: boolean;
}

export function threadsFor({ cores, jobs, lanes, mostInstances, long }: CpuLoad): number {
  if (jobs <= 1 && lanes <= 1 && !long) return cores;
  // More instances than there may be share no cores.
  return Math.max(1, Math.floor(cores / Math.min(mostInstances, Math.max(2, lanes, Math.min(jobs, mostInstances)))));
}
/** On a GPU threads only feed the device. */
export const GPU_THREADS = 2;

/** Cores that are free once everything has started go to the elastic instances among what starts, first come first. */
export function widen(actions: readonly Action[], after: Snapshot): Action[] {
  const free = new Map<string, number>();
  for (const device of after.devices) if (device.kind === 'cpu') free.set(device.id, calmCores(device));
  for (const { device, state, threads } of after.instances)
    if (free.has(device) && (state === 'busy' || state === 'loading' || state === 'starting'))
      free.set(device, free.get(device)! - threads);
  return actions.map(action => {
    if (action.type !== 'run') return action;
    const instance = after.instances.find(each => each.id === action.instance)!,
      spare = free.get(instance.device) ?? 0;
    if (spare <= 0 || !(instance.elastic ?? after.models[instance.model]?.elastic)) return action;
    free.set(instance.device, 0);
    return { ...action, threads: instance.threads + spare };
  });
}
