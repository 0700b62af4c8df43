/** Methods for the daemon itself: devices, settings, figures, its end. */
import { DEFAULTS } from '../../../schemas/settings.ts';
import type { Handlers } from './server.ts';
import type { MethodDeps } from './method-deps.ts';

export function daemonMethods(deps: MethodDeps) {
  const { store, pipeline, pool, settings, clock } = deps;

  return {
    'device/list': async () => {
      await pool.refresh('all');
      return {
        devices: pool.devices(),
        instances: [...pipeline.instances.values()].map(instance => instance.word()),
        estimates: pool.estimates(),
      };
    },
    'instance/unload': ({ id }) => {
      pipeline.loads.unload(id);
      return {};
    },
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
        devices: pool
          .devices()
          .map(device => ({
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
    'daemon/doctor': request => deps.doctor(request),
    'daemon/stop': ({ finish = true }) => {
      setImmediate(() => deps.stop(finish ? 'finish' : 'park'));
      return {};
    },
    'daemon/logs': ({ lines = 200 }) => ({ lines: deps.logs(lines) }),
  } satisfies Partial<Handlers>;
}
