/**
 * One document with a table of several transcripts: of a folder, of what is selected, of what was asked for together.
 */
import * as vscode from 'vscode';
import { dirname, relative, sep } from 'node:path';
import type { Job, Transcript } from '../../schemas/job.ts';
import { samePath } from '../../client/same-path.ts';
import { summary, type Collected } from '../../text/messages/collection.ts';
import { fileOf, jobOf, MOST_TRANSCRIPT_BYTES, readTranscript } from '../transcript/known.ts';
import { recordingsIn } from '../requests/recordings.ts';
import type { Deps } from '../requests/request.ts';
import { exists, freeName, readText, writeText } from '../ui/files.ts';
import { notify } from '../ui/notify.ts';
import { locale } from '../ui/words.ts';

const STEM = 'transcripts',
  ENDING = 'md';

/** A job and its transcript. `file`: it gets one where it has none, since somebody wants to open it. */
async function madeBy({ daemon }: Deps, { id }: Job, { file }: { file: boolean }): Promise<Collected> {
  const [{ job }, { transcript }] = await Promise.all([
    daemon.call('job/get', { id }),
    daemon.call('job/transcript', { id }),
  ]);
  const has = job.outputs.some(({ kind }) => kind === 'json');
  if (!file || has || job.state !== 'completed' || !vscode.workspace.isTrusted) return { job, transcript };
  const { path } = await daemon.call('job/write', { id, format: 'json', directory: dirname(job.recording.path) });
  return { job: { ...job, outputs: [...job.outputs, { kind: 'json', path, bytes: 0 }] }, transcript };
}

const ofFile = (file: vscode.Uri, recording: vscode.Uri, transcript: Transcript): Collected => ({
  job: {
    recording: { ...transcript.recording, path: recording.fsPath },
    language: transcript.language,
    state: 'completed',
    failure: null,
    outputs: [{ kind: 'json', path: file.fsPath, bytes: 0 }],
  },
  transcript,
});

/** The folder that holds all of them. */
function folderOf(paths: readonly string[]): string {
  const [first, ...others] = paths.map(path => dirname(path).split(sep));
  let length = first!.length;
  for (const parts of others) while (parts.slice(0, length).join(sep) !== first!.slice(0, length).join(sep)) length--;
  return first!.slice(0, length).join(sep) || sep;
}

/** Writes the table into a folder, unless it lies there already, and shows it. */
async function showTable(collected: readonly Collected[], folder: vscode.Uri, title?: string): Promise<vscode.Uri> {
  const text = summary(collected, {
    locale: locale(),
    ...(title === undefined ? {} : { title }),
    wayTo: path => relative(folder.fsPath, path).split(sep).join('/'),
  });
  const place = await placeFor(folder, text);
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(place), { preview: false });
  return place;
}

async function placeFor(folder: vscode.Uri, text: string): Promise<vscode.Uri> {
  const known = vscode.Uri.joinPath(folder, `${STEM}.${ENDING}`);
  if ((await exists(known)) && (await readText(known, MOST_TRANSCRIPT_BYTES).catch(() => null)) === text) return known;
  const place = await freeName(folder, STEM, ENDING);
  await writeText(place, text);
  return place;
}

/** Of jobs: as they are, in the folder that was asked for; or to open each, in the folder that holds them all. */
export async function showTranscripts(deps: Deps, jobs: readonly Job[], folder?: vscode.Uri): Promise<vscode.Uri> {
  const collected = await Promise.all(jobs.map(job => madeBy(deps, job, { file: !folder })));
  return showTable(
    collected,
    folder ?? vscode.Uri.file(folderOf(jobs.map(({ recording }) => recording.path))),
    folder?.path.split('/').at(-1),
  );
}

/** What a recording has: the file beside it, or what a job made. */
async function collectedOf(deps: Deps, recording: vscode.Uri): Promise<Collected | null> {
  const file = await fileOf(recording),
    transcript = file && (await readTranscript(file));
  if (transcript) return ofFile(file, recording, transcript);
  const job = jobOf(deps.daemon, recording);
  return job && job.state !== 'cancelled' ? madeBy(deps, job, { file: true }) : null;
}

/**
 * All transcripts of recordings and folders; a single one opens in its editor. `target` and `all` are what a menu
 * gives: files, or ids of jobs.
 */
export async function openTranscripts(deps: Deps, target?: unknown, all?: unknown): Promise<vscode.Uri | null> {
  if (Array.isArray(target)) {
    const jobs = target.flatMap(id => deps.daemon.state.jobs.get(String(id)) ?? []);
    return jobs.length ? showTranscripts(deps, jobs) : null;
  }
  const given = (Array.isArray(all) && all.length ? all : [target]).filter(one => one instanceof vscode.Uri),
    places = given.length ? given : (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri),
    recordings = await recordingsIn(places.filter(({ scheme }) => scheme === 'file'));
  await deps.daemon.start();
  const collected = (await Promise.all(recordings.map(one => collectedOf(deps, one)))).filter(one => one !== null);
  if (collected.length === 0) {
    notify.info(vscode.l10n.t('None of these recordings has a transcript yet.'));
    return null;
  }
  if (collected.length === 1) {
    await vscode.commands.executeCommand('earshot.openTranscript', vscode.Uri.file(collected[0]!.job.recording.path));
    return null;
  }
  const folder = folderOf(collected.map(({ job }) => job.recording.path)),
    named = places.find(({ fsPath }) => samePath(fsPath, folder));
  return showTable(collected, vscode.Uri.file(folder), named?.path.split('/').at(-1));
}
