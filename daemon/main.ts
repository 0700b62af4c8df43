/**
 * earshotd: one daemon for a user. Takes the lock, opens what lasts, starts the pipeline, opens its server, and leaves
 * when nobody needs it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toFailure, type Failure } from '../schemas/errors.ts';
import type { StateEvent } from '../schemas/rpc.ts';
import { forwardClock } from './system/clock.ts';
import type { Logger } from 'pino';
import { openLog } from './telemetry/log.ts';
import { openHome, home as homeOf } from './auth/home.ts';
import { takeLock } from './system/lock.ts';
import { engineFor, engines } from './engines/engines.ts';
import { transcriptOf } from './outputs/deliver.ts';
import { startMonitor } from './devices/monitor.ts';
import { createEvents } from './api/rpc/events.ts';
import { createHandlers } from './api/rpc/methods.ts';
import { startServer, type Server } from './api/rpc/server.ts';
import { assemble, type Assembly } from './assemble.ts';
import { examine, gpu } from './doctor.ts';
import { recommendations } from './pipeline/recommendations.ts';
import { withoutPython } from './runtimes/find-python.ts';
import { decode, lengthOf, type DecodeTools } from './fleet/decode.ts';
import { Fleet, type FleetDeps } from './fleet/fleet.ts';
import { abilitiesOf } from './fleet/machine-view.ts';
import { sandboxEnabled } from './workers/sandbox/sandbox.ts';
import { createHttpServer } from './api/http/server.ts';
import { startIndexer } from './search/indexer.ts';
import { openSettings, type SettingsFile } from './system/settings-file.ts';
import { openSafely, restoredFailure } from './store/sqlite/backups.ts';
import { startHousekeeping } from './housekeeping.ts';
import { Lifetime } from './lifetime.ts';
import { Playback } from './playback/playback.ts';
import { Watch } from './watch/watch.ts';

declare const EARSHOT_VERSION: string | undefined;
const version =
  typeof EARSHOT_VERSION === 'string'
    ? EARSHOT_VERSION
    : (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;

const MINUTE_MS = 60_000;
/** How long the devices count as looked at after somebody asked for them. */
const LOOKED_AT_MS = 10 * MINUTE_MS;

async function main(): Promise<void> {
  const clock = forwardClock(),
    startedAt = clock();

  // What lasts
  const home = homeOf();
  openHome(home);
  // Not in the folder that it was started from: that may be anybody's, and would be held as long as we run.
  process.chdir(home.run);
  const { log, tail } = openLog(home.logs, clock);
  const lock = takeLock(home.lock);
  const settings = openSettings(home.settings, log);
  const { store, restored } = openSafely(home, startedAt);
  // For the first who subscribes: nobody does yet.
  const notices: Failure[] = restored ? [restoredFailure(restored)] : [];
  if (restored) log.warn({ ...restored }, 'the database was damaged; a backup took its place where there was one');

  // What works
  const { events, publish, subscribe } = publisher();
  const indexer = startIndexer({ store, log });
  subscribe(event => {
    if (event.type === 'utterance') indexer.wake();
  });
  const assembly = await assemble({
    home,
    clock,
    settings,
    store,
    log,
    publish,
    // Set aside and restored at the next start, which the next client brings.
    storeBroken: () => void lifetime.leave('park', 'the database is damaged'),
    place: row => fleet.place(row),
  });
  const { pool, runtimes, models, catalogue, metrics, speeds, pipeline } = assembly;
  const { queue } = pipeline;
  const watch = new Watch({
    store,
    queue,
    settings: settings.get,
    clock,
    publish,
    log,
    check: options => queue.check(options),
  });
  subscribe(event => watch.onEvent(event));
  const fleet: Fleet = createFleet(assembly, { home, clock, settings, store, log, version, publish });
  subscribe(event => fleet.onEvent(event));
  const figures = startFigures(assembly, log);

  let server: Server | undefined = undefined;
  const clients = (): number => server?.clients ?? 0;
  const monitor = startMonitoring({ pool, settings, clock, clients, publish });

  // How it ends
  let housekeeping: ReturnType<typeof startHousekeeping> | undefined = undefined;
  const lifetime: Lifetime = new Lifetime({
    clock,
    log,
    idleSeconds: () => settings.get().idleExitSeconds,
    needed: () => clients() > 0 || watch.active || http.busy || fleet.active,
    hadWindow: () => server?.hadWindow ?? false,
    pipeline,
    notify: why => publish({ type: 'notice', failure: why }),
    close: async how => {
      figures.dispose();
      monitor.dispose();
      catalogue.stop();
      await watch.dispose();
      await fleet.leave();
      await http.dispose();
      await playback?.close();
      // A damaged store must not keep us here.
      await pipeline.stop(how).catch((error: unknown) => log.error(error, 'while leaving'));
      await housekeeping?.dispose();
      await indexer.dispose();
      events.flush();
      await server?.close();
      pool.dispose();
      try {
        figures.flush();
        store.dispose();
      } catch (error) {
        log.error(error, 'while leaving');
      }
      lock.release();
    },
  });

  const playback = new Playback({
    folder: home.playback,
    ffmpeg: () => catalogue.ffmpeg(),
    sandboxed: () => sandboxEnabled(settings.get()),
    clock,
  });

  // What others reach it by
  const http = createHttpServer({
    uploads: join(home.state, 'uploads'),
    tokenFile: join(home.run, 'http-token'),
    settings: settings.get,
    models: () => models.list(),
    store,
    queue,
    present: id => pipeline.present(id),
    transcript: id => transcriptOf({ row: store.job(id)!, made: store.utterances(id) }),
    ffmpeg: () => catalogue.ffmpeg(),
    listen: subscribe,
    live: pipeline.live,
    clock,
    log,
  });
  pipeline.start();
  await http.apply();
  await fleet.apply();
  const handlers = createHandlers({
    version,
    startedAt,
    home,
    clock,
    settings,
    store,
    pool,
    models,
    runtimes,
    engines,
    pipeline,
    watch,
    fleet,
    http,
    events,
    listen: subscribe,
    metrics,
    playback,
    ffmpeg: () => catalogue.ffmpeg(),
    clients,
    logs: tail,
    doctor: async ({ gpu: closely }) => {
      const [devices, problems] = [pool.devices(), pool.problems()];
      if (closely) {
        const { cudaComputeTypes, examineGpus } = await import('./doctor-gpu.ts');
        const computeTypes = runtimes.ready('python') ? () => cudaComputeTypes(runtimes.directory('python')) : null;
        return { checks: [gpu(devices, problems), ...(await examineGpus({ computeTypes }))] };
      }
      return examine({ home, settings: settings.get(), runtimes, models, devices, problems });
    },
    recommend: languages =>
      recommendations(
        {
          models,
          runtimes,
          pool,
          speeds,
          engine: engineFor,
          directory: home.models,
          withoutPython: () => withoutPython({ runtimes, settings: settings.get() }),
        },
        languages,
      ),
    notices: () => notices.splice(0),
    watched: () => monitor.look(),
    settingsChanged: () => {
      pipeline.forbid();
      pipeline.wake();
      monitor.wake();
      void http.apply();
      void fleet.apply();
    },
    stop: how => void lifetime.leave(how, 'asked to'),
  });
  server = await startServer({ home, version, log, handlers });
  log.info(`earshotd ${version} serves on ${home.socket}`);
  watch.start();
  housekeeping = startHousekeeping({ home, store, queue, settings: settings.get, clock, log });
  lifetime.leaveOnSignals();
  lifetime.leaveOnUnhandledErrors();
}

