/**
 * Subtitles of one format into another, or into a text to read. What the other format can show stays (italics, bold,
 * who speaks). Pure.
 */
import { harmlessLine } from '../harmless.ts';
import { escapeMarkdown } from '../markdown.ts';
import { ASS_HEADER, assEvent } from './ass.ts';
import { timesOf, type DocumentCue } from './document.ts';
import { emphasisOf, untagged, visible, writeText, type SubtitleFormat, type Token } from './inline.ts';
import { writeTime, writeTimes } from './parse.ts';
import { readSpeech, tokensIn, voiceOf, type Speech } from './units.ts';
import { joined, joiner } from './width.ts';

export type { SubtitleFormat };
export const SUBTITLE_FORMATS = ['srt', 'vtt', 'ass'] as const satisfies readonly SubtitleFormat[];

/**
 * A cue as every format can say it: text with `<i>`, `<b>` and `<u>` only, signs as they are. `top`: shown at the upper
 * edge. `turns`: where somebody else speaks from a line on.
 */
export interface PlainCue {
  startMs: number;
  endMs: number;
  speaker: string | null;
  lines: string[];
  top: boolean;
  turns?: { line: number; speaker: string }[];
}

export const formatOf = (path: string): SubtitleFormat | null =>
  SUBTITLE_FORMATS.find(format => path.toLowerCase().endsWith(`.${format}`)) ??
  (path.toLowerCase().endsWith('.ssa') ? 'ass' : null);

/** Every cue with words, in the order of the file (of SubStation: of time). */
export const readCues = (text: string, format: SubtitleFormat): PlainCue[] => cuesOf(readSpeech(text, format));

export function cuesOf({ document, units, rolling }: Speech): PlainCue[] {
  // What rolls up is shown once, when it is new.
  if (rolling)
    return units.map(({ startMs, endMs, places: [place] }) => ({
      startMs,
      endMs,
      ...styled(place!.tokens, null),
      top: false,
    }));
  const times = timesOf(document.cues);
  const cues = document.cues.map((cue, n): PlainCue => {
    const tokens = tokensIn(document, cue);
    return { ...times[n]!, ...styled(tokens, cue.name), top: isAtTop(cue, tokens) };
  });
  const shown = cues.filter(cue => cue.lines.length > 0);
  return document.format === 'ass' ? shown.sort((a, b) => a.startMs - b.startMs) : shown;
}

const isAtTop = ({ settings }: DocumentCue, tokens: readonly Token[]): boolean =>
  /\bline:(?:0|[0-3]?\d%)(?=\s|,|$)/.test(settings) ||
  tokens.some(({ kind, raw }) => kind === 'tag' && raw.startsWith('{') && /\\an?[789](?!\d)/.test(raw));

function styled(tokens: readonly Token[], name: string | null): Pick<PlainCue, 'speaker' | 'lines' | 'turns'> {
  const lines: string[] = [],
    turns: { line: number; speaker: string }[] = [];
  let speaker = name,
    // Of the line that is being read, which is kept only where something shows.
    line = '',
    words = false,
    reading = false;
  const end = (): void => {
    if (line.trim()) lines.push(line.trim());
    line = '';
    words = false;
  };
  for (const { kind, raw, text } of tokens) {
    if (kind === 'break') end();
    else if (kind === 'text') {
      line += untagged(text);
      words ||= text.trim() !== '';
    } else if (kind === 'tag') {
      // How a word is read stands above it in WebVTT, and behind it where nothing can stand above.
      if (/^<rt\b/i.test(raw) !== reading && /^<(?:\/?rt|\/ruby)\b/i.test(raw)) {
        reading = !reading;
        line += reading ? '（' : '）';
      }
      const voice = voiceOf(raw);
      if (voice === null) line += emphasisOf(raw);
      else if (!words && lines.length === 0) speaker = voice;
      else if (voice !== (turns.at(-1)?.speaker ?? speaker)) {
        if (words) end();
        turns.push({ line: lines.length, speaker: voice });
      }
    }
  }
  end();
  return { speaker, lines, ...(turns.length ? { turns } : {}) };
}

