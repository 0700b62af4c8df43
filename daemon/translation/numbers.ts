/**
 * Whether a translation keeps the numbers of its source, in whatever way its language writes them: 1,250.50 or 1.250,50
 * or 1 250,50, 3 or "drei", 20,000 or 2万, a date in another order, 3 p.m. or 15 Uhr. Pure.
 */

/** 0 to 12, then the tens, a hundred and a thousand; several forms of one number are parted by a stroke. */
const WORDS: Readonly<Record<string, readonly [units: string, more: string]>> = {
  en: [
    'zero|no one two three four five six seven eight nine ten eleven twelve',
    'twenty thirty forty fifty sixty seventy eighty ninety hundred thousand',
  ],
  de: [
    'null|kein ein|eins|eine|einen|einem|einer zwei|zwo drei vier fünf sechs sieben acht neun zehn elf zwölf',
    'zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig hundert tausend',
  ],
  fr: [
    'zéro un|une deux trois quatre cinq six sept huit neuf dix onze douze',
    'vingt trente quarante cinquante soixante soixante-dix quatre-vingt quatre-vingt-dix cent mille',
  ],
  es: [
    'cero un|uno|una dos tres cuatro cinco seis siete ocho nueve diez once doce',
    'veint treinta cuarenta cincuenta sesenta setenta ochenta noventa cien mil',
  ],
  it: [
    'zero un|uno|una due tre quattro cinque sei sette otto nove dieci undici dodici',
    'vent trent quarant cinquant sessant settant ottant novant cento mil',
  ],
  pt: [
    'zero um|uma dois|duas três quatro cinco seis sete oito nove dez onze doze',
    'vinte trinta quarenta cinquenta sessenta setenta oitenta noventa cem|cento mil',
  ],
  nl: [
    'nul een|één twee drie vier vijf zes zeven acht negen tien elf twaalf',
    'twintig dertig veertig vijftig zestig zeventig tachtig negentig honderd duizend',
  ],
  ru: [
    'ноль один|одна|одно|одного два|две|двух три|трёх|трех четыре|четырёх пять|пяти шесть|шести семь|семи ' +
      'восемь девять десять|десяти одиннадцать двенадцать',
    'двадцат тридцат сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто сто тысяч',
  ],
};
const VALUES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 20, 30, 40, 50, 60, 70, 80, 90, 100, 1000];
/** From this place on a word may be part of a longer one: fünfundzwanzig. */
const FIRST_PART = VALUES.indexOf(20);

/** What a number is multiplied by when this follows it; a billion is a thousand or a million millions. */
const MULTIPLIERS: readonly [RegExp, readonly number[]][] = [
  [/^\s?(?:thousand|tausend|mille\b|mil\b|mila\b|duizend|тыс)/iu, [1e3]],
  [/^\s?k\b/u, [1e3]],
  [/^\s?(?:millones de millones)/iu, [1e12]],
  [/^\s?(?:milliar|miljard|bilh|млрд|миллиард|mrd)/iu, [1e9]],
  [/^\s?(?:mil(?:l)?i[oó]n|millones|milh|miljoen|mio\b|млн|миллион)/iu, [1e6]],
  [/^\s?(?:billion|billones|bn\b)/iu, [1e9, 1e12]],
  [/^\s?千/u, [1e3]],
  [/^\s?[万萬]/u, [1e4]],
  [/^\s?[亿億]/u, [1e8]],
];

interface Found {
  /** Ways to read it; each is one or several numbers. */
  readings: number[][];
  /** It has a fraction, or more figures than people put in words. */
  exact: boolean;
}

