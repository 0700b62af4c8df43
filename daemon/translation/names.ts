/** Whether the names in a text are in its translation. Pure. */
import { similarity } from '../repair/distance.ts';

/** Languages that write names with the same letters, and begin other words with small ones (German does not). */
const WRITES_NAMES = /^(?:en|es|fr|it|pt|nl|sv|da|no|nb|fi|pl|cs|ro|hu|tr|ca|hr|sk|sl|id|vi)\b/;
const TAKES_NAMES = /^(?:en|es|fr|it|pt|nl|sv|da|no|nb|fi|pl|cs|ro|hu|tr|ca|hr|sk|sl|id|vi|de)\b/;
/** Behind a small letter, a comma or a title, so not because a sentence begins. */
const NAME = /(?<=(?:[\p{Ll},]|\b(?:Mrs?|Ms|Drs?|Sra?|St|Prof|Mme|M)\.)\s)\p{Lu}[\p{L}'’-]{3,40}/gu;
/** Endings differ, and some letters with the language. */
const ALIKE = 0.7;

/**
 * False where a name is missing that no dictionary of either language has, so that nothing but itself can stand for it:
 * cities and countries have names of their own in many languages. Without dictionaries: true.
 */
export function keepsNames(
  source: string,
  target: string,
  from: string,
  to: string,
  knows: (language: string, word: string) => boolean | null,
): boolean {
  if (!WRITES_NAMES.test(from) || !TAKES_NAMES.test(to)) return true;
  const words = target.match(/\p{L}[\p{L}'’-]*/gu) ?? [];
  return (source.match(NAME) ?? []).every(
    name =>
      knows(from, name) !== false ||
      knows(to, name) !== false ||
      words.some(word => similarity(name, word) >= ALIKE || word.toLowerCase().includes(name.toLowerCase())),
  );
}
