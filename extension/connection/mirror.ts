/**
 * The daemon's state as this window knows it: a snapshot, then events on top. Listeners get what changed, at most once
 * a turn.
 */
import type { Device, Instance } from '../../schemas/device.ts';
import type { Job } from '../../schemas/job.ts';
import type { Engine, Model } from '../../schemas/model.ts';
import type { WatchedFolder } from '../../schemas/watch.ts';
import type { StateEvent, StateSnapshot, Topic } from '../../schemas/rpc.ts';

export interface MirrorState {
  queuePaused: boolean;
  jobs: Map<string, Job>;
  devices: Map<string, Device>;
  instances: Map<string, Instance>;
  models: Map<string, Model>;
  engines: Map<string, Engine>;
  watched: Map<string, WatchedFolder>;
}

/** What a batch of events touched. `all`: everything may be different (a snapshot came). */
export interface Change {
  all: boolean;
  jobs: Set<string>;
  removed: Set<string>;
  devices: boolean;
  instances: boolean;
  models: Set<string>;
  engines: boolean;
  watched: boolean;
  queue: boolean;
}

export const emptyState = (): MirrorState => ({
  queuePaused: false,
  jobs: new Map(),
  devices: new Map(),
  instances: new Map(),
  models: new Map(),
  engines: new Map(),
  watched: new Map(),
});
export const noChange = (all = false): Change => ({
  all,
  jobs: new Set(),
  removed: new Set(),
  devices: all,
  instances: all,
  models: new Set(),
  engines: all,
  watched: all,
  queue: all,
});

/** As people know a model; one that is not listed by its id. */
export const modelName = ({ models }: Pick<MirrorState, 'models'>, id: string): string =>
  models.get(id)?.card.name ?? id;

/** Whether anything can be transcribed. */
export const modelsReady = ({ models }: MirrorState): boolean =>
  [...models.values()].some(m => m.state === 'installed' && m.card.stages.includes('asr'));

const byId = <T>(list: readonly T[], id: (item: T) => string): Map<string, T> =>
  new Map(list.map(item => [id(item), item]));

/** Replaces the parts that the topics cover; the others stay. */
export function takeSnapshot(state: MirrorState, snapshot: StateSnapshot, topics: readonly Topic[]): void {
  if (topics.includes('jobs')) {
    state.jobs = byId(snapshot.jobs, j => j.id);
    state.queuePaused = snapshot.queuePaused;
  }
  if (topics.includes('devices')) state.devices = byId(snapshot.devices, d => d.id);
  if (topics.includes('instances')) state.instances = byId(snapshot.instances, i => i.id);
  if (topics.includes('models')) state.models = byId(snapshot.models, m => m.card.id);
  if (topics.includes('watch')) state.watched = byId(snapshot.watch ?? [], f => f.spec.path);
  if (topics.includes('engines')) state.engines = byId(snapshot.engines, e => e.id);
}

/** Applies one event; utterances, partial text and notices are not state and change nothing here. */
export function takeEvent(state: MirrorState, event: StateEvent, change: Change): void {
  switch (event.type) {
    case 'job':
      state.jobs.set(event.job.id, event.job);
      change.jobs.add(event.job.id);
      change.removed.delete(event.job.id);
      break;
    case 'jobRemoved':
      if (state.jobs.delete(event.id)) {
        change.removed.add(event.id);
        change.jobs.delete(event.id);
      }
      break;
    case 'device':
      state.devices.set(event.device.id, event.device);
      change.devices = true;
      break;
    case 'instance':
      state.instances.set(event.instance.id, event.instance);
      change.instances = true;
      break;
    case 'instanceGone':
      change.instances = state.instances.delete(event.id) || change.instances;
      break;
    case 'model':
      state.models.set(event.model.card.id, event.model);
      change.models.add(event.model.card.id);
      break;
    case 'engine':
      state.engines.set(event.engine.id, event.engine);
      change.engines = true;
      break;
    case 'watch':
      state.watched.set(event.folder.spec.path, event.folder);
      change.watched = true;
      break;
    case 'watchGone':
      change.watched = state.watched.delete(event.path) || change.watched;
      break;
    case 'queue':
      state.queuePaused = event.paused;
      change.queue = true;
      break;
    case 'utterance':
    case 'partial':
    case 'notice':
      break;
  }
}
