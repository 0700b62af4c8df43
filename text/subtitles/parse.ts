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
  /** Without their ends and without the byte order mark. */
  lines: string[];
  bom: boolean;
  eol: '\n' | '\r\n';
  cues: SubtitleCue[];
  others: OtherBlock[];
}

const ARROW = '-->';
/** Hours may be missing, and comma, dot, colon or nothing may stand before the milliseconds. */
const TIME = /^(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[,.:;](\d{1,3}))?$/;

/** Milliseconds; null: no time. "0:01,5" are 1.5 seconds. */
export function readTime(text: string): number | null {
  const match = TIME.exec(text.trim());
  if (!match) return null;
  const [, hours = '0', minutes, seconds, fraction = '0'] = match;
  return (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000 + Number(fraction.padEnd(3, '0'));
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

const isBlank = (line: string | undefined): boolean => line === undefined || line.trim() === '';
const isNumber = (line: string): boolean => /^\s*\d+\s*$/.test(line);

/** The times of a line that has an arrow. */
function timesOf(text: string, line: number): Pick<SubtitleCue, 'startMs' | 'endMs' | 'start' | 'end' | 'settings'> {
  const arrow = text.indexOf(ARROW),
    before = text.slice(0, arrow),
    after = text.slice(arrow + ARROW.length);
  const start = { line, from: before.length - before.trimStart().length, to: before.trimEnd().length };
  const lead = after.length - after.trimStart().length,
    [word = ''] = after.trimStart().split(/\s/, 1),
    from = arrow + ARROW.length + lead;
  return {
    startMs: readTime(before),
    endMs: readTime(word),
    start: { ...start, to: Math.max(start.from, start.to) },
    end: { line, from, to: from + word.length },
    settings: after.trimStart().slice(word.length).trim(),
  };
}

/** Whether a line begins a cue: WebVTT's text may not hold an arrow, SubRip's does where it is no time. */
const isTimes = (line: string | undefined, kind: SubtitleKind): boolean =>
  line !== undefined && line.includes(ARROW) && (kind === 'vtt' || /^\s*[\d:.,;]+\s*-->/.test(line));

export function parseSubtitles(text: string, kind: SubtitleKind): Subtitles {
  const bom = text.startsWith('\ufeff'),
    lines = (bom ? text.slice(1) : text).split(/\r\n|\n|\r/);
  const cues: SubtitleCue[] = [],
    others: OtherBlock[] = [];
  const other = (block: OtherBlock['kind'], firstLine: number): number => {
    let last = firstLine;
    while (
      last + 1 < lines.length &&
      !isBlank(lines[last + 1]) &&
      !isTimes(lines[last + 1], kind) &&
      !(isNumber(lines[last + 1]!) && isTimes(lines[last + 2], kind))
    )
      last += 1;
    others.push({ kind: block, firstLine, lastLine: last });
    return last + 1;
  };
  let at = lines.findIndex(line => !isBlank(line));
  if (at < 0) at = lines.length;
  // Empty lines above the header are against the format, and gone when it is formatted.
  if (kind === 'vtt' && /^WEBVTT(?:[ \t]|$)/.test(lines[at] ?? '')) at = other('header', at);
  while (at < lines.length) {
    const line = lines[at]!;
    if (isBlank(line)) {
      at += 1;
      continue;
    }
    const timeLine = isTimes(line, kind) ? at : isTimes(lines[at + 1], kind) ? at + 1 : -1;
    if (timeLine < 0) {
      const [, word] = (kind === 'vtt' && /^(NOTE|STYLE|REGION)(?:\s|$)/.exec(line)) || [];
      at = other(word ? (word.toLowerCase() as OtherBlock['kind']) : 'stray', at);
      continue;
    }
    let last = timeLine;
    // A cue ends at an empty line, or where the next one begins without one.
    while (last + 1 < lines.length && !isBlank(lines[last + 1]) && !isTimes(lines[last + 1], kind)) {
      if (isTimes(lines[last + 2], kind) && isNumber(lines[last + 1]!)) break;
      last += 1;
    }
    cues.push({
      firstLine: at,
      timeLine,
      lastLine: last,
      id: timeLine > at ? line.trim() : null,
      ...timesOf(lines[timeLine]!, timeLine),
      lines: lines.slice(timeLine + 1, last + 1),
    });
    at = last + 1;
  }
  return { kind, lines, bom, eol: /\r\n/.test(text) ? '\r\n' : '\n', cues, others };
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

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', nbsp: '\u00a0', lrm: '', rlm: '' };

/** What a viewer reads of a line: no tags, no overrides of SubStation, entities of WebVTT as their signs. */
export const visible = (line: string, kind: SubtitleKind): string => {
  const bare = line.replace(/<\/?[\p{L}\d][^<>]*>|<\/>|\{\\[^{}]*\}/gu, '');
  return (kind === 'vtt' ? bare.replace(/&(\w+);/g, (whole, name: string) => ENTITIES[name] ?? whole) : bare).trim();
};

/** A speaker's name where it stands: `<v Name>` or `Name:` at the beginning of a line. */
export interface Speaker extends Span {
  name: string;
}

const VOICE = /<v(?:\.[^\s<>]*)?[ \t]([^<>]*)>/g;
/** Up to four words that begin like a name, or a few characters of a script that has no capitals. */
const PREFIX =
  /^(\s*(?:[-–—]\s*)?(?:<[^<>]*>\s*)*)((?:\p{Lu}[\p{L}\p{M}\p{N}'’.-]*)(?: [\p{Lu}\p{N}][\p{L}\p{M}\p{N}'’.-]*){0,3}|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]{1,8})[ \t]?[:：](?=\s|$|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}])/u;

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
