/** Which languages there are: those that have a name. */
import { EarshotError } from '../schemas/errors.ts';

const named = (locale: string, code: string, fallback: 'code' | 'none'): string | undefined =>
  new Intl.DisplayNames([locale], { type: 'language', fallback }).of(code);

/** Whether a tag such as `en` or `pt-BR` begins with a language. */
export function isLanguage(tag: string): boolean {
  try {
    return named('en', tag.split('-')[0]!, 'none') !== undefined;
  } catch {
    return false;
  }
}

/** Codes of countries that are taken for those of their languages. */
const COUNTRIES: Readonly<Record<string, string>> = { jp: 'ja', cn: 'zh', kr: 'ko', cz: 'cs', dk: 'da', gr: 'el' };
/** Languages that people write out. */
const WRITTEN_OUT =
  'af ar bg bn ca cs cy da de el en es et fa fi fr ga gl he hi hr hu id is it ja ko lt lv ms nl no pl pt ro ru sk sl ' +
  'sq sr sv sw ta th tr uk ur vi yue zh';

/** The code that was meant: by a language's name in English, Chinese or itself. */
function codeOf(text: string): string | undefined {
  const wanted = text.trim().toLowerCase();
  return (
    COUNTRIES[wanted] ??
    WRITTEN_OUT.split(' ').find(code =>
      ['en', 'zh-CN', code].some(locale => named(locale, code, 'code')?.toLowerCase() === wanted),
    )
  );
}

/** @throws unknownLanguage, with the code that was probably meant */
export function checkLanguage(tag: string): void {
  if (!isLanguage(tag)) throw new EarshotError('unknownLanguage', { language: tag, code: codeOf(tag) });
}

/** A language as people write it: `EN`, `pt_br`. @throws unknownLanguage */
export function languageOf(text: string): string {
  checkLanguage(text.replaceAll('_', '-'));
  return Intl.getCanonicalLocales(text.replaceAll('_', '-'))[0]!;
}
