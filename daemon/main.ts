/**
 * earshotd: one daemon for a user. Takes the lock, opens what lasts, starts the pipeline, opens its server, and leaves
 * when nobody needs it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { failure, toFailure, type Failure } from '../schemas/errors.ts';
import { forwardClock } from './system/clock.ts';
import { sandboxEnabled } from './workers/sandbox/sandbox.ts';
import { openLog } from './telemetry/log.ts';
import { openHome, home as homeOf } from './auth/home.ts';
import { takeLock } from './system/lock.ts';
import { engineFor, engines } from './engines/engines.ts';
import { startIngest, startLiveIngest } from './ingest/ingest.ts';
import { Prewarmed } from './ingest/prewarmed.ts';
import { Metrics } from './telemetry/metrics.ts';
import { createModels } from './models/models.ts';
import { Catalogue } from './pipeline/catalogue.ts';
import { transcriptOf, writeOutputs } from './outputs/deliver.ts';
import { usedKey } from './pipeline/loads.ts';
import { jobFiles } from './pipeline/inputs.ts';
import { Pipeline } from './pipeline/pipeline.ts';
import { Speeds } from './pipeline/speeds.ts';
import { Pool } from './devices/pool.ts';
import { deviceReaders } from './devices/readers.ts';
import { startMonitor } from './devices/monitor.ts';
import { createEvents } from './api/rpc/events.ts';
import { createHandlers } from './api/rpc/methods.ts';
import { startServer, type Server } from './api/rpc/server.ts';
import { createRuntimes } from './runtimes/runtimes.ts';
import { examine } from './doctor.ts';
import { createHttpServer, type HttpServer } from './api/http/server.ts';
import { startIndexer } from './search/indexer.ts';
import { diarize } from './diarization/label.ts';
import { Outputs } from './outputs/outputs.ts';
import { deliverSummary } from './outputs/summaries.ts';
import { openSettings } from './system/settings-file.ts';
import { openSafely, restoredFailure } from './store/sqlite/backups.ts';
import { startHousekeeping } from './housekeeping.ts';
import { Watch } from './watch/watch.ts';

declare const EARSHOT_VERSION: string | undefined;
const version =
  typeof EARSHOT_VERSION === 'string'
    ? EARSHOT_VERSION
    : (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;

const SECOND_MS = 1_000,
  MINUTE_MS = 60_000;
/** After the last window left and with nothing to do, warm models are kept no longer than this. */
const WINDOW_GONE_MS = 60_000;
/** After an error that nothing handles the daemon is gone by then, however far it came with leaving. */
const FAILED_MS = 10_000;

