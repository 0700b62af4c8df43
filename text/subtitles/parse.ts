/**
 * SubRip and WebVTT as people write them: a text becomes cues and other blocks that know their lines. Anything can be
 * read; what does not follow the format is kept as it stands and shows in `check`. Pure.
 */
export type SubtitleKind = 'srt' | 'vtt';

/** A stretch of a line, in UTF-16 units. */
export interface Span {
  line: number;
  from: number;
  to: number;
}

export interface SubtitleCue {
  /** Lines of the whole cue, both included; `timeLine` holds the times. */
  firstLine: number;
  timeLine: number;
  lastLine: number;
  /** The number of SubRip or the identifier of WebVTT: the line above the times. */
  id: string | null;
  /** Null: that time cannot be read. */
  startMs: number | null;
  endMs: number | null;
  /** Where the two times stand. */
  start: Span;
  end: Span;
  /** What follows the times: WebVTT's settings, SubRip's coordinates. */
  settings: string;
  /** As they stand, tags and all; the first is line `timeLine` + 1. */
  lines: string[];
}

/** What is no cue: WebVTT's header, notes, styles and regions, and text that belongs to nothing. */
export interface OtherBlock {
  kind: 'header' | 'note' | 'style' | 'region' | 'stray';
  firstLine: number;
  lastLine: number;
}

export interface Subtitles {
  kind: SubtitleKind;
  /** As it was read; every line stands in it from its place in `starts` on. */
  text: string;
  /** Without their ends and without the byte order mark. */
  lines: string[];
  starts: number[];
  bom: boolean;
  /** What most lines end with. */
  eol: '\n' | '\r\n' | '\r';
  cues: SubtitleCue[];
  others: OtherBlock[];
}

/** The format's own arrow, and those of translators and editors that mean well; they count between two times only. */
const ARROW = '-->',
  OTHER_ARROW = /[-–—‐−－]{1,3} ?[>›＞]|=>|→/u;
/** Hours may be missing; comma, dot, colon or nothing may stand before the fraction; a sign before all. */
const TIME = /^([-+])?(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[,.:;](\d{1,9}))?$/;
/** The same as it is written in files: blanks after colons, and signs of full width. */
const WRITTEN = /^\s{0,9}([-−+]?\d{1,4}(?: ?[:：] ?\d{1,2}){1,2}(?: ?[,.;:，．] ?\d{1,9})?)(?=\s|$)/u;
/** What must be a time, whatever is wrong with it. */
const TIME_LIKE = /^(?:[-−+]?[\d:.,;：，．\s]{1,30})?$/u;

