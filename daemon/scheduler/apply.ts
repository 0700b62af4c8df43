/**
 * What a snapshot looks like once actions are under way: planning goes on from there until nothing more is to be done,
 * so that a plan is whole. Pure.
 */
import { paceOf } from './gains.ts';
import { attemptEstimate } from './lanes.ts';
import type { Action, InstanceView, JobView, Snapshot, StageView } from './snapshot.ts';

export function applied(snapshot: Snapshot, actions: readonly Action[], now: number): Snapshot {
  const jobs = [...snapshot.jobs],
    instances = [...snapshot.instances],
    devices = [...snapshot.devices];
  let ingestsRunning = snapshot.ingestsRunning;
  const changeJob = (id: string, change: (job: JobView) => JobView): void => {
    const place = jobs.findIndex(job => job.id === id);
    if (place >= 0) jobs[place] = change(jobs[place]!);
  };
  const changeInstance = (id: string, change: (instance: InstanceView) => InstanceView): void => {
    const place = instances.findIndex(instance => instance.id === id);
    if (place >= 0) instances[place] = change(instances[place]!);
  };
  const atWork = (device: string): number =>
    instances.filter(each => each.device === device && each.state === 'busy' && each.leaseBytes > 0).length;
  for (const action of actions)
    switch (action.type) {
      case 'ingest':
        ingestsRunning++;
        changeJob(action.job, job => ({ ...job, ingest: 'running' }));
        break;
      case 'overtaken':
        changeJob(action.job, job => ({ ...job, overtaken: job.overtaken + 1 }));
        break;
      case 'threads':
        break; // decided last, when all that starts is known
      case 'refuse':
        break; // refused before anything is planned
      case 'unload':
        changeInstance(action.instance, instance => ({ ...instance, state: 'stopping', idleSince: null }));
        break;
      case 'run': {
        let busyUntil = now;
        changeJob(action.job, job => ({
          ...job,
          stages: job.stages.map(stage => {
            if (stage.stage !== action.stage) return stage;
            const instance = instances.find(each => each.id === action.instance);
            busyUntil =
              now +
              attemptEstimate(snapshot.models[instance?.model ?? stage.model], stage, action.to - action.from) /
                paceOf(
                  instance && snapshot.models[instance.model]?.gains?.[instance.device],
                  instance ? atWork(instance.device) + 1 : 1,
                );
            return {
              ...stage,
              next: action.to,
              ready: Math.max(action.to, stage.ready),
              running: stage.running + 1,
              lastStartAt: now,
            } satisfies StageView;
          }),
        }));
        changeInstance(action.instance, instance => ({ ...instance, state: 'busy', idleSince: null, busyUntil }));
        break;
      }
      case 'load': {
        const place = devices.findIndex(device => device.id === action.device),
          device = devices[place];
        if (device)
          devices[place] = {
            ...device,
            admissible: device.admissible - action.bytes,
            loading: device.loading || action.bytes > 0,
          };
        instances.push({
          id: `load ${instances.length}`,
          stage: action.stage,
          model: action.model,
          device: action.device,
          state: 'starting',
          leaseBytes: action.bytes,
          threads: action.threads,
          job: action.job,
          idleSince: null,
          startedAt: now,
          busyUntil: null,
        });
      }
    }
  return { ...snapshot, jobs, instances, devices, ingestsRunning };
}