/** A cue's words in one line, without tags. */
export const plain = ({ lines }: Pick<PlainCue, 'lines'>): string => joined(lines.map(line => visible(line, 'srt')));

/** WebVTT's own signs in a text that has none of its tags but emphasis. */
const vttText = (line: string): string =>
  line
    .split(/(<\/?[ibu]>)/)
    .map((part, i) => (i % 2 ? part : writeText(part, 'vtt')))
    .join('');
const assText = (line: string): string =>
  line
    .split(/(<\/?[ibu]>)/)
    .map((part, i) => (i % 2 ? `{\\${part.at(-2)}${part[1] === '/' ? 0 : 1}}` : writeText(part, 'ass')))
    .join('');
const namesOf = ({ speaker, turns = [] }: PlainCue): Map<number, string> =>
  new Map([
    ...(speaker === null ? [] : [[0, speaker] as const]),
    ...turns.map(turn => [turn.line, turn.speaker] as const),
  ]);
function named(cue: PlainCue): string[] {
  const names = namesOf(cue);
  return cue.lines.map((line, n) => (names.has(n) ? `${names.get(n)}: ${line}` : line));
}
function voiced(cue: PlainCue): string {
  const names = namesOf(cue),
    several = names.size > 1;
  return cue.lines
    .map((line, n) => {
      const begin = names.has(n) ? `<v ${names.get(n)!.replace(/[<>&]/g, '')}>` : '',
        end = several && (names.has(n + 1) || n + 1 === cue.lines.length) ? '</v>' : '';
      return begin + vttText(line) + end;
    })
    .join('\n');
}

/** `title` stands in SubStation's header and as Markdown's heading. Ends with a line feed. */
export function writeCues(cues: readonly PlainCue[], format: SubtitleFormat | 'txt' | 'md', title: string): string {
  switch (format) {
    case 'srt':
      return cues
        .map((cue, n) => `${n + 1}\n${writeTimes(cue, 'srt')}\n${cue.top ? '{\\an8}' : ''}${named(cue).join('\n')}\n`)
        .join('\n');
    case 'vtt':
      return [
        'WEBVTT\n',
        ...cues.map(cue => `${writeTimes(cue, 'vtt')}${cue.top ? ' line:0' : ''}\n${voiced(cue)}\n`),
      ].join('\n');
    case 'ass':
      return `${[
        ...ASS_HEADER(harmlessLine(title, ' ')),
        ...cues.map(cue => {
          const lines = cue.turns ? named({ ...cue, speaker: null }) : cue.lines;
          return assEvent(cue, (cue.top ? '{\\an8}' : '') + lines.map(assText).join('\\N'));
        }),
      ].join('\n')}\n`;
    case 'txt':
      return `${paragraphs(cues)
        .map(part => part.text)
        .join('\n\n')}\n`;
    case 'md':
      return `${[
        `# ${escapeMarkdown(title)}`,
        ...paragraphs(cues).map(part => `**[${clock(part.startMs)}]** ${escapeMarkdown(part.text)}`),
      ].join('\n\n')}\n`;
  }
}

/** Scenes and speakers part paragraphs. */
function paragraphs(cues: readonly PlainCue[]): { startMs: number; text: string }[] {
  const made: { startMs: number; text: string }[] = [];
  let endMs = -Infinity,
    speaker: string | null = null,
    before = '';
  for (const cue of cues) {
    const text = plain(cue.turns ? { lines: named({ ...cue, speaker: null }) } : cue),
      last = made.at(-1);
    if (!text) continue;
    if (last && cue.startMs - endMs < 3000 && cue.speaker === speaker) last.text += joiner(before, text) + text;
    else made.push({ startMs: cue.startMs, text: cue.speaker === null ? text : `${cue.speaker}: ${text}` });
    before = text;
    endMs = cue.endMs;
    speaker = cue.speaker;
  }
  return made;
}

const clock = (ms: number): string => writeTime(ms, 'vtt').slice(ms < 3_600_000 ? 3 : 0, 8);
