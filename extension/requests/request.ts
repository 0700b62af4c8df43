/** A request for recordings, on its way from a command to the daemon; what every command has at hand. */
import * as vscode from 'vscode';
import { submit } from '../../client/submit.ts';
import { EarshotError } from '../../schemas/errors.ts';
import type { Job } from '../../schemas/job.ts';
import { asCommand } from '../connection/waiting.ts';
import type { Daemon } from '../connection/connection.ts';
import { ensureRecognizer } from '../setup/first-run.ts';
import type { SetupProgress } from '../setup/progress.ts';
import { withGlossary } from './glossary.ts';
import { withKnownVoices } from './voices.ts';
import type { Streams } from '../streaming/streams.ts';
import { notify, withProgress } from '../ui/notify.ts';
import { errorText, failureText } from '../ui/words.ts';
import type { Batches } from './batches.ts';
import type { Choice } from './options.ts';

export interface Deps {
  daemon: Daemon;
  streams: Streams;
  memory: vscode.Memento;
  log: vscode.LogOutputChannel;
  setup: SetupProgress;
  batches: Batches;
  /** Shows the transcript of a job that is not over in the transcript editor. */
  showRunning: (job: Job) => Promise<void>;
}

/** Submits recordings with a choice of options; those that could not be taken are named in one message. */
export async function request(
  { daemon, setup }: Deps,
  recordings: readonly vscode.Uri[],
  choice: Choice,
): Promise<Job[]> {
  if (!(await ensureRecognizer(daemon, choice.options))) return [];
  const requests = await Promise.all(
    recordings.map(async uri => ({
      recording: uri.fsPath,
      options: await withKnownVoices(uri, await withGlossary(uri, choice.options)),
      priority: choice.priority,
    })),
  );
  const start = submit(daemon, requests);
  const results =
    daemon.connection.kind === 'connected'
      ? await start
      : await withProgress(
          { location: vscode.ProgressLocation.Window, title: vscode.l10n.t('Starting Earshot…') },
          () => start,
        );
  const failed = results.flatMap(result => ('failure' in result ? [result.failure] : []));
  if (failed.length)
    notify.error(
      failed.length === 1
        ? failureText(failed[0]!)
        : vscode.l10n.t('{0} recordings could not be queued: {1}', failed.length, failureText(failed[0]!)),
    );
  const jobs = results.flatMap(result => ('job' in result ? [result.job] : []));
  // The mirror receives them in a moment; whoever looks at once finds them already.
  for (const job of jobs) if (!daemon.state.jobs.has(job.id)) daemon.state.jobs.set(job.id, job);
  setup.watch(jobs);
  return jobs;
}

/** Runs a command's work; what goes wrong is said in words, with the log at hand. */
export const reportErrors =
  <A extends unknown[], R>(log: vscode.LogOutputChannel, work: (...args: A) => Promise<R>) =>
  async (...args: A): Promise<R | undefined> => {
    try {
      return await asCommand(() => work(...args));
    } catch (error) {
      log.error(error instanceof EarshotError ? error : String((error as Error).stack ?? error));
      notify.error(
        errorText(error),
        { title: vscode.l10n.t('Show Log'), run: () => vscode.commands.executeCommand('earshot.showLog') },
        { title: vscode.l10n.t('Doctor'), run: () => vscode.commands.executeCommand('earshot.doctor') },
      );
      return undefined;
    }
  };
