/** The installations under way, the one owner of each, and how the last one of each model failed. */
import { toFailure, type Failure } from '../../schemas/errors.ts';
import type { ModelCard } from '../../schemas/model.ts';
import type { Settings } from '../../schemas/settings.ts';
import { findPython, hasPip } from '../runtimes/find-python.ts';
import { python } from '../runtimes/python.ts';
import type { Runtimes } from '../runtimes/runtimes.ts';
import { sandboxEnabled } from '../workers/sandbox/sandbox.ts';
import { Semaphore } from '../system/semaphore.ts';
import { sharedWork } from '../system/shared-work.ts';
import type { Hub } from './hub.ts';
import { installModel, type InstallProgress } from './install.ts';

export interface InstallationsOptions {
  /** The folder of all models. */
  models: string;
  settings: () => Settings;
  runtimes: Pick<Runtimes, 'directory' | 'ready'>;
  freeBytes: (folder: string) => Promise<number>;
  hub: Hub;
  env: NodeJS.ProcessEnv;
  /** Called when a model's progress changed, at most five times a second. */
  publish: (id: string) => void;
}

const REPORT_INTERVAL_MS = 200;
const DOWNLOADS_AT_ONCE = 2;

export class Installations {
  readonly #options: InstallationsOptions;
  readonly #work = sharedWork<InstallProgress>();
  readonly #downloads = new Semaphore(DOWNLOADS_AT_ONCE);
  readonly #progress = new Map<string, InstallProgress>();
  readonly #failures = new Map<string, Failure>();

  constructor(options: InstallationsOptions) {
    this.#options = options;
  }

  /**
   * Joins the installation of this model, or begins it; `first` is done before it by the caller who begins. Throws what
   * `installModel` and `first` throw, or `cancelled`.
   */
  run(
    card: ModelCard,
    report: (progress: InstallProgress) => void,
    signal: AbortSignal,
    first: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    return this.#work.run(card.id, report, signal, (listen, stop) => this.#install(card, listen, stop, first));
  }

  /** Stops it for everyone who waits for it; resolves when it puts no more files in their place. */
  async cancel(id: string): Promise<void> {
    await this.#work.cancel(id);
  }

  /** How far it is; null when none is under way. */
  progress({ id, files }: ModelCard): InstallProgress | null {
    if (!this.#work.running(id)) return null;
    const bytes = files.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
    return this.#progress.get(id) ?? { bytes: 0, total: Math.max(1, bytes) };
  }

  /** How the last installation failed, unless it was cancelled. */
  failure(id: string): Failure | null {
    return this.#failures.get(id) ?? null;
  }

  forgetFailure(id: string): void {
    this.#failures.delete(id);
  }

  async #install(
    card: ModelCard,
    report: (progress: InstallProgress) => void,
    signal: AbortSignal,
    first: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const { models, settings, freeBytes, hub, env } = this.#options;
    this.#failures.delete(card.id);
    this.#progress.delete(card.id);
    try {
      await first(signal);
      await using _ = await this.#downloads.take(signal);
      const config = settings();
      await installModel({
        card,
        models,
        freeBytes,
        report: this.#progressListener(card.id, report),
        signal,
        sources: {
          folders: config.modelFolders,
          offline: config.offline,
          hub,
          hubUrl: config.hubUrl,
          sandboxed: sandboxEnabled(config),
        },
        python: () => this.#pythonWithPip(config),
        env,
      });
    } catch (error) {
      const failed = toFailure(error);
      if (failed.code !== 'cancelled') this.#failures.set(card.id, failed);
      throw error;
    }
  }

  /** Keeps every progress; passes on the last one, and the others at most once an interval. */
  #progressListener(id: string, report: (progress: InstallProgress) => void): (progress: InstallProgress) => void {
    let publishedAt = 0,
      most = 0;
    return ({ bytes, total }) => {
      // A source that fails gives way to another that starts again: what was shown does not go back.
      const now = { bytes: (most = Math.max(most, bytes)), total: Math.max(total, most, 1) };
      this.#progress.set(id, now);
      if (performance.now() - publishedAt < REPORT_INTERVAL_MS && now.bytes < now.total) return;
      publishedAt = performance.now();
      report(now);
      this.#options.publish(id);
    };
  }

  /** The runtime's own Python, unless it was made without pip. */
  async #pythonWithPip(config: Settings): Promise<string> {
    const { runtimes, env } = this.#options;
    const own = runtimes.ready('python') ? python(runtimes.directory('python')) : null;
    return own && (await hasPip(own, env)) ? own : findPython(config, env);
  }
}
