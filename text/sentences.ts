/**
 * Where sentences end, and where a point only shortens a word: "Jan. 5", "the U.S. Senate", "z. B.". The rules are
 * Unicode's (Intl.Segmenter), the abbreviations those of its Common Locale Data Repository. Pure.
 */
import de from 'cldr-segments-full/segments/de/suppressions.json' with { type: 'json' };
import en from 'cldr-segments-full/segments/en/suppressions.json' with { type: 'json' };
import es from 'cldr-segments-full/segments/es/suppressions.json' with { type: 'json' };
import fr from 'cldr-segments-full/segments/fr/suppressions.json' with { type: 'json' };
import it from 'cldr-segments-full/segments/it/suppressions.json' with { type: 'json' };
import pt from 'cldr-segments-full/segments/pt/suppressions.json' with { type: 'json' };
import ru from 'cldr-segments-full/segments/ru/suppressions.json' with { type: 'json' };

const wordsOf = (file: typeof en | typeof de): string[] =>
  file.segments.segmentations.SentenceBreak.standard.map(({ suppression }) => suppression);
const LISTS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries({ de, en, es, fr, it, pt, ru }).map(([language, file]) => [language, new Set(wordsOf(file))]),
);
/** Where no language is known: without those that are words of others. */
const ALL: ReadonlySet<string> = new Set(
  [...LISTS.values()].flatMap(list => [...list]).filter(each => /^\p{Lu}|\..*\./u.test(each)),
);
/** Titles and others that the lists lack; names and numbers follow them in many languages. */
const TITLES = /^(?:Mr|Mrs|Ms|Dr|St|Prof|Sr|Sra|Srta|Dra|Ud|Uds|Mme|Mlle|Hr|Hrn|Fr|Nr|vs|Gen|Gov|Sen|Jr|etc|z\.B)\.$/u;
/** One letter, or letters with a point each, or twice for a plural: J. S. Bach, U.S., p.m., EE. UU. */
const LETTERS = /^(?:\p{L}\.)*\p{Lu}\.$|^(?:\p{L}\.){2,}$|^(\p{Lu})\1\.$/u;
/** Languages that write "3rd" as "3." */
const ORDINALS = /^(?:de|da|nb|nn|no|fi|is|et|lv|cs|sk|sl|hr|sr|bs|hu|pl)\b/;

/**
 * Whether the point at the end of `word` belongs to it, and the sentence goes on with `next`.
 * @param language null: not known
 */
export function isShortened(word: string, next: string, language: string | null = null): boolean {
  if (!word.endsWith('.') || next === '') return false;
  const bare = word.slice(-24).replace(/^[\p{Ps}\p{Pi}"'¿¡-]+/u, '');
  if (LETTERS.test(bare) || TITLES.test(bare)) return true;
  // In two parts: z. B., p. ej., i. d. R.
  if (/^\p{Ll}\.$/u.test(bare) && /^(?:\p{Ll}{1,3}|\p{L})\./u.test(next)) return true;
  if (/^(?:No|Nos|p|pp)\.$/u.test(bare)) return /^\d/.test(next);
  if (language !== null && ORDINALS.test(language) && /^\d{1,2}\.$/.test(bare)) return /^\p{L}/u.test(next);
  const list = language === null ? ALL : LISTS.get(language.split('-')[0]!);
  return list?.has(bare) ?? false;
}

/** The text in sentences, each with the blanks that follow it: together they are the text. */
export function sentencesOf(text: string, language: string): string[] {
  const parts = [...segmenter(language).segment(text)].map(({ segment }) => segment),
    found: string[] = [];
  let joined = false;
  for (const [n, part] of parts.entries()) {
    if (joined) found.push(found.pop()! + part);
    else found.push(part);
    const [word = ''] = /\S{1,60}$/u.exec(part.slice(-80).trimEnd()) ?? [];
    joined = isShortened(word, parts[n + 1] ?? '', language);
  }
  return found;
}

const segmenters = new Map<string, Intl.Segmenter>();
function segmenter(language: string): Intl.Segmenter {
  let made = segmenters.get(language);
  if (!made) segmenters.set(language, (made = new Intl.Segmenter(localeOf(language), { granularity: 'sentence' })));
  return made;
}
const localeOf = (language: string): string => {
  try {
    return language === 'und' ? 'en' : (Intl.getCanonicalLocales(language)[0] ?? 'en');
  } catch {
    return 'en';
  }
};
