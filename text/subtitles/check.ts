/** What is wrong with subtitles, or hard on those who read them, and what may safely be done about it. Pure. */
import { isShortened } from '../sentences.ts';
import { visible } from './inline.ts';
import { parseSubtitles, writeTime, type Span, type SubtitleCue, type SubtitleKind, type Subtitles } from './parse.ts';
import { unspacedPieces } from './pieces.ts';
import { columns, isUnspaced } from './width.ts';

/** Usual limits of broadcasters and streaming services. */
export interface Limits {
  charactersPerSecond: number;
  lineLength: number;
  lines: number;
}
export const USUAL_LIMITS: Limits = { charactersPerSecond: 20, lineLength: 42, lines: 2 };
/** What stays between two cues when one is lengthened: two frames. */
const GAP_MS = 80;

export const PROBLEMS = [
  'badTime',
  'timeShape',
  'endBeforeStart',
  'overlap',
  'order',
  'tooFast',
  'longLine',
  'manyLines',
  'number',
  'empty',
  'noBlankLine',
  'parted',
  'stray',
  'noHeader',
] as const;
export type ProblemCode = (typeof PROBLEMS)[number];

/** Lines [from, to) become these. */
export interface LineEdit {
  from: number;
  to: number;
  lines: string[];
}
export interface Problem extends Span {
  code: ProblemCode;
  args: (string | number)[];
  fix: LineEdit | null;
}

/** Shown seconds and speed of a cue; cps is null where there is no time to read it in. */
export function figures(
  cue: SubtitleCue,
  kind: SubtitleKind,
): { ms: number | null; characters: number; cps: number | null; widths: number[] } {
  const widths = cue.lines.map(line => columns(visible(line, kind))),
    characters = widths.reduce((sum, width) => sum + width, 0);
  const ms = cue.startMs === null || cue.endMs === null ? null : cue.endMs - cue.startMs;
  return { ms, characters, cps: ms !== null && ms > 0 ? (characters * 1000) / ms : null, widths };
}

const timeLine = (cue: SubtitleCue, kind: SubtitleKind, startMs = cue.startMs!, endMs = cue.endMs!): string =>
  `${writeTime(startMs, kind)} --> ${writeTime(endMs, kind)}${cue.settings ? ` ${cue.settings}` : ''}`;

/**
 * The cue's words in at most so many balanced lines; null where they do not fit, or where tags or two speakers make it
 * risky.
 */
export function rebroken(lines: readonly string[], limits: Limits): string[] | null {
  if (lines.some(line => /<|\{\\/.test(line)) || lines.filter(line => /^\s*[-–—]/.test(line)).length > 1) return null;
  const words = lines.join(' ').trim().split(/\s+/),
    width = (part: readonly string[]): number => columns(part.join(' '));
  if (width(words) <= limits.lineLength) return [words.join(' ')];
  // Most breaks cannot be right where the whole is wider than two lines, and there may be thousands.
  if (limits.lines < 2 || width(words) > 2 * limits.lineLength + 1) return null;
  let best: { at: number; cost: number } | null = null;
  for (let at = 1; at < words.length; at++) {
    const upper = width(words.slice(0, at)),
      lower = width(words.slice(at));
    if (upper > limits.lineLength || lower > limits.lineLength) continue;
    // A break after a mark reads better than an even one, one within "Jan. 5" worse.
    const before = words[at - 1]!,
      mark = isShortened(before, words[at]!) ? 16 : /[,.;:!?…，。；：！？、]$/.test(before) ? -8 : 0,
      cost = Math.abs(upper - lower) + mark;
    if (!best || cost < best.cost) best = { at, cost };
  }
  return best && [words.slice(0, best.at).join(' '), words.slice(best.at).join(' ')];
}

/** A text in lines of a cue: balanced where it fits, else as many as it needs. */
export function inLines(text: string, limits: Limits = USUAL_LIMITS): string[] {
  const fitting = rebroken([text], limits);
  if (fitting) return fitting;
  const words = unbroken(text),
    lines = filled(words, limits.lineLength);
  if (lines.length !== 2 || limits.lines < 2) return lines;
  // Half of it and a little more: the two come out of about one length.
  const half = Math.ceil(columns(text.trim()) / 2);
  for (let width = half; width < limits.lineLength; width += 2) {
    const even = filled(words, width);
    if (even.length === 2) return even;
  }
  return lines;
}

interface Word {
  text: string;
  spaceBefore: boolean;
}

/** Longer than any line of words without spaces: there each character is taken by itself. */
const LONGEST_UNSPACED = 1000;
const CHARACTER =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]\p{P}*|[^\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]+/gu;

/** What no line is broken in. */
const unbroken = (text: string): Word[] =>
  (text.match(/\S+/gu) ?? []).flatMap(chunk => {
    const pieces =
      chunk.length === 1 || !isUnspaced(chunk)
        ? [chunk]
        : chunk.length > LONGEST_UNSPACED
          ? (chunk.match(CHARACTER) ?? [])
          : unspacedPieces(chunk, 'und').map(([from, to]) => chunk.slice(from, to));
    return pieces.map((piece, n) => ({ text: piece, spaceBefore: n === 0 }));
  });

