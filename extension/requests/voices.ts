/**
 * Voices that have a name in the workspace: given to jobs that label speakers, and remembered when somebody names
 * one. An untrusted workspace's are not touched.
 */
import * as vscode from 'vscode';
import { knownSpeakers } from '../../client/folder-defaults.ts';
import { ignore, isIgnored, repositoryOf } from '../../client/repository.ts';
import type { JobOptions } from '../../schemas/job.ts';
import { remember } from '../../client/remembered-speakers.ts';
import { isUnnamed } from '../../text/speaker-names.ts';
import { placeToRemember, speakerPlaces, withSpeakers } from '../../text/speakers.ts';
import { readText } from '../ui/files.ts';
import { notify, notifyBriefly } from '../ui/notify.ts';

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

/** Repositories whose voices somebody does not want written down, for this window. */
const refused = new Set<string>();
/** As a repository's list of what it leaves out names it, wherever below it lies. */
const IGNORED = '.earshot/speakers.json';

/**
 * Keeps these voices under their names; where, or null when there was nothing to keep. Voices are personal data: into
 * a repository, where others would get them, they go once somebody has agreed, who is told by then.
 */
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
  const repository = before === null ? repositoryOf(path) : null;
  if (repository === null || (await isIgnored(repository, IGNORED))) {
    await remember(path, voices, recording.fsPath);
    return uri;
  }
  if (!refused.has(repository)) ask(repository, path, voices, recording.fsPath);
  return null;
}

function ask(repository: string, path: string, voices: Readonly<Record<string, string>>, recording: string): void {
  const keep = async (isIgnoredToo: boolean): Promise<void> => {
    if (isIgnoredToo) await ignore(repository, IGNORED);
    await remember(path, voices, recording);
    notifyBriefly(vscode.l10n.t('Voices are remembered in {0}.', vscode.workspace.asRelativePath(path)), 5000);
  };
  notify.info(
    vscode.l10n.t(
      'Remember these voices, so that the next recordings come with names? They are personal data, and this folder ' +
        'is a Git repository: others may get {0} with it.',
      vscode.workspace.asRelativePath(path),
    ),
    { title: vscode.l10n.t('Remember, Add to .gitignore'), run: () => keep(true) },
    { title: vscode.l10n.t('Remember'), run: () => keep(false) },
    { title: vscode.l10n.t('Do Not Remember'), run: () => refused.add(repository) },
  );
}
