/** What the methods work on. */
import { type Failure } from '../../../schemas/errors.ts';
import type { Params, Result, StateEvent } from '../../../schemas/rpc.ts';
import type { Engine } from '../../contracts/engine.ts';
import type { Home } from '../../auth/home.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { HttpServer } from '../http/server.ts';
import type { Models } from '../../models/models.ts';
import type { Playback } from '../../playback/playback.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import type { Pool } from '../../devices/pool.ts';
import type { Runtimes } from '../../runtimes/runtimes.ts';
import type { SettingsFile } from '../../system/settings-file.ts';
import type { Store } from '../../contracts/store.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import type { Watch } from '../../watch/watch.ts';
import type { Events } from './events.ts';

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
  fleet: Fleet;
  events: Events;
  /** Reports everything that happens from now on, until the returned function is called. */
  listen(listener: (event: StateEvent) => void): () => void;
  metrics: Metrics;
  playback: Pick<Playback, 'playable' | 'cancel'>;
  /** @throws noFfmpeg */
  ffmpeg(): string;
  http: HttpServer;
  clients(): number;
  logs(lines: number): string[];
  doctor(request: Params<'daemon/doctor'>): Promise<Result<'daemon/doctor'>>;
  recommend(languages: readonly string[]): Promise<Result<'model/recommend'>>;
  /** What happened before anybody listened; asked for once. */
  notices(): Failure[];
  watched(): void;
  settingsChanged(): void;
  stop(how: 'finish' | 'park'): void;
}
