/**
 * A transcript as a document, in named pieces. Each utterance, each translation and each bit of furniture is a piece
 * with a key of its own, so that a piece can be replaced when its text improves, and new ones find their place between
 * others. Pure.
 */
import { sourceText, translatedText, type Utterance } from '../../schemas/job.ts';
import { harmlessLines } from '../../text/harmless.ts';
import { escapeMarkdown } from '../../text/markdown.ts';
import { atMoment } from '../../text/links.ts';
import { chaptersOf, titleOf } from '../../text/transcripts/chapters.ts';
import { hasPlaceholder, parseShape, type Part } from './shape.ts';
import { cues, type SubtitleFormat, type TranslationPlace } from './subtitles.ts';

export interface Template {
  format: 'markdown' | 'text' | SubtitleFormat;
  timestamps: 'none' | 'paragraph' | 'utterance';
  /** A pause of the recording that begins a new paragraph. */
  paragraphPauseMs: number;
  translation: TranslationPlace;
  /** The shape of a paragraph (shape.ts); null: as the other settings say. */
  shape?: string | null;
  /** The first line; null: none. */
  heading: string | null;
  /** What Markdown links to the recording point at; with one, time stamps are links into it. */
  link?: string | null;
  /** What stands in a block before everything else, name by name; languages are added when they are known. */
  frontMatter?: Readonly<Record<string, string>> | null;
  /** A pause that begins a new chapter with a heading of its own; 0: none do. */
  chapterPauseMs?: number;
  /** Says that a stretch failed, in the reader's language. */
  gap: (from: string, to: string) => string;
  /** What a speaker is called, in the reader's language. */
  speaker: (name: string) => string;
}

export interface Piece {
  key: string;
  text: string;
}

/** Languages written without spaces between sentences. */
const CLOSE = new Set(['zh', 'ja', 'th', 'lo', 'km', 'my', 'yue']);
const glue = (language: string | undefined): string => (CLOSE.has((language ?? '').split('-')[0]!) ? '' : ' ');

/** 75 000: "1:15"; from an hour on with hours. */
export function stamp(ms: number): string {
  const s = Math.floor(ms / 1000),
    two = (n: number): string => String(n).padStart(2, '0');
  return s >= 3600
    ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`
    : `${two(Math.floor(s / 60))}:${two(s % 60)}`;
}

interface Shown {
  speaker: string | null;
  index: number;
  startMs: number;
  endMs: number;
  text: string;
  translation: string | null;
  language: string | undefined;
  translated: string | undefined;
}

function shown(utterance: Utterance, template: Template): Shown | null {
  const failed = utterance.failed !== undefined && !utterance.asr;
  const text = failed ? template.gap(stamp(utterance.startMs), stamp(utterance.endMs)) : sourceText(utterance).trim();
  if (!text) return null;
  const escape = template.format === 'markdown' ? escapeMarkdown : harmlessLines;
  return {
    speaker: utterance.speaker ? escape(template.speaker(utterance.speaker)) : null,
    index: utterance.index,
    startMs: utterance.startMs,
    endMs: utterance.endMs,
    text: failed ? text : escape(text),
    translation: utterance.nmt ? escape(translatedText(utterance).trim()) : null,
    language: utterance.asr?.language,
    translated: utterance.nmt?.language,
  };
}

/** Who speaks in the end, so that a name stands where somebody begins to. */
interface Turn extends Shown {
  turn: boolean;
}

function turns(all: readonly Shown[]): Turn[] {
  let last: string | null = null;
  return all.map(one => {
    const turn = one.speaker !== null && one.speaker !== last;
    last = one.speaker ?? last;
    return { ...one, turn };
  });
}

/**
 * Runs of utterances with no long pause between them and one speaker; every utterance its own when each gets a time
 * stamp.
 */
function paragraphs(all: readonly Turn[], template: Template, byTurn: boolean): Turn[][] {
  const result: Turn[][] = [];
  for (const one of all) {
    const last = result.at(-1)?.at(-1);
    if (
      last &&
      !(byTurn && one.turn) &&
      template.timestamps !== 'utterance' &&
      one.startMs - last.endMs < Math.min(template.paragraphPauseMs, template.chapterPauseMs || Infinity)
    )
      result.at(-1)!.push(one);
    else result.push([one]);
  }
  return result;
}

/** The shape that the other settings make, where none is given. */
function ownShape({ format, timestamps, translation }: Template, translated: boolean): string {
  const markdown = format === 'markdown',
    lead = `${timestamps === 'none' ? '' : '{{time} }'}${markdown ? '{**{speaker}:** }' : '{{speaker}: }'}{text}`;
  if (!translated || translation === 'instead') return lead;
  if (translation === 'beside') return markdown ? `| ${lead} | {translation} |` : `${lead}\t{translation}`;
  return `${lead}${markdown ? '{\n\n> {translation}}' : '{\n{translation}}'}`;
}

/** The whole document in pieces, in order; utterances in order of index. */
export function layout(utterances: readonly Utterance[], template: Template): Piece[] {
  if (template.format === 'srt' || template.format === 'vtt') return subtitles(utterances, template);
  const all = turns(utterances.flatMap(u => shown(u, template) ?? [])),
    markdown = template.format === 'markdown',
    translated = all.some(s => s.translation !== null);
  const given = template.shape ? parseShape(template.shape) : null,
    own = !given || 'code' in given,
    parts = own ? (parseShape(ownShape(template, translated)) as Part[]) : given;
  const beside = own && translated && template.translation === 'beside',
    instead = template.translation === 'instead' && !hasPlaceholder(parts, 'translation');
  const lines = beside || (own && template.timestamps === 'utterance' && !markdown && (!translated || instead));
  const chapters = new Set(
    markdown && !beside ? chaptersOf(all, template.chapterPauseMs ?? 0).map(i => all[i]!.index) : [],
  );
  const body = paragraphs(all, template, hasPlaceholder(parts, 'speaker')).flatMap((paragraph, n) => {
    const first = paragraph[0]!,
      chapter = chapters.has(first.index);
    const lead = n === 0 ? (beside && markdown ? '| | |\n|---|---|\n' : '') : lines ? '\n' : '\n\n';
    return [
      ...(chapter ? [{ key: `c${first.index}`, text: `${lead}## ${titleOf(first.text)}` }] : []),
      ...shaped(parts, paragraph, chapter ? '\n\n' : lead, { template, instead }),
    ];
  });
  const head: Piece[] =
    template.heading === null
      ? []
      : [{ key: 'heading', text: markdown ? `# ${escapeMarkdown(template.heading)}\n\n` : `${template.heading}\n\n` }];
  return [...frontMatter(utterances, template), ...head, ...body];
}

