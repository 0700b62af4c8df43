/**
 * Which recordings have a transcript, for the conditions of menus: those beside a transcript file of the workspace, and
 * those that a job of this window made one of. A search of names and a look into the folders that have some; no file is
 * opened.
 */
import * as vscode from 'vscode';
import { dirname, join, parse, sep } from 'node:path';
import { MEDIA_EXTENSIONS, SHARED_EXTENSIONS } from '../../schemas/media.ts';
import type { Daemon } from '../connection/connection.ts';

const ENDING = '.earshot.json';
const MOST_FILES = 5000;
/** Many files that come at once, as from a checkout, are looked at together. */
const SETTLED_MS = 300;
const MEDIA = new Set([...MEDIA_EXTENSIONS, ...SHARED_EXTENSIONS].map(each => `.${each}`));

/** The recordings among the names in a folder that the transcripts among them may be of. */
export function transcribedAmong(names: readonly string[]): string[] {
  const stems = new Set(
    names.flatMap(name => (name.toLowerCase().endsWith(ENDING) ? [name.slice(0, -ENDING.length)] : [])),
  );
  return names.filter(name => {
    const { name: stem, ext } = parse(name);
    return MEDIA.has(ext.toLowerCase()) && (stems.has(stem) || stems.has(name));
  });
}

/** The folders with more than one of these paths in them or below, up to the folders of the workspace. */
export function foldersOfSeveral(paths: readonly string[], roots: readonly string[]): string[] {
  const count = new Map<string, number>();
  for (const path of paths) {
    const root = roots.find(folder => path.startsWith(folder.endsWith(sep) ? folder : folder + sep));
    if (root === undefined) continue;
    for (let folder = dirname(path); folder.length >= root.length; folder = dirname(folder)) {
      count.set(folder, (count.get(folder) ?? 0) + 1);
      if (folder === dirname(folder)) break;
    }
  }
  return [...count].flatMap(([folder, n]) => (n > 1 ? [folder] : []));
}

/** Keeps the context keys `earshot.withTranscript`, paths of recordings, and `earshot.withTranscripts`, of folders. */
export function withTranscript(daemon: Daemon): vscode.Disposable {
  const byFolder = new Map<string, string[]>(),
    waiting = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  const publish = (): void => {
    const jobs = [...daemon.state.jobs.values()].filter(job => job.state === 'completed');
    const paths = [...new Set([...[...byFolder.values()].flat(), ...jobs.map(job => job.recording.path)])],
      roots = (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath);
    void vscode.commands.executeCommand('setContext', 'earshot.withTranscript', paths);
    void vscode.commands.executeCommand('setContext', 'earshot.withTranscripts', foldersOfSeveral(paths, roots));
  };
  const look = async (): Promise<void> => {
    const folders = [...waiting];
    waiting.clear();
    await Promise.all(
      folders.map(async folder => {
        const entries = await Promise.resolve(vscode.workspace.fs.readDirectory(vscode.Uri.file(folder))).catch(
          () => [],
        );
        const found = transcribedAmong(entries.map(([name]) => name));
        if (found.length)
          byFolder.set(
            folder,
            found.map(name => join(folder, name)),
          );
        else byFolder.delete(folder);
      }),
    );
    publish();
  };
  const soon = (folder?: string): void => {
    if (folder !== undefined) waiting.add(folder);
    clearTimeout(timer);
    timer = setTimeout(() => void look(), SETTLED_MS);
  };
  const watcher = vscode.workspace.createFileSystemWatcher(`**/*${ENDING}`, false, true, false),
    changed = (uri: vscode.Uri): void => soon(dirname(uri.fsPath));
  const search = async (): Promise<void> => {
    const files = await vscode.workspace.findFiles(`**/*${ENDING}`, '**/node_modules/**', MOST_FILES);
    for (const uri of files) if (uri.scheme === 'file') soon(dirname(uri.fsPath));
  };
  void Promise.resolve()
    .then(search)
    .catch(() => undefined); // a workspace that cannot be searched has no entry in a menu
  return vscode.Disposable.from(
    watcher,
    watcher.onDidCreate(changed),
    watcher.onDidDelete(changed),
    vscode.workspace.onDidChangeWorkspaceFolders(() => void search()),
    daemon.onChange(change => {
      if (
        change.all ||
        change.removed.size ||
        [...change.jobs].some(id => daemon.state.jobs.get(id)?.state === 'completed')
      )
        soon();
    }),
    new vscode.Disposable(() => clearTimeout(timer)),
  );
}
