/** What each JSON-RPC method does. Parameters are checked by the time they come here. */
import { setImmediate as turn } from 'node:timers/promises';
import { EarshotError, toFailure, type Failure } from '../../../schemas/errors.ts';
import type { Job } from '../../../schemas/job.ts';
import type { Device } from '../../../schemas/device.ts';
import type { Engine as EngineWord } from '../../../schemas/model.ts';
import type { Result } from '../../../schemas/rpc.ts';
import { DEFAULTS } from '../../../schemas/settings.ts';
import type { Engine } from '../../contracts/engine.ts';
import { combined } from '../../../text/transcripts/combined.ts';
import { render } from '../../../text/transcripts/render.ts';
import type { Home } from '../../auth/home.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { HttpServer } from '../http/server.ts';
import type { Models } from '../../models/models.ts';
import { transcriptOf } from '../../outputs/deliver.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import type { Pool } from '../../devices/pool.ts';
import type { Runtimes } from '../../runtimes/runtimes.ts';
import { isJob } from '../../outputs/summaries.ts';
import type { SettingsFile } from '../../system/settings-file.ts';
import type { Store, StoredState } from '../../contracts/store.ts';
import type { JobState } from '../../../schemas/words.ts';
import type { Watch } from '../../watch/watch.ts';
import type { Events } from './events.ts';
import type { Handlers } from './server.ts';

export interface MethodDeps {
  version: string;
  startedAt: number;
  home: Home;
  clock: () => number;
  settings: SettingsFile;
  store: Store;
  pool: Pool;
  models: Models;
  runtimes: Runtimes;
  engines: readonly Engine[];
  pipeline: Pipeline;
  watch: Watch;
  events: Events;
  metrics: Metrics;
  /** @throws noFfmpeg */
  ffmpeg(): string;
  http: HttpServer;
  clients(): number;
  logs(lines: number): string[];
  doctor(): Promise<Result<'daemon/doctor'>>;
  /** What happened before anybody listened; asked for once. */
  notices(): Failure[];
  watched(): void;
  settingsChanged(): void;
  stop(how: 'finish' | 'park'): void;
}

/** Finished jobs in a first snapshot. */
const RECENT = 200;
/** Utterances taken into the index before a search. */
const AT_ONCE = 100;

/** States that follow from what a job waits for; stored it is pending or processing. */
const DERIVED: readonly JobState[] = ['pending', 'loading', 'processing'];

/** The store's question for jobs that are shown in these states. */
function shownStates(states: readonly JobState[], active: () => Job[]): { states: StoredState[]; ids?: string[] } {
  const stored = states.filter(state => state !== 'loading');
  // All of them together are all that are stored as pending or processing.
  if (DERIVED.every(state => states.includes(state)) || !DERIVED.some(state => states.includes(state)))
    return { states: stored };
  return {
    states: stored.filter(state => !DERIVED.includes(state)),
    ids: active()
      .filter(job => DERIVED.includes(job.state) && states.includes(job.state))
      .map(job => job.id),
  };
}

