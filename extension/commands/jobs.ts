/** What can be done with a job of the queue, from its context menu and the palette. */
import * as vscode from 'vscode';
import { PRIORITIES } from '../../schemas/words.ts';
import { failureText } from '../ui/words.ts';
import type { Deps } from '../requests/request.ts';
import { jobOf, transcribed } from '../transcript/open.ts';
import { openFor } from './transcribe.ts';
import { priorityName } from './sheet.ts';
import { settled } from '../requests/options.ts';
import { pick } from '../ui/pick.ts';

/** The transcript as a document: the one it streams into, or a new one. */
export async function openTranscript(deps: Deps, argument: unknown): Promise<void> {
  const job = await transcribed(deps, argument);
  if (job) await openFor(deps, job, 'untitled', settled(vscode.Uri.file(job.recording.path)).document.format);
}

export async function setPriority(deps: Deps, argument: unknown): Promise<void> {
  const job = await jobOf(deps, argument, vscode.l10n.t('Whose priority?'));
  if (!job) return;
  const picked = await pick(
    PRIORITIES.map(priority => ({ label: priorityName(priority), priority, picked: priority === job.priority })),
    { title: job.recording.name },
  );
  if (picked) await deps.daemon.call('job/move', { id: job.id, priority: picked.priority });
}

export async function reveal(deps: Deps, argument: unknown): Promise<void> {
  const job = await jobOf(deps, argument, vscode.l10n.t('Which recording?'));
  if (!job) return;
  const uri = vscode.Uri.file(job.recording.path);
  await vscode.commands.executeCommand(
    vscode.workspace.getWorkspaceFolder(uri) ? 'revealInExplorer' : 'revealFileInOS',
    uri,
  );
}

/** What happened to a job, line by line, in the log. */
export async function showJobLog(deps: Deps, argument: unknown): Promise<void> {
  const job = await jobOf(deps, argument, vscode.l10n.t('What happened to which job?'));
  if (!job) return;
  const { entries } = await deps.daemon.call('job/log', { id: job.id, limit: 2000 });
  const lines = entries.map(e =>
    [
      new Date(e.at).toISOString(),
      e.kind,
      e.stage ?? '',
      e.index ?? '',
      Object.keys(e.data).length ? JSON.stringify(e.data) : '',
    ]
      .filter(part => part !== '')
      .join('  '),
  );
  const content = [
    `${job.recording.path} (${job.id})`,
    job.failure ? failureText(job.failure) : '',
    job.failure?.detail ?? '',
    '',
    ...lines,
  ].join('\n');
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ language: 'log', content }), {
    preview: true,
  });
}

export const simple =
  (method: 'job/pause' | 'job/resume' | 'job/cancel' | 'job/retry' | 'job/remove') =>
  async (deps: Deps, argument: unknown): Promise<void> => {
    const job = await jobOf(deps, argument, vscode.l10n.t('Which job?'));
    if (job) await deps.daemon.call(method, { ids: [job.id] });
  };
export const moveTo =
  (to: 'top' | 'bottom') =>
  async (deps: Deps, argument: unknown): Promise<void> => {
    const job = await jobOf(deps, argument, vscode.l10n.t('Which job?'));
    if (job) await deps.daemon.call('job/move', { id: job.id, to });
  };