/** Milliseconds, below zero too; null: no time. "0:01,5" are 1.5 seconds. */
export function readTime(text: string): number | null {
  const match = TIME.exec(text.replace(/\s+/g, '').normalize('NFKC').replace('−', '-'));
  if (!match) return null;
  const [, sign, hours = '0', minutes, seconds, fraction = '0'] = match;
  const ms =
    (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000 +
    Number(fraction.slice(0, 3).padEnd(3, '0'));
  return sign === '-' && ms > 0 ? -ms : ms;
}

/** 00:01:02,003 in SubRip, 00:01:02.003 in WebVTT. */
export function writeTime(ms: number, kind: SubtitleKind): string {
  const whole = Math.max(0, Math.round(ms)),
    pad = (value: number, length = 2): string => String(value).padStart(length, '0');
  const clock = [Math.floor(whole / 3_600_000), Math.floor(whole / 60_000) % 60, Math.floor(whole / 1000) % 60];
  return `${clock.map(value => pad(value)).join(':')}${kind === 'srt' ? ',' : '.'}${pad(whole % 1000, 3)}`;
}

/** 00:01:02,003 --> 00:01:05,000 */
export const writeTimes = ({ startMs, endMs }: { startMs: number; endMs: number }, kind: SubtitleKind): string =>
  `${writeTime(startMs, kind)} --> ${writeTime(endMs, kind)}`;

/** WebVTT parts its blocks by lines that have nothing at all; elsewhere nobody sees a blank. */
const isBlank = (line: string | undefined, kind: SubtitleKind): boolean =>
  line === undefined || (kind === 'vtt' ? line === '' : line.trim() === '');
const isNumber = (line: string): boolean => /^\s*\d+\s*$/.test(line);

/** Where the arrow of a line of times stands; null: it is no such line, though it may have an arrow. */
function arrowOf(line: string | undefined): { from: number; to: number } | null {
  // Most lines are words: one look at how they begin and for the head of an arrow tells.
  if (line === undefined || !/^\s{0,9}[-−+\d０-９]/u.test(line) || !/[>›＞→]/u.test(line)) return null;
  const strict = line.indexOf(ARROW);
  if (strict >= 0) {
    const before = line.slice(0, strict),
      after = line.slice(strict + ARROW.length);
    const like =
      (before !== '' && TIME_LIKE.test(before.trim())) ||
      (WRITTEN.test(after) && /^\S{0,30}$/.test(before.trim()) && /\d|^$/.test(before.trim()));
    return like && /\d.*[:：]|[:：].*\d/u.test(line.slice(0, 200)) ? { from: strict, to: strict + ARROW.length } : null;
  }
  const other = OTHER_ARROW.exec(line.slice(0, 60));
  return other &&
    readTime(line.slice(0, other.index)) !== null &&
    WRITTEN.test(line.slice(other.index + other[0].length))
    ? { from: other.index, to: other.index + other[0].length }
    : null;
}
const isTimes = (line: string | undefined): boolean => arrowOf(line) !== null;

/** The times of a line that has an arrow. */
function timesOf(text: string, line: number): Pick<SubtitleCue, 'startMs' | 'endMs' | 'start' | 'end' | 'settings'> {
  const arrow = arrowOf(text)!,
    before = text.slice(0, arrow.from),
    after = text.slice(arrow.to);
  const start = { line, from: before.length - before.trimStart().length, to: before.trimEnd().length };
  const lead = after.length - after.trimStart().length,
    word = WRITTEN.exec(after)?.[1] ?? after.trimStart().split(/\s/, 1)[0] ?? '',
    from = arrow.to + lead;
  return {
    startMs: readTime(before),
    endMs: readTime(word),
    start: { ...start, to: Math.max(start.from, start.to) },
    end: { line, from, to: from + word.length },
    settings: after.trimStart().slice(word.length).trim(),
  };
}

/** Lines without their ends, and where each begins; the byte order mark is no part of the first. */
export function linesOf(text: string): { lines: string[]; starts: number[] } {
  const lines: string[] = [],
    starts: number[] = [];
  let from = text.startsWith('\ufeff') ? 1 : 0;
  for (const end of text.matchAll(/\r\n|\n|\r/g)) {
    lines.push(text.slice(from, end.index));
    starts.push(from);
    from = end.index + end[0].length;
  }
  lines.push(text.slice(from));
  starts.push(from);
  return { lines, starts };
}

export function parseSubtitles(text: string, kind: SubtitleKind): Subtitles {
  const { lines, starts } = linesOf(text),
    blank = (line: number): boolean => isBlank(lines[line], kind);
  const cues: SubtitleCue[] = [],
    others: OtherBlock[] = [];
  const other = (block: OtherBlock['kind'], firstLine: number): number => {
    let last = firstLine;
    while (
      last + 1 < lines.length &&
      !blank(last + 1) &&
      !isTimes(lines[last + 1]) &&
      !(isNumber(lines[last + 1]!) && isTimes(lines[last + 2]))
    )
      last += 1;
    others.push({ kind: block, firstLine, lastLine: last });
    return last + 1;
  };
  let at = lines.findIndex(line => line.trim() !== '');
  if (at < 0) at = lines.length;
  // Empty lines above the header are against the format, and gone when it is formatted.
  if (kind === 'vtt' && /^WEBVTT(?:[ \t]|$)/.test(lines[at] ?? '')) at = other('header', at);
  while (at < lines.length) {
    const line = lines[at]!;
    if (line.trim() === '') {
      at += 1;
      continue;
    }
    const timeLine = isTimes(line) ? at : isTimes(lines[at + 1]) ? at + 1 : -1;
    // Words above SubRip's times are no number: they belong to the cue before.
    const words = kind === 'srt' && timeLine > at && /\p{L}/u.test(line);
    if (timeLine < 0 || words) {
      const [, word] = (kind === 'vtt' && /^(NOTE|STYLE|REGION)(?:\s|$)/.exec(line)) || [];
      at = other(word ? (word.toLowerCase() as OtherBlock['kind']) : 'stray', at);
      continue;
    }
    let last = timeLine;
    // A cue ends at an empty line, or where the next one begins without one.
    while (last + 1 < lines.length && !blank(last + 1) && !isTimes(lines[last + 1])) {
      if (isTimes(lines[last + 2]) && isNumber(lines[last + 1]!)) break;
      last += 1;
    }
    cues.push({
      firstLine: at,
      timeLine,
      lastLine: last,
      id: timeLine > at ? (kind === 'vtt' ? line : line.trim()) : null,
      ...timesOf(lines[timeLine]!, timeLine),
      lines: lines.slice(timeLine + 1, last + 1),
    });
    at = last + 1;
  }
  const eol = text.includes('\r\n') ? '\r\n' : /\r(?!\n)/.test(text) && !text.includes('\n') ? '\r' : '\n';
  return { kind, text, lines, starts, bom: text.startsWith('\ufeff'), eol, cues, others };
}

/** The cue that a line belongs to; cues stand in order of their lines. */
export function cueAt({ cues }: Pick<Subtitles, 'cues'>, line: number): SubtitleCue | null {
  let low = 0,
    high = cues.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1,
      cue = cues[middle]!;
    if (line < cue.firstLine) high = middle - 1;
    else if (line > cue.lastLine) low = middle + 1;
    else return cue;
  }
  return null;
}