const ADDRESS = /@|:\/\/|^www\./u;
/** Figures with what may stand between them. */
export const NUMBER = /\d+(?:[.,:/’'٫٬-]\d+|[ \u00a0\u202f]\d{3}(?!\d))*/gu;

/** False: a number is gone or another one, and no wording explains it. */
export function keepsNumbers(source: string, target: string, from: string, to: string): boolean {
  const wanted = numbersIn(source),
    given = numbersIn(target);
  if (wanted.length === 0) return true;
  const said = valuesIn(source, from, wanted),
    here = valuesIn(target, to, given);
  const isIn = ({ readings }: Found, values: ReadonlySet<number>): boolean =>
    readings.some(reading => reading.every(value => values.has(value)));
  const lost = wanted.filter(each => !isIn(each, here));
  if (lost.length === 0) return true;
  // Another number stands where one is missing.
  if (given.some(each => !isIn(each, said))) return false;
  return !lost.some(({ exact }) => exact) || inWords(target, to);
}

function numbersIn(text: string): Found[] {
  const plain = westernDigits(text.normalize('NFKC').replace(/\S+/gu, word => (ADDRESS.test(word) ? ' ' : word)));
  return [...plain.matchAll(NUMBER)].map(({ 0: written, index }) => {
    const rest = plain.slice(index + written.length, index + written.length + 24),
      [, by] = MULTIPLIERS.find(([pattern]) => pattern.test(rest)) ?? [null, []];
    const plainly = readingsOf(written),
      readings = [
        // What 万 multiplies is never meant by itself.
        ...(/^\s?[千万萬亿億]/u.test(rest) ? [] : plainly),
        ...plainly.flatMap(reading => (reading.length === 1 ? by.map(factor => [round(reading[0]! * factor)]) : [])),
      ];
    const figures = String(Math.abs(plainly[0]?.[0] ?? 0))
      .replace('.', '')
      .replace(/(?<!0)0+$/, '');
    const exact = plainly.some(
      ([value]) => value !== undefined && value > 20 && (figures.length > 1 || value % 1 !== 0),
    );
    return { readings, exact: exact || plainly.some(([value]) => value !== undefined && value % 1 !== 0) };
  });
}

const round = (value: number): number => Number(value.toPrecision(12));

/** A point and a comma mean one thing here and another there: all readings that some language allows. */
function readingsOf(written: string): number[][] {
  const readings: number[][] = [];
  const add = (...values: number[]): void => {
    if (values.every(Number.isFinite)) readings.push(values.map(round));
  };
  if (/[:/-]/.test(written) || /^\d{1,4}[.]\d{1,2}[.]\d{1,4}$/.test(written)) {
    // Times, dates, spans: each part by itself, in whatever order.
    add(...written.split(/[^\d]+/).map(Number));
    return readings;
  }
  const marks = [...written.replace(/\d/g, '')].map(mark => (mark === '٫' ? ',' : mark === '٬' ? '.' : mark)),
    parts = written.split(/[^\d]/);
  if (!marks.length) add(Number(written));
  const groups = (of: readonly string[]): boolean =>
    of[0]!.length <= 3 &&
    of.at(-1)!.length === 3 &&
    of.slice(1, -1).every(part => part.length === 2 || part.length === 3);
  const last = marks.at(-1)!;
  // All marks part thousands.
  if (marks.length && new Set(marks).size === 1 && groups(parts)) add(Number(parts.join('')));
  // The last one begins the fraction, the others part thousands.
  const whole = parts.slice(0, -1);
  if (
    /[.,]/.test(last ?? '') &&
    parts.at(-1) !== '000' &&
    !marks.slice(0, -1).includes(last) &&
    (whole.length < 2 || groups(whole))
  )
    add(Number(`${whole.join('')}.${parts.at(-1)}`));
  // A time of day.
  if (/^\d{1,2}\.[0-5]\d$/.test(written)) add(...parts.map(Number));
  // Numbers that only happen to stand side by side.
  if (marks.some(mark => /\s/.test(mark))) add(...parts.map(Number));
  return readings;
}

/** Every value that the text may mean, in figures and words. */
function valuesIn(text: string, language: string, numbers: readonly Found[]): Set<number> {
  const values = new Set(numbers.flatMap(({ readings }) => readings.flat())),
    code = language.split('-')[0]!,
    lower = text.toLowerCase();
  for (const [n, forms] of (WORDS[code]?.join(' ').split(' ') ?? []).entries())
    if (forms.split('|').some(form => (n >= FIRST_PART ? lower.includes(form) : isWord(lower, form))))
      values.add(VALUES[n]!);
  for (const [run] of text.matchAll(/[零〇一二两兩三四五六七八九十百千万萬亿億]+/gu)) values.add(hanValue(run));
  for (const [n, names] of monthsOf(code).entries()) if (names.some(name => isWord(lower, name))) values.add(n + 1);
  // Half of the day is written as twelve hours or as twenty-four.
  if (/\b[ap]\.?\s?m\b|\buhr\b|\bheures?\b|\bo[’']clock\b|\bhoras?\b|[点點时時]|\bчас/iu.test(text))
    for (const value of [...values])
      if (Number.isInteger(value) && value <= 24) values.add(value < 12 ? value + 12 : value - 12);
  return values;
}

const isWord = (lower: string, word: string): boolean => {
  for (let at = lower.indexOf(word); at >= 0; at = lower.indexOf(word, at + 1))
    if (!/\p{L}/u.test(lower[at - 1] ?? '') && !/\p{L}/u.test(lower[at + word.length] ?? '')) return true;
  return false;
};

/** Whether the text puts larger numbers in words, or its language is one whose words nobody knows here. */
function inWords(text: string, language: string): boolean {
  const code = language.split('-')[0]!,
    lower = text.toLowerCase();
  if (/[零〇一二两兩三四五六七八九十百千万萬亿億]/u.test(text)) return true;
  const words = WORDS[code]?.[1].split(' ');
  return words?.some(forms => forms.split('|').some(form => lower.includes(form))) ?? false;
}

const months = new Map<string, string[][]>();
/** The names of the twelve months, long and short, in small letters. */
function monthsOf(code: string): string[][] {
  const known = months.get(code);
  if (known) return known;
  const name = (n: number, month: 'long' | 'short'): string =>
    new Intl.DateTimeFormat(code, { month, day: 'numeric', timeZone: 'UTC' })
      .formatToParts(Date.UTC(2024, n, 3))
      .find(part => part.type === 'month')!
      .value.toLowerCase()
      .replace(/\.$/, '');
  const names = Array.from({ length: 12 }, (_, n) =>
    [name(n, 'long'), name(n, 'short')].filter(each => /\p{L}{3}/u.test(each)),
  );
  months.set(code, names);
  return names;
}

/** Figures of other scripts as ours. */
const ZEROS = [0x660, 0x6f0, 0x966, 0x9e6];
const westernDigits = (text: string): string =>
  text.replace(/\p{Nd}/gu, digit => {
    const zero = ZEROS.find(each => digit.codePointAt(0)! >= each && digit.codePointAt(0)! < each + 10);
    return zero === undefined ? digit : String(digit.codePointAt(0)! - zero);
  });

const HAN: ReadonlyMap<string, number> = new Map(
  [...'零一二三四五六七八九']
    .map((c, n) => [c, n] as const)
    .concat([
      ['〇', 0],
      ['两', 2],
      ['兩', 2],
    ]),
);
/** 二十五 is 25, 三万 is 30,000, 二〇二四 is 2024. */
function hanValue(run: string): number {
  if ([...run].every(c => HAN.has(c))) return Number([...run].map(c => HAN.get(c)).join(''));
  let total = 0,
    section = 0,
    digit = 0;
  for (const c of run) {
    const unit = { 十: 10, 百: 100, 千: 1000 }[c],
      large = /[万萬]/u.test(c) ? 1e4 : /[亿億]/u.test(c) ? 1e8 : 0;
    if (unit) {
      section += (digit || 1) * unit;
      digit = 0;
    } else if (large) {
      total = (total + section + digit || 1) * large;
      section = digit = 0;
    } else digit = HAN.get(c) ?? 0;
  }
  return total + section + digit;
}
