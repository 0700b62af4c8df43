/** What does the daemon's work, put together: devices, models, the catalogue and the pipeline over them. */
import { join } from 'node:path';
import type { StateEvent } from '../schemas/rpc.ts';
import type { Logger } from 'pino';
import { sandboxEnabled } from './workers/sandbox/sandbox.ts';
import type { Home } from './auth/home.ts';
import type { JobRow, LentFacts, Store } from './contracts/store.ts';
import type { SettingsFile } from './system/settings-file.ts';
import { engineFor } from './engines/engines.ts';
import { startIngest, startLiveIngest } from './ingest/ingest.ts';
import { Prewarmed } from './ingest/prewarmed.ts';
import { Metrics } from './telemetry/metrics.ts';
import { createModels, type Models } from './models/models.ts';
import { Catalogue } from './pipeline/catalogue.ts';
import type { Deps } from './pipeline/deps.ts';
import { writeOutputs } from './outputs/deliver.ts';
import { usedKey } from './pipeline/loads.ts';
import { jobFiles } from './pipeline/inputs.ts';
import { Pipeline } from './pipeline/pipeline.ts';
import { Speeds } from './pipeline/speeds.ts';
import { Pool } from './devices/pool.ts';
import { deviceReaders } from './devices/readers.ts';
import { withoutPython } from './runtimes/find-python.ts';
import { createRuntimes, type Runtimes } from './runtimes/runtimes.ts';
import { diarize } from './diarization/label.ts';
import { Bases } from './outputs/bases.ts';
import { Outputs } from './outputs/outputs.ts';
import { deliverSummary } from './outputs/summaries.ts';

export interface AssemblyDeps {
  home: Home;
  clock: () => number;
  settings: SettingsFile;
  store: Store;
  log: Logger;
  publish: (event: StateEvent) => void;
  /** The database is damaged: nothing more can be done with it. */
  storeBroken: () => void;
  /** Whether a new job is for other machines; null: it is done here. */
  place: (row: JobRow) => LentFacts | null;
}

export interface Assembly {
  pool: Pool;
  runtimes: Runtimes;
  models: Models;
  catalogue: Catalogue;
  metrics: Metrics;
  speeds: Speeds;
  pipeline: Pipeline;
}

/** The devices are read; nothing runs yet. */
export async function assemble(deps: AssemblyDeps): Promise<Assembly> {
  const { home, clock, settings, store, log, publish, storeBroken, place } = deps;
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
    emit: model => publish({ type: 'model', model }),
    // Uses from before they were written down were measured.
    lastUsed: id => Number(store.meta(usedKey(id))) || store.lastMeasured(id),
    needsPython: id => engineFor(id)?.runtimes.includes('python') ?? false,
    withoutPython: () => withoutPython({ runtimes, settings: settings.get() }),
  });
  const catalogue: Catalogue = new Catalogue({
    settings: settings.get,
    models,
    runtimes,
    engine: engineFor,
    hasGpu,
    changed: () => pipeline.wake(),
    failed: (model, why) => pipeline.cannotHave(model, why),
  });
  const metrics = new Metrics(store, clock),
    speeds = new Speeds(store),
    outputs = new Outputs(store, undefined, new Bases(join(home.state, 'exports')));
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
    deliver: delivery({ ...deps, catalogue, outputs }),
    publish,
    place,
    log,
    storeBroken,
  });
  return { pool, runtimes, models, catalogue, metrics, speeds, pipeline };
}

/** The files of a job; of a summary: the transcript's that it belongs to. */
function delivery({
  home,
  settings,
  store,
  catalogue,
  outputs,
}: AssemblyDeps & Pick<Assembly, 'catalogue'> & { outputs: Outputs }): Deps['deliver'] {
  return async (work, signal) => {
    // Another machine's: what was made goes back there.
    if (work.row.fleet && 'taken' in work.row.fleet) return { outputs: [] };
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
  };
}
