/**
 * How text is cut into what can be searched: one way for the index, for questions and for the marks in what is found.
 * Scripts that put blanks between words give words; the others (Chinese, Japanese, Korean, Thai, …) give single
 * characters, so that a question of any length, also of one or two characters, is a phrase of them. Measured against
 * trigrams and pairs: as quick, half the size, no least length.
 */

export interface Term {
  term: string;
  from: number;
  to: number;
}

const SCRIPTS = ['Han', 'Hira', 'Kana', 'Hang', 'Thai', 'Laoo', 'Khmr', 'Mymr'];
const UNSPACED = String.raw`[[${SCRIPTS.map(script => String.raw`\p{scx=${script}}`).join('')}]&&\p{L}]`;
const TERM = new RegExp(String.raw`(${UNSPACED})\p{M}*|(?:(?!${UNSPACED})[\p{L}\p{N}\p{M}])+`, 'gv');
/** Accents, and the points of Hebrew and Arabic: people leave them out. Signs of other scripts are letters. */
const ACCENTS = /[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]/g;
const PLAIN = /^[a-z0-9]+$/;

function folded(text: string, unspaced: boolean): string {
  const lower = text.toLowerCase();
  if (PLAIN.test(lower)) return lower;
  return unspaced ? lower.normalize('NFKC') : lower.normalize('NFKD').replace(ACCENTS, '').normalize('NFC');
}

/** The terms of a text and where they stand in it. */
export function terms(text: string): Term[] {
  const found: Term[] = [];
  for (const match of text.matchAll(TERM)) {
    const term = folded(match[0], match[1] !== undefined);
    if (term) found.push({ term, from: match.index, to: match.index + match[0].length });
  }
  return found;
}

/** What goes into the index. */
export const indexed = (text: string): string =>
  terms(text)
    .map(each => each.term)
    .join(' ');
