/**
 * “Transcribe folder with summary”: every recording of a folder, and at the end one document with a table of them all.
 */
import * as vscode from 'vscode';
import type { Job } from '../../schemas/job.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { isFinal } from '../../schemas/words.ts';
import { settled } from '../requests/options.ts';
import { recordingsIn } from '../requests/recordings.ts';
import { request, type Deps } from '../requests/request.ts';
import { withProgress } from '../ui/notify.ts';
import { showTranscripts } from './transcripts.ts';

/** Null: given up, or left before the end; the jobs go on then. */
export async function transcribeFolder(deps: Deps, uri?: unknown): Promise<vscode.Uri | null> {
  const [folder] =
    uri instanceof vscode.Uri
      ? [uri]
      : ((await vscode.window.showOpenDialog({
          canSelectFiles: false,
          canSelectFolders: true,
          openLabel: vscode.l10n.t('Transcribe'),
        })) ?? []);
  if (!folder) return null;
  const recordings = await recordingsIn([folder]);
  if (!recordings.length) throw new EarshotError('noRecordings', { path: folder.fsPath });
  const jobs = await request(deps, recordings, settled(folder));
  if (!jobs.length || !(await ended(deps, jobs, folder))) return null;
  return showTranscripts(deps, jobs, folder);
}

/** Shows how many are over; false: the user does not wait any longer. */
function ended({ daemon }: Deps, jobs: readonly Job[], folder: vscode.Uri): Thenable<boolean> {
  const title = vscode.l10n.t('Transcribing {0}', folder.path.split('/').at(-1)!);
  return withProgress(
    { location: vscode.ProgressLocation.Notification, title, cancellable: true },
    async (progress, token) => {
      const open = new Set(jobs.map(job => job.id)),
        { promise, resolve } = Promise.withResolvers<boolean>();
      let reported = 0;
      const look = (): void => {
        for (const id of open) {
          const job = daemon.state.jobs.get(id);
          if (!job || isFinal(job.state)) open.delete(id);
        }
        const done = jobs.length - open.size;
        progress.report({
          message: vscode.l10n.t('{0} of {1}', done, jobs.length),
          increment: (100 * (done - reported)) / jobs.length,
        });
        reported = done;
        if (open.size === 0) resolve(true);
      };
      const watch = vscode.Disposable.from(
        daemon.onChange(look),
        token.onCancellationRequested(() => resolve(false)),
      );
      look();
      try {
        return await promise;
      } finally {
        watch.dispose();
      }
    },
  );
}