function filled(words: readonly Word[], width: number): string[] {
  const lines: string[] = [];
  for (const { text, spaceBefore } of words) {
    const last = lines.at(-1),
      joined = `${last}${spaceBefore ? ' ' : ''}${text}`;
    if (last !== undefined && columns(joined) <= width) lines[lines.length - 1] = joined;
    else lines.push(text);
  }
  return lines;
}

export function check(subtitles: Subtitles, limits: Limits = USUAL_LIMITS): Problem[] {
  const { kind, cues, others, lines } = subtitles,
    found: Problem[] = [];
  const add = (code: ProblemCode, span: Span, args: Problem['args'] = [], fix: LineEdit | null = null): void => {
    found.push({ code, ...span, args, fix });
  };
  const whole = (line: number): Span => {
    const text = lines[line] ?? '';
    return { line, from: text.trim() ? text.length - text.trimStart().length : 0, to: text.trimEnd().length };
  };
  const header = others[0]?.kind === 'header' ? others[0] : null;
  if (kind === 'vtt' && header?.firstLine !== 0 && lines.some(line => line.trim() !== ''))
    add(
      'noHeader',
      whole(0),
      [],
      header ? { from: 0, to: header.firstLine, lines: [] } : { from: 0, to: 0, lines: ['WEBVTT', ''] },
    );
  const ends = new Set(cues.map(cue => cue.lastLine));
  // The first lines of texts that an empty line parts from their cue, or from such a text.
  const parted = new Map<number, number>();
  for (const block of others) {
    if (block.kind !== 'stray') continue;
    let last = block.firstLine - 1;
    while (last >= 0 && lines[last]!.trim() === '' && !ends.has(last)) last -= 1;
    const text: Span = { line: block.firstLine, from: 0, to: lines[block.firstLine]!.length };
    if (!ends.has(last)) {
      add('stray', text);
      continue;
    }
    add('parted', text, [], last + 1 < block.firstLine ? { from: last + 1, to: block.firstLine, lines: [] } : null);
    parted.set(last, block.firstLine);
    ends.add(block.lastLine);
  }
  // The latest end so far: a long cue may run over several.
  let latest: SubtitleCue | null = null;
  for (const [n, cue] of cues.entries()) {
    const before = cues[n - 1] ?? null,
      next = cues[n + 1] ?? null,
      both: Span = { line: cue.timeLine, from: cue.start.from, to: Math.max(cue.end.to, cue.start.to + 1) };
    const retimed = (startMs: number, endMs: number): LineEdit => ({
      from: cue.timeLine,
      to: cue.timeLine + 1,
      lines: [timeLine(cue, kind, startMs, endMs)],
    });
    const { ms, cps, characters, widths } = figures(cue, kind),
      { startMs, endMs } = cue;
    if (startMs === null) add('badTime', cue.start.to > cue.start.from ? cue.start : both);
    if (endMs === null) add('badTime', cue.end.to > cue.end.from ? cue.end : both);
    if (startMs !== null && endMs !== null) {
      const shaped =
        kind === 'srt'
          ? /^\d{2,}:\d\d:\d\d,\d{3} --> \d{2,}:\d\d:\d\d,\d{3}(?: |$)/
          : /^(?:\d{2,}:)?\d\d:\d\d\.\d{3}[ \t]+-->[ \t]+(?:\d{2,}:)?\d\d:\d\d\.\d{3}(?:\s|$)/;
      if (!shaped.test(lines[cue.timeLine]!))
        add(
          'timeShape',
          both,
          [kind === 'srt' ? '00:00:00,000 --> 00:00:00,000' : '00:00:00.000 --> 00:00:00.000'],
          retimed(startMs, endMs),
        );
      if (endMs <= startMs) add('endBeforeStart', cue.end, [], endMs < startMs ? retimed(endMs, startMs) : null);
    }
    if (startMs !== null && before?.startMs != null && startMs < before.startMs)
      add('order', cue.start, [writeTime(before.startMs, kind)]);
    else if (startMs !== null && latest?.endMs != null && startMs < latest.endMs) {
      // The cue before may end where this one begins, as long as something is left of it.
      const fix =
        latest === before && before.startMs !== null && before.startMs < startMs
          ? { from: before.timeLine, to: before.timeLine + 1, lines: [timeLine(before, kind, before.startMs, startMs)] }
          : null;
      add('overlap', cue.start, [(latest.endMs - startMs) / 1000], fix);
    }
    if (endMs !== null && (latest?.endMs == null || endMs > latest.endMs)) latest = cue;
    if (cps !== null && cps > limits.charactersPerSecond && ms! > 0) {
      const needed = startMs! + Math.ceil((characters * 1000) / limits.charactersPerSecond),
        room = next?.startMs == null ? needed : next.startMs - GAP_MS;
      add(
        'tooFast',
        both,
        [Math.round(cps * 10) / 10, limits.charactersPerSecond],
        needed <= room && n < cues.length - 1 ? retimed(startMs!, needed) : null,
      );
    }
    // Once, however many of its lines are too long.
    const seen = cue.lines.flatMap((line, i) => (line.trim() === '' ? [] : [cue.timeLine + 1 + i])),
      longLines = widths.some(width => width > limits.lineLength),
      made = longLines || seen.length > limits.lines ? rebroken(cue.lines, limits) : null,
      again = made && { from: cue.timeLine + 1, to: cue.lastLine + 1, lines: made };
    if (seen.length === 0 && !parted.has(cue.lastLine))
      add('empty', both, [], {
        from: cue.firstLine,
        to: Math.min(lines.length, cue.lastLine + (lines[cue.lastLine + 1]?.trim() === '' ? 2 : 1)),
        lines: [],
      });
    widths.forEach((width, i) => {
      if (width > limits.lineLength) add('longLine', whole(cue.timeLine + 1 + i), [width, limits.lineLength], again);
    });
    if (seen.length > limits.lines) add('manyLines', whole(seen[limits.lines]!), [seen.length, limits.lines], again);
    if (kind === 'srt' && cue.id !== String(n + 1)) {
      const span = cue.timeLine > cue.firstLine ? whole(cue.firstLine) : both;
      add(
        'number',
        span,
        [n + 1],
        /^\d+$/.test(cue.id ?? '0') ? { from: cue.firstLine, to: cue.timeLine, lines: [String(n + 1)] } : null,
      );
    }
    if (n > 0 && cue.firstLine === cues[n - 1]!.lastLine + 1)
      add('noBlankLine', whole(cue.firstLine), [], { from: cue.firstLine, to: cue.firstLine, lines: [''] });
  }
  return found;
}

