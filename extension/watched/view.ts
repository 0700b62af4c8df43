/** The watched folders, how they are, and what was decided about the newest files of each. */
import * as vscode from 'vscode';
import { plainText } from '../../text/markdown.ts';
import { basename, relative } from 'node:path';
import type { Job } from '../../schemas/job.ts';
import { isFinal } from '../../schemas/words.ts';
import type { WatchedFile, WatchedFolder } from '../../schemas/watch.ts';
import type { Deps } from '../requests/request.ts';
import type { Daemon } from '../connection/connection.ts';
import { DaemonTree } from '../views/tree.ts';
import { SafeMarkdown } from '../ui/markdown.ts';
import { confirm, notify } from '../ui/notify.ts';
import { decisionText, failureText, languageName, stageName, watchStateText } from '../ui/words.ts';
import { wayInto } from '../../text/paths.ts';
import { entryOf } from '../../text/messages/messages.ts';
import { changeFolder, settingOf, watchFolder } from './ask.ts';
import { specOf } from './entry.ts';
import { SETTING } from './sync.ts';

type Node = { folder: WatchedFolder } | { file: WatchedFile };
const RECENT = 50;

export class WatchedView extends DaemonTree<Node> {
  /** Jobs of the files that it shows. */
  readonly #shown = new Set<string>();

