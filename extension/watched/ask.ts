/** “Watch this folder”: a sheet with its recipe, that remembers the last one; then an entry in the settings. */
import * as vscode from 'vscode';
import { basename, join, relative } from 'node:path';
import type { WatchedFolder } from '../../schemas/watch.ts';
import { wayInto } from '../../text/paths.ts';
import { recordingsIn } from '../requests/recordings.ts';
import { settled, type Choice } from '../requests/options.ts';
import { pickFormats, sheet, whatRows, type Row } from '../commands/sheet.ts';
import type { Deps } from '../requests/request.ts';
import { specOf, written, type Entry } from './entry.ts';
import { SETTING, workspaceBase, workspaceOwner } from './sync.ts';
import { askText } from '../ui/pick.ts';

const LAST = 'earshot.lastRecipe';
const icon = (name: string): vscode.ThemeIcon => new vscode.ThemeIcon(name);
interface Recipe extends Pick<Choice, 'options'> {
  output: string | null;
  moveTo: string | null;
  subfolders: boolean;
  existing: 'take' | 'leave';
}

/** Null: given up. Called on a folder of the explorer, or asks for one. */
export async function watchFolder({ daemon, memory }: Deps, uri?: unknown): Promise<string | null> {
  const [folder] =
    uri instanceof vscode.Uri
      ? [uri]
      : ((await vscode.window.showOpenDialog({
          canSelectFiles: false,
          canSelectFolders: true,
          openLabel: vscode.l10n.t('Watch'),
        })) ?? []);
  if (!folder) return null;
  const base = settled(folder),
    last = memory.get<Partial<Recipe>>(LAST),
    there = (await recordingsIn([folder])).length;
  const first: Recipe = {
    options: { ...base.options, ...last?.options },
    output: last?.output ?? null,
    moveTo: last?.moveTo ?? null,
    subfolders: last?.subfolders ?? true,
    existing: 'take',
  };
  const recipe = await sheet(vscode.l10n.t('Watch {0}', folder.path.split('/').at(-1)!), first, each => [
    {
      label: vscode.l10n.t('Watch'),
      description: vscode.l10n.t('new recordings are transcribed, even when no window is open'),
      iconPath: icon('eye'),
      start: true,
    },
    ...rowsOf(each, memory, there),
  ]);
  if (!recipe) return null;
  const { existing, ...kept } = recipe;
  await memory.update(LAST, kept);
  const place = workspaceBase(),
    inWorkspace = place !== null && wayInto(place, folder.fsPath) !== null;
  const entry = entryOf(folder.fsPath, recipe, inWorkspace ? place : null);
  // What lies there already is left by the daemon before the settings give it the rest.
  const spec = specOf(entry, inWorkspace ? place : null, (inWorkspace ? workspaceOwner() : null) ?? 'user');
  if (existing === 'leave' && spec) await daemon.call('watch/add', { folder: spec, existing });
  const setting = vscode.workspace.getConfiguration('earshot'),
    target = inWorkspace ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global;
  const found = setting.inspect<Entry[]>(SETTING),
    before = (inWorkspace ? found?.workspaceValue : found?.globalValue) ?? [];
  await setting.update(SETTING, [...before.filter(each => each.path !== entry.path), entry], target);
  return folder.fsPath;
}

/** The settings that a folder's entry may stand in, and what they say; null: it came another way. */
export function settingOf(
  owner: string | undefined,
): { target: vscode.ConfigurationTarget; base: string | null; entries: Entry[] } | null {
  const found = vscode.workspace.getConfiguration('earshot').inspect<Entry[]>(SETTING);
  if (owner === 'user')
    return { target: vscode.ConfigurationTarget.Global, base: null, entries: found?.globalValue ?? [] };
  return owner?.startsWith('workspace ')
    ? { target: vscode.ConfigurationTarget.Workspace, base: workspaceBase(), entries: found?.workspaceValue ?? [] }
    : null;
}

