/** What the pipeline is given. */
import type { Logger } from 'pino';
import type { StateEvent } from '../../schemas/rpc.ts';
import type { Settings } from '../../schemas/settings.ts';
import type { Engine } from '../contracts/engine.ts';
import type { Home } from '../auth/home.ts';
import type { startIngest, startLiveIngest } from '../ingest/ingest.ts';
import type { Diarized } from '../diarization/label.ts';
import type { Prewarmed } from '../ingest/prewarmed.ts';
import type { Delivered } from '../outputs/deliver.ts';
import type { Outputs } from '../outputs/outputs.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Pool } from '../devices/pool.ts';
import type { Catalogue } from './catalogue.ts';
import type { Speeds } from './speeds.ts';
import type { JobWork } from '../jobs/work.ts';
import type { JobRow, LentFacts, Store } from '../contracts/store.ts';

export interface Deps {
  home: Home;
  clock: () => number;
  settings: () => Settings;
  store: Store;
  pool: Pool;
  catalogue: Catalogue;
  speeds: Speeds;
  metrics: Metrics;
  engine(id: string): Engine | undefined;
  ingest: typeof startIngest;
  liveIngest: typeof startLiveIngest;
  /** Where a process of the ingest stands ready; left out, none does. */
  prewarmed?: Prewarmed;
  /** Whether a new job is for other machines; null: it is done here. */
  place?(row: JobRow): LentFacts | null;
  /** Who speaks in a job whose steps are over; null where that is known, or was not asked. */
  diarize(work: JobWork, signal: AbortSignal): Promise<Diarized | null>;
  /** Writes the outputs of a job whose steps are over. */
  deliver(work: JobWork, signal: AbortSignal): Promise<Delivered>;
  outputs: Outputs;
  publish(event: StateEvent): void;
  log: Logger;
  /** The store is damaged: nothing that is written now could be trusted. */
  storeBroken?(): void;
  /** Pause before the next try after so many, ms. */
  retryPauseMs?: (tries: number) => number;
}
