/**
 * The policies that ours is compared with. Each is a planner over the same snapshot, so that all run in the same world
 * under the same ceilings. They are as good as their idea allows: each keeps a job's steps in order, uses several
 * devices, and sends what is ready.
 */
import { plan } from '../../daemon/scheduler/plan.ts';
import type {
  Action,
  DeviceView,
  InstanceView,
  JobView,
  ModelView,
  Plan,
  Snapshot,
  StageView,
} from '../../daemon/scheduler/snapshot.ts';
import type { Planner } from './world.ts';

export const ours: Planner = plan;

/** How a policy that loads for itself differs from the others. */
interface Ways {
  /** Jobs that may have work in hand at once. */
  jobs: number;
  /** Attempts at once. */
  tasks: number;
  /** Models loaded at once. */
  models: number;
  /** Each job loads its own instances and gives them back when its stage is done. */
  exclusive: boolean;
  /** Memory that a load is thought to need, from the model's figure and the recording's length in seconds. */
  need: (bytes: number, seconds: number) => number;
  /** Idle models go when another needs the room. */
  evicts: boolean;
  /** Jobs whose model is loaded go before older ones. */
  loadedFirst: boolean;
  /** A job that finds no room lets later ones go. */
  skips: boolean;
}

/** One job after the other, one attempt at a time; its models stay loaded while there is room. */
export const serial: Planner = walker({
  jobs: 1,
  tasks: 1,
  models: Infinity,
  exclusive: false,
  need: bytes => bytes,
  evicts: true,
  loadedFirst: false,
  skips: false,
});
/** One model in memory at a time; whatever is ready for it runs before the next is loaded. */
export const oneModel: Planner = walker({
  jobs: Infinity,
  tasks: 1,
  models: 1,
  exclusive: false,
  need: bytes => bytes,
  evicts: true,
  loadedFirst: true,
  skips: false,
});
/** The first device with enough free memory, an instance for each job, given back at its end. */
export const firstFit: Planner = walker({
  jobs: Infinity,
  tasks: Infinity,
  models: Infinity,
  exclusive: true,
  need: bytes => bytes,
  evicts: false,
  loadedFirst: false,
  skips: true,
});
/**
 * The same with memory that grows with the recording: 30 % of the model for each 3 minutes beyond the first 3, and 20 %
 * on top.
 */
export const firstFitByDuration: Planner = walker({
  jobs: Infinity,
  tasks: Infinity,
  models: Infinity,
  exclusive: true,
  need: (bytes, seconds) => bytes * (1 + Math.max(0, seconds / 180 - 1) * 0.3) * 1.2,
  evicts: false,
  loadedFirst: false,
  skips: true,
});
/** Loaded models first, one instance a model, the longest idle goes when room is needed, nothing is reserved. */
export const loadedFirst: Planner = walker({
  jobs: Infinity,
  tasks: Infinity,
  models: Infinity,
  exclusive: false,
  need: bytes => bytes,
  evicts: true,
  loadedFirst: true,
  skips: true,
});

export const POLICIES: readonly { name: string; planner: Planner; calibrates: boolean }[] = [
  { name: 'Earshot', planner: ours, calibrates: true },
  { name: 'serial, first come', planner: serial, calibrates: true },
  { name: 'one model at a time', planner: oneModel, calibrates: true },
  { name: 'first fit', planner: firstFit, calibrates: false },
  { name: 'first fit, memory by duration', planner: firstFitByDuration, calibrates: false },
  { name: 'loaded first, evict idle', planner: loadedFirst, calibrates: true },
];

const byArrival = (a: JobView, b: JobView): number => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1);
const begun = (job: JobView): boolean => job.stages.some(stage => stage.next > 0 || stage.running > 0);

