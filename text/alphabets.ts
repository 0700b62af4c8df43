/**
 * Which languages a text may be in, by its letters: for texts whose encoding nothing names. Read in a wrong one, words
 * get letters that their language does not have, or far too many with accents. Pure.
 */

/** What texts of these languages were saved in before UTF-8, the most usual first; and their letters beyond a to z. */
const ALPHABETS: readonly (readonly [languages: string, encodings: string, letters: RegExp | string])[] = [
  ['en', 'windows-1252', 'éèêëàâäçîïñôöü'],
  ['ru', 'windows-1251 koi8-r ibm866 iso-8859-5', 'абвгдежзийклмнопрстуфхцчшщъыьэюяё'],
  ['de', 'windows-1252', 'äöüßéèàâêçñ'],
  ['fr', 'windows-1252', 'àâæçèéêëîïôùûüÿœñ'],
  ['es', 'windows-1252', 'áéíñóúüçªº'],
  ['pt', 'windows-1252', 'áâãàçéêíóôõúüªº'],
  ['it', 'windows-1252', 'àèéìíîòóùú'],
  ['zh yue cmn', 'gb18030 big5', /[\p{Script=Han}々]/u],
  ['ja', 'shift_jis euc-jp iso-2022-jp', /[\p{Script=Han}\u3040-\u30ff々〆]/u],
  ['ko', 'euc-kr', /[\p{Script=Hangul}\p{Script=Han}]/u],
  ['tr az', 'windows-1254', 'çğıöşüâîûəİ'],
  ['pl', 'windows-1250 iso-8859-2', 'ąćęłńóśźż'],
  ['nl', 'windows-1252', 'áàâäçéèêëíïîóòôöúùûü'],
  ['cs', 'windows-1250 iso-8859-2', 'áčďéěíňóřšťúůýž'],
  ['hu', 'windows-1250 iso-8859-2', 'áéíóöőúüű'],
  ['ro', 'windows-1250 iso-8859-2', 'ăâîşţșț'],
  ['el', 'windows-1253 iso-8859-7', 'αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ'],
  ['sv', 'windows-1252', 'åäöéàü'],
  ['no nb nn da', 'windows-1252', 'æøåéèêòóôä'],
  ['fi', 'windows-1252', 'åäöšžé'],
  ['uk', 'windows-1251 ibm866', 'абвгґдеєжзиіїйклмнопрстуфхцчшщьюя'],
  ['hr sl bs sr', 'windows-1250 iso-8859-2', 'čćđšž'],
  ['sk', 'windows-1250 iso-8859-2', 'áäčďéíĺľňóôŕšťúýž'],
  ['bg be sr mk kk', 'windows-1251', 'абвгдежзийклмнопрстуфхцчшщъыьэюяёіўјљњћђџѓќѕәғқңөұүһ'],
  ['ar fa ur', 'windows-1256 iso-8859-6', /\p{Script=Arabic}/u],
  ['he yi', 'windows-1255', /\p{Script=Hebrew}/u],
  ['th', 'windows-874', /\p{Script=Thai}/u],
  ['ca', 'windows-1252', 'àçèéíïòóúü·'],
  ['lt', 'windows-1257', 'ąčęėįšųūž'],
  ['lv', 'windows-1257', 'āčēģīķļņšūž'],
  ['et', 'windows-1257 windows-1252', 'äõöüšž'],
  ['sq', 'windows-1250 windows-1252', 'çë'],
  ['is fo', 'windows-1252', 'áéíóúýþæöðø'],
  ['vi', 'windows-1258', /[\p{Script=Latin}]/u],
];
/** Signs that stand in texts of any language. */
const SIGNS = /[\p{P}\p{M}\u00a0♪♫€£¥°©®™§½¼¾²³×\u200e\u200f\u3000\ufeff]/u;
/** Latin letters with accents are fewer than those without. */
const MOST_ACCENTED = 0.5;
/** A capital behind a small letter, and a sign that nobody writes before a letter: of another encoding. */
const ODD = /[^\0-\x7f](?<=\p{Ll})\p{Lu}|\p{Ll}[^\0-\x7f](?<=\p{Lu})|[©®™§¼½¾¹²³¥]\p{L}/u;

/** From this one on, a language is no reason to take a text for one of the most usual encoding. */
export const RARE = ALPHABETS.findIndex(([languages]) => languages === 'ca');

export const languagesOf = (languages: string): string[] => languages.split(' ');

/** In the order of how many texts there are. */
export const ALPHABET_ENCODINGS: readonly { languages: string; encodings: readonly string[] }[] = ALPHABETS.map(
  ([languages, encodings]) => ({ languages, encodings: encodings.split(' ') }),
);

/** Whether all letters of a text are those of a language (one of these names), and as many as it would have. */
export function fitsAlphabet(text: string, languages: string): boolean {
  const letters = ALPHABETS.find(([of]) => of === languages)![2];
  if (ODD.test(text)) return false;
  let own = 0,
    latin = 0;
  for (const character of text) {
    if (character < '\x80') {
      if (/[a-z]/i.test(character)) latin += 1;
    } else if (
      typeof letters === 'string'
        ? letters.includes(character) || letters.includes(character.toLowerCase())
        : letters.test(character)
    )
      own += 1;
    else if (!SIGNS.test(character)) return false;
  }
  const isLatin = typeof letters === 'string' && /\p{Script=Latin}/u.test(letters);
  return isLatin || languages === 'vi' ? own <= MOST_ACCENTED * (own + latin) : own >= latin;
}
