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

/**
 * Cores that are free once everything has started are dealt out among the elastic instances at work: those that start
 * now and those that run already, which give them back as soon as something else starts.
 */
export function widen(actions: readonly Action[], after: Snapshot): Action[] {
  const wide = new Map<string, number>(),
    resized: Action[] = [];
  for (const device of after.devices) {
    if (device.kind !== 'cpu') continue;
    const there = after.instances.filter(
      ({ device: at, state }) => at === device.id && (state === 'busy' || state === 'loading' || state === 'starting'),
    );
    const elastic = there.filter(
      each => each.state === 'busy' && (each.elastic ?? after.models[each.model]?.elastic ?? false),
    );
    let spare = Math.max(
      0,
      there.reduce((free, { threads }) => free - threads, calmCores(device)),
    );
    elastic.forEach((each, place) => {
      const more = Math.ceil(spare / (elastic.length - place));
      spare -= more;
      wide.set(each.id, each.threads + more);
    });
  }
  const starting = new Set<string>();
  const widened = actions.map(action => {
    if (action.type !== 'run') return action;
    starting.add(action.instance);
    const threads = wide.get(action.instance);
    return threads ? { ...action, threads } : action;
  });
  for (const { id, runThreads } of after.instances) {
    const threads = wide.get(id);
    if (threads && runThreads !== undefined && runThreads !== threads && !starting.has(id))
      resized.push({ type: 'threads', instance: id, threads });
  }
  return [...widened, ...resized];
}
