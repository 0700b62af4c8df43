/** What can be done with a job of the queue, from its context menu and the palette. */
import * as vscode from 'vscode';
import type { Job } from '../../schemas/job.ts';
import { isFinal, PRIORITIES } from '../../schemas/words.ts';
import { confirm, notify } from '../ui/notify.ts';
import type { Deps } from '../requests/request.ts';
import { fileOf, jobOf as jobOver } from '../transcript/known.ts';
import { jobOf, openEditor, transcribed } from '../transcript/open.ts';
import { showResult } from './transcribe.ts';
import { openTranscripts } from './transcripts.ts';
import { priorityName } from './sheet.ts';
import { settled } from '../requests/options.ts';
import { pick } from '../ui/pick.ts';

/** The transcript of a job, a recording or a file; of several jobs that are selected together, all of them. */
export async function openTranscript(deps: Deps, argument: unknown): Promise<void> {
  if (argument instanceof vscode.Uri) return openTranscriptOf(deps, argument);
  const selected = selectedIn(argument);
  if (selected && selected.size > 1) return void (await openTranscripts(deps, [...selected]));
  const job = await transcribed(deps, argument);
  if (job) await openResult(deps, job);
}

/** The document that it streams into in this window; else the transcript editor, once there is a transcript. */
async function openResult(deps: Deps, job: Job): Promise<void> {
  if (!deps.streams.documentOf(job.id) && isFinal(job.state) && vscode.workspace.isTrusted)
    return openEditor(deps, job.id);
  const { open, format } = settled(vscode.Uri.file(job.recording.path)).document;
  await showResult(deps, job, { open: open === 'editor' ? open : 'untitled', format });
}

async function openTranscriptOf(deps: Deps, uri: vscode.Uri): Promise<void> {
  const file = /\.earshot\.json$/i.test(uri.path) ? uri : await fileOf(uri);
  if (file) return void (await vscode.commands.executeCommand('vscode.openWith', file, 'earshot.transcript'));
  await deps.daemon.start();
  const job = jobOver(deps.daemon, uri);
  if (job) return openResult(deps, job);
  notify.info(vscode.l10n.t('{0} has no transcript yet.', uri.path.split('/').at(-1)!), {
    title: vscode.l10n.t('Transcribe'),
    run: () => vscode.commands.executeCommand('earshot.transcribe', uri),
  });
}

export async function setPriority(deps: Deps, argument: unknown): Promise<void> {
  const job = await jobOf(deps, argument, vscode.l10n.t('Priority of which job?'));
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

type Simple = 'job/pause' | 'job/resume' | 'job/here' | 'job/cancel' | 'job/retry' | 'job/remove';
/** In which states it is meant. */
const MEANT: Readonly<Record<Simple, (state: Job['state']) => boolean>> = {
  'job/here': state => !isFinal(state),
  'job/pause': state => !isFinal(state) && state !== 'paused',
  'job/resume': state => state === 'paused',
  'job/cancel': state => !isFinal(state),
  'job/retry': state => state === 'failed' || state === 'cancelled',
  'job/remove': isFinal,
};

/** On the job that is meant, or on all that are selected with it and for which it is meant. */
export const simple =
  (method: Simple) =>
  async (deps: Deps, argument: unknown): Promise<void> => {
    const selected = selectedIn(argument);
    const ids = selected
      ? inStates(deps, MEANT[method]).filter(id => selected.has(id))
      : [(await jobOf(deps, argument, vscode.l10n.t('Which job?'), MEANT[method]))?.id].filter(id => id !== undefined);
    if (ids.length) await deps.daemon.call(method, { ids });
  };

/** Jobs that a context menu was opened on together. */
function selectedIn(argument: unknown): ReadonlySet<string> | null {
  const { jobs } = (argument ?? {}) as { jobs?: unknown };
  return Array.isArray(jobs) && jobs.every(id => typeof id === 'string') ? new Set(jobs) : null;
}

const inStates = ({ daemon }: Deps, meant: (state: Job['state']) => boolean): string[] =>
  [...daemon.state.jobs.values()].filter(job => meant(job.state)).map(job => job.id);

/** All that runs or waits; asks first. */
export async function cancelAll(deps: Deps): Promise<void> {
  await deps.daemon.start();
  const { length } = inStates(deps, MEANT['job/cancel']);
  if (length === 0) return notify.info(vscode.l10n.t('No job is running or waiting.'));
  const question =
    length === 1
      ? vscode.l10n.t('Cancel the job that is running or waiting?')
      : vscode.l10n.t('Cancel all {0} jobs that are running or waiting?', length);
  if (!(await confirm(question, vscode.l10n.t('Cancel All')))) return;
  const ids = inStates(deps, MEANT['job/cancel']);
  if (ids.length) await deps.daemon.call('job/cancel', { ids });
}

export async function retryFailed(deps: Deps): Promise<void> {
  await deps.daemon.start();
  const ids = inStates(deps, state => state === 'failed');
  if (ids.length) await deps.daemon.call('job/retry', { ids });
  else notify.info(vscode.l10n.t('No job has failed.'));
}
export const moveTo =
  (to: 'top' | 'bottom') =>
  async (deps: Deps, argument: unknown): Promise<void> => {
    const job = await jobOf(deps, argument, vscode.l10n.t('Which job?'));
    if (job) await deps.daemon.call('job/move', { id: job.id, to });
  };
