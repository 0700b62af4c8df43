/** Written text as a voice should read it, and the parts in which it reads. */
import { sentencesOf } from '../../../text/sentences.ts';

export interface SpokenPart {
  text: string;
  endsSentence: boolean;
}

/** Longer sentences are read clause by clause: sound comes sooner, and stopping takes effect between parts. */
const LONG_SENTENCE = 200;
/** Without any clause to end at. */
const LONGEST_PART = 400;

/** Nothing to say (no letter, no digit): no parts. */
export function spokenParts(text: string, language: string): SpokenPart[] {
  return sentencesOf(spokenText(text, language), language)
    .flatMap(sentence => {
      const clauses = sentence.length <= LONG_SENTENCE ? [sentence] : joinShort(splitClauses(sentence));
      return clauses.map((clause, at) => ({ text: clause.trim(), endsSentence: at === clauses.length - 1 }));
    })
    .filter(part => /[\p{L}\p{N}]/u.test(part.text));
}

const splitClauses = (sentence: string): string[] =>
  sentence
    .split(/(?<=[,;:—–])\s+|(?<=[，；：、])/u)
    .flatMap(clause => clause.match(new RegExp(`[^]{1,${LONGEST_PART}}(?:\\s|$)|[^]{1,${LONGEST_PART}}`, 'gu')) ?? []);

function joinShort(clauses: readonly string[]): string[] {
  const joined: string[] = [];
  for (const clause of clauses) {
    const before = joined.at(-1);
    if (before !== undefined && before.length + clause.length <= LONG_SENTENCE * 0.8)
      joined[joined.length - 1] = `${before} ${clause}`;
    else joined.push(clause);
  }
  return joined;
}

const safeLocale = (language: string): string => {
  try {
    return Intl.getCanonicalLocales(language)[0] ?? 'en';
  } catch {
    return 'en';
  }
};

/**
 * Currency, addresses and signs in words of the language; grouped numbers without their marks; nothing that a
 * synthesiser takes for a command.
 */