async function main(): Promise<void> {
  const clock = forwardClock(),
    startedAt = clock();
  const home = homeOf();
  openHome(home);
  // Not in the folder that it was started from: that may be anybody's, and would be held as long as we run.
  process.chdir(home.run);
  const { log, tail } = openLog(home.logs, clock);
  const lock = takeLock(home.lock);
  const settings = openSettings(home.settings, log);
  const { store, restored } = openSafely(home, startedAt);
  // Told to the first who listens: nobody does yet.
  const notices: Failure[] = restored ? [restoredFailure(restored)] : [];
  if (restored) log.warn({ ...restored }, 'the database was damaged; a backup took its place where there was one');
  const events = createEvents();
  const indexer = startIndexer({ store, log });
  /** Those in this process who hear what clients hear. */
  const listeners = new Set<typeof events.publish>([
    event => {
      if (event.type === 'utterance') indexer.wake();
    },
  ]);
  const publish: typeof events.publish = event => {
    events.publish(event);
    for (const listener of listeners) listener(event);
  };

  const pool = new Pool({
    settings: settings.get,
    calibration: store,
    clock,
    readers: deviceReaders(),
    events: {
      notice: ({ device, failure: why }) => {
        publish({ type: 'notice', failure: why });
        if (why.code === 'deviceLost') pipeline.loads.deviceLost(device);
      },
      credited: () => pipeline.wake(),
      failed: error => log.error(error, 'devices'),
    },
  });
  await pool.refresh('all');
  const hasGpu = (): boolean => pool.views().some(device => device.kind === 'gpu');
  const runtimes = createRuntimes({ home, settings: settings.get, nvidia: hasGpu });
  const models = createModels({
    home,
    settings: settings.get,
    runtimes,
    emit: model => publish({ type: 'model', model }), // Uses from before they were written down were measured.
    lastUsed: id => Number(store.meta(usedKey(id))) || store.lastMeasured(id),
  });
  const metrics = new Metrics(store, clock),
    speeds = new Speeds(store);
  const catalogue: Catalogue = new Catalogue({
    settings: settings.get,
    models,
    runtimes,
    engine: engineFor,
    hasGpu,
    changed: () => pipeline.wake(),
    failed: (model, why) => pipeline.cannotHave(model, why),
  });
  const outputs = new Outputs(store);
  const pipeline: Pipeline = new Pipeline({
    home,
    clock,
    settings: settings.get,
    store,
    pool,
    catalogue,
    speeds,
    metrics,
    engine: engineFor,
    ingest: startIngest,
    liveIngest: startLiveIngest,
    outputs,
    prewarmed: new Prewarmed(),
    diarize: (work, signal) =>
      diarize(work, {
        models,
        runtimes,
        pcm: jobFiles(home.audio, work.row.id).pcm,
        sandboxed: sandboxEnabled(settings.get()),
        signal,
        log,
      }),
    deliver: async (work, signal) => {
      if (work.row.options.source === 'transcript')
        return deliverSummary(work, { store, outputs }, id => catalogue.card(id)?.name ?? id);
      return writeOutputs(work, {
        outputs,
        pcm: jobFiles(home.audio, work.row.id).pcm,
        ffmpeg: () => catalogue.ffmpeg(),
        formats: settings.get().formats,
        sandboxed: sandboxEnabled(settings.get()),
        signal,
      });
    },
    publish,
    log,
    // Set aside and restored at the next start, which the next client brings.
    storeBroken: () => void leave('park', 'the database is damaged'),
  });

  const watch: Watch = new Watch({
    store,
    queue: pipeline.queue,
    settings: settings.get,
    clock,
    publish,
    log,
    check: options => pipeline.queue.check(options),
  });
  listeners.add(event => watch.onEvent(event));

  let server: Server | undefined = undefined;
  let http: HttpServer | undefined = undefined;
  let housekeeping: ReturnType<typeof startHousekeeping> | undefined = undefined;
  let leaving = false;
  let busyAt = clock(),
    usedAt = clock();
  let watchedUntil = 0;

  const leave = async (how: 'finish' | 'park', why: string): Promise<void> => {
    if (leaving) return;
    leaving = true;
    log.info(`leaving: ${why}`);
    clearInterval(watching);
    clearInterval(minutes);
    monitor.dispose();
    catalogue.stop();
    await watch.dispose();
    await http?.dispose();
    // A damaged store must not keep us here.
    await pipeline.stop(how).catch((error: unknown) => log.error(error, 'while leaving'));
    await housekeeping?.dispose();
    await indexer.dispose();
    events.flush();
    await server?.close();
    pool.dispose();
    try {
      metrics.flush(gauges(), true);
      store.dispose();
    } catch (error) {
      log.error(error, 'while leaving');
    }
    lock.release();
    process.exit();
  };

  const watching = setInterval(() => {
    const now = clock(),
      needed = (server?.clients ?? 0) > 0 || watch.active || (http?.busy ?? false);
    if (needed || !pipeline.idle) busyAt = now;
    if (needed || pipeline.working) usedAt = now;
    const idle = settings.get().idleExitSeconds;
    if (idle === null) return;
    if (now - busyAt > idle * 1000) void leave('finish', `idle for ${idle} s`);
    else if (server?.hadWindow && now - usedAt > Math.min(idle * 1000, WINDOW_GONE_MS))
      void leave('finish', 'the last window has gone');
  }, SECOND_MS);
  const isWatched = (): boolean => clock() < watchedUntil && (server?.clients ?? 0) > 0;
  const monitor = startMonitor({
    pool,
    idleSeconds: () => settings.get().monitorIntervalSeconds,
    watched: isWatched,
    onRead: () => {
      if (isWatched()) for (const device of pool.devices()) publish({ type: 'device', device });
    },
  });
  const gauges = (): Record<string, number> => {
    const devices = pool.devices();
    return {
      leasedBytes: devices.reduce((sum, device) => sum + device.memory.leased, 0),
      pending: pipeline.activeJobs,
    };
  };
  const minutes = setInterval(() => {
    try {
      metrics.flush(gauges());
      speeds.save();
      pipeline.adapt();
    } catch (error) {
      log.error(error, 'metrics');
    }
  }, MINUTE_MS);
  for (const timer of [watching, minutes]) timer.unref();

  pipeline.start();
  http = createHttpServer({
    uploads: join(home.state, 'uploads'),
    tokenFile: join(home.run, 'http-token'),
    settings: settings.get,
    models: () => models.list(),
    store,
    queue: pipeline.queue,
    present: id => pipeline.present(id),
    transcript: id => transcriptOf({ row: store.job(id)!, made: store.utterances(id) }),
    ffmpeg: () => catalogue.ffmpeg(),
    listen: listener => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    clock,
    log,
  });
  await http.apply();
  server = await startServer({
    home,
    version,
    log,
    handlers: createHandlers({
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
      http,
      events,
      metrics,
      ffmpeg: () => catalogue.ffmpeg(),
      clients: () => server?.clients ?? 0,
      logs: tail,
      doctor: () =>
        examine({
          home,
          settings: settings.get(),
          runtimes,
          models,
          devices: pool.devices(),
          problems: pool.problems(),
        }),
      notices: () => notices.splice(0),
      watched: () => {
        watchedUntil = clock() + 10 * MINUTE_MS;
        monitor.wake();
      },
      settingsChanged: () => {
        pipeline.loads.forbid();
        pipeline.wake();
        monitor.wake();
        void http?.apply();
      },
      stop: how => void leave(how, 'asked to'),
    }),
  });
  log.info(`earshotd ${version} serves on ${home.socket}`);
  watch.start();
  housekeeping = startHousekeeping({ home, store, queue: pipeline.queue, settings: settings.get, clock, log });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void leave('park', signal));
  // Nobody knows what state this leaves the daemon in: better none than one that writes on. What runs is done again.
  const fail = (error: unknown): void => {
    log.fatal(error, 'unhandled');
    process.exitCode = 1;
    setTimeout(() => process.exit(1), FAILED_MS).unref();
    const detail = error instanceof Error ? error.stack : String(error);
    publish({ type: 'notice', failure: failure('daemonFailed', {}, detail) });
    void leave('park', 'an error that nothing handles');
  };
  process.on('unhandledRejection', fail);
  process.on('uncaughtException', fail);
}

main().catch((error: unknown) => {
  const why = toFailure(error);
  process.stderr.write(`${JSON.stringify(why)}\n`);
  process.exit(why.code === 'daemonRunning' ? 3 : 1);
});
