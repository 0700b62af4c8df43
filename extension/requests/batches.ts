/** Recordings that were asked for together: that they are done is one piece of news, which leads to all of them. */
import * as vscode from 'vscode';
import type { Job } from '../../schemas/job.ts';
import { isFinal } from '../../schemas/words.ts';
import type { Daemon } from '../connection/connection.ts';
import { notify } from '../ui/notify.ts';

export class Batches implements vscode.Disposable {
  readonly #open = new Map<readonly string[], Set<string>>();
  readonly #watch: vscode.Disposable;
  readonly #daemon: Daemon;

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
    this.#watch = daemon.onChange(() => {
      for (const ids of this.#open.keys()) this.#look(ids);
    });
  }

  add(jobs: readonly Job[]): void {
    const ids = jobs.map(({ id }) => id);
    this.#open.set(ids, new Set(ids));
    this.#look(ids);
  }

  /** The end of this job is told with that of others. */
  has(job: string): boolean {
    return [...this.#open.keys()].some(ids => ids.includes(job));
  }

  #look(ids: readonly string[]): void {
    const { jobs } = this.#daemon.state,
      open = this.#open.get(ids)!;
    for (const id of open) {
      const job = jobs.get(id);
      if (!job || isFinal(job.state)) open.delete(id);
    }
    if (open.size) return;
    // What else hears of the last job's end asks whether it is told here.
    setImmediate(() => this.#open.delete(ids));
    const made = ids.filter(id => jobs.get(id)?.state === 'completed');
    if (!made.length || vscode.workspace.getConfiguration('earshot').get('notifications') === 'never') return;
    notify.info(
      made.length === ids.length
        ? vscode.l10n.t('{0} recordings have been transcribed.', made.length)
        : vscode.l10n.t('{0} of {1} recordings have been transcribed.', made.length, ids.length),
      {
        title: vscode.l10n.t('Open Transcripts'),
        run: () => vscode.commands.executeCommand('earshot.openTranscripts', made),
      },
    );
  }

  dispose(): void {
    this.#watch.dispose();
  }
}
