/**
 * A subtitle file of any format as its cues: when each is shown, and where in the file the text stands that is shown.
 * What is no cue stays where it is; nobody need understand it to keep it. Pure.
 */
import { tokensOf, type SubtitleFormat } from './inline.ts';
import { linesOf, parseSubtitles, readTime } from './parse.ts';

/** A stretch of the file's text, in UTF-16 units. */
export interface Range {
  from: number;
  to: number;
}

export interface DocumentCue {
  /** Null: that time cannot be read. */
  startMs: number | null;
  endMs: number | null;
  /** Who speaks, where SubStation has a field for it. */
  name: string | null;
  settings: string;
  /** Its text; more than one where empty lines part it. */
  bodies: Range[];
  /** Made by a karaoke script, syllable by syllable: nothing that was written for people to read. */
  generated: boolean;
}

/** How many parts there are that are neither times nor words. */
export interface OtherParts {
  /** Comments of SubStation, notes of WebVTT. */
  notes: number;
  /** Styles and regions. */
  styles: number;
  /** Texts that belong to no cue. */
  strays: number;
}

export interface SubtitleDocument {
  format: SubtitleFormat;
  /** The whole file. */
  text: string;
  /** What separates lines, in the file and within a cue. */
  eol: string;
  lineBreak: string;
  cues: DocumentCue[];
  others: OtherParts;
}

export const readDocument = (text: string, format: SubtitleFormat): SubtitleDocument =>
  format === 'ass' ? readSubStation(text) : readLines(text, format);

const hasWords = (text: string): boolean => /[\p{L}\p{N}]/u.test(text);

function readLines(text: string, format: 'srt' | 'vtt'): SubtitleDocument {
  const { lines, starts, eol, cues, others } = parseSubtitles(text, format);
  const range = (first: number, last: number): Range => ({
    from: starts[first]!,
    to: starts[last]! + lines[last]!.length,
  });
  const found = cues.map(({ startMs, endMs, settings, timeLine, lastLine }): DocumentCue => ({
    startMs,
    endMs,
    name: null,
    settings,
    bodies: lastLine > timeLine ? [range(timeLine + 1, lastLine)] : [],
    generated: false,
  }));
  const parts: OtherParts = { notes: 0, styles: 0, strays: 0 };
  let cue = -1;
  for (const { kind, firstLine, lastLine } of others) {
    while (cue + 1 < cues.length && cues[cue + 1]!.firstLine < firstLine) cue += 1;
    const words = range(firstLine, lastLine);
    if (kind === 'note') parts.notes += 1;
    else if (kind === 'style' || kind === 'region') parts.styles += 1;
    // Text after an empty line belongs to the cue before; above the first cue, to none.
    else if (kind === 'stray' && cue >= 0) found[cue]!.bodies.push(words);
    else if (kind === 'stray' && hasWords(text.slice(words.from, words.to))) parts.strays += 1;
  }
  return { format, text, eol, lineBreak: eol, cues: found, others: parts };
}

/** What the events of a file are made of that does not say it. */
const USUAL_FIELDS = 'layer,start,end,style,name,marginl,marginr,marginv,effect,text'.split(',');

function readSubStation(text: string): SubtitleDocument {
  const { lines, starts } = linesOf(text),
    cues: DocumentCue[] = [],
    others: OtherParts = { notes: 0, styles: 0, strays: 0 };
  let section = '',
    fields = USUAL_FIELDS;
  for (const [n, line] of lines.entries()) {
    if (/^\s*\[/.test(line)) {
      section = line.trim().toLowerCase();
      continue;
    }
    const [head, key] = /^\s*(Format|Dialogue|Comment|Style):[ \t]*/i.exec(line) ?? [];
    if (head === undefined) continue;
    const kind = key!.toLowerCase(),
      value = line.slice(head.length);
    if (kind === 'style') others.styles += 1;
    if (section !== '[events]') continue;
    if (kind === 'comment') others.notes += 1;
    if (kind === 'format') {
      const named = value.split(',').map(name => name.trim().toLowerCase());
      if (named.includes('text')) fields = named;
    }
    if (kind !== 'dialogue') continue;
    // The text is the last field, and the only one that may have commas.
    const cells = value.split(',', fields.indexOf('text')),
      at = (name: string): string => cells[fields.indexOf(name)]?.trim() ?? '';
    const before = cells.reduce((sum, cell) => sum + cell.length + 1, 0);
    if (before > value.length) continue;
    const from = starts[n]! + (line.length - value.length) + before;
    cues.push({
      startMs: readTime(at('start')),
      endMs: readTime(at('end')),
      name: at('name') || at('actor') || null,
      settings: '',
      bodies: [{ from, to: starts[n]! + line.length }],
      generated: /^fx$/i.test(at('effect')),
    });
  }
  return { format: 'ass', text, eol: text.includes('\r\n') ? '\r\n' : '\n', lineBreak: '\\N', cues, others };
}

/** How long a cue is shown that has no length of its own. */
const SHOWN_MS = 1500;

/**
 * When each cue is shown, for all that need two times in order: one that cannot be read is taken from its neighbor, and
 * one of no length lasts until the next. ms, not below zero.
 */
export function timesOf(cues: readonly DocumentCue[]): { startMs: number; endMs: number }[] {
  let last = 0;
  const times = cues.map(({ startMs, endMs }) => {
    const start = Math.max(0, startMs ?? (endMs === null ? last : Math.min(last, endMs))),
      end = Math.max(0, endMs ?? start);
    last = Math.max(start, end);
    return { startMs: Math.min(start, end), endMs: Math.max(start, end) };
  });
  return times.map(({ startMs, endMs }, n) => {
    const next = times[n + 1]?.startMs ?? Infinity;
    return { startMs, endMs: endMs > startMs ? endMs : Math.min(startMs + SHOWN_MS, next > startMs ? next : Infinity) };
  });
}

/** The text with these stretches replaced, everything else to the letter. */
export function edited(text: string, edits: readonly (Range & { text: string })[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const { from, to, text: made } of [...edits].sort((a, b) => a.from - b.from || a.to - b.to)) {
    parts.push(text.slice(at, from), made);
    at = to;
  }
  parts.push(text.slice(at));
  return parts.join('');
}

/** How many cues hold drawings. */
export const drawingsIn = ({ format, text, cues }: SubtitleDocument): number =>
  format === 'ass'
    ? cues.filter(({ bodies }) =>
        bodies.some(
          ({ from, to }) =>
            text.slice(from, to).includes('\\p') &&
            tokensOf(text.slice(from, to), 'ass').some(token => token.kind === 'hidden'),
        ),
      ).length
    : 0;
