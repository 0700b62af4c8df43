/** Methods for models and engines: lists, installations, imports. */
import { EarshotError, failure, toFailure, badRequest } from '../../../schemas/errors.ts';
import type { Engine as EngineState } from '../../../schemas/model.ts';
import type { Stage } from '../../../schemas/words.ts';
import type { Engine } from '../../contracts/engine.ts';
import type { Handlers } from './server.ts';
import type { MethodDeps } from './method-deps.ts';

export function modelMethods(deps: MethodDeps) {
  const { pipeline, pool, models, events } = deps;
  const installing = new Map<string, { step: string; fraction: number | null; failure: EngineState['failure'] }>();

  const engineState = (engine: Engine): EngineState => {
    const ready = engine.runtimes.every(runtime => deps.runtimes.ready(runtime)),
      now = installing.get(engine.id);
    return {
      id: engine.id,
      name: engine.name,
      stages: [...engine.stages],
      devices: [...engine.devices],
      licence: engine.licence,
      runtimes: [...engine.runtimes],
      state: ready ? 'ready' : now?.failure ? 'broken' : now ? 'installing' : 'absent',
      progress: now && !now.failure && !ready ? { step: now.step, fraction: now.fraction } : null,
      failure: now?.failure ?? null,
    };
  };
  /** The defaults, and what the recognizer turns to for languages that it does not know: the smallest. */
  const withCompanion = (defaults: Partial<Record<Stage, string>>): string[] => {
    const ids = [...new Set(Object.values(defaults))],
      card = defaults.asr === undefined ? undefined : models.card(defaults.asr),
      choose = card && deps.engines.find(each => each.id === card.engine)?.companion;
    if (!card?.languages.length || !choose) return ids;
    const able = models.list().filter(({ card: other }) => choose(card, [other]));
    const companion = able.some(({ state }) => state === 'installed')
      ? undefined
      : able.sort((a, b) => a.card.size - b.card.size)[0]?.card.id;
    return companion === undefined ? ids : [...ids, companion];
  };
  /** Until it is there, fails or is cancelled; a failure stands at the model too. */
  const install = async (id: string, update: boolean): Promise<void> => {
    const engine = deps.engines.find(each => each.id === models.card(id).engine),
      missing = engine?.runtimes.filter(runtime => !deps.runtimes.ready(runtime)) ?? [];
    const first = async (signal: AbortSignal): Promise<void> => {
      for (const runtime of missing) await deps.runtimes.install(runtime, () => {}, signal);
    };
    const never = new AbortController().signal;
    try {
      if (models.ready(id) && !update) await first(never);
      await models.install(id, () => {}, never, { update, first });
    } catch (error) {
      const why = toFailure(error);
      if (why.code !== 'cancelled') events.publish({ type: 'notice', failure: why });
    }
    events.publish({ type: 'model', model: models.model(id) });
    pipeline.wake();
  };

  return {
    'model/list': () => ({ models: models.list() }),
    'model/install': async ({ ids: named, update = false }) => {
      const gpu = pool.views().some(device => device.kind === 'gpu');
      const ids = named.length ? named : withCompanion((await models.defaults({ gpu, best: true })).models);
      for (const id of ids) models.card(id);
      for (const id of ids) void install(id, update);
      return { ids };
    },
    'model/recommend': ({ languages = [] }) => deps.recommend(languages),
    'model/find': async ({ source }) => {
      const { card, repository, revision, files } = await models.find(source, new AbortController().signal);
      const { id, licence, engine, stages } = card;
      return { id, repository, revision, licence, engine, stages, files, installed: models.ready(id) };
    },
    'model/add': async ({ source, revision }) => {
      const found = await models.find(source, new AbortController().signal);
      if (found.revision !== revision) throw badRequest('revision', 'otherRevision', found.revision);
      return { model: models.add(found) };
    },
    'model/hubToken': ({ hub, token }) => {
      models.setHubToken(hub, token);
      return {};
    },
    'model/cancelInstall': ({ id }) => {
      models.cancelInstall(id);
      return {};
    },
    'model/remove': async ({ id }) => {
      await models.remove(id);
      return {};
    },
    'model/verify': async ({ id }) => ({ failure: await models.verify(id) }),
    'model/import': async ({ path, id, stage }) => ({
      model: await models.import(path, { ...(id ? { id } : {}), ...(stage ? { stage } : {}) }),
    }),
    'engine/list': () => ({ engines: deps.engines.map(engineState) }),
    'engine/install': ({ id }) => {
      const engine = deps.engines.find(each => each.id === id);
      if (!engine) throw new EarshotError('unknownEngine', { engine: id });
      const state = { step: '', fraction: null as number | null, failure: null as EngineState['failure'] };
      installing.set(id, state);
      const publish = (): void => events.publish({ type: 'engine', engine: engineState(engine) });
      (async () => {
        for (const runtime of engine.runtimes)
          await deps.runtimes.install(
            runtime,
            progress => {
              Object.assign(state, progress);
              publish();
            },
            new AbortController().signal,
          );
      })()
        .then(
          () => installing.delete(id),
          error => {
            state.failure =
              error instanceof EarshotError
                ? error.failure
                : failure('engineInstallFailed', { engine: id }, String(error));
          },
        )
        .finally(publish);
      return {};
    },
  } satisfies Partial<Handlers>;
}
