/** Words in a transcript's texts: where they are, and what stands there once they are replaced. Pure. */

export interface Query {
  find: string;
  matchCase: boolean;
  wholeWord: boolean;
}
/** Offsets in UTF-16 units. */
export interface Match {
  from: number;
  to: number;
}

const isWord = (c: string | undefined): boolean =>
  c !== undefined && /[\p{L}\p{N}]/u.test(c) && !/\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}/u.test(c);

/** What is looked for, literally; whole words where both ends of it are letters of a script that has spaces. */
export function patternOf({ find, matchCase, wholeWord }: Query): RegExp {
  const escaped = find.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'),
    before = wholeWord && isWord(find[0]) ? '(?<![\\p{L}\\p{N}])' : '',
    behind = wholeWord && isWord(find.at(-1)) ? '(?![\\p{L}\\p{N}])' : '';
  return new RegExp(`${before}${escaped}${behind}`, matchCase ? 'gu' : 'giu');
}

export function matchesIn(text: string, pattern: RegExp): Match[] {
  return Array.from(text.matchAll(pattern), match => ({ from: match.index, to: match.index + match[0].length }));
}
