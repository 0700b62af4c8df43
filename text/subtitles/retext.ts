/**
 * A subtitle file with other words: only what was said is replaced, where it stands. Times, styles, positions, tags,
 * notes and drawings stay to the letter. Pure.
 */
import { inLines, USUAL_LIMITS, type Limits } from './check.ts';
import { edited, type Range } from './document.ts';
import { isWordTime, withoutWordTimes, writeText, type SubtitleFormat } from './inline.ts';
import { atOnce, flatten, STEP_CUES, type Place, type Speech } from './units.ts';
import { columns, isUnspaced } from './width.ts';

/** What could not be kept, or was left as it was. Numbers of cues or texts. */
export interface Losses {
  /** Times of single words: those of the original do not fit other words. */
  wordTimes: number;
}

export interface Retexted {
  text: string;
  losses: Losses;
}
type Texts = readonly (string | null | undefined)[];
interface Options {
  limits?: Limits;
  /** The original, and the other text below it. */
  both?: boolean;
}

/** @param texts of each unit of the speech; null leaves that one as it is */
export const withTexts = (speech: Speech, texts: Texts, options: Options = {}): Retexted =>
  atOnce(retexting(speech, texts, options));

/** As `withTexts`, in steps. */
export function* retexting(
  { document, units }: Speech,
  texts: Texts,
  { limits = USUAL_LIMITS, both = false }: Options = {},
): Generator<void, Retexted> {
  const { text, format, lineBreak, cues } = document,
    made = new Map<number, (Range & { text: string })[]>(),
    timed = new Set<number>();
  for (const [n, unit] of units.entries()) {
    if (n % STEP_CUES === 0) yield;
    const other = texts[n]?.replace(/\s+/g, ' ').trim();
    if (!other || other === unit.text) continue;
    for (const place of unit.places) {
      if (place.tokens.some(({ raw, kind }) => kind === 'tag' && isWordTime(raw))) timed.add(place.cue);
      const edits = made.get(place.cue) ?? [];
      edits.push({ from: place.from, to: place.to, text: writePlace(place, other, format, lineBreak, limits) });
      made.set(place.cue, edits);
    }
  }
  const edits = [...made].flatMap(([cue, changes]) => {
    if (!both) return changes;
    const left = changes.sort((a, b) => b.from - a.from);
    return cues[cue]!.bodies.flatMap(body => {
      const own: typeof changes = [];
      for (let next = left.at(-1); next && next.to <= body.to; next = left.at(-1)) {
        own.push({ from: next.from - body.from, to: next.to - body.from, text: next.text });
        left.pop();
      }
      const below = edited(text.slice(body.from, body.to), own);
      return own.length ? [{ from: body.to, to: body.to, text: lineBreak + below }] : [];
    });
  });
  return { text: edited(text, edits), losses: { wordTimes: timed.size } };
}

function writePlace(
  { tokens, before }: Place,
  words: string,
  format: SubtitleFormat,
  lineBreak: string,
  limits: Limits,
): string {
  const original = flatten(tokens);
  // SubStation breaks long lines by itself: where nobody broke one, none is broken.
  const lines =
    format === 'ass' && !tokens.some(token => token.kind === 'break')
      ? [words]
      : inLines(words, { ...limits, lineLength: Math.max(10, limits.lineLength - columns(before)) });
  const tags = placedTags(original, words);
  let at = 0,
    next = 0;
  return lines
    .map(line => {
      const start = words.indexOf(line, at),
        end = start + line.length;
      let out = '',
        from = start;
      const last = end >= words.length;
      for (
        ;
        next < tags.length && (tags[next]!.at < end || (tags[next]!.at === end && (last || tags[next]!.closes)));
        next++
      ) {
        const here = Math.max(from, tags[next]!.at);
        out += writeText(words.slice(from, here), format) + tags[next]!.raw;
        from = here;
      }
      at = end;
      return out + writeText(words.slice(from, end), format);
    })
    .join(lineBreak);
}

/** Each is a search through the words; nobody writes that many. */
const MOST_ANCHORED = 50;

interface PlacedTag {
  raw: string;
  at: number;
  closes: boolean;
}

const closes = (raw: string): boolean => raw.startsWith('</') || /\\(?:[ibus]0|r)/.test(raw);
const boundaryAfter = (text: string, at: number): number => {
  const end = text.slice(at).search(/\s|$/);
  return at + end;
};

/** The end of the nth word from a place on. */
function afterWords(text: string, from: number, count: number): number {
  let at = from;
  for (let n = 0; n < Math.min(count, 99) && at < text.length; n++)
    at = boundaryAfter(text, /\s/.test(text[at]!) ? at + 1 : at);
  return at;
}

/**
 * Tags in the middle of what was said, where they belong in the other words: at the same word where that is in both,
 * else at about the same share of the text, between words.
 */
function placedTags({ text, tags }: ReturnType<typeof flatten>, words: string): PlacedTag[] {
  const placed: PlacedTag[] = [],
    timed = tags.some(tag => isWordTime(tag.raw));
  let least = 0,
    opened = 0;
  for (const { raw: whole, at } of tags) {
    const raw = withoutWordTimes(whole);
    if (!raw || (timed && /^<\/?c[.>\s]/i.test(raw))) continue;
    const closing = closes(raw),
      word = closing
        ? /(\S{1,60})\s*$/u.exec(text.slice(Math.max(0, at - 61), at))?.[1]
        : /^\s*(\S{1,60})/u.exec(text.slice(at, at + 61))?.[1];
    let here = placed.length < MOST_ANCHORED ? anchor(words, word) : null;
    if (here !== null && closing) here += word!.length;
    const before = placed.at(-1);
    // As many words as it held before.
    if (here === null && closing && before && !before.closes && !isUnspaced(words))
      here = afterWords(words, before.at, text.slice(opened, at).trim().split(/\s+/).length);
    if (here === null) {
      here = Math.round((at / Math.max(1, text.length)) * words.length);
      if (!isUnspaced(words))
        here = closing ? boundaryAfter(words, here) : words.lastIndexOf(' ', Math.max(0, here - 1)) + 1;
    }
    here = Math.min(words.length, Math.max(least, here));
    // Nothing would stand between the two.
    if (closing && before?.at === here && !before.closes)
      here = isUnspaced(words)
        ? Math.min(words.length, here + 1)
        : boundaryAfter(words, Math.min(words.length, here + 1));
    least = here;
    opened = at;
    placed.push({ raw, at: here, closes: closing });
  }
  return placed;
}

/** Where a word stands in a text that has it once. */
function anchor(words: string, word: string | undefined): number | null {
  if (!word || word.length < 2) return null;
  const first = words.indexOf(word);
  return first >= 0 && words.indexOf(word, first + 1) < 0 ? first : null;
}
