/** Instances coming and going: loads that the plan asked for, and what becomes of them. */
import { join } from 'node:path';
import { EarshotError, isRetryable, failure, toFailure, type Failure } from '../../schemas/errors.ts';
import { sandboxEnabled } from '../workers/sandbox/sandbox.ts';
import { workerPermissions, type Permissions } from '../workers/sandbox/permissions.ts';
import type { ModelCard } from '../../schemas/model.ts';
import type { Engine, RuntimeId, WorkDevice, WorkerContext } from '../contracts/engine.ts';
import { ulid } from '../system/ids.ts';
import { Instance, type InstanceEvents } from '../workers/instance.ts';
import type { Action } from '../scheduler/snapshot.ts';
import type { Core } from './core.ts';
import { isOutsideKill, OUTSIDE_KILLS } from './outside-kills.ts';
import { kindOf } from './speeds.ts';

/** Failures that a device is to blame for: no job loses a try to them. */
export const OF_THE_DEVICE: ReadonlySet<Failure['code']> = new Set<Failure['code']>([
  'outOfMemory',
  'deviceLost',
  'noRoom',
]);
const LOADS_BEFORE_GIVING_UP = 3;
/** How long a model that never loaded is left alone while a smaller one stands in for it. */
const GIVEN_UP_MS = 600_000;

/** Where the store keeps when a model was last used. */
export const usedKey = (model: string): string => `used ${model}`;

export class Loads {
  private readonly core: Core;
  private readonly events: InstanceEvents;

  constructor(core: Core, events: InstanceEvents) {
    this.core = core;
    this.events = events;
  }

  load(action: Extract<Action, { type: 'load' }>): void {
    const { pool, catalogue, engine, clock, home, settings, log } = this.core.deps;
    const card = catalogue.card(action.model),
      engineOfModel = card && engine(card.engine);
    if (!card || !engineOfModel) return;
    const why = catalogue.forbidden?.(card);
    if (why) {
      this.core.cannotHave(card.id, why);
      return;
    }
    const id = ulid(clock());
    try {
      const lease = pool.lease({
        device: action.device,
        instance: id,
        bytes: action.bytes,
        name: card.name,
        usesMetal: engineOfModel.usesMetal ?? false,
      });
      const device: WorkDevice =
        kindOf(action.device) === 'gpu'
          ? { kind: 'gpu', uuid: action.device }
          : { kind: 'cpu', ...(lease.onMetal ? { metal: true } : {}) };
      const context = {
        card,
        runtime: (runtime: RuntimeId) => catalogue.runtimeDirectory(runtime),
        device,
        threads: engineOfModel.elastic && !lease.onMetal ? this.cores() : action.threads,
      };
      const instance = new Instance(
        {
          id,
          stage: action.stage,
          card,
          engine: engineOfModel,
          device: action.device,
          precision: catalogue.precision(card, action.device),
          lease,
          threads: action.threads,
          job: action.job,
          context,
          permissions: this.permissions(engineOfModel, context, card),
          directory: catalogue.directory(card.id),
          parameters: catalogue.parameters(card),
          logPath: join(home.logs, `worker-${card.id}-${id}.log`),
          lowPriority: settings().lowPriority,
          clock,
        },
        pool,
        this.events,
      );
      this.core.instances.set(id, instance);
      this.core.gauge.loading(card.id, clock(), settings().keepAliveSeconds * 1000);
      this.core.note({
        kind: 'instance.loading',
        instance: id,
        stage: action.stage,
        ...(action.job ? { job: action.job } : {}),
        data: { model: card.id, device: action.device, bytes: action.bytes, threads: action.threads },
      });
      this.publish(instance);
    } catch (error) {
      log.warn({ err: error as Error, model: action.model, device: action.device }, 'load failed');
      this.loadFailed(action.model, action.device, toFailure(error));
    }
  }

  private permissions(engine: Engine, context: WorkerContext, card: ModelCard): Permissions | null {
    const { home, settings, catalogue } = this.core.deps,
      companion = catalogue.companion(card);
    return sandboxEnabled(settings())
      ? workerPermissions({
          engine,
          context,
          program: engine.command(context).program,
          env: process.env,
          directories: [card, companion].flatMap(each => (each ? [catalogue.directory(each.id)] : [])),
          audio: home.audio,
          cache: join(home.data, 'cache', 'cuda'),
        })
      : null;
  }

  private cores(): number {
    return Math.max(
      1,
      ...this.core.deps.pool
        .views()
        .filter(device => device.kind === 'cpu')
        .map(device => Math.floor(device.cores)),
    );
  }

  unload(id: string): void {
    const instance = this.core.instances.get(id);
    if (!instance) throw new EarshotError('badRequest', { field: 'id' }, 'no such instance');
    if (instance.run) throw new EarshotError('wrongState', { id, state: 'busy' });
    instance.stop('leave');
  }