/**
 * The whole text in the format's own shape: numbers in order, times in full, one empty line between blocks, no blanks
 * at the ends of lines. What is no cue stays where it stands and as it is, and so does a line of blanks within a cue:
 * an empty one would end it. Formatting what was formatted changes nothing.
 */
export function formatted(text: string, kind: SubtitleKind): string {
  const { cues, others, lines, bom, eol } = parseSubtitles(text, kind);
  const blocks = [
    ...cues.map((cue, n) => {
      const times = cue.startMs === null || cue.endMs === null ? lines[cue.timeLine]!.trim() : timeLine(cue, kind);
      // A line without a digit is no number: it stays, above the number that was missing.
      const stray = kind === 'srt' && cue.id !== null && !/\d/.test(cue.id) ? [cue.id, ''] : [];
      const id = kind === 'srt' ? [...stray, String(n + 1)] : cue.id === null ? [] : [cue.id];
      return { at: cue.firstLine, lines: [...id, times, ...cue.lines.map(line => line.trimEnd() || line)] };
    }),
    ...others.map(({ firstLine, lastLine }) => ({ at: firstLine, lines: lines.slice(firstLine, lastLine + 1) })),
  ].sort((a, b) => a.at - b.at);
  if (!blocks.length) return text;
  return (bom ? '\ufeff' : '') + blocks.map(block => `${block.lines.join(eol)}${eol}`).join(eol);
}

/**
 * The cues in order of their times, formatted; those whose time cannot be read follow the one that stood before them.
 * Notes go with the cue below them, and text that an empty line parts from its cue goes with that cue.
 */
export function sorted(text: string, kind: SubtitleKind): string {
  const { cues, others, lines, bom, eol } = parseSubtitles(text, kind);
  const part = ({ firstLine, lastLine }: { firstLine: number; lastLine: number }): string =>
    lines.slice(firstLine, lastLine + 1).join(eol);
  const head: string[] = [],
    timed: { at: number; parts: string[] }[] = [];
  let notes: string[] = [],
    last = 0;
  const blocks = [
    ...cues.map(cue => ({ cue, block: cue, kind: 'cue' as const })),
    ...others.map(block => ({ cue: null, block, kind: block.kind })),
  ].sort((a, b) => a.block.firstLine - b.block.firstLine);
  for (const { cue, block, kind: what } of blocks) {
    if (cue) {
      timed.push({ at: (last = cue.startMs ?? last), parts: [...notes, part(cue)] });
      notes = [];
    } else if (what === 'stray') (timed.at(-1)?.parts ?? head).push(part(block));
    else if (what === 'note') notes.push(part(block));
    else {
      head.push(...notes, part(block));
      notes = [];
    }
  }
  timed.sort((a, b) => a.at - b.at);
  const all = [...head, ...timed.flatMap(({ parts }) => parts), ...notes];
  return formatted((bom ? '\ufeff' : '') + all.join(eol + eol), kind);
}
