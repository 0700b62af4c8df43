/** Which job is meant, and its transcript in the editor. */
import * as vscode from 'vscode';
import { homedir } from 'node:os';
import { isAbsolute } from 'node:path';
import type { Job } from '../../schemas/job.ts';
import type { Daemon } from '../connection/connection.ts';
import type { Deps } from '../requests/request.ts';
import { pick } from '../ui/pick.ts';
import { modelName } from '../connection/mirror.ts';

/**
 * A webview's context menu gives the job's id in its context, the panel gives it plainly; the palette gives nothing.
 */
const idOf = (argument: unknown): string | null =>
  typeof argument === 'string'
    ? argument
    : typeof argument === 'object' && argument !== null && typeof (argument as { job?: unknown }).job === 'string'
      ? (argument as { job: string }).job
      : null;

const momentText = (at: number): string =>
  new Date(at).toLocaleString(vscode.env.language, { dateStyle: 'medium', timeStyle: 'short' });
const modelOf = (daemon: Daemon, { models: { asr } }: Job): string =>
  asr === undefined ? '' : modelName(daemon.state, asr);

/** `among`: the states that a choice offers. */
export async function jobOf(
  { daemon }: Deps,
  argument: unknown,
  title: string,
  among: (state: Job['state']) => boolean = () => true,
): Promise<Job | null> {
  const id = idOf(argument);
  if (id) return daemon.state.jobs.get(id) ?? (await daemon.call('job/get', { id })).job;
  await daemon.start();
  const newest = [...daemon.state.jobs.values()]
    .filter(job => among(job.state))
    .sort((a, b) => b.createdAt - a.createdAt);
  const picked = await pick(
    newest.map(job => ({
      label: job.recording.name,
      // Jobs of one recording differ in this.
      description: [momentText(job.createdAt), modelOf(daemon, job)].filter(Boolean).join(' · '),
      detail: job.lastWords.slice(-80),
      job,
    })),
    { title, matchOnDescription: true },
  );
  return picked?.job ?? null;
}

/**
 * The job that made the transcript: of a summary's, the one that it sums up. One of a file is opened as it lies there.
 */
export async function transcribed(deps: Deps, argument: unknown): Promise<Job | null> {
  // What was canceled has none worth opening; who asks for one by its row gets what there is.
  const job = await jobOf(deps, argument, vscode.l10n.t('Which transcript?'), state => state !== 'cancelled'),
    of = job?.options.transcript;
  if (of === undefined) return job;
  if (!isAbsolute(of)) return (await deps.daemon.call('job/get', { id: of })).job;
  await vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(of), 'earshot.transcript');
  return null;
}

/** The job's .earshot.json in the transcript editor; the daemon writes it now where there is none. */
export async function openEditor(deps: Deps, argument: unknown): Promise<void> {
  const job = await transcribed(deps, argument);
  if (!job) return;
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri,
    directory = folder?.scheme === 'file' ? folder.fsPath : homedir();
  const { path } = await deps.daemon.call('job/write', { id: job.id, format: 'json', directory });
  await vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(path), 'earshot.transcript');
}
