/** What is known of a recording already: the transcript file beside it, or what the daemon has. */
import * as vscode from 'vscode';
import { dirname, parse } from 'node:path';
import { isFinal } from '../../schemas/words.ts';
import type { Job, Transcript, Utterance } from '../../schemas/job.ts';
import type { Daemon } from '../connection/connection.ts';
import { samePath } from '../../client/same-path.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { exists, readText } from '../ui/files.ts';
import { parseTranscript } from './live.ts';

/** The transcript that lies beside a recording; null: none does. */
export async function fileOf(recording: vscode.Uri): Promise<vscode.Uri | null> {
  const { name, base } = parse(recording.fsPath),
    folder = vscode.Uri.file(dirname(recording.fsPath));
  for (const stem of [name, base]) {
    const uri = vscode.Uri.joinPath(folder, `${stem}.earshot.json`);
    if (await exists(uri)) return uri;
  }
  return null;
}

/** A day of speech has room many times; whatever is larger, or no file, lies there to be in the way. */
export const MOST_TRANSCRIPT_BYTES = 256 * 1024 ** 2;

/** Null: it is no transcript. */
export async function readTranscript(uri: vscode.Uri): Promise<Transcript | null> {
  const text = await readText(uri, MOST_TRANSCRIPT_BYTES).catch((error: unknown) => {
    if (error instanceof EarshotError) return null;
    throw error;
  });
  return text === null ? null : parseTranscript(text);
}

/** The newest job over a recording that this window knows of; a finished one before others. */
export function jobOf(daemon: Daemon, recording: vscode.Uri): Job | null {
  const jobs = [...daemon.state.jobs.values()]
    .filter(job => samePath(job.recording.path, recording.fsPath))
    .sort((a, b) => b.createdAt - a.createdAt);
  return jobs.find(job => job.state === 'completed') ?? jobs.find(job => !isFinal(job.state)) ?? jobs[0] ?? null;
}

/** Texts by recording, so that a hover need not read a long file again; a changed file or job is read anew. */
const kept = new Map<string, { stamp: string; utterances: Utterance[] }>();
const MOST_KEPT = 30;

/**
 * What was understood of a recording; null: it was not transcribed, as far as can be seen without starting anything.
 */
export async function knownUtterances(daemon: Daemon, recording: vscode.Uri): Promise<Utterance[] | null> {
  const file = await fileOf(recording),
    job = file ? null : jobOf(daemon, recording);
  if (!file && (!job || daemon.connection.kind !== 'connected')) return null;
  const stamp = file
      ? String((await vscode.workspace.fs.stat(file)).mtime)
      : `${job!.id} ${job!.state} ${job!.lastWords}`,
    key = recording.toString(),
    old = kept.get(key);
  if (old?.stamp === stamp) return old.utterances;
  const utterances = file
    ? (await readTranscript(file))?.utterances
    : (await daemon.call('job/utterances', { id: job!.id })).utterances;
  if (!utterances) return null;
  kept.delete(key);
  kept.set(key, { stamp, utterances });
  for (const oldest of kept.keys()) if (kept.size > MOST_KEPT) kept.delete(oldest);
  return utterances;
}

/** True when the job ended; false when the time was up or whoever waits gave up. */
export async function endOf(
  daemon: Daemon,
  id: string,
  token: vscode.CancellationToken,
  mostMs?: number,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const look = (): void => {
    const job = daemon.state.jobs.get(id);
    if (job && isFinal(job.state)) resolve(true);
  };
  const timer = mostMs === undefined ? undefined : setTimeout(() => resolve(false), mostMs),
    watch = daemon.onChange(look),
    cancelled = token.onCancellationRequested(() => resolve(false));
  look();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    watch.dispose();
    cancelled.dispose();
  }
}
