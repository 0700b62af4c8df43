/** What is wrong with a translation, decided without a model. */
import { similarity } from '../repair/distance.ts';
import { keepsNames } from './names.ts';
import { keepsNegation } from './negation.ts';
import { keepsNumbers } from './numbers.ts';

export interface Translated {
  source: string;
  target: string;
  from: string;
  to: string;
  before: readonly { source: string; target: string }[];
}
/** Whether a word belongs to a language; null when no dictionary of it is at hand. */
export type Knows = (language: string, word: string) => boolean | null;

export type Fault =
  | 'empty'
  | 'echo'
  | 'neighbour'
  | 'refusal'
  | 'long'
  | 'short'
  | 'script'
  | 'language'
  | 'numbers'
  | 'negation'
  | 'names'
  | 'terms';

/** The first fault found, worst first; null when the translation may stand. */
export function faultOf(translated: Translated, knows: Knows): Fault | null {
  const { source, target, from, to, before } = translated;
  if (!/[\p{L}\p{N}]/u.test(target)) return /[\p{L}\p{N}]/u.test(source) ? 'empty' : null;
  if (refuses(target) && !refuses(source)) return 'refusal';
  const words = (text: string) => text.match(/\p{L}+/gu) ?? [];
  if (
    languageOf(from) !== languageOf(to) &&
    words(source.replace(ADDRESS, '')).length > 3 &&
    similarity(source, target) > 0.85
  )
    return 'echo';
  if (before.some(pair => similarity(pair.target, target) > 0.9 && similarity(pair.source, source) < 0.7))
    return 'neighbour';
  if (!inScript(target, to)) return 'script';
  const ratio = spokenLength(target) / Math.max(1, spokenLength(source));
  if ((spokenLength(source) >= 12 && ratio > 2.2) || (spokenLength(source) < 12 && spokenLength(target) > 60))
    return 'long';
  if (spokenLength(source) >= 20 && ratio < 0.4) return 'short';
  if (wrongLanguage(words(target), from, to, knows)) return 'language';
  if (!keepsNumbers(source, target, from, to)) return 'numbers';
  if (!keepsNegation(source, target, from, to)) return 'negation';
  if (!keepsNames(source, target, from, to, knows)) return 'names';
  return null;
}

/** Web and mail addresses stay as they are. */
const ADDRESS = /(?<!\S)\S+[.@/]\S+/gu;

const languageOf = (code: string): string => code.split('-')[0]!;

const REFUSAL =
  /^\W*(i'?m sorry,? but i|i am sorry,? but i|as an ai|i cannot (assist|help|translate)|i can'?t (assist|help|translate)|sure[,!] here|here is the translation|the translation (is|of)|translation:|lo siento,? pero no puedo (ayudar|traducir|proporcionar)|抱歉，我(不能|无法)|对不起，我(不能|无法))/iu;
const refuses = (text: string): boolean => REFUSAL.test(text);

const SCRIPTS: Record<string, RegExp> = {
  zh: /\p{Script=Han}/gu,
  ja: /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/gu,
  ko: /\p{Script=Hangul}/gu,
  ru: /\p{Script=Cyrillic}/gu,
  uk: /\p{Script=Cyrillic}/gu,
  bg: /\p{Script=Cyrillic}/gu,
  sr: /[\p{Script=Cyrillic}\p{Script=Latin}]/gu,
  el: /\p{Script=Greek}/gu,
  ar: /\p{Script=Arabic}/gu,
  fa: /\p{Script=Arabic}/gu,
  he: /\p{Script=Hebrew}/gu,
  hi: /\p{Script=Devanagari}/gu,
  th: /\p{Script=Thai}/gu,
};
const LATIN = /\p{Script=Latin}/gu;

/** At least half the letters (a quarter where foreign names stay in Latin letters) are the language's own. */
function inScript(text: string, language: string): boolean {
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  if (letters < 4) return true;
  const own = SCRIPTS[languageOf(language)];
  return own ? (text.match(own)?.length ?? 0) >= letters * 0.25 : (text.match(LATIN)?.length ?? 0) >= letters * 0.75;
}

/** Rough length in Latin letters: one Han character says about as much as three letters. */
export const spokenLength = (text: string): number =>
  text.length +
  2 * (text.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu)?.length ?? 0);

/** More of its words belong to the language it came from than to the one it should be in. */
function wrongLanguage(words: readonly string[], from: string, to: string, knows: Knows): boolean {
  if (words.length < 4 || languageOf(from) === languageOf(to)) return false;
  let here = 0,
    there = 0;
  for (const word of words) {
    const target = knows(languageOf(to), word),
      source = knows(languageOf(from), word);
    if (target === null || source === null) return false;
    if (target) here++;
    if (source) there++;
  }
  return there > here;
}
