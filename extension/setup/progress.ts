/**
 * What the first recordings wait for: models and programs on their way. One notification for all of them, with bytes
 * and speed; Cancel ends the recordings that wait, and leaves nothing half done.
 */
import * as vscode from 'vscode';
import type { Job } from '../../schemas/job.ts';
import type { Reason } from '../../schemas/reasons.ts';
import { isFinal } from '../../schemas/words.ts';
import type { Daemon } from '../connection/connection.ts';
import { notify, withProgress } from '../ui/notify.ts';
import { bytesText, capital, errorText, reasonText } from '../ui/words.ts';
import { forgetRecognizer } from './first-run.ts';
import { Pace } from './pace.ts';

/** It waits for something that is being fetched. */
export const isSetUp = (waiting: Reason | null): boolean =>
  waiting?.code === 'modelDownloading' || waiting?.code === 'engineInstalling';

/** What stands in a document until its first words come; null: nothing worth saying. */
export const setupText = (job: Job | undefined): string | null =>
  job?.waiting && !isFinal(job.state) && isSetUp(job.waiting)
    ? vscode.l10n.t('Setting up… {0}', capital(reasonText(job.waiting)))
    : null;

export class SetupProgress implements vscode.Disposable {
  readonly #daemon: Daemon;
  readonly #log: vscode.LogOutputChannel;
  /** Recordings of this window that have not begun. */
  readonly #waiting = new Set<string>();
  readonly #subscription: vscode.Disposable;
  #update: (() => void) | null = null;

  constructor(daemon: Daemon, log: vscode.LogOutputChannel) {
    this.#daemon = daemon;
    this.#log = log;
    this.#subscription = daemon.onChange(() => this.#look());
  }

  /** From now on what these wait for is shown. */
  watch(jobs: readonly Job[]): void {
    for (const job of jobs) if (!isFinal(job.state)) this.#waiting.add(job.id);
    this.#look();
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#waiting.clear();
    this.#update?.();
  }

  get #jobs(): Job[] {
    return [...this.#waiting].flatMap(id => this.#daemon.state.jobs.get(id) ?? []);
  }

  #look(): void {
    if (!this.#waiting.size) return;
    for (const id of this.#waiting) {
      const job = this.#daemon.state.jobs.get(id);
      if (!job || isFinal(job.state) || hasBegun(job)) this.#waiting.delete(id);
    }
    if (this.#update) this.#update();
    else if (this.#jobs.some(job => isSetUp(job.waiting))) void this.#show();
  }

  async #show(): Promise<void> {
    await withProgress(
      { location: vscode.ProgressLocation.Notification, title: vscode.l10n.t('Setting up Earshot'), cancellable: true },
      (progress, token) => {
        const { promise, resolve } = Promise.withResolvers<void>(),
          pace = new Pace();
        let shown = 0;
        this.#update = () => {
          if (!this.#waiting.size) return resolve();
          const { message, fraction } = this.#state(pace);
          progress.report({ message, increment: Math.max(0, 100 * (fraction - shown)) });
          shown = Math.max(shown, fraction);
        };
        token.onCancellationRequested(() => {
          void this.#cancel();
          resolve();
        });
        this.#update();
        return promise;
      },
    );
    this.#update = null;
  }

  /** The model's bytes while it comes; else what is being installed. */
  #state(pace: Pace): { message: string; fraction: number } {
    const { models } = this.#daemon.state,
      jobs = this.#jobs,
      wanted = new Set(jobs.flatMap(job => Object.values(job.models))),
      coming = [...wanted].flatMap(id => {
        const model = models.get(id);
        return model?.state === 'downloading' && model.progress ? [model] : [];
      });
    const bytes = coming.reduce((sum, { progress }) => sum + progress!.bytes, 0),
      total = coming.reduce((sum, { progress }) => sum + progress!.total, 0),
      speed = pace.at(bytes, performance.now()),
      reason = jobs.map(job => job.waiting).find(waiting => waiting?.code === 'engineInstalling');
    const parts = [
      ...(coming.length
        ? [
            vscode.l10n.t(
              '{0}: {1} of {2}',
              coming.map(({ card }) => card.name).join(', '),
              bytesText(bytes),
              bytesText(total),
            ) + (speed === null ? '' : `, ${vscode.l10n.t('{0}/s', bytesText(speed))}`),
          ]
        : []),
      ...(reason ? [capital(reasonText(reason))] : []),
    ];
    return { message: parts.join(' · ') || vscode.l10n.t('Almost there…'), fraction: total > 0 ? bytes / total : 0 };
  }

  /** The recordings end, their downloads stop, and what had come of models goes; the next time asks again. */
  async #cancel(): Promise<void> {
    const jobs = this.#jobs,
      ids = jobs.map(job => job.id),
      { daemon } = { daemon: this.#daemon };
    this.#waiting.clear();
    try {
      const models = new Set(jobs.flatMap(job => Object.values(job.models)));
      await daemon.call('job/cancel', { ids });
      for (const other of daemon.state.jobs.values())
        if (!ids.includes(other.id) && !isFinal(other.state))
          for (const id of Object.values(other.models)) models.delete(id);
      for (const id of models)
        if (daemon.state.models.get(id)?.state !== 'installed') await daemon.call('model/remove', { id });
      await forgetRecognizer(daemon);
    } catch (error) {
      this.#log.error(errorText(error));
      notify.error(errorText(error));
    }
  }
}

/** Something of it was recognized, or is being. */
const hasBegun = (job: Job): boolean => job.lastWords !== '' || (job.progress.stages.asr?.running ?? 0) > 0;