/** A speaker's name where it stands: `<v Name>` or `Name:` at the beginning of a line. */
export interface Speaker extends Span {
  name: string;
}

const VOICE = /<v(?:\.[^\s<>]*)?[ \t]([^<>]*)>/g;
/** Up to four words that begin like a name, or a few characters of a script that has no capitals. */
const PREFIX =
  /^(\s*(?:[-–—]\s*)?(?:<[^<>]*>\s*)*)((?:\p{Lu}[\p{L}\p{M}\p{N}'’.-]*)(?: [\p{Lu}\p{N}][\p{L}\p{M}\p{N}'’.-]*){0,3}|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]{1,8})[ \t]?[:：](?=\s|$|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}])/u;

export const beginsWithName = (line: string): boolean => PREFIX.test(line);

export function speakersOf({ cues }: Pick<Subtitles, 'cues'>): Speaker[] {
  const found: Speaker[] = [];
  for (const cue of cues)
    for (const [n, text] of cue.lines.entries()) {
      const line = cue.timeLine + 1 + n;
      for (const match of text.matchAll(VOICE)) {
        const given = match[1]!,
          name = given.trim(),
          from = match.index + match[0].length - 1 - given.trimStart().length;
        if (name) found.push({ name, line, from, to: from + name.length });
      }
      const prefix = PREFIX.exec(text);
      if (prefix)
        found.push({ name: prefix[2]!, line, from: prefix[1]!.length, to: prefix[1]!.length + prefix[2]!.length });
    }
  return found;
}

/** A pause that is longer begins a new scene. */
export const SCENE_PAUSE_MS = 5000;

/** Runs of cues without a long pause between them. */
export function scenesOf({ cues }: Pick<Subtitles, 'cues'>, pauseMs = SCENE_PAUSE_MS): SubtitleCue[][] {
  const scenes: SubtitleCue[][] = [];
  let endMs = 0;
  for (const cue of cues) {
    const start = cue.startMs ?? endMs;
    if (scenes.length && start - endMs < pauseMs) scenes.at(-1)!.push(cue);
    else scenes.push([cue]);
    endMs = Math.max(start, cue.endMs ?? start);
  }
  return scenes;
}
