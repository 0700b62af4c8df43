/** Whether what a model says is in what it was given: by its words' stems, without a list of any language. */

const WORD = /[\p{L}\p{N}]+/gu;
const UNSPACED_RUN = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]+/gu;
/** Words with fewer letters mostly hold sentences together, and say little. */
const LEAST_LETTERS = 4;

/**
 * The share of `sentence`'s content words, 0 to 1, that `text` has too: words of four letters or more by their stems,
 * and pairs of characters in scripts without spaces. 1 where it has none.
 */
export function support(sentence: string, text: string): number {
  const wanted = contentOf(sentence),
    given = contentOf(text);
  const all = wanted.words.size + wanted.pairs.size;
  if (all === 0) return 1;
  const beginnings = new Set<string>();
  for (const word of given.words)
    for (let letters = LEAST_LETTERS; letters <= word.length; letters++) beginnings.add(word.slice(0, letters));
  const found =
    [...wanted.words].filter(word => beginnings.has(stemOf(word))).length +
    [...wanted.pairs].filter(pair => given.pairs.has(pair)).length;
  return found / all;
}

/** How many content words a text has, each once. */
export const contentWords = (text: string): number => {
  const { words, pairs } = contentOf(text);
  return words.size + pairs.size;
};

/** "discusses" and "discussion" have the same. */
const stemOf = (word: string): string => word.slice(0, Math.max(LEAST_LETTERS, Math.ceil(word.length * 0.6)));

function contentOf(text: string): { words: Set<string>; pairs: Set<string> } {
  const folded = text.normalize('NFKD').replace(/\p{M}/gu, '').normalize('NFC').toLowerCase(),
    runs = folded.match(UNSPACED_RUN) ?? [],
    words = folded.replace(UNSPACED_RUN, ' ').match(WORD) ?? [];
  return {
    words: new Set(words.filter(word => word.length >= LEAST_LETTERS)),
    pairs: new Set(runs.flatMap(run => Array.from({ length: run.length - 1 }, (_, i) => run.slice(i, i + 2)))),
  };
}
