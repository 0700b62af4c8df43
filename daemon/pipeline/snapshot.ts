/** The state of the world in the shape that `plan` reads. */
import type { Failure } from '../../schemas/errors.ts';
import type { Settings } from '../../schemas/settings.ts';
import { KINDS_OF_WORK } from '../../schemas/words.ts';
import type { Engine } from '../contracts/engine.ts';
import type { Instance } from '../workers/instance.ts';
import type { Pool } from '../devices/pool.ts';
import type { Advice, DeviceView, JobView, ModelView, Snapshot } from '../scheduler/snapshot.ts';
import type { Catalogue } from './catalogue.ts';
import type { Speeds } from './speeds.ts';
import { isSummary, anyForeground, type JobWork } from '../jobs/work.ts';

export interface World {
  settings: () => Settings;
  clock: () => number;
  pool: Pool;
  catalogue: Catalogue;
  speeds: Speeds;
  engine(id: string): Engine | undefined;
  jobs: ReadonlyMap<string, JobWork>;
  instances: ReadonlyMap<string, Instance>;
  open: boolean;
  advice: Advice;
  loadFailures: ReadonlyMap<string, { notBefore: number; last: Failure }>;
}
/** Assumed until a load was measured. */
const FIRST_LOAD_MS = 5_000;

/** `front`: of a long queue, only these jobs, which stand in order. */
export function buildSnapshot(world: World, front?: readonly JobWork[]): Snapshot {
  const devices = world.pool.views();
  const jobs: JobView[] = [];
  const lists = new Set<readonly string[]>();
  let ingestsRunning = 0,
    last: readonly string[] | null = null;
  const pressing = anyForeground(world.jobs);
  for (const work of front ?? world.jobs.values()) {
    if (work.ingest === 'running') ingestsRunning++;
    if (work.row.state === 'paused' || work.finishing || work.elsewhere || (pressing && isSummary(work))) continue;
    const view = work.view(),
      list = view.untouched?.models ?? work.modelList;
    if (list !== last) lists.add((last = list));
    jobs.push(view);
  }
  const used = new Set<string>([...lists].flat());
  for (const instance of world.instances.values()) used.add(instance.options.card.id);
  const models: Record<string, ModelView> = {};
  for (const id of used) {
    const view = modelView(id, devices, world);
    if (view) models[id] = view;
  }
  for (const view of Object.values(models))
    for (const id of relativesOf(view, devices, world)) {
      const other = models[id] ?? modelView(id, devices, world);
      if (other) models[id] = other;
    }
  return {
    policy: world.settings(),
    advice: world.advice,
    open: world.open,
    devices,
    models,
    jobs,
    ingestsRunning,
    isFront: front !== undefined,
    instances: [...world.instances.values()]
      .filter(instance => instance.state !== 'releasing')
      .map(instance => ({
        id: instance.id,
        stage: instance.options.stage,
        model: instance.options.card.id,
        device: instance.options.device,
        state: instance.state,
        leaseBytes: instance.options.lease.bytes,
        threads: instance.options.threads,
        ...(instance.elastic && instance.run ? { runThreads: instance.threads } : {}),
        elastic: instance.elastic,
        job: instance.run?.job ?? instance.options.job,
        idleSince: instance.idleSince,
        startedAt: instance.startedAt,
        busyUntil: instance.run?.until ?? null,
      })),
  };
}

/**
 * Models of its family: they stand in for one that does not load, where that is allowed, and are named where one can
 * never fit.
 */
function relativesOf(view: ModelView, devices: readonly DeviceView[], world: World): string[] {
  const failed = world.settings().smallerModelOnFailure && Object.keys(view.notBefore).length > 0;
  const fits = devices.some(device => (view.need[device.id] ?? Infinity) <= device.cap);
  const card = failed || !fits ? world.catalogue.card(view.id) : undefined;
  return card ? world.catalogue.relatives(card).map(({ id }) => id) : [];
}

function modelView(id: string, devices: readonly DeviceView[], world: World): ModelView | null {
  const card = world.catalogue.card(id),
    engine = card && world.engine(card.engine);
  if (!card || !engine) return null;
  const need: Record<string, number> = {},
    loadMs: Record<string, number> = {},
    gains: Record<string, number[]> = {},
    notBefore: Record<string, number> = {};
  const kinds = new Set(engine.devices);
  for (const device of devices) {
    if (!kinds.has(device.kind)) continue;
    const key = {
      device: device.id,
      model: id,
      engine: engine.id,
      precision: world.catalogue.precision(card, device.id),
    };
    need[device.id] = engine.remote
      ? 0
      : world.pool.estimate({ device: device.id, card, engine: engine.id, precision: key.precision }).bytes;
    const gain =
      device.kind === 'gpu' && !engine.remote ? world.speeds.slowdowns.gains(device.id, id, world.clock()) : undefined;
    if (gain) gains[device.id] = gain;
    loadMs[device.id] = world.pool.loadMs(key) ?? FIRST_LOAD_MS;
    const failed = world.loadFailures.get(`${id}@${device.id}`);
    if (failed) notBefore[device.id] = failed.notBefore;
  }
  const stage = card.stages[0]!;
  return {
    id,
    engine: engine.id,
    stages: card.stages,
    family: card.family,
    size: card.size,
    devices: engine.devices,
    need,
    loadMs,
    notBefore,
    ...(Object.keys(gains).length ? { gains } : {}),
    msPerSecond: Math.max(
      ...KINDS_OF_WORK.filter(each => card.stages.includes(each)).map(each =>
        world.speeds.get(id, each, devices.some(device => device.kind === 'gpu') ? 'gpu' : 'cpu'),
      ),
      world.speeds.get(id, stage, 'cpu'),
    ),
    elastic: engine.elastic ?? false,
    maxBatch:
      engine.batchDevices && !devices.some(device => device.usable && engine.batchDevices!.includes(device.kind))
        ? 1
        : Math.max(1, ...card.stages.map(each => engine.maxBatch[each] ?? 1)),
    waiting: world.catalogue.waiting(card),
  };
}