/** Asks anew what is done with the recordings of a folder; where its entry is in the settings, they are changed. */
export async function changeFolder({ daemon, memory }: Deps, { spec }: WatchedFolder): Promise<void> {
  const { path, options } = spec,
    within = (place: string | undefined): string | null => (place === undefined ? null : relative(path, place));
  const first: Recipe = {
    options: { ...options, outputs: { formats: options.outputs?.formats ?? [] } },
    output: within(options.outputs?.directory),
    moveTo: within(spec.moveTo),
    subfolders: spec.subfolders !== false,
    existing: 'take',
  };
  const recipe = await sheet(basename(path), first, each => [
    { label: vscode.l10n.t('Save'), description: path, iconPath: icon('save'), start: true },
    ...rowsOf(each, memory, 0),
  ]);
  if (!recipe) return;
  const setting = settingOf(spec.owner),
    at = setting ? setting.entries.findIndex(each => specOf(each, setting.base, '')?.path === path) : -1;
  if (!setting || at < 0) {
    const made = specOf(entryOf(path, recipe, null), null, '');
    if (!made) return;
    const { owner: _nobody, ...folder } = made,
      { moveTo: _before, subfolders: _either, ...kept } = spec;
    return void (await daemon.call('watch/add', { folder: { ...kept, ...folder } }));
  }
  const { path: written, include, exclude, settleSeconds, quietSeconds, pollSeconds, priority } = setting.entries[at]!,
    kept = { include, exclude, settleSeconds, quietSeconds, pollSeconds, priority };
  const entry: Entry = {
    ...entryOf(path, recipe, setting.base),
    ...Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined)),
    path: written,
  };
  await vscode.workspace.getConfiguration('earshot').update(SETTING, setting.entries.with(at, entry), setting.target);
}

function entryOf(path: string, { options, output, moveTo, subfolders }: Recipe, base: string | null): Entry {
  const { language, translateTo, prompt, models, speakers, summary } = options,
    formats = options.outputs?.formats ?? [];
  return {
    path: written(path, base),
    ...(language ? { language } : {}),
    ...(options.repair ? {} : { repair: false }),
    ...(translateTo ? { translateTo } : {}),
    ...(options.speak ? { speak: true } : {}),
    ...(speakers ? { speakers: speakers.count ?? true } : {}),
    ...(summary ? { summary } : {}),
    ...(prompt ? { prompt } : {}),
    ...(models ? { models } : {}),
    ...(formats.length > 0 ? { formats } : {}),
    ...(output ? { output: written(join(path, output), base) } : {}),
    ...(moveTo ? { moveTo: written(join(path, moveTo), base) } : {}),
    ...(subfolders ? {} : { subfolders: false }),
  };
}

function rowsOf(recipe: Recipe, memory: vscode.Memento, there: number): Row<Recipe>[] {
  const { outputs } = recipe.options;
  const within = async (title: string, value: string | null): Promise<string | null | undefined> => {
    const text = await askText({
      title,
      value: value ?? '',
      placeHolder: vscode.l10n.t('a folder within it; empty: none'),
    });
    return text === undefined ? undefined : text.trim() || null;
  };
  return [
    ...(there > 0
      ? [
          {
            label:
              there === 1
                ? vscode.l10n.t('One recording that is already there')
                : vscode.l10n.t('{0} recordings that are already there', there),
            description: recipe.existing === 'take' ? vscode.l10n.t('transcribed too') : vscode.l10n.t('left alone'),
            iconPath: icon('history'),
            change: async (c: Recipe) => ({
              ...c,
              existing: c.existing === 'take' ? ('leave' as const) : ('take' as const),
            }),
          },
        ]
      : []),
    { label: vscode.l10n.t('What'), kind: vscode.QuickPickItemKind.Separator },
    ...whatRows(recipe, memory),
    { label: vscode.l10n.t('Where'), kind: vscode.QuickPickItemKind.Separator },
    {
      label: vscode.l10n.t('Files'),
      description: (outputs?.formats ?? []).join(', ') || vscode.l10n.t('none'),
      iconPath: icon('files'),
      change: async c => {
        const formats = await pickFormats(c.options.outputs?.formats ?? []);
        return formats && { ...c, options: { ...c.options, outputs: { ...c.options.outputs, formats } } };
      },
    },
    {
      label: vscode.l10n.t('Write files to'),
      description: recipe.output ?? vscode.l10n.t('beside the recording'),
      iconPath: icon('folder'),
      change: async c => {
        const output = await within(vscode.l10n.t('Write files to'), c.output);
        return output === undefined ? undefined : { ...c, output };
      },
    },
    {
      label: vscode.l10n.t('Move finished recordings to'),
      description: recipe.moveTo ?? vscode.l10n.t('leave them in place'),
      iconPath: icon('archive'),
      change: async c => {
        const moveTo = await within(vscode.l10n.t('Move finished recordings to'), c.moveTo);
        return moveTo === undefined ? undefined : { ...c, moveTo };
      },
    },
    {
      label: vscode.l10n.t('Include subfolders'),
      description: recipe.subfolders ? vscode.l10n.t('yes') : vscode.l10n.t('no'),
      iconPath: icon('list-tree'),
      change: async c => ({ ...c, subfolders: !c.subfolders }),
    },
  ];
}
