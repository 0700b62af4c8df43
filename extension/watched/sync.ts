/**
 * What the settings say about watched folders, sent to the daemon: the user's under one owner, this workspace's under
 * another, each the whole truth about its folders. They stay watched when the window closes. A workspace that is not
 * trusted has no say.
 */
import * as vscode from 'vscode';
import { realpath } from 'node:fs/promises';
import type { WatchSpec } from '../../schemas/watch.ts';
import type { Preset } from '../../schemas/preset.ts';
import { presetsOf } from '../requests/presets.ts';
import type { Deps } from '../requests/request.ts';
import { notify } from '../ui/notify.ts';
import { errorText } from '../ui/words.ts';
import { specOf } from './entry.ts';

export const SETTING = 'watchedFolders';
const SENT = 'earshot.watchedFolders.told';

/** Where paths of the workspace's setting start; null: no folder is open. */
export const workspaceBase = (): string | null =>
  vscode.workspace.workspaceFolders?.find(folder => folder.uri.scheme === 'file')?.uri.fsPath ?? null;
export const workspaceOwner = (): string | null => {
  const uri = vscode.workspace.workspaceFile ?? vscode.workspace.workspaceFolders?.[0]?.uri;
  return uri ? `workspace ${uri.toString()}` : null;
};

/** Folders by owner, as the settings are now. */
export function wanted(presets: Readonly<Record<string, Preset>> = {}): { owner: string; specs: WatchSpec[] }[] {
  const found = vscode.workspace.getConfiguration('earshot').inspect<unknown[]>(SETTING),
    base = workspaceBase(),
    owner = workspaceOwner();
  const specs = (value: unknown, from: string | null, by: string): WatchSpec[] =>
    Array.isArray(value) ? value.flatMap(each => specOf(each, from, by, presets) ?? []) : [];
  return [
    { owner: 'user', specs: specs(found?.globalValue, null, 'user') },
    ...(owner !== null && vscode.workspace.isTrusted
      ? [{ owner, specs: specs(found?.workspaceValue, base, owner) }]
      : []),
  ];
}

export function syncFolders({ daemon, memory, log }: Deps): vscode.Disposable {
  let last = Promise.resolve();
  const sync = async (): Promise<void> => {
    // The daemon is not started to look up what nobody uses.
    const presets = wanted().some(({ specs }) => specs.length > 0) ? await presetsOf(daemon) : {};
    for (const { owner, specs } of wanted(presets)) {
      // Only the folders of this owner are touched, and only when somebody changed what is wanted, or the daemon does
      // not have it.
      const sent = memory.get<Record<string, string>>(`${SENT} ${owner}`, {}),
        now: Record<string, string> = {};
      if (specs.length === 0 && Object.keys(sent).length === 0) continue;
      const { folders } = await daemon.call('watch/list', {}),
        ours = folders.filter(folder => folder.spec.owner === owner),
        places = new Set<string>();
      for (const spec of specs) {
        const place = await realpath(spec.path).catch(() => spec.path),
          text = JSON.stringify(spec);
        places.add(place);
        now[place] = text;
        if (sent[place] === text && ours.some(folder => folder.spec.path === place)) continue;
        try {
          await daemon.call('watch/add', { folder: spec });
        } catch (error) {
          delete now[place];
          log.error(`${spec.path}: ${errorText(error)}`);
          if (!sent[place]) notify.warn(errorText(error));
        }
      }
      const gone = ours.map(folder => folder.spec.path).filter(path => !places.has(path));
      if (gone.length > 0) await daemon.call('watch/remove', { paths: gone });
      await memory.update(`${SENT} ${owner}`, now);
    }
  };
  const soon = (): void => {
    last = last.then(sync).catch(error => {
      log.error(errorText(error));
    });
  };
  // A watched folder is worthless while nobody is there: the daemon is started for it, but not in the way of the
  // window.
  const first = setTimeout(soon, 1000);
  return vscode.Disposable.from(
    new vscode.Disposable(() => clearTimeout(first)),
    daemon.onConnection(connection => {
      if (connection.kind === 'connected') soon();
    }),
    vscode.workspace.onDidChangeConfiguration(event => {
      if (event.affectsConfiguration(`earshot.${SETTING}`)) soon();
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(soon),
  );
}
