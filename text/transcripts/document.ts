/**
 * A transcript as people read it, before it is written in any format: a title, facts, a summary, and paragraphs. Pure.
 */
import type { OutputOptions, Summary, Transcript } from '../../schemas/job.ts';
import { joined } from '../subtitles/width.ts';
import { CHAPTER_PAUSE_MS, chaptersOf, titleOf } from './chapters.ts';
import { oneLine, type Passage } from './passages.ts';

/** What a document shows. */
export interface Shown {
  text: NonNullable<OutputOptions['text']>;
  /** The time at which each paragraph begins. Missing: as the format does it. */
  times?: boolean | undefined;
  /** Who speaks, where that is known; shown unless false. */
  speakers?: boolean | undefined;
  /** Columns of a subtitle line; a full-width character takes two. */
  lineLength?: number | undefined;
  /** Pictures a second of the film that markers are for. */
  fps?: number | undefined;
}

export interface Paragraph {
  /** The name of the chapter that begins here; null: none does. */
  chapter: string | null;
  startMs: number;
  endMs: number;
  /** Where somebody else speaks than in the paragraph before. */
  speaker: string | null;
  text: string;
  language: string;
  translation: { text: string; language: string } | null;
}

export interface ReadableDocument {
  title: string;
  /** Length and languages, as one line; empty: neither is known. */
  facts: string;
  /** `note`: which model made it. */
  summary: { text: string; note: string } | null;
  paragraphs: Paragraph[];
}

/**
 * A pause of this length begins a new paragraph, and so does a sentence's end once the paragraph has this many
 * characters.
 */
const PARAGRAPH_PAUSE_MS = 2000,
  LONG_PARAGRAPH = 600;

function grouped(passages: readonly Passage[]): Passage[][] {
  const found: Passage[][] = [];
  let length = 0,
    before: Passage | null = null;
  for (const passage of passages) {
    const fresh =
      !before ||
      passage.turn ||
      passage.startMs - before.endMs >= PARAGRAPH_PAUSE_MS ||
      passage.marker ||
      before.marker ||
      (length >= LONG_PARAGRAPH && /[.!?…。！？]["'”’»）)]*$/u.test(before.main.text));
    if (fresh) {
      found.push([passage]);
      length = 0;
    } else found.at(-1)!.push(passage);
    length += passage.main.text.length;
    before = passage;
  }
  return found;
}

const textOf = (lines: readonly { text: string }[]): string => joined(lines.map(line => line.text));
/** What is said, and where others speak meanwhile, who. */
const mainOf = ({ main, crosstalk }: Passage): { text: string } => ({
  text: crosstalk.length ? `${main.text} [crosstalk: ${crosstalk.join(', ')}]` : main.text,
});

/** The passages that a chapter begins with, and its name. */
function chaptersIn(passages: readonly Passage[]): Map<Passage, string> {
  const spoken = passages.filter(({ marker }) => !marker),
    spans = spoken.map(({ startMs, endMs, main: { text } }) => ({ startMs, endMs, text }));
  return new Map(chaptersOf(spans, CHAPTER_PAUSE_MS).map(at => [spoken[at]!, titleOf(spans[at]!.text)]));
}

export function paragraphsOf(passages: readonly Passage[]): Paragraph[] {
  // A pause that parts chapters parts paragraphs too.
  const chapters = chaptersIn(passages);
  return grouped(passages).map(paragraph => {
    const first = paragraph[0]!,
      second = paragraph.flatMap(passage => passage.second ?? []);
    return {
      chapter: chapters.get(first) ?? null,
      startMs: first.startMs,
      endMs: paragraph.at(-1)!.endMs,
      speaker: first.turn ? first.speaker : null,
      text: textOf(paragraph.map(mainOf)),
      language: first.main.language,
      translation: second.length ? { text: textOf(second), language: second[0]!.language } : null,
    };
  });
}

export function documentOf(transcript: Transcript, passages: readonly Passage[]): ReadableDocument {
  const { recording, summary } = transcript;
  return {
    title: oneLine(recording.name),
    facts: [recording.durationMs === null ? null : clock(recording.durationMs), languages(transcript)]
      .filter(Boolean)
      .join(' · '),
    summary: summary ? { text: oneLine(summary.text), note: madeBy(summary, oneLine(summary.model)) } : null,
    paragraphs: paragraphsOf(passages),
  };
}

/** Who made a summary, and what was left out of it. */
export function madeBy({ dropped, quoted }: Summary, model: string): string {
  const by = `By ${model}, a language model`;
  if (quoted) return `${by}: the transcript supports no sentence of it, and this is how the transcript begins.`;
  const out = dropped === 1 ? 'a sentence was' : `${dropped} sentences were`;
  return dropped
    ? `${by}; it may be wrong. As the transcript does not support it, ${out} left out.`
    : `${by}; it may be wrong.`;
}

/** "es, en (detected) → de": what most is said in first. Null where it is not known. */
function languages({ language, languageSource, translatedTo, utterances }: Transcript): string | null {
  if (!language) return null;
  const heard = utterances.flatMap(({ asr }) => (asr?.text.trim() ? [asr.language] : [])),
    all = languageSource === 'detected' ? [...new Set([language, ...heard])] : [language];
  const source = `${all.join(', ')}${languageSource === 'detected' ? ' (detected)' : ''}`;
  return translatedTo ? `${source} → ${translatedTo}` : source;
}

/** 1:02:03, or 2:03 below an hour. */
export function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000),
    pad = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600),
    minutes = Math.floor(seconds / 60) % 60;
  return hours ? `${hours}:${pad(minutes)}:${pad(seconds % 60)}` : `${minutes}:${pad(seconds % 60)}`;
}
