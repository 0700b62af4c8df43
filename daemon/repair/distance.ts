/**
 * How far two pieces of text are apart, for the eye and for the ear. Pure and the same for all languages: letters are
 * brought to plain Latin ones (Cyrillic by its sounds), and letters that recognizers mistake for one another cost less
 * than others.
 */

/** 1: the same letters and digits; 0: nothing in common. Case, accents and punctuation do not count. */
export function similarity(a: string, b: string): number {
  const x = [...bare(a)],
    y = [...bare(b)];
  if (!x.length && !y.length) return 1;
  let row = y.map((_, j) => j + 1),
    corner = 0;
  for (let i = 0; i < x.length; i++) {
    const next: number[] = [];
    for (let j = 0; j < y.length; j++)
      next.push(
        Math.min((j ? row[j - 1]! : corner) + (x[i] === y[j] ? 0 : 1), row[j]! + 1, (next[j - 1] ?? i + 1) + 1),
      );
    row = next;
    corner = i + 1;
  }
  return 1 - (y.length ? row.at(-1)! : x.length) / Math.max(x.length, y.length);
}

const bare = (text: string): string =>
  text
    .toLowerCase()
    .normalize('NFD')
    .replace(/[^\p{L}\p{N}]/gu, '');

/** Plain letters as small numbers, so that costs come out of a table. */
export type Letters = readonly number[];
/** row[j]: the least cost of turning the letters spelt so far into the first j letters heard. */
export type Row = Float64Array;

/** 0: sounds the same; 1 and more: nothing alike. The cost of the changes over the length of the longer. */
export function soundDistance(a: string, b: string): number {
  const length = Math.max(lettersIn(a), lettersIn(b));
  return length ? soundCost(a, b) / length : 0;
}

/** The cost of the changes between the two, each about 1 for unlike letters. */
export function soundCost(a: string, b: string): number {
  const heard = fold(b);
  let row = firstRow(heard),
    previous = NONE;
  for (const letter of fold(a)) {
    const next = new Float64Array(row.length);
    nextRow(heard, row, letter, previous, next);
    row = next;
    previous = letter;
  }
  return row.at(-1)!;
}

const lettersIn = (text: string): number => fold(text).filter(letter => letter !== SPACE).length;

const CYRILLIC: Record<string, string> = {
  а: 'a',
  б: 'b',
  в: 'v',
  г: 'g',
  д: 'd',
  е: 'e',
  ё: 'e',
  ж: 'j',
  з: 'z',
  и: 'i',
  й: 'i',
  к: 'k',
  л: 'l',
  м: 'm',
  н: 'n',
  о: 'o',
  п: 'p',
  р: 'r',
  с: 's',
  т: 't',
  у: 'u',
  ф: 'f',
  х: 'h',
  ц: 'c',
  ч: 'c',
  ш: 'x',
  щ: 'x',
  ъ: '',
  ы: 'i',
  ь: '',
  э: 'e',
  ю: 'u',
  я: 'a',
  і: 'i',
  ї: 'i',
  є: 'e',
  ґ: 'g',
  ў: 'u',
  ј: 'j',
  љ: 'l',
  њ: 'n',
  ћ: 'c',
  ђ: 'd',
  џ: 'j',
};

/** Lower case, no accents, Latin letters and digits; everything else is one space. */
export const fold = (text: string): Letters =>
  [
    ...text
      .toLowerCase()
      .replace(/[а-яёґєіїўѐ-џ]/gu, letter => CYRILLIC[letter] ?? letter)
      .normalize('NFD')
      .replace(/\p{M}/gu, '')
      .replace(/œ|æ/gu, 'e')
      .replace(/ß/gu, 's')
      .replace(/[^\p{L}\p{N}]+/gu, ' ')
      .trim(),
  ].map(code);

/** a to z are 1 to 26; a space 27; any other letter its own number above. */
const code = (letter: string): number =>
  letter === ' ' ? SPACE : letter >= 'a' && letter <= 'z' ? letter.charCodeAt(0) - 96 : letter.codePointAt(0)! + 64;
export const NONE = 0,
  SPACE = 27;
const SIZE = 28,
  H = 8,
  Q = 17,
  G = 7,
  U = 21;

export function firstRow(heard: Letters): Row {
  const row = new Float64Array(heard.length + 1);
  for (let j = 0; j < heard.length; j++) row[j + 1] = row[j]! + gap(heard[j]!, j ? heard[j - 1]! : NONE);
  return row;
}

/** Fills `next` with the row after one more spelt letter; returns its least cost. */
export function nextRow(heard: Letters, row: Row, letter: number, previous: number, next: Row): number {
  const own = gap(letter, previous);
  let least = (next[0] = row[0]! + own);
  for (let j = 0; j < heard.length; j++) {
    const other = heard[j]!;
    let cost = row[j]! + swap(letter, other);
    const skipped = row[j + 1]! + own,
      added = next[j]! + gap(other, j ? heard[j - 1]! : NONE);
    if (skipped < cost) cost = skipped;
    if (added < cost) cost = added;
    next[j + 1] = cost;
    if (cost < least) least = cost;
  }
  return least;
}

/** A letter too many or too few: little for a space, a silent letter or one written twice. */
function gap(letter: number, previous: number): number {
  if (letter === SPACE) return 0.1;
  if (letter === previous || letter === H) return 0.15;
  if (letter === U && (previous === Q || previous === G)) return 0.15;
  return isVowel(letter) ? 0.6 : 0.85;
}

const isVowel = (letter: number): boolean =>
  letter === 1 || letter === 5 || letter === 9 || letter === 15 || letter === U;
const swap = (a: number, b: number): number => (a === b ? 0 : a < SIZE && b < SIZE ? SWAPS[a * SIZE + b]! : 1);

const SWAPS = new Float64Array(SIZE * SIZE).fill(1);
for (let a = 1; a < SIZE; a++)
  for (let b = 1; b < SIZE; b++)
    SWAPS[a * SIZE + b] = a === SPACE || b === SPACE ? 0.9 : isVowel(a) && isVowel(b) ? 0.5 : 1;
for (const [cost, pairs] of [
  [0.45, 'ae ei eo io ou ia bp dt gk fv mn lr dr td pv tc jh gh nd nm fs pf zd jz xk rl dl tk bd gd'],
  [0.25, 'cs cz gj sx xz jx ly jy vw bw uv cx'],
  [0.1, 'ck cq kq sz bv iy'],
] as const)
  for (const pair of pairs.split(' ')) {
    const a = code(pair[0]!),
      b = code(pair[1]!);
    SWAPS[a * SIZE + b] = SWAPS[b * SIZE + a] = cost;
  }