  constructor(daemon: Daemon) {
    super(
      daemon,
      change =>
        change.all ||
        change.watched ||
        // What became of its files.
        [...change.jobs].some(id => this.#shown.has(id) && isFinal(daemon.state.jobs.get(id)?.state ?? 'pending')),
    );
  }

  async getChildren(node?: Node): Promise<Node[]> {
    if (!node) {
      await this.daemon.start();
      return [...this.daemon.state.watched.values()]
        .sort((a, b) => (a.spec.path < b.spec.path ? -1 : 1))
        .map(folder => ({ folder }));
    }
    if ('file' in node) return [];
    const { files } = await this.daemon.call('watch/files', { path: node.folder.spec.path, limit: RECENT });
    for (const { job } of files) if (job) this.#shown.add(job);
    return files.map(file => ({ file }));
  }

  getTreeItem(node: Node): vscode.TreeItem {
    if ('folder' in node) return folderItem(node.folder);
    return fileItem(node.file, node.file.job ? this.daemon.state.jobs.get(node.file.job) : undefined);
  }
}

const ICONS: Readonly<Record<WatchedFolder['state'], [string, string?]>> = {
  starting: ['loading~spin'],
  watching: ['eye', 'charts.green'],
  polling: ['eye', 'charts.green'],
  paused: ['debug-pause'],
  missing: ['warning', 'editorWarning.foreground'],
  blocked: ['warning', 'editorWarning.foreground'],
};
const iconOf = ([name, color]: [string, string?]): vscode.ThemeIcon =>
  new vscode.ThemeIcon(name, color ? new vscode.ThemeColor(color) : undefined);

function folderItem({ spec, state, failure, counts }: WatchedFolder): vscode.TreeItem {
  const item = new vscode.TreeItem(basename(spec.path), vscode.TreeItemCollapsibleState.Collapsed),
    arriving = counts.waiting + counts.writing;
  item.id = spec.path;
  item.contextValue = state === 'paused' ? 'pausedFolder' : 'folder';
  item.iconPath = iconOf(entryOf(ICONS, state, ['eye']));
  item.description = [
    state === 'watching' || state === 'polling' ? null : watchStateText(state),
    vscode.l10n.t('{0} taken', counts.taken),
    arriving ? vscode.l10n.t('{0} arriving', arriving) : null,
    counts.refused ? vscode.l10n.t('{0} refused', counts.refused) : null,
  ]
    .filter(Boolean)
    .join(' · ');
  const text = new SafeMarkdown().text(spec.path).paragraph(),
    { options } = spec;
  const row = (name: string, value: string | undefined): void => {
    if (value) text.item(`${name}: ${value}`);
  };
  row(vscode.l10n.t('State'), watchStateText(state));
  row(
    vscode.l10n.t('What'),
    [
      options.language ? languageName(options.language) : null,
      options.repair ? stageName('repair') : null,
      options.translateTo ? `→ ${languageName(options.translateTo)}` : null,
      options.speak ? stageName('tts') : null,
      options.summary ? stageName('summary') : null,
    ]
      .filter(Boolean)
      .join(' · '),
  );
  row(vscode.l10n.t('Files'), options.outputs?.formats.join(', '));
  row(vscode.l10n.t('Write files to'), options.outputs?.directory);
  row(vscode.l10n.t('Move finished recordings to'), spec.moveTo);
  row(vscode.l10n.t('Only'), spec.include?.join(', '));
  row(vscode.l10n.t('Not'), spec.exclude?.join(', '));
  if (failure) text.paragraph().text(failureText(failure));
  item.tooltip = text.done();
  return item;
}

const FILE_ICONS: Partial<Record<WatchedFile['decision']['code'], [string, string?]>> = {
  taken: ['check', 'charts.green'],
  moved: ['check', 'charts.green'],
  waiting: ['watch'],
  writing: ['sync~spin'],
  open: ['sync~spin'],
  retry: ['history', 'editorWarning.foreground'],
  refused: ['error', 'editorError.foreground'],
};

/** Other files of the same folder by their paths within it. */
function near({ folder, decision }: WatchedFile): WatchedFile['decision'] {
  const short = (value: string | number): string | number => {
    const way = typeof value === 'string' && folder ? wayInto(folder, value) : null;
    return way || value;
  };
  return {
    ...decision,
    args: Object.fromEntries(
      Object.entries(decision.args).map(([name, value]) => [
        name,
        ['of', 'from', 'to'].includes(name) ? short(value) : value,
      ]),
    ),
  };
}

/** What became of a file that was taken; null: what was decided about it says all. */
function outcome(job: Job | undefined): { why: string; icon: [string, string?] } | null {
  switch (job?.state) {
    case 'failed':
      return {
        why: job.failure ? failureText(job.failure) : vscode.l10n.t('Failed'),
        icon: ['error', 'editorError.foreground'],
      };
    case 'cancelled':
      return { why: vscode.l10n.t('Canceled'), icon: ['circle-slash'] };
    case 'completed':
      return { why: vscode.l10n.t('Done'), icon: ['check', 'charts.green'] };
    default:
      return null;
  }
}

function fileItem(file: WatchedFile, job: Job | undefined): vscode.TreeItem {
  const item = new vscode.TreeItem(relative(file.folder ?? '', file.path)),
    became = file.decision.code === 'taken' ? outcome(job) : null,
    why = became?.why ?? decisionText(near(file));
  item.contextValue = 'file';
  item.iconPath = iconOf(became?.icon ?? FILE_ICONS[file.decision.code] ?? ['circle-slash']);
  item.description = why;
  item.tooltip = plainText(`${file.path}\n${why}\n${new Date(file.at).toLocaleString(vscode.env.language)}`);
  if (file.job)
    item.command = {
      command: 'earshot.openTranscript',
      title: vscode.l10n.t('Open the transcript'),
      arguments: [file.job],
    };
  return item;
}

/** Takes a folder's entry out of the setting that it stands in; false: it stands in none. */
async function takeOut({ spec }: WatchedFolder): Promise<boolean> {
  const setting = settingOf(spec.owner),
    after = setting?.entries.filter(each => specOf(each, setting.base, '')?.path !== spec.path) ?? [];
  if (!setting || after.length === setting.entries.length) return false;
  await vscode.workspace
    .getConfiguration('earshot')
    .update(SETTING, after.length > 0 ? after : undefined, setting.target);
  return true;
}

export const watchCommands = (deps: Deps): Record<string, (node?: unknown) => Promise<unknown>> => {
  const { daemon } = deps,
    folderOf = (node: unknown): WatchedFolder | null =>
      (node as { folder?: WatchedFolder } | undefined)?.folder ?? null,
    fileOf = (node: unknown): WatchedFile | null => (node as { file?: WatchedFile } | undefined)?.file ?? null;
  return {
    watchFolder: async uri => {
      const path = await watchFolder(deps, uri);
      if (path) await vscode.commands.executeCommand('earshot.watched.focus');
      return path;
    },
    'watch.pause': async node => {
      const folder = folderOf(node);
      if (folder) await daemon.call('watch/pause', { paths: [folder.spec.path] });
    },
    'watch.resume': async node => {
      const folder = folderOf(node);
      if (folder) await daemon.call('watch/resume', { paths: [folder.spec.path] });
    },
    'watch.remove': async node => {
      const folder = folderOf(node);
      if (
        !folder ||
        !(await confirm(
          vscode.l10n.t('Stop watching {0}?', folder.spec.path),
          vscode.l10n.t('Stop Watching'),
          vscode.l10n.t('What was transcribed stays, and is not transcribed again if you watch the folder again.'),
        ))
      )
        return;
      if (!(await takeOut(folder))) await daemon.call('watch/remove', { paths: [folder.spec.path] });
    },
    'watch.change': async node => {
      const folder = folderOf(node);
      if (folder) await changeFolder(deps, folder);
    },
    'watch.open': async node => {
      const path = folderOf(node)?.spec.path ?? fileOf(node)?.path;
      if (path)
        await vscode.commands.executeCommand(
          vscode.workspace.getWorkspaceFolder(vscode.Uri.file(path)) ? 'revealInExplorer' : 'revealFileInOS',
          vscode.Uri.file(path),
        );
    },
    'watch.why': async node => {
      const file = fileOf(node);
      if (!file) return;
      const { decision } = (await daemon.call('watch/why', { path: file.path })).file;
      notify.info(`${basename(file.path)}: ${decisionText(decision)}`);
    },
  };
};
