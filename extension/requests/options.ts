/** Settings and choices as a job's options. */
import * as vscode from 'vscode';
import { basename, dirname, extname, relative, sep } from 'node:path';
import type { JobOptions } from '../../schemas/job.ts';
import { FORMATS, type Format, type Priority } from '../../schemas/words.ts';
import { termsOf } from '../../text/glossary.ts';
import { asTarget } from '../../text/links.ts';
import type { Template } from '../streaming/layout.ts';
import { parseShape, PLACEHOLDERS } from '../streaming/shape.ts';
import { gapText } from '../streaming/streams.ts';
import { notify } from '../ui/notify.ts';
import { shownName } from '../ui/words.ts';

export interface Choice {
  options: JobOptions;
  priority: Priority;
  document: { open: 'editor' | 'untitled' | 'saved' | 'none'; format: Template['format'] };
}

/** What the settings say for this recording. */
export function settled(scope: vscode.Uri | undefined): Choice {
  const setting = vscode.workspace.getConfiguration('earshot', scope);
  const text = (name: string): string | null => setting.get<string | null>(name, null) || null;
  const language = text('language'),
    translateTo = text('translateTo'),
    prompt = text('prompt'),
    glossary = termsOf(setting.get<unknown[]>('glossary', []));
  const models = Object.fromEntries(
    Object.entries(setting.get<Record<string, string>>('models', {})).filter(([, id]) => id),
  );
  const formats = setting
    .get<string[]>('outputFormats', ['json'])
    .filter((f): f is Format => (FORMATS as readonly string[]).includes(f));
  return {
    options: {
      repair: setting.get('repair', true),
      ...(setting.get('speakers', false) ? { speakers: {} } : {}),
      ...(language ? { language } : {}),
      ...(translateTo ? { translateTo } : {}),
      ...(prompt ? { prompt } : {}),
      ...(glossary.length ? { glossary } : {}),
      ...(Object.keys(models).length ? { models } : {}),
      outputs: { formats },
    },
    priority: setting.get<Priority>('priority', 'normal'),
    document: {
      open: setting.get<Choice['document']['open']>('document.open', 'editor'),
      format: setting.get<Template['format']>('document.format', 'markdown'),
    },
  };
}

/**
 * How the transcript of a recording is laid out. `heading`: whether it has one (and front matter), when it is up to us.
 * `document`: where it will stand; links to the recording go out from there.
 */
export function template(
  recording: string,
  format: Template['format'],
  scope: vscode.Uri | undefined,
  heading = true,
  document?: vscode.Uri,
): Template {
  const setting = vscode.workspace.getConfiguration('earshot', scope),
    shape = ownShape(setting),
    target = document && setting.get('document.links', true) ? asTarget(pathFrom(document, recording)) : null;
  return {
    format,
    timestamps: setting.get<Template['timestamps']>('document.timestamps', 'paragraph'),
    paragraphPauseMs: Math.round(setting.get('document.paragraphPauseSeconds', 1.5) * 1000),
    translation: setting.get<Template['translation']>('document.translation', 'below'),
    shape,
    heading: heading && setting.get('document.heading', true) ? basename(recording) : null,
    gap: gapText,
    speaker: shownName,
    link: target,
    chapterPauseMs: Math.round(setting.get('document.chapterPauseSeconds', 10) * 1000),
    frontMatter:
      heading && setting.get('document.frontMatter', false)
        ? {
            title: basename(recording, extname(recording)),
            recording: document ? pathFrom(document, recording) : recording,
            date: new Date().toISOString().slice(0, 10),
          }
        : null,
  };
}

/** The template that somebody wrote; null: none, or one that cannot be followed, which is said. */
function ownShape(setting: vscode.WorkspaceConfiguration): string | null {
  const shape = setting.get<string>('document.template', '');
  if (!shape.trim()) return null;
  const parsed = parseShape(shape);
  if (!('code' in parsed)) return shape;
  const { code, what } = parsed,
    all = PLACEHOLDERS.map(name => `{${name}}`).join(' ');
  const problem = {
    unknown: vscode.l10n.t('{0} is not a placeholder; use {1}.', what, all),
    twice: vscode.l10n.t('{0} appears twice.', what),
    noText: vscode.l10n.t('{0} is missing: nothing that was said would be written.', what),
    braces: vscode.l10n.t('a brace is not closed, or contains no placeholder: “{0}”.', what),
  }[code];
  notify.warn(vscode.l10n.t('The document template cannot be used: {0} The default is used instead.', problem), {
    title: vscode.l10n.t('Open the setting'),
    run: () => vscode.commands.executeCommand('workbench.action.openSettings', 'earshot.document.template'),
  });
  return null;
}

/**
 * The recording's path as the document says it: relative where both lie on one disk; an untitled document lies in the
 * workspace's folder.
 */
export function pathFrom(document: vscode.Uri, recording: string): string {
  const folder =
    document.scheme === 'untitled'
      ? vscode.workspace.getWorkspaceFolder(vscode.Uri.file(recording))?.uri.fsPath
      : dirname(document.fsPath);
  const path = folder === undefined ? recording : relative(folder, recording);
  return path.split(sep).join('/');
}

export const LANGUAGE_IDS: Readonly<Record<Template['format'], string>> = {
  markdown: 'markdown',
  text: 'plaintext',
  srt: 'srt',
  vtt: 'vtt',
};
export const FILE_ENDINGS: Readonly<Record<Template['format'], string>> = {
  markdown: 'md',
  text: 'txt',
  srt: 'srt',
  vtt: 'vtt',
};