/**
 * One paragraph in its shape. What was said, what it means and what stands between are pieces of their own: a name that
 * comes late goes before a sentence that somebody has changed meanwhile, and leaves it alone.
 */
function shaped(
  parts: readonly Part[],
  paragraph: readonly Turn[],
  lead: string,
  { template, instead }: { template: Template; instead: boolean },
): Piece[] {
  const first = paragraph[0]!,
    pieces: Piece[] = [];
  let between = lead,
    joint = `l${first.index}`;
  const flush = (key = joint): void => {
    if (between) pieces.push({ key, text: between });
    between = '';
  };
  const run = (
    spoken: readonly { index: number; text: string; language: string | undefined }[],
    kind: 'u' | 't',
  ): void => {
    for (const [i, { index, text, language }] of spoken.entries()) {
      if (!text) continue;
      if (i > 0) {
        between = glue(language);
        flush(`${kind === 'u' ? 'l' : 'x'}${index}`);
      } else flush();
      pieces.push({ key: `${kind}${index}`, text });
    }
  };
  for (const part of parts) {
    if ('literal' in part) {
      between += part.literal;
      continue;
    }
    const { name, before, after } = part;
    if (name === 'time' || name === 'speaker') {
      const value = name === 'time' ? moment(first, template) : first.turn ? first.speaker! : '';
      if (value) between += before + value + after;
      continue;
    }
    const spoken =
      name === 'text'
        ? paragraph.map(s => ({ ...s, text: instead && s.translation !== null ? s.translation : s.text }))
        : paragraph.flatMap(s =>
            s.translation === null ? [] : [{ index: s.index, text: s.translation, language: s.translated }],
          );
    if (!spoken.length) continue;
    between += before;
    run(spoken, name === 'text' ? 'u' : 't');
    between = after;
    joint = `${name === 'text' ? 'm' : 'n'}${first.index}`;
  }
  flush();
  return pieces;
}

/** A time stamp; in Markdown a way into the recording where it has one. */
function moment({ startMs }: Shown, { format, link }: Template): string {
  if (format !== 'markdown') return `[${stamp(startMs)}]`;
  return link ? `[**${stamp(startMs)}**](${atMoment(link, startMs)})` : `**[${stamp(startMs)}]**`;
}

/** Whether YAML takes it for this text without quotes. */
const isPlain = (value: string): boolean =>
  /^[\p{L}\d][\p{L}\d_./ -]*$/u.test(value) && !/^[\d.-]+$|^(true|false|yes|no|null|on|off)$/i.test(value);

/** YAML takes JSON's strings. */
function frontMatter(utterances: readonly Utterance[], { format, frontMatter: facts }: Template): Piece[] {
  if (!facts || format !== 'markdown') return [];
  const language = utterances.find(u => u.asr?.text.trim())?.asr?.language,
    translated = utterances.find(u => u.nmt)?.nmt?.language;
  const rows = Object.entries({
    ...facts,
    ...(language ? { language } : {}),
    ...(translated ? { translation: translated } : {}),
  });
  const lines = rows.map(([name, value]) => `${name}: ${isPlain(value) ? value : JSON.stringify(value)}`);
  return [{ key: 'front matter', text: `---\n${lines.join('\n')}\n---\n\n` }];
}

function subtitles(utterances: readonly Utterance[], template: Template): Piece[] {
  const format = template.format as SubtitleFormat;
  const head: Piece[] = format === 'vtt' ? [{ key: 'heading', text: 'WEBVTT\n\n' }] : [];
  let number = 1,
    last: string | undefined;
  return [
    ...head,
    ...utterances.flatMap(u => {
      const named = u.speaker === undefined ? u : { ...u, speaker: template.speaker(u.speaker) },
        made = cues(named, template.translation, format, number, u.speaker !== last);
      last = u.speaker ?? last;
      number += made.count;
      return made.count ? [{ key: `u${u.index}`, text: made.text }] : [];
    }),
  ];
}