export function spokenText(text: string, language: string): string {
  const locale = safeLocale(language),
    words = WORDS[locale.split('-')[0]!] ?? {};
  const say = (sign: keyof Signs): string => ` ${words[sign] ?? ''} `;
  let spoken = text
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/[\p{Extended_Pictographic}\u{1F1E6}-\u{1F1FF}\u{1F3FB}-\u{1F3FF}\uFE0F]/gu, ' ');
  spoken = spoken.replace(ADDRESS, match => address(match, say));
  spoken = spoken.replace(
    AMOUNT,
    (
      match,
      signBefore: string | undefined,
      numberAfter: string | undefined,
      scaleAfter: string | undefined,
      numberBefore: string | undefined,
      scaleBefore: string | undefined,
      signAfter: string | undefined,
    ) => amount(locale, (signBefore ?? signAfter)!, (numberAfter ?? numberBefore)!, scaleAfter ?? scaleBefore) ?? match,
  );
  spoken = spoken.replace(GROUPED, match => ungroup(match, locale));
  if (/\s/.test(marks(locale).group))
    spoken = spoken.replace(/(?<![\d.,])\d{1,3}(?: \d{3})+(?!\d)/gu, match => match.replaceAll(' ', ''));
  if (words.and) spoken = spoken.replace(/(?<=[\s\p{L}\p{N}])&(?=[\s\p{L}\p{N}])/gu, say('and'));
  // Markup, and what espeak-ng would read as phonemes.
  spoken = spoken.replace(/[[\]{}<>*_`~|^\\#"“”„«»]+/gu, ' ');
  return spoken
    .replace(/\s+/gu, ' ')
    .replace(/ ([,.;:!?])/gu, '$1')
    .trim();
}

interface Signs {
  dot: string;
  slash: string;
  at: string;
  and: string;
}
const WORDS: Record<string, Partial<Signs>> = {
  en: { dot: 'dot', slash: 'slash', at: 'at', and: 'and' },
  es: { dot: 'punto', slash: 'barra', at: 'arroba', and: 'y' },
  fr: { dot: 'point', slash: 'barre', at: 'arobase', and: 'et' },
  de: { dot: 'Punkt', slash: 'Schrägstrich', at: 'ät', and: 'und' },
  it: { dot: 'punto', slash: 'barra', at: 'chiocciola', and: 'e' },
  pt: { dot: 'ponto', slash: 'barra', at: 'arroba', and: 'e' },
  ru: { dot: 'точка', slash: 'дробь', at: 'собака', and: 'и' },
  zh: { dot: '点', slash: '斜杠', at: '艾特', and: '和' },
};

const ENDINGS = 'com|org|net|edu|gov|info|io|dev|app|eu|uk|us|de|es|fr|it|pt|br|ru|cn|jp|ch|at|nl';
const ADDRESS = new RegExp(
  'https?://[^\\s<>"]+|(?<![\\w.+-])[\\w.+-]+@[\\w-]+(?:\\.[\\w-]+)+|\\bwww\\.[^\\s<>"]+|' +
    `(?<![\\p{L}\\w.@-])(?:[\\p{L}\\d-]+\\.)+(?:${ENDINGS})(?:/[^\\s<>"]*)?(?![\\p{L}\\d.-]*[\\p{L}\\d])`,
  'giu',
);

function address(match: string, say: (sign: keyof Signs) => string): string {
  const [ending] = /(?<![.,;:!?)])[.,;:!?)]*$/u.exec(match)!,
    body = match.slice(0, match.length - ending.length).replace(/^https?:\/\//iu, '');
  return (
    body
      .replace(/\/$/, '')
      .replace(/\./g, say('dot'))
      .replace(/\//g, say('slash'))
      .replace(/@/g, say('at'))
      .replace(/[-_?=&%+#~]+/g, ' ') + ending
  );
}

const CURRENCY: Record<string, string> = {
  US$: 'USD',
  $: 'USD',
  '€': 'EUR',
  '£': 'GBP',
  '¥': 'JPY',
  '₹': 'INR',
  '₽': 'RUB',
  '₩': 'KRW',
  元: 'CNY',
};
const SIGN = 'US\\$|[$€£¥₹₽₩]',
  NUMBER = '\\d+(?:[.,\u00a0\u202f]\\d+)*';
const SCALE =
  '(?:\\s(?:thousand|million|billion|trillion|mil millones|mil|millones|millón|milliers|millions?|milliards?|' +
  'Tausend|Millionen|Milliarden|Mrd\\.?|Mio\\.?|milioni|miliardi|milhões|bilhões|млн|млрд)(?![\\p{L}]))';
const AMOUNT = new RegExp(
  `(${SIGN})\\s?(${NUMBER})(${SCALE})?|(?<![\\d.,])(${NUMBER})(${SCALE})?\\s?(${SIGN})(?![\\d])`,
  'gu',
);

/** "$1,250.75" as the language says it: "1250.75 US dollars". */
function amount(locale: string, sign: string, written: string, scale: string | undefined): string | null {
  const currency = sign === '¥' && locale.startsWith('zh') ? 'CNY' : CURRENCY[sign],
    value = parseNumber(written, locale);
  if (!currency || value === null) return null;
  const digits = Number.isInteger(value) ? 0 : 2;
  const format = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    currencyDisplay: 'name',
    useGrouping: false,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  if (!scale) return format.format(value);
  // A language counts "5 million" as many.
  const name = format.formatToParts(1_000_000).find(part => part.type === 'currency')?.value ?? '';
  const amount = new Intl.NumberFormat(locale, { useGrouping: false, maximumFractionDigits: 3 }).format(value);
  return `${amount}${scale} ${name}`;
}

/** Understands the language's own marks, and the other convention where it cannot be mistaken. */
function parseNumber(written: string, locale: string): number | null {
  const { decimal } = marks(locale);
  const found = written.match(/[.,]/g) ?? [];
  const last = found.at(-1),
    tail = last ? written.length - written.lastIndexOf(last) - 1 : 0;
  const single = found.length === 1;
  // One mark before three digits groups them, unless the language uses it for decimals; different marks: the last one
  // is the decimal one.
  const isDecimal = last !== undefined && (single ? tail !== 3 || last === decimal : found.some(mark => mark !== last));
  const digits = written.replace(/[\u00a0\u202f]/g, '');
  const value = Number(
    isDecimal
      ? digits.slice(0, digits.lastIndexOf(last)).replace(/[.,]/g, '') +
          '.' +
          digits.slice(digits.lastIndexOf(last) + 1)
      : digits.replace(/[.,]/g, ''),
  );
  return Number.isFinite(value) ? value : null;
}

const GROUPED = /(?<![\d.,])\d{1,3}(?:[.,\u00a0\u202f]\d{3})+(?:[.,]\d+)?(?![\d]|[.,]\d)/gu;
/** "1,250" → "1250" in English, "1.250" in German; what is a decimal number in the language stays. */
function ungroup(written: string, locale: string): string {
  const { decimal, group } = marks(locale);
  const separators = [...written.matchAll(/[.,\u00a0\u202f]/g)].map(match => match[0]);
  const first = separators[0]!;
  if (first === decimal) return written;
  if (first !== group && first !== '\u00a0' && first !== '\u202f') return written;
  const at = written.indexOf(decimal);
  return at < 0
    ? written.replace(/[.,\u00a0\u202f]/g, '')
    : written.slice(0, at).replace(/[.,\u00a0\u202f]/g, '') + written.slice(at);
}

function marks(locale: string): { decimal: string; group: string } {
  const parts = new Intl.NumberFormat(locale).formatToParts(1234567.8);
  return {
    decimal: parts.find(part => part.type === 'decimal')?.value ?? '.',
    group: parts.find(part => part.type === 'group')?.value ?? ',',
  };
}