export function createHandlers(deps: MethodDeps): Handlers {
  const { store, pipeline, pool, models, events, settings, clock } = deps;
  const installing = new Map<string, { step: string; fraction: number | null; failure: EngineWord['failure'] }>();

  const engineWord = (engine: Engine): EngineWord => {
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
  const active = (): Job[] => pipeline.active();
  const devices = (): Device[] => pool.devices();
  const rowOf = (id: string) => {
    const row = store.job(id);
    if (!row) throw new EarshotError('unknownJob', { id });
    return row;
  };
  /** Of a summary's job: the transcript that it sums up, where a job made that. */
  const transcript = (id: string) => {
    const of = rowOf(id).options.transcript,
      row = of && isJob(of) ? rowOf(of) : rowOf(id);
    id = row.id;
    return transcriptOf({ row, made: store.utterances(id) });
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
    'job/submit': async ({ jobs }) => ({ results: await pipeline.queue.submit(jobs) }),
    'job/list': ({ filter = {}, limit = 100, cursor }) => {
      const { states, ...others } = filter;
      const page = store.list({
        ...others,
        ...(states ? shownStates(states, () => pipeline.active()) : {}),
        limit,
        ...(cursor ? { cursor } : {}),
      });
      return { jobs: page.jobs.map(row => pipeline.presentRow(row)), next: page.next, total: page.total };
    },
    'job/get': ({ id }) => {
      const job = pipeline.present(id);
      if (!job) throw new EarshotError('unknownJob', { id });
      return { job };
    },
    'job/utterances': ({ id, from, limit }) => {
      rowOf(id);
      return { utterances: store.utterances(id, from, limit) };
    },
    'job/pause': ({ ids }) => {
      pipeline.queue.pause(ids);
      return {};
    },
    'job/resume': ({ ids }) => {
      pipeline.queue.resume(ids);
      return {};
    },
    'job/cancel': ({ ids }) => {
      pipeline.queue.cancel(ids);
      return {};
    },
    'job/retry': ({ ids }) => {
      pipeline.queue.retry(ids);
      return {};
    },
    'job/remove': ({ ids }) => {
      pipeline.queue.remove(ids);
      return {};
    },
    'job/move': ({ id, ...place }) => {
      pipeline.queue.move(id, place);
      return {};
    },
    'job/log': ({ id, limit = 500 }) => {
      rowOf(id);
      return { entries: store.log({ job: id, limit }) };
    },
    'job/speakers': async ({ id, names }) => ({ speakers: await pipeline.edits.renameSpeakers(id, names) }),
    'job/write': async ({ id, format, directory }) => ({ path: await pipeline.edits.write(id, format, directory) }),
    'job/summary': request => pipeline.summaries.request(request),
    'job/transcript': ({ id }) => ({ transcript: transcript(id) }),
    'job/combine': async ({ ids, format, text = 'original' }) => {
      const transcripts = [];
      // Thousands of them would keep the loop.
      for (const id of ids) {
        transcripts.push(transcript(id));
        await turn();
      }
      return { text: combined(transcripts, format, { text }) };
    },
    'job/render': ({ id, format, text = 'original' }) => ({ text: render(transcript(id), format, { text }) }),

    'live/open': async request => ({ job: await pipeline.live.open(request) }),
    'live/append': ({ id, offset, data }) => pipeline.live.append(id, offset, data),
    'live/close': ({ id }) => ({ job: pipeline.live.close(id) }),
    'live/recorder': () => ({ ffmpeg: deps.ffmpeg() }),
    // What was said a moment ago is found too, unless there is much of it.
    'search/find': ({ limit = 50, cursor = 0, ...query }) => {
      store.indexSome(AT_ONCE);
      return store.find(query, { limit, cursor });
    },

    'queue/pause': () => {
      pipeline.queue.setQueue(false);
      return {};
    },
    'queue/resume': () => {
      pipeline.queue.setQueue(true);
      return {};
    },

    'state/subscribe': async ({ topics, utterancesOf }, connection) => {
      if (topics.includes('devices')) {
        deps.watched();
        await pool.refresh('all');
      }
      const seq = events.subscribe(connection, { topics, ...(utterancesOf ? { utterancesOf } : {}) });
      for (const failure of deps.notices()) events.publish({ type: 'notice', failure });
      const recent = store
        .list({ states: ['completed', 'failed', 'cancelled'], limit: RECENT })
        .jobs.map(row => pipeline.presentRow(row));
      return {
        seq,
        queuePaused: !pipeline.queue.open,
        jobs: topics.includes('jobs') ? [...active(), ...recent] : [],
        devices: topics.includes('devices') ? devices() : [],
        instances: [...pipeline.instances.values()].map(instance => instance.word()),
        models: topics.includes('models') ? models.list() : [],
        engines: topics.includes('engines') ? deps.engines.map(engineWord) : [],
        ...(topics.includes('watch') ? { watch: deps.watch.list() } : {}),
      };
    },
    'state/unsubscribe': (_, connection) => {
      events.unsubscribe(connection);
      return {};
    },

    'device/list': async () => {
      await pool.refresh('all');
      return {
        devices: devices(),
        instances: [...pipeline.instances.values()].map(instance => instance.word()),
        estimates: pool.estimates(),
      };
    },
    'instance/unload': ({ id }) => {
      pipeline.loads.unload(id);
      return {};
    },

    'model/list': () => ({ models: models.list() }),
    'model/install': async ({ ids: named, update = false }) => {
      const gpu = pool.views().some(device => device.kind === 'gpu');
      const ids = named.length
        ? named
        : [...new Set(Object.values((await models.defaults({ gpu, best: true })).models))];
      for (const id of ids) models.card(id);
      for (const id of ids) void install(id, update);
      return { ids };
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

    'engine/list': () => ({ engines: deps.engines.map(engineWord) }),
    'engine/install': ({ id }) => {
      const engine = deps.engines.find(each => each.id === id);
      if (!engine) throw new EarshotError('badRequest', { field: 'id' }, `no engine ${id}`);
      const state = { step: '', fraction: null as number | null, failure: null as EngineWord['failure'] };
      installing.set(id, state);
      const tell = (): void => events.publish({ type: 'engine', engine: engineWord(engine) });
      (async () => {
        for (const runtime of engine.runtimes)
          await deps.runtimes.install(
            runtime,
            progress => {
              Object.assign(state, progress);
              tell();
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
                : { code: 'engineInstallFailed', args: { engine: id }, detail: String(error) };
          },
        )
        .finally(tell);
      return {};
    },

    'watch/add': async ({ folder, existing }) => ({ folder: await deps.watch.add(folder, existing) }),
    'watch/list': () => ({ folders: deps.watch.list() }),
    'watch/remove': async ({ paths, forget = false }) => {
      await deps.watch.remove(paths, forget);
      return {};
    },
    'watch/pause': async ({ paths }) => {
      await deps.watch.pause(paths, true);
      return {};
    },
    'watch/resume': async ({ paths }) => {
      await deps.watch.pause(paths, false);
      return {};
    },
    'watch/files': async ({ path, limit = 200 }) => ({ files: await deps.watch.files(path, limit) }),
    'watch/why': async ({ path }) => ({ file: await deps.watch.why(path) }),

    'settings/get': () => ({ settings: settings.get(), defaults: DEFAULTS }),
    'settings/set': ({ values }) => {
      const next = settings.set(values);
      deps.settingsChanged();
      return { settings: next };
    },

    'stats/get': ({ sinceMs = 3_600_000 }) => {
      const until = clock();
      const { since, stages, total } = deps.metrics.report(until - sinceMs, stage => pipeline.queued(stage));
      const loads = total('loads'),
        estimates = pool.estimates().filter(estimate => estimate.error !== null);
      return {
        since,
        until,
        stages,
        histograms: deps.metrics.histograms(),
        loads,
        loadMs: loads ? total('loadMs') / loads : 0,
        jobs: {
          completed: total('completed'),
          failed: total('jobsFailed'),
          cancelled: total('cancelled'),
          pending: pipeline.activeJobs,
        },
        devices: devices().map(device => ({
          device: device.id,
          leasedBytes: device.memory.leased,
          residentBytes: device.memory.leased - device.memory.notResident,
        })),
        bottleneck: pipeline.bottleneck(),
        estimateError: estimates.length
          ? estimates.reduce((sum, estimate) => sum + Math.abs(estimate.error!), 0) / estimates.length
          : null,
        startError: total('starts') ? total('startError') / total('starts') : null,
      };
    },
    'daemon/status': () => ({
      version: deps.version,
      pid: process.pid,
      startedAt: deps.startedAt,
      rssBytes: process.memoryUsage.rss(),
      clients: deps.clients(),
      queuePaused: !pipeline.queue.open,
      jobs: { active: pipeline.activeJobs, total: store.list({ limit: 1 }).total },
      stateDirectory: deps.home.state,
      dataDirectory: deps.home.data,
      http: settings.get().http ? { url: deps.http.place?.url ?? null, failure: deps.http.failure } : null,
    }),
    'daemon/http': async () => {
      await deps.http.apply();
      return { place: deps.http.place };
    },
    'daemon/doctor': () => deps.doctor(),
    'daemon/stop': ({ finish = true }) => {
      setImmediate(() => deps.stop(finish ? 'finish' : 'park'));
      return {};
    },
    'daemon/logs': ({ lines = 200 }) => ({ lines: deps.logs(lines) }),
  };
}
