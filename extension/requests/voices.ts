/**
 * Voices that have a name in the workspace: given to jobs that label speakers, and remembered when somebody names
 * one. An untrusted workspace's are not touched.
 */
import * as vscode from 'vscode';
import { knownSpeakers } from '../../client/folder-defaults.ts';
import type { JobOptions } from '../../schemas/job.ts';
import { remember } from '../../client/remembered-speakers.ts';
import { isUnnamed, placeToRemember, speakerPlaces, withSpeakers } from '../../text/speakers.ts';
import { readText } from '../ui/files.ts';

const rootOf = (recording: vscode.Uri): string | null =>
  vscode.workspace.getWorkspaceFolder(recording)?.uri.fsPath ?? null;
const read = async (path: string): Promise<string | null> => {
  try {
    return await readText(vscode.Uri.file(path), 2 * 1024 ** 2);
  } catch {
    return null;
  }
};

/**
 * The options with the voices that have a name for this recording, the nearest folder's first; as they are where
 * speakers are not asked for.
 */
export async function withKnownVoices(recording: vscode.Uri, options: JobOptions): Promise<JobOptions> {
  if (!options.speakers || !vscode.workspace.isTrusted) return options;
  const known = { ...(await knownSpeakers(recording.fsPath, rootOf(recording))), ...options.speakers.known };
  return Object.keys(known).length ? { ...options, speakers: { ...options.speakers, known } } : options;
}

/** Keeps these voices under their names; where, or null when there was nothing to keep. */
export async function rememberVoices(
  recording: vscode.Uri,
  voices: Readonly<Record<string, string>>,
): Promise<vscode.Uri | null> {
  if (!vscode.workspace.isTrusted || Object.keys(voices).every(isUnnamed)) return null;
  const places = speakerPlaces(recording.fsPath, rootOf(recording)),
    texts = new Map(await Promise.all(places.map(async path => [path, await read(path)] as const)));
  const path = placeToRemember(recording.fsPath, rootOf(recording), each => (texts.get(each) ?? null) !== null),
    before = texts.get(path) ?? null,
    after = withSpeakers(before, voices),
    uri = vscode.Uri.file(path);
  if (after === before) return null;
  await remember(path, voices);
  return uri;
}
