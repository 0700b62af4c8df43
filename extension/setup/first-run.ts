/**
 * Before the first recording: which recognizer, how large, how quick and where to. Asked while none is there and none
 * was chosen; nothing is fetched before the answer.
 */
import * as vscode from 'vscode';
import { homedir } from 'node:os';
import type { JobOptions } from '../../schemas/job.ts';
import type { Recommendation } from '../../schemas/model.ts';
import { entryOf } from '../../text/messages/messages.ts';
import type { Daemon } from '../connection/connection.ts';
import { modelsReady } from '../connection/mirror.ts';
import { withProgress } from '../ui/notify.ts';
import { createPick, taken } from '../ui/pick.ts';
import { bytesText, languageName, numberText } from '../ui/words.ts';

type Row = vscode.QuickPickItem & { model?: string; all?: true };

/** False: given up. What is chosen becomes the default. */
export async function ensureRecognizer(
  daemon: Daemon,
  options: Pick<JobOptions, 'language' | 'models'>,
): Promise<boolean> {
  if (options.models?.asr) return true;
  await daemon.start();
  if (modelsReady(daemon.state)) return true;
  const { settings } = await daemon.call('settings/get', {});
  if (settings.defaultModels.asr) return true;
  const { recommendations, directory } = await withProgress(
    { location: vscode.ProgressLocation.Window, title: vscode.l10n.t('Looking at this machine…') },
    () => daemon.call('model/recommend', options.language ? { languages: [options.language] } : {}),
  );
  // Nothing can be had: the job says why.
  if (!recommendations.length) return true;
  const picked = await show(recommendations, directory);
  if (picked?.all) await vscode.commands.executeCommand('earshot.models.focus');
  if (!picked?.model) return false;
  await daemon.call('settings/set', { values: { defaultModels: { ...settings.defaultModels, asr: picked.model } } });
  return true;
}

/** The choice is open again: what was chosen was not wanted after all. */
export async function forgetRecognizer(daemon: Daemon): Promise<void> {
  const { settings } = await daemon.call('settings/get', {}),
    { asr, ...defaultModels } = settings.defaultModels;
  if (asr && daemon.state.models.get(asr)?.state !== 'installed')
    await daemon.call('settings/set', { values: { defaultModels } });
}

function show(recommendations: readonly Recommendation[], directory: string): Promise<Row | undefined> {
  const quick = createPick<Row>(),
    rows = [
      ...recommendations.map(rowOf),
      { label: '', kind: vscode.QuickPickItemKind.Separator },
      {
        label: vscode.l10n.t('Choose from all models…'),
        iconPath: new vscode.ThemeIcon('list-unordered'),
        all: true as const,
      },
    ];
  Object.assign(quick, {
    title: vscode.l10n.t('Which speech model should Earshot use?'),
    placeholder: vscode.l10n.t('Downloaded once, to {0}. Recordings stay on this machine.', fromHome(directory)),
    items: rows,
    activeItems: rows.filter((_, i) => recommendations[i]?.tier === 'recommended'),
    ignoreFocusOut: true,
  });
  return taken(quick);
}

/** `~/.local/share/…` where that is what people call it. */
const fromHome = (path: string): string =>
  process.platform !== 'win32' && path.startsWith(`${homedir()}/`) ? `~${path.slice(homedir().length)}` : path;

const TIER_ICONS: Readonly<Record<Recommendation['tier'], string>> = {
  small: 'dash',
  recommended: 'star-full',
  best: 'sparkle',
};

function rowOf(each: Recommendation): Row {
  const { tier, name, model, downloadBytes, engineBytes } = each;
  const label = {
    small: vscode.l10n.t('Small: {0}', name),
    recommended: vscode.l10n.t('Recommended: {0}', name),
    best: vscode.l10n.t('Best: {0}', name),
  };
  return {
    label: entryOf(label, tier, name),
    description:
      engineBytes > 0
        ? vscode.l10n.t('{0}, and about {1} of programs', bytesText(downloadBytes), bytesText(engineBytes))
        : bytesText(downloadBytes),
    detail: [hourText(each), accuracyText(each.wordErrors), languagesText(each.languages), each.licence].join(' · '),
    iconPath: new vscode.ThemeIcon(entryOf(TIER_ICONS, tier, 'package')),
    model,
  };
}

/** In the words of somebody who waits for it. */
function hourText({ speed, measured }: Recommendation): string {
  const minutes = Math.max(1, Math.round(60 / speed));
  if (minutes === 1) return vscode.l10n.t('an hour in about a minute');
  return measured
    ? vscode.l10n.t('an hour in {0} minutes (measured here)', numberText(minutes))
    : vscode.l10n.t('an hour in about {0} minutes', numberText(minutes));
}

const accuracyText = (wordErrors: number): string =>
  vscode.l10n.t('{0} of 100 English words wrong', numberText(Math.round(wordErrors)));

const languagesText = (languages: readonly string[]): string =>
  languages.length === 1
    ? languageName(languages[0]!)
    : languages.length === 0
      ? vscode.l10n.t('about 100 languages')
      : vscode.l10n.t('{0} languages', languages.length);