  unloading(id: string, why: string): void {
    const instance = this.core.instances.get(id);
    if (instance) this.core.gauge.unloaded(instance.options.card.id, this.core.deps.clock());
    this.core.note({ kind: 'instance.unloaded', instance: id, data: { why } });
  }

  loaded(instance: Instance): void {
    this.core.loadFailures.delete(`${instance.options.card.id}@${instance.options.device}`);
    this.core.note({
      kind: 'instance.loaded',
      instance: instance.id,
      stage: instance.options.stage,
      data: { model: instance.options.card.id, ms: instance.loadMs },
    });
    this.core.deps.store.setMeta(usedKey(instance.options.card.id), String(this.core.deps.clock()));
    this.core.deps.metrics.load(instance.loadMs!);
    this.changed(instance);
  }

  gone(instance: Instance, why: Failure | null): void {
    this.core.instances.delete(instance.id);
    this.core.outbox.publishLatest(instance, () => ({ type: 'instanceGone', id: instance.id }));
    this.core.guard.run(() => this.onGone(instance, why));
    this.core.wake();
  }

  private onGone(instance: Instance, why: Failure | null): void {
    const { pool, log } = this.core.deps;
    if (instance.hasWorked && instance.peakBytes !== null) this.learn(instance);
    if (instance.hasWorked)
      this.core.deps.store.setMeta(usedKey(instance.options.card.id), String(this.core.deps.clock()));
    this.core.note({
      kind: 'instance.gone',
      instance: instance.id,
      stage: instance.options.stage,
      data: { model: instance.options.card.id, ...(why ? { failure: why } : {}) },
    });
    // A run in flight has failed by now; here only the load counts.
    if (why) {
      log.warn({ instance: instance.id, model: instance.options.card.id, failure: why }, 'instance gone');
      if (instance.loadedAt === null) {
        if (why.code === 'outOfMemory')
          void pool.outOfMemory(instance.key, instance.options.lease.bytes, instance.options.lease.id);
        this.loadFailed(instance.options.card.id, instance.options.device, why);
      }
    }
  }

  private loadFailed(model: string, device: string, why: Failure): void {
    const key = `${model}@${device}`;
    const count = (this.core.loadFailures.get(key)?.count ?? 0) + 1;
    const most = isOutsideKill(why) ? OUTSIDE_KILLS : LOADS_BEFORE_GIVING_UP;
    if (OF_THE_DEVICE.has(why.code) || (isRetryable(why.code) && count < most)) {
      this.core.loadFailures.set(key, {
        count,
        notBefore: this.core.deps.clock() + this.core.retryPauseMs(Math.min(count, 5)),
        last: why,
      });
      return;
    }
    if (this.hasSmaller(model)) {
      this.core.loadFailures.set(key, { count, notBefore: this.core.deps.clock() + GIVEN_UP_MS, last: why });
      return;
    }
    this.core.loadFailures.delete(key);
    this.core.cannotHave(model, why);
  }

  /** The plan goes on with a smaller one. */
  private hasSmaller(model: string): boolean {
    const { settings, catalogue } = this.core.deps,
      card = catalogue.card(model);
    return (
      settings().smallerModelOnFailure &&
      card !== undefined &&
      catalogue
        .relatives(card)
        .some(other => other.size < card.size && card.stages.every(stage => other.stages.includes(stage)))
    );
  }

  publish(instance: Instance): void {
    if (this.core.instances.has(instance.id))
      this.core.outbox.publishLatest(instance, () => ({ type: 'instance', instance: instance.word() }));
  }

  changed(instance: Instance): void {
    this.publish(instance);
    this.core.wakeFront();
  }

  /** The peak seen becomes the next estimate; published again when it grew. */
  private readonly peaksReported = new Map<string, number>();

  learn(instance: Instance): void {
    const peak = instance.peakBytes!;
    if (peak <= (this.peaksReported.get(instance.id) ?? 0) * 1.02) return;
    this.peaksReported.set(instance.id, peak);
    this.core.deps.pool.measured({ ...instance.key, peakBytes: peak, loadMs: instance.loadMs });
  }

  /** The settings have changed: what they forbid now ends at once. */
  forbid(): void {
    for (const instance of this.core.instances.values()) {
      const why = this.core.deps.catalogue.forbidden?.(instance.options.card);
      if (!why) continue;
      this.core.cannotHave(instance.options.card.id, why);
      instance.stop('kill', why);
    }
  }

  /** A device fell off the bus: what ran on it runs elsewhere, or when it is back. */
  deviceLost(device: string): void {
    for (const instance of this.core.instances.values())
      if (instance.options.device === device) instance.stop('kill', failure('deviceLost', { device }));
    this.core.wake();
  }
}