/** This machine's part in a fleet: nothing of it is loaded without the setting. */
function createFleet(
  { pool, models, runtimes, catalogue, pipeline }: Assembly,
  deps: Pick<FleetDeps, 'home' | 'clock' | 'settings' | 'store' | 'log' | 'version' | 'publish'>,
): Fleet {
  const settings = deps.settings.get;
  const decodeTools = (): DecodeTools => ({
    folder: join(deps.home.state, 'fleet'),
    tools: () => catalogue.ingestTools(),
    sandboxed: sandboxEnabled(settings()),
  });
  return new Fleet({
    ...deps,
    pipeline: () => pipeline,
    hasGpu: () => pool.views().some(device => device.kind === 'gpu' && device.usable),
    abilities: () => abilitiesOf({ pool, models, runtimes, pipeline, engine: engineFor, settings }),
    devices: () => pool.devices(),
    card: id => catalogue.card(id),
    decode: (row, signal) => decode(row, decodeTools(), signal),
    length: (row, signal) => lengthOf(row, decodeTools(), signal),
  });
}

/** Events for the clients, and for those in this process who want them too. */
function publisher() {
  const events = createEvents();
  type Listener = typeof events.publish;
  const listeners = new Set<Listener>();
  const publish: Listener = event => {
    events.publish(event);
    for (const listener of listeners) listener(event);
  };
  const subscribe = (listener: Listener): (() => void) => {
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  };
  return { events, publish, subscribe };
}

/** Reads the devices; `look`: somebody has them on a screen, and is sent every reading for a while. */
function startMonitoring({
  pool,
  settings,
  clock,
  clients,
  publish,
}: Pick<Assembly, 'pool'> & {
  settings: SettingsFile;
  clock: () => number;
  clients: () => number;
  publish: (event: StateEvent) => void;
}) {
  let lookedAtUntil = 0;
  const lookedAt = (): boolean => clock() < lookedAtUntil && clients() > 0;
  const monitor = startMonitor({
    pool,
    idleSeconds: () => settings.get().monitorIntervalSeconds,
    watched: lookedAt,
    onRead: () => {
      if (lookedAt()) for (const device of pool.devices()) publish({ type: 'device', device });
    },
  });
  const look = (): void => {
    lookedAtUntil = clock() + LOOKED_AT_MS;
    monitor.wake();
  };
  return { look, wake: () => monitor.wake(), dispose: () => monitor.dispose() };
}

/** Each minute its figures are stored, and what is learned from them is used. `flush`: also of a minute begun. */
function startFigures({ pool, pipeline, metrics, speeds }: Assembly, log: Logger) {
  const gauges = (): Record<string, number> => ({
    leasedBytes: pool.devices().reduce((sum, device) => sum + device.memory.leased, 0),
    pending: pipeline.activeJobs,
  });
  const timer = setInterval(() => {
    try {
      metrics.flush(gauges());
      speeds.save();
      pipeline.adapt();
    } catch (error) {
      log.error(error, 'metrics');
    }
  }, MINUTE_MS).unref();
  return { flush: () => metrics.flush(gauges(), true), dispose: () => clearInterval(timer) };
}

main().catch((error: unknown) => {
  const why = toFailure(error);
  process.stderr.write(`${JSON.stringify(why)}\n`);
  process.exit(why.code === 'daemonRunning' ? 3 : 1);
});
