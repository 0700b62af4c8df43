/**
 * Subtitles of one format into another, or into a text to read. What the other format can show stays (italics, bold,
 * who speaks). Pure.
 */
import { escapeMarkdown } from '../markdown.ts';
import { ASS_HEADER, assEvent, escapeAss } from './ass.ts';
import { parseSubtitles, visible, writeTime, writeTimes, type SubtitleKind } from './parse.ts';
import { joined, joiner } from './width.ts';

export type SubtitleFormat = SubtitleKind | 'ass';
export const SUBTITLE_FORMATS = ['srt', 'vtt', 'ass'] as const satisfies readonly SubtitleFormat[];

/**
 * A cue as every format can say it: text with `<i>`, `<b>` and `<u>` only, signs as they are. `top`: shown at the upper
 * edge.
 */
export interface PlainCue {
  startMs: number;
  endMs: number;
  speaker: string | null;
  lines: string[];
  top: boolean;
}

export const formatOf = (path: string): SubtitleFormat | null =>
  SUBTITLE_FORMATS.find(format => path.toLowerCase().endsWith(`.${format}`)) ??
  (path.toLowerCase().endsWith('.ssa') ? 'ass' : null);

const KEPT_TAG = /^<\/?[ibu]>$/i;
const withoutTags = (text: string): string =>
  text.replace(/<\/?[\p{L}\d][^<>]*>/gu, tag => (KEPT_TAG.test(tag) ? tag.toLowerCase() : ''));
const ENTITY: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&nbsp;': '\u00a0',
  '&lrm;': '\u200e',
  '&rlm;': '\u200f',
};
/** `&lt;` becomes a look-alike where a tag could be read into it. */
const decode = (text: string): string =>
  text
    .replace(/&(?:amp|nbsp|lrm|rlm);/g, entity => ENTITY[entity]!)
    .replace(/&lt;/g, '‹')
    .replace(/&gt;/g, '›');

/** Cues whose times cannot be read are left out. */
export function readCues(text: string, format: SubtitleFormat): PlainCue[] {
  if (format === 'ass') return readAss(text);
  return parseSubtitles(text, format).cues.flatMap(({ startMs, endMs, lines, settings }) => {
    if (startMs === null || endMs === null) return [];
    const voice =
      format === 'vtt' ? (/^<v(?:\.[^\s<>]*)?[ \t]([^<>]+)>/.exec(lines[0] ?? '')?.[1]?.trim() ?? null) : null;
    const clean = (line: string): string =>
      format === 'vtt' ? decode(withoutTags(line)) : withoutTags(line.replace(/\{\\[^{}]*\}/g, ''));
    return [
      {
        startMs,
        endMs,
        speaker: voice,
        lines: lines.map(clean).filter(line => line.trim() !== ''),
        top:
          format === 'srt' ? /\{\\an?[789]\}/.test(lines.join('')) : /\bline:(?:0|[0-3]?\d%)(?=\s|,|$)/.test(settings),
      },
    ];
  });
}

/** Cues with words, in order of their times: what a job whose source is subtitles reads, one utterance each. */
export const spokenCues = (text: string, format: SubtitleFormat): PlainCue[] =>
  readCues(text, format)
    .filter(cue => cue.endMs > cue.startMs && /[\p{L}\p{N}]/u.test(plain(cue)))
    .sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);

/** A cue's words in one line, without tags. */
export const plain = ({ lines }: Pick<PlainCue, 'lines'>): string => joined(lines.map(line => visible(line, 'srt')));

function readAss(text: string): PlainCue[] {
  let columns: string[] = [],
    inEvents = false;
  const cues: PlainCue[] = [];
  for (const raw of text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/)) {
    const line = raw.trim();
    if (line.startsWith('[')) {
      inEvents = /^\[events\]$/i.test(line);
      continue;
    }
    const [, key, value] = /^(Format|Dialogue):(.*)$/i.exec(line) ?? [];
    if (!inEvents || !key || value === undefined) continue;
    if (key.toLowerCase() === 'format') {
      columns = value.split(',').map(name => name.trim().toLowerCase());
      continue;
    }
    const cells = value.split(','),
      at = (name: string): string => cells[columns.indexOf(name)]?.trim() ?? '';
    const time = (name: string): number | null => {
      const match = /^(\d+):(\d{1,2}):(\d{1,2})[.:](\d{1,3})$/.exec(at(name));
      return (
        match &&
        (Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3])) * 1000 + Number(match[4]!.padEnd(3, '0'))
      );
    };
    const startMs = time('start'),
      endMs = time('end');
    if (startMs === null || endMs === null || !columns.includes('text')) continue;
    // Escaped braces are signs that were said: out of the way of those that hold overrides.
    const shown = cells
      .slice(columns.indexOf('text'))
      .join(',')
      .replaceAll('\\{', '\ue000')
      .replaceAll('\\}', '\ue001');
    const styled = shown.replace(/\{([^{}]*)\}/g, (_all, orders: string) =>
      [...orders.matchAll(/\\([ibu])([01])(?=\\|$)/g)]
        .map(([, tag, on]) => `<${on === '1' ? '' : '/'}${tag}>`)
        .join(''),
    );
    // A backslash with a word joiner after it is one that was said: it breaks no line.
    const lines = styled
      .replaceAll('\\h', '\u00a0')
      .split(/\\[Nn]/)
      .map(each =>
        each
          .replace(/\u2060/g, '')
          .replaceAll('\ue000', '{')
          .replaceAll('\ue001', '}')
          .trim(),
      )
      .filter(Boolean);
    const top = shown.match(/\{[^{}]*\}/g)?.some(orders => /\\an?[789]/.test(orders)) ?? false;
    cues.push({ startMs, endMs, speaker: at('name') || null, lines, top });
  }
  return cues.sort((a, b) => a.startMs - b.startMs);
}

/** WebVTT's own signs in a text that has none of its tags but emphasis. */
export const vttText = (line: string): string =>
  line
    .split(/(<\/?[ibu]>)/)
    .map((part, i) => (i % 2 ? part : part.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')))
    .join('');
const assText = (line: string): string =>
  line
    .split(/(<\/?[ibu]>)/)
    .map((part, i) => (i % 2 ? `{\\${part.at(-2)}${part[1] === '/' ? 0 : 1}}` : escapeAss(part)))
    .join('');
const named = ({ speaker, lines }: PlainCue): string[] =>
  speaker === null ? lines : [`${speaker}: ${lines[0] ?? ''}`.trim(), ...lines.slice(1)];

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
        ...cues.map(cue => {
          const voice = cue.speaker === null ? '' : `<v ${cue.speaker.replace(/[<>&]/g, '')}>`;
          return `${writeTimes(cue, 'vtt')}${cue.top ? ' line:0' : ''}\n${voice}${cue.lines.map(vttText).join('\n')}\n`;
        }),
      ].join('\n');
    case 'ass':
      return `${[
        ...ASS_HEADER(title.replace(/\p{Cc}+/gu, ' ')),
        ...cues.map(cue => assEvent(cue, (cue.top ? '{\\an8}' : '') + cue.lines.map(assText).join('\\N'))),
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
    const text = plain(cue),
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
