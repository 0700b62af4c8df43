/** Which files are recordings, and how a choice of files and folders becomes paths. */
import * as vscode from 'vscode';
import { stat } from 'node:fs/promises';
import { isNamedRecording, isRecordingFile } from '../../client/recording-content.ts';
import { MEDIA_EXTENSIONS, SHARED_EXTENSIONS } from '../../schemas/media.ts';
import { pick } from '../ui/pick.ts';

/** A file that somebody named: by its name, or else by its content. */
export const isRecording = (uri: vscode.Uri): Promise<boolean> => isNamedRecording(uri.fsPath);

/** For a search of the workspace, in whatever case. */
const GLOB = `**/*.{${[...MEDIA_EXTENSIONS, ...SHARED_EXTENSIONS].flatMap(e => [e, e.toUpperCase()]).join(',')}}`;

const filtered = async (uris: readonly vscode.Uri[], keep: (uri: vscode.Uri) => Promise<boolean>) => {
  const kept = await Promise.all(uris.map(keep));
  return uris.filter((_, i) => kept[i]);
};

/**
 * A list as drag and drop and the clipboard carry it. In a remote window its addresses are those of the window's side,
 * not of this machine.
 */
export const fromUriList = (list: string): vscode.Uri[] =>
  list
    .split(/\r?\n/)
    .filter(line => line && !line.startsWith('#'))
    .map(line => vscode.Uri.parse(line))
    .map(uri => (uri.scheme === 'vscode-remote' ? uri.with({ scheme: 'file', authority: '' }) : uri));

/** Folders give the recordings in them and below, by name; other files stay out, whatever is selected with them. */
export async function recordingsIn(uris: readonly vscode.Uri[]): Promise<vscode.Uri[]> {
  const found = await Promise.all(
    uris.map(async uri => {
      if (
        !(await stat(uri.fsPath).then(
          found => found.isDirectory(),
          () => false,
        ))
      )
        return (await isRecording(uri)) ? [uri] : [];
      const inside = await vscode.workspace.findFiles(new vscode.RelativePattern(uri, GLOB), null);
      const recordings = await filtered(inside, each => isRecordingFile(each.fsPath));
      return recordings.sort((a, b) => a.path.localeCompare(b.path, undefined, { numeric: true }));
    }),
  );
  return [...new Map(found.flat().map(uri => [uri.toString(), uri])).values()];
}

/**
 * What the command was called on: the explorer's selection, a tab, a panel's files, or a choice of the moment. Null:
 * given up.
 */
export async function chosen(uri: unknown, all: unknown): Promise<vscode.Uri[] | null> {
  const list = Array.isArray(all) && all.length ? all : uri instanceof vscode.Uri ? [uri] : [];
  const uris = list.filter((u): u is vscode.Uri => u instanceof vscode.Uri);
  if (uris.length) return uris;
  const active = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  if (uri === undefined && active instanceof vscode.TabInputCustom && (await isRecording(active.uri)))
    return [active.uri];
  return pickRecording();
}

/** What a choice offers: names that say it themselves, so that a workspace of TypeScript is not read for it. */
const NAMED = `**/*.{${MEDIA_EXTENSIONS.flatMap(e => [e, e.toUpperCase()]).join(',')}}`;

/** Recordings of the workspace by name, newest first, and the rest of the disk behind them. */
async function pickRecording(): Promise<vscode.Uri[] | null> {
  const found = await vscode.workspace.findFiles(NAMED, '**/node_modules/**', 500);
  if (!found.length) return browse();
  type Item = vscode.QuickPickItem & { uri?: vscode.Uri };
  const items: Item[] = [
    ...found.map(uri => ({
      label: uri.path.split('/').at(-1)!,
      iconPath: new vscode.ThemeIcon('file-media'),
      description: vscode.workspace.asRelativePath(vscode.Uri.joinPath(uri, '..')),
      uri,
    })),
    { label: '', kind: vscode.QuickPickItemKind.Separator },
    { label: vscode.l10n.t('Another file…'), iconPath: new vscode.ThemeIcon('folder-opened') },
  ];
  const picked = await pick(items, { title: vscode.l10n.t('Which recording?'), matchOnDescription: true });
  return !picked ? null : picked.uri ? [picked.uri] : browse();
}

async function browse(): Promise<vscode.Uri[] | null> {
  const picked = await vscode.window.showOpenDialog({
    canSelectMany: true,
    openLabel: vscode.l10n.t('Transcribe'),
    filters: {
      [vscode.l10n.t('Recordings')]: [...MEDIA_EXTENSIONS, ...SHARED_EXTENSIONS],
      [vscode.l10n.t('All files')]: ['*'],
    },
  });
  return picked?.length ? picked : null;
}