function walker(ways: Ways): Planner {
  return (snapshot, now) => {
    const actions: Action[] = [];
    const free = new Map(snapshot.devices.map(device => [device.id, device.admissible]));
    const loading = new Set(snapshot.devices.filter(device => device.loading).map(device => device.id));
    const count = new Map<string, number>();
    for (const instance of snapshot.instances) count.set(instance.device, (count.get(instance.device) ?? 0) + 1);
    const instances = snapshot.instances.filter(
      instance => instance.state !== 'stopping' && instance.state !== 'releasing',
    );
    const idle = new Set(instances.filter(instance => instance.state === 'idle'));
    let loaded = snapshot.instances.length;
    let tasks = instances.filter(instance => instance.state === 'busy').length;
    let coming = snapshot.instances.length - instances.length;

    const order = [...snapshot.jobs].sort(byArrival);
    const held =
      ways.jobs < Infinity
        ? [...order].sort((a, b) => Number(begun(b)) - Number(begun(a)) || byArrival(a, b)).slice(0, ways.jobs)
        : order;
    let ingests = snapshot.ingestsRunning;
    for (const job of held)
      if (job.ingest === 'waiting' && (job.live || ingests < 2)) {
        actions.push({ type: 'ingest', job: job.id });
        if (!job.live) ingests++;
      }

    const wanted = held.flatMap(job =>
      job.stages.map(stage => ({
        job,
        stage,
        ready: stage.ready > stage.next && !(stage.retryAt !== null && stage.retryAt > now),
      })),
    );
    const serves = (instance: InstanceView, job: JobView, stage: StageView): boolean =>
      instance.stage === stage.stage && instance.model === stage.model && (!ways.exclusive || instance.job === job.id);
    const ready = wanted.filter(want => want.ready);
    if (ways.loadedFirst)
      ready.sort(
        (a, b) =>
          Number(instances.some(each => serves(each, b.job, b.stage))) -
            Number(instances.some(each => serves(each, a.job, a.stage))) || byArrival(a.job, b.job),
      );

    const fits = (device: DeviceView, model: ModelView, job: JobView): boolean => {
      const seconds = Math.max(...job.stages.map(stage => stage.leftSeconds));
      // more than the device has is tried alone
      const need = Math.min(device.cap, ways.need(model.need[device.id]!, seconds));
      return (
        device.usable &&
        !loading.has(device.id) &&
        (model.notBefore[device.id] ?? 0) <= now &&
        free.get(device.id)! >= need &&
        (count.get(device.id) ?? 0) < snapshot.policy.instancesPerDevice &&
        loaded < Math.min(ways.models, snapshot.policy.loadedModels)
      );
    };
    const load = (device: DeviceView, model: ModelView, job: JobView, stage: StageView): void => {
      const seconds = Math.max(...job.stages.map(each => each.leftSeconds));
      const bytes = Math.round(Math.min(device.cap, ways.need(model.need[device.id]!, seconds)));
      actions.push({
        type: 'load',
        stage: stage.stage,
        model: model.id,
        device: device.id,
        bytes,
        threads: 1,
        job: ways.exclusive ? job.id : null,
      });
      free.set(device.id, free.get(device.id)! - bytes);
      loading.add(device.id);
      count.set(device.id, (count.get(device.id) ?? 0) + 1);
      loaded++;
      instances.push({
        id: '',
        stage: stage.stage,
        model: model.id,
        device: device.id,
        state: 'starting',
        leaseBytes: bytes,
        threads: 1,
        job: ways.exclusive ? job.id : null,
        idleSince: null,
        startedAt: now,
        busyUntil: null,
      });
    };

    let blocked = false;
    const taken = new Set<string>();
    for (const { job, stage } of ready) {
      const key = `${job.id} ${stage.stage}`;
      if (taken.has(key)) continue;
      const instance = [...idle].find(each => serves(each, job, stage));
      if (instance) {
        if (tasks >= Math.min(ways.tasks, snapshot.policy.concurrentTasks)) continue;
        const to =
          stage.next === 0
            ? 1
            : Math.min(
                stage.ready,
                stage.next + Math.min(snapshot.policy.batchMaximum, snapshot.models[stage.model]!.maxBatch),
              );
        actions.push({ type: 'run', instance: instance.id, job: job.id, stage: stage.stage, from: stage.next, to });
        idle.delete(instance);
        tasks++;
        taken.add(key);
        continue;
      }
      if (instances.some(each => serves(each, job, stage)) || blocked) continue;
      const model = snapshot.models[stage.model]!;
      const device = snapshot.devices.find(each => model.devices.includes(each.kind) && fits(each, model, job));
      if (device) {
        load(device, model, job, stage);
        continue;
      }
      if (ways.evicts && coming === 0 && !snapshot.devices.every(each => loading.has(each.id))) {
        // The longest idle one that nobody can use now; with one model at a time whatever is idle.
        const victim = [...idle]
          .filter(each => !ready.some(want => serves(each, want.job, want.stage)))
          .sort((a, b) => (a.idleSince ?? 0) - (b.idleSince ?? 0))[0];
        if (victim) {
          actions.push({ type: 'unload', instance: victim.id, why: 'room' });
          idle.delete(victim);
          coming++;
        }
      }
      if (!ways.skips) blocked = true;
    }
    if (ways.exclusive)
      for (const instance of idle) {
        const stage = snapshot.jobs
          .find(job => job.id === instance.job)
          ?.stages.find(each => each.stage === instance.stage);
        if (!stage || stage.finished) actions.push({ type: 'unload', instance: instance.id, why: 'reuse' });
      }
    return { actions, order, waiting: new Map(), expectedEndAt: new Map(), wakeAt: null } satisfies Plan;
  };
}
export type { Snapshot };
