/** Texts to read: plain and Markdown. */
import type { Summary, Transcript } from '../../schemas/job.ts';
import { oneLine, type Passage } from './passages.ts';
import { joined } from '../subtitles/width.ts';

/**
 * A pause of this length begins a new paragraph, and so does a sentence's end once the paragraph has this many
 * characters.
 */
const PARAGRAPH_PAUSE_MS = 2000,
  LONG_PARAGRAPH = 600;

function paragraphs(passages: readonly Passage[]): Passage[][] {
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

/** Paragraphs; bilingual: each followed by its translation. */
export function toText(_transcript: Transcript, passages: readonly Passage[]): string {
  const blocks = paragraphs(passages).flatMap(paragraph => {
    const second = paragraph.flatMap(passage => passage.second ?? []);
    return [
      (paragraph[0]!.turn ? `${paragraph[0]!.speaker}: ` : '') + textOf(paragraph.map(mainOf)),
      ...(second.length ? [textOf(second)] : []),
    ];
  });
  return `${blocks.join('\n\n')}\n`;
}

/** A heading and paragraphs that begin with their time; translations are quotations below. */
export function toMarkdown(transcript: Transcript, passages: readonly Passage[]): string {
  const { recording } = transcript;
  const facts = [recording.durationMs === null ? null : clock(recording.durationMs), languages(transcript)].filter(
    Boolean,
  );
  const blocks = paragraphs(passages).flatMap(paragraph => {
    const [{ startMs, turn, speaker }] = paragraph as [Passage],
      second = paragraph.flatMap(passage => passage.second ?? []);
    const voice = turn ? `**${escapeMarkdown(speaker!)}:** ` : '';
    return [
      `**${clock(startMs)}** ${voice}${escapeMarkdown(textOf(paragraph.map(mainOf)))}`,
      ...(second.length ? [`> ${escapeMarkdown(textOf(second))}`] : []),
    ];
  });
  const { summary } = transcript;
  // What a model made is text like any other, and says who made it.
  const above = summary
    ? ['## Summary', escapeMarkdown(oneLine(summary.text)), `*${madeBy(summary)}*`, '## Transcript']
    : [];
  return (
    [
      `# ${escapeMarkdown(oneLine(recording.name))}`,
      ...(facts.length ? [`*${facts.join(' · ')}*`] : []),
      ...above,
      ...blocks,
    ].join('\n\n') + '\n'
  );
}

/** Who made a summary, and what was left out of it. */
function madeBy({ model, dropped, quoted }: Summary): string {
  const by = `By ${escapeMarkdown(oneLine(model))}, a language model`;
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

/** Signs that Markdown could take for its own, anywhere in a line. */
const escapeMarkdown = (text: string): string =>
  text
    .replace(/[\\`*_[\]<>~|&$]/gu, '\\$&')
    .replace(/^(\s*)([#+-])/u, '$1\\$2')
    .replace(/^(\s*\d+)([.)])/u, '$1\\$2')
    .replace(/!(?=\\\[)/gu, '\\!');

/** 1:02:03, or 2:03 below an hour. */
function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000),
    pad = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600),
    minutes = Math.floor(seconds / 60) % 60;
  return hours ? `${hours}:${pad(minutes)}:${pad(seconds % 60)}` : `${minutes}:${pad(seconds % 60)}`;
}
