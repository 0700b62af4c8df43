/**
 * The streaming model that partial text comes from, where one is installed: which, and when it is loaded.
 *
 * The plan does not know what it is for, as it knows nothing of passes. To the plan it is a model that is idle and that
 * no job wants: the first to go when its memory is needed, and gone by itself when no pass has used it for a while. It
 * is loaded only where it takes nothing from anybody: all that jobs under way want is loaded, and there is room beside.
 */
import type { ModelCard } from '../../schemas/model.ts';
import { isSummary, type JobWork } from '../jobs/work.ts';
import type { Instance } from '../workers/instance.ts';
import type { DeviceView } from '../scheduler/snapshot.ts';
import type { Core } from './core.ts';
import type { Loads } from './loads.ts';

/** What made it leave, or kept it from loading, may still be there. */
const PAUSE_MS = 10_000;
/** What is installed is looked at no more often than this, and not for every piece of sound. */
const KNOWN_MS = 2_000;
/** Loads in a row that came to nothing. */
const MOST_LOADS = 3;

export class Streaming {
  private readonly core: Core;
  private readonly loads: () => Pick<Loads, 'load'>;
  private notBefore = -Infinity;
  /** By model. */
  private readonly tries = new Map<string, number>();
  private looking = false;
  /** By language. */
  private readonly known = new Map<string | null, { at: number; card: ModelCard | undefined }>();

  constructor(core: Core, loads: () => Pick<Loads, 'load'>) {
    this.core = core;
    this.loads = loads;
  }

  /** For a session's language: what somebody said, else what was heard. */
  modelFor({ row }: JobWork): ModelCard | undefined {
    const { catalogue, clock } = this.core.deps,
      language = row.options.language ?? row.language,
      known = this.known.get(language),
      now = clock();
    if (known && now >= known.at && now - known.at < KNOWN_MS) return known.card;
    const card = catalogue.streaming(language);
    this.known.set(language, { at: now, card });
    return card;
  }

  /** Those that are loaded. */
  instancesOf({ id }: ModelCard): Instance[] {
    const found = [...this.core.instances.values()].filter(
      ({ options, state }) => options.card.id === id && (state === 'idle' || state === 'busy'),
    );
    if (found.length > 0) this.tries.delete(id);
    return found;
  }

  /** What they keep of a session's sound. */
  forget(path: string): void {
    for (const instance of this.core.instances.values())
      if (instance.options.engine.streams?.(instance.options.card)) instance.forget(path);
  }

  /** Loads it if there is room. */
  async load(card: ModelCard): Promise<void> {
    if (this.looking || !this.mayLoad(card)) return;
    this.looking = true;
    try {
      // As for every load: by what the device shows now.
      await this.core.deps.pool.refresh();
    } catch (error) {
      this.core.deps.log.warn({ err: error as Error, model: card.id }, 'no streaming model');
      return;
    } finally {
      this.looking = false;
    }
    this.core.guard.run(() => {
      if (this.mayLoad(card)) this.begin(card);
    });
  }

  private begin(card: ModelCard): void {
    const { pool, clock, catalogue } = this.core.deps,
      device = this.device!;
    this.notBefore = clock() + PAUSE_MS;
    const precision = catalogue.precision(card, device.id),
      { bytes } = pool.estimate({ device: device.id, card, engine: card.engine, precision });
    if (bytes > device.admissible) return;
    this.tries.set(card.id, (this.tries.get(card.id) ?? 0) + 1);
    this.loads().load({ type: 'load', stage: 'asr', model: card.id, device: device.id, bytes, threads: 1, job: null });
  }

  /** Streaming models run on the processor. */
  private get device(): DeviceView | undefined {
    return this.core.deps.pool.views().find(({ kind }) => kind === 'cpu');
  }

  private mayLoad(card: ModelCard): boolean {
    const { settings, clock } = this.core.deps,
      { serial, modelReuse, yieldTo, loadedModels, instancesPerDevice } = settings(),
      instances = [...this.core.instances.values()],
      device = this.device;
    return (
      device !== undefined &&
      device.usable &&
      !device.loading &&
      !device.pressed &&
      this.core.leaving === 'no' &&
      !this.core.guard.stalled &&
      clock() >= this.notBefore &&
      (this.tries.get(card.id) ?? 0) < MOST_LOADS &&
      // Here what no job wants would go at once.
      !serial &&
      modelReuse !== 'never' &&
      yieldTo !== 'always' &&
      instances.length < Math.min(loadedModels, instancesPerDevice) &&
      instances.every(({ state }) => state === 'idle' || state === 'busy') &&
      this.allLoaded(instances)
    );
  }

  /** Every model that a job under way still wants. */
  private allLoaded(instances: readonly Instance[]): boolean {
    const loaded = new Set(instances.map(({ options }) => options.card.id));
    for (const work of this.core.jobs.values()) {
      if (work.row.state === 'paused' || work.finishing || work.elsewhere || isSummary(work)) continue;
      const { ingest, stages } = work.view();
      if (ingest !== 'waiting' && stages.some(({ finished, model }) => !finished && !loaded.has(model))) return false;
    }
    return true;
  }
}
