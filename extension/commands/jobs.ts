/** What can be done with a job of the queue, from its context menu and the palette. */
import * as vscode from 'vscode';
import { isAbsolute } from 'node:path';
import type { Job } from '../../schemas/job.ts';
import { PRIORITIES } from '../../schemas/words.ts';
import { failureText } from '../words.ts';
import { openFor, type Parts } from './transcribe.ts';
import { priorityName } from './sheet.ts';
import { settled } from './options.ts';

/** A webview's context menu gives the job's id in its context, the panel gives it plainly; the palette gives nothing. */
const idOf = (argument: unknown): string | null => typeof argument === 'string' ? argument
  : typeof argument === 'object' && argument !== null && typeof (argument as { job?: unknown }).job === 'string' ? (argument as { job: string }).job : null;

async function jobOf({ daemon }: Parts, argument: unknown, title: string): Promise<Job | null> {
  const id = idOf(argument);
  if (id) return daemon.state.jobs.get(id) ?? (await daemon.call('job/get', { id })).job;
  await daemon.start();
  const newest = [...daemon.state.jobs.values()].sort((a, b) => b.createdAt - a.createdAt);
  const picked = await vscode.window.showQuickPick(newest.map(job => ({ label: job.recording.name, description: job.lastWords.slice(-80), job })), { title, matchOnDescription: true });
  return picked?.job ?? null;
}

/** The job that made the transcript: of a summary's, the one that it sums up. One of a file is opened as it lies there. */
async function transcribed(parts: Parts, argument: unknown): Promise<Job | null> {
  const job = await jobOf(parts, argument, vscode.l10n.t('Whose transcript?')), of = job?.options.transcript;
  if (of === undefined) return job;
  if (!isAbsolute(of)) return (await parts.daemon.call('job/get', { id: of })).job;
  await vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(of), 'earshot.transcript');
  return null;
}

/** The transcript as a document: the one it streams into, or a new one. */
export async function openTranscript(parts: Parts, argument: unknown): Promise<void> {
  const job = await transcribed(parts, argument);
  if (job) await openFor(parts, job, 'untitled', settled(vscode.Uri.file(job.recording.path)).document.format);
}

/** The .earshot.json that the job wrote, in the transcript editor; written now when it wrote none. */
export async function openEditor(parts: Parts, argument: unknown): Promise<void> {
  const job = await transcribed(parts, argument);
  if (!job) return;
  const written = job.outputs.find(output => output.path.endsWith('.earshot.json'));
  let uri = written && vscode.Uri.file(written.path);
  if (!uri) {
    const { transcript } = await parts.daemon.call('job/transcript', { id: job.id });
    uri = vscode.Uri.file(`${job.recording.path.replace(/\.[^.]+$/, '')}.earshot.json`);
    await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(`${JSON.stringify(transcript, null, 2)}\n`));
  }
  await vscode.commands.executeCommand('vscode.openWith', uri, 'earshot.transcript');
}

export async function setPriority(parts: Parts, argument: unknown): Promise<void> {
  const job = await jobOf(parts, argument, vscode.l10n.t('Whose priority?'));
  if (!job) return;
  const picked = await vscode.window.showQuickPick(PRIORITIES.map(priority => ({ label: priorityName(priority), priority, picked: priority === job.priority })), { title: job.recording.name });
  if (picked) await parts.daemon.call('job/move', { id: job.id, priority: picked.priority });
}

export async function reveal(parts: Parts, argument: unknown): Promise<void> {
  const job = await jobOf(parts, argument, vscode.l10n.t('Which recording?'));
  if (!job) return;
  const uri = vscode.Uri.file(job.recording.path);
  await vscode.commands.executeCommand(vscode.workspace.getWorkspaceFolder(uri) ? 'revealInExplorer' : 'revealFileInOS', uri);
}

/** What happened to a job, line by line, in the log. */
export async function showJobLog(parts: Parts, argument: unknown): Promise<void> {
  const job = await jobOf(parts, argument, vscode.l10n.t('What happened to which job?'));
  if (!job) return;
  const { entries } = await parts.daemon.call('job/log', { id: job.id, limit: 2000 });
  const lines = entries.map(e => [new Date(e.at).toISOString(), e.kind, e.stage ?? '', e.index ?? '', Object.keys(e.data).length ? JSON.stringify(e.data) : ''].filter(part => part !== '').join('  '));
  const content = [`${job.recording.path} (${job.id})`, job.failure ? failureText(job.failure) : '', job.failure?.detail ?? '', '', ...lines].join('\n');
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ language: 'log', content }), { preview: true });
}

export const simple = (method: 'job/pause' | 'job/resume' | 'job/cancel' | 'job/retry' | 'job/remove') => async (parts: Parts, argument: unknown): Promise<void> => {
  const job = await jobOf(parts, argument, vscode.l10n.t('Which job?'));
  if (job) await parts.daemon.call(method, { ids: [job.id] });
};
export const moveTo = (to: 'top' | 'bottom') => async (parts: Parts, argument: unknown): Promise<void> => {
  const job = await jobOf(parts, argument, vscode.l10n.t('Which job?'));
  if (job) await parts.daemon.call('job/move', { id: job.id, to });
};
