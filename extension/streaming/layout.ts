/**
 * A transcript as a document, in named pieces. Each utterance, each translation and each bit of furniture is a piece with a key of its own,
 * so that a piece can be replaced when its text improves, and new ones find their place between others. Pure.
 */
import { sourceText, type Utterance } from '../../schemas/job.ts';
import { escapeMarkdown } from '../../schemas/markdown.ts';
import { atMoment } from '../markdown/links.ts';
import { chaptersOf, titleOf } from './chapters.ts';
import { cues, type SubtitleFormat, type TranslationPlace } from './subtitles.ts';

export interface Template {
  format: 'markdown' | 'text' | SubtitleFormat;
  timestamps: 'none' | 'paragraph' | 'utterance';
  /** A pause of the recording that begins a new paragraph. */
  paragraphPauseMs: number;
  translation: TranslationPlace;
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
}

export interface Piece { key: string; text: string }

/** Languages written without spaces between sentences. */
const CLOSE = new Set(['zh', 'ja', 'th', 'lo', 'km', 'my', 'yue']);
const glue = (language: string | undefined): string => CLOSE.has((language ?? '').split('-')[0]!) ? '' : ' ';

/** 75 000: "1:15"; from an hour on with hours. */
export function stamp(ms: number): string {
  const s = Math.floor(ms / 1000), two = (n: number): string => String(n).padStart(2, '0');
  return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${two(Math.floor(s / 60))}:${two(s % 60)}`;
}

interface Shown { index: number; startMs: number; endMs: number; text: string; translation: string | null; language: string | undefined; translated: string | undefined }

function shown(utterance: Utterance, template: Template): Shown | null {
  const failed = utterance.failed !== undefined && !utterance.asr;
  const text = failed ? template.gap(stamp(utterance.startMs), stamp(utterance.endMs)) : sourceText(utterance).trim();
  if (!text) return null;
  const escape = template.format === 'markdown' ? escapeMarkdown : (t: string): string => t;
  return { index: utterance.index, startMs: utterance.startMs, endMs: utterance.endMs, text: failed ? text : escape(text), translation: utterance.nmt ? escape(utterance.nmt.text.trim()) : null, language: utterance.asr?.language, translated: utterance.nmt?.language };
}

/** Runs of utterances with no long pause between them; every utterance its own when each gets a time stamp. */
function paragraphs(all: readonly Shown[], template: Template): Shown[][] {
  const result: Shown[][] = [];
  for (const one of all) {
    const last = result.at(-1)?.at(-1);
    if (last && template.timestamps !== 'utterance' && one.startMs - last.endMs < Math.min(template.paragraphPauseMs, template.chapterPauseMs || Infinity)) result.at(-1)!.push(one);
    else result.push([one]);
  }
  return result;
}

/** The whole document in pieces, in order; utterances in order of index. */
export function layout(utterances: readonly Utterance[], template: Template): Piece[] {
  if (template.format === 'srt' || template.format === 'vtt') return subtitles(utterances, template);
  const all = utterances.flatMap(u => shown(u, template) ?? []), markdown = template.format === 'markdown';
  const head: Piece[] = template.heading === null ? [] : [{ key: 'heading', text: markdown ? `# ${escapeMarkdown(template.heading)}\n\n` : `${template.heading}\n\n` }];
  const translated = all.some(s => s.translation !== null), beside = translated && template.translation === 'beside';
  const moment = (s: Shown): string => template.link ? `[**${stamp(s.startMs)}**](${atMoment(template.link, s.startMs)})` : `**[${stamp(s.startMs)}]**`;
  const at = (s: Shown): string => template.timestamps === 'none' ? '' : markdown ? `${moment(s)} ` : `[${stamp(s.startMs)}] `;
  const chapters = new Set(markdown && !beside ? chaptersOf(all, template.chapterPauseMs ?? 0).map(i => all[i]!.index) : []);
  const body = paragraphs(all, template).flatMap((paragraph, n) => {
    const first = paragraph[0]!, name = `p${first.index}`;
    const chapter: Piece[] = chapters.has(first.index) ? [{ key: `c${first.index}`, text: `${n === 0 ? '' : '\n\n'}## ${titleOf(first.text)}` }] : [];
    const original = (lead: string): Piece[] => paragraph.map((s, i) => ({ key: `u${s.index}`, text: `${i ? glue(s.language) : lead + at(s)}${template.translation === 'instead' && s.translation !== null ? s.translation : s.text}` }));
    const translation = (lead: string): Piece[] => paragraph.filter(s => s.translation !== null).map((s, i) => ({ key: `t${s.index}`, text: `${i ? glue(s.translated) : lead}${s.translation!}` }));
    const newParagraph = n === 0 && !chapter.length ? '' : template.timestamps === 'utterance' && !markdown && (!translated || template.translation === 'instead') ? '\n' : '\n\n';
    if (beside && markdown) return [{ key: `${name} open`, text: n === 0 ? '| | |\n|---|---|\n| ' : '\n| ' }, ...original(''), { key: `${name} mid`, text: ' | ' }, ...translation(''), { key: `${name} close`, text: ' |' }];
    if (beside) return [...original(n === 0 ? '' : '\n'), { key: `${name} mid`, text: '\t' }, ...translation('')];
    return [...chapter, ...original(newParagraph), ...(template.translation === 'below' ? translation(markdown ? '\n\n> ' : '\n') : [])];
  });
  return [...frontMatter(utterances, template), ...head, ...body];
}

/** YAML takes JSON's strings. */
function frontMatter(utterances: readonly Utterance[], { format, frontMatter: facts }: Template): Piece[] {
  if (!facts || format !== 'markdown') return [];
  const language = utterances.find(u => u.asr?.text.trim())?.asr?.language, translated = utterances.find(u => u.nmt)?.nmt?.language;
  const rows = Object.entries({ ...facts, ...(language ? { language } : {}), ...(translated ? { translation: translated } : {}) });
  return [{ key: 'front matter', text: `---\n${rows.map(([name, value]) => `${name}: ${/^[\p{L}\d][\p{L}\d_./ -]*$/u.test(value) && !/^[\d.-]+$|^(true|false|yes|no|null|on|off)$/i.test(value) ? value : JSON.stringify(value)}`).join('\n')}\n---\n\n` }];
}

function subtitles(utterances: readonly Utterance[], template: Template): Piece[] {
  const format = template.format as SubtitleFormat;
  const head: Piece[] = format === 'vtt' ? [{ key: 'heading', text: 'WEBVTT\n\n' }] : [];
  let number = 1;
  return [...head, ...utterances.flatMap(u => {
    const made = cues(u, template.translation, format, number);
    number += made.count;
    return made.count ? [{ key: `u${u.index}`, text: made.text }] : [];
  })];
}
