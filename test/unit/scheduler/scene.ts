/** Machines, models and jobs for one decision of the scheduler, each with what most tests want. */
import { plan } from '../../../daemon/scheduler/plan.ts';
import type {
  Action,
  DeviceView,
  InstanceView,
  JobView,
  ModelView,
  Policy,
  Snapshot,
  StageView,
} from '../../../daemon/scheduler/snapshot.ts';
import { DEFAULTS } from '../../../schemas/settings.ts';
import type { Stage } from '../../../schemas/words.ts';

export const GiB = 1024 ** 3,
  NOW = 1_000_000;
export const gpu = (id: string, gigabytes: number, change: Partial<DeviceView> = {}): DeviceView => ({
  id,
  kind: 'gpu',
  name: id,
  admissible: gigabytes * GiB,
  cap: gigabytes * GiB,
  cores: Infinity,
  usable: true,
  loading: false,
  releasing: false,
  pressed: false,
  ...change,
});
export const cpu = (cores: number, gigabytes = 16): DeviceView => ({ ...gpu('cpu', gigabytes), kind: 'cpu', cores });
const DEVICES = ['gpu0', 'gpu1', 'cpu'];
export const model = (id: string, stage: Stage, gigabytes: number, change: Partial<ModelView> = {}): ModelView => ({
  id,
  engine: 'test',
  stages: [stage],
  family: id,
  size: gigabytes,
  devices: ['gpu', 'cpu'],
  need: Object.fromEntries(DEVICES.map(each => [each, gigabytes * GiB])),
  loadMs: Object.fromEntries(DEVICES.map(each => [each, 1000])),
  msPerSecond: 100,
  maxBatch: 4,
  waiting: null,
  notBefore: {},
  ...change,
});
export const models = Object.fromEntries(
  [
    model('ear', 'asr', 2),
    model('big-ear', 'asr', 8),
    model('fixer', 'repair', 3),
    model('translator', 'nmt', 2),
    model('voice', 'tts', 1),
  ].map(each => [each.id, each]),
);
export const stage = (name: Stage, id: string, change: Partial<StageView> = {}): StageView => ({
  stage: name,
  model: id,
  next: 0,
  ready: 0,
  running: 0,
  retryAt: null,
  leftSeconds: 60,
  finished: false,
  ...change,
});
export const job = (id: string, stages: StageView[], change: Partial<JobView> = {}): JobView => ({
  id,
  priority: 'normal',
  position: 0,
  createdAt: 0,
  ingest: 'done',
  stages,
  overtaken: 0,
  live: false,
  ...change,
});
export const instance = (
  id: string,
  name: Stage,
  of: string,
  device: string,
  change: Partial<InstanceView> = {},
): InstanceView => ({
  id,
  stage: name,
  model: of,
  device,
  state: 'idle',
  leaseBytes: 2 * GiB,
  threads: 1,
  job: null,
  idleSince: NOW,
  startedAt: 0,
  busyUntil: null,
  ...change,
});
export const decide = (
  change: Partial<Snapshot>,
  policy: Partial<Policy> = {},
): {
  actions: readonly Action[];
  wakeAt: number | null;
  why: (id: string) => string | undefined;
  reason: (id: string) => unknown;
} => {
  const made = plan(
    {
      policy: { ...DEFAULTS, ...policy },
      open: true,
      devices: [gpu('gpu0', 20)],
      instances: [],
      models,
      jobs: [],
      ingestsRunning: 0,
      ...change,
    },
    NOW,
  );
  return {
    actions: made.actions,
    wakeAt: made.wakeAt,
    why: id => made.waiting.get(id)?.reason.code,
    reason: id => made.waiting.get(id)?.reason,
  };
};
export const of = <T extends Action['type']>(actions: readonly Action[], type: T): Extract<Action, { type: T }>[] =>
  actions.filter(action => action.type === type) as Extract<Action, { type: T }>[];
