/** Choosing a language: those chosen lately first, then all that the models know, by name. */
import * as vscode from 'vscode';
import { languageName } from '../ui/words.ts';
import { pick } from '../ui/pick.ts';

/** What Whisper and the translators have in common, most spoken first. */
const COMMON = [
  'en',
  'zh',
  'es',
  'hi',
  'ar',
  'pt',
  'fr',
  'ru',
  'de',
  'ja',
  'ko',
  'it',
  'tr',
  'vi',
  'pl',
  'uk',
  'nl',
  'id',
  'th',
  'fa',
  'sv',
  'cs',
  'ro',
  'hu',
  'el',
  'he',
  'da',
  'fi',
  'no',
  'bg',
  'hr',
  'sk',
  'sl',
  'lt',
  'lv',
  'et',
  'ca',
  'bn',
  'ta',
  'ur',
  'ms',
  'sw',
  'af',
];
const LATELY = 'earshot.languages';

export interface LanguageQuestion {
  title: string;
  /** An entry for none, or for hearing it, before the languages. */ none?: string;
  current?: string | null;
}

/** A code, null for the entry `none`, undefined when given up. */
export async function pickLanguage(
  memory: vscode.Memento,
  { title, none, current }: LanguageQuestion,
): Promise<string | null | undefined> {
  type Item = vscode.QuickPickItem & { code?: string | null };
  const lately = memory.get<string[]>(LATELY, []),
    item = (code: string): Item => ({
      label: languageName(code),
      description: code,
      code,
      ...(code === current ? { picked: true } : {}),
    });
  const rest = COMMON.filter(code => !lately.includes(code))
    .map(item)
    .sort((a, b) => a.label.localeCompare(b.label, vscode.env.language));
  const items: Item[] = [
    ...(none === undefined ? [] : [{ label: none, code: null, iconPath: new vscode.ThemeIcon('circle-slash') }]),
    ...(lately.length
      ? [{ label: vscode.l10n.t('Recently used'), kind: vscode.QuickPickItemKind.Separator }, ...lately.map(item)]
      : []),
    { label: vscode.l10n.t('Languages'), kind: vscode.QuickPickItemKind.Separator },
    ...rest,
  ];
  const picked = await pick(items, {
    title,
    matchOnDescription: true,
    placeHolder: vscode.l10n.t('Type a name or a code'),
  });
  if (!picked || picked.code === undefined) return undefined;
  if (picked.code)
    void memory.update(LATELY, [picked.code, ...lately.filter(code => code !== picked.code)].slice(0, 4));
  return picked.code;
}
