/** Texts to read: plain and Markdown. */
import type { Transcript } from '../../schemas/job.ts';
import { clock, documentOf, madeBy, paragraphsOf, type Shown } from './document.ts';
import { oneLine, type Passage } from './passages.ts';

/** Paragraphs, with their times if that is asked for; bilingual: each followed by its translation. */
export function toText(
  _transcript: Transcript,
  passages: readonly Passage[],
  { times = false }: Partial<Shown> = {},
): string {
  const blocks = paragraphsOf(passages).flatMap(({ startMs, speaker, text, translation }) => [
    (times ? `[${clock(startMs)}] ` : '') + (speaker === null ? '' : `${speaker}: `) + text,
    ...(translation ? [translation.text] : []),
  ]);
  return `${blocks.join('\n\n')}\n`;
}

/**
 * A heading, one for each chapter, and paragraphs that begin with their time; translations are quotations below.
 */
export function toMarkdown(
  transcript: Transcript,
  passages: readonly Passage[],
  { times = true }: Partial<Shown> = {},
): string {
  const { title, facts, paragraphs } = documentOf(transcript, passages),
    { summary } = transcript;
  const blocks = paragraphs.flatMap(({ chapter, startMs, speaker, text, translation }) => [
    ...(chapter === null ? [] : [`## ${escapeMarkdown(chapter)}`]),
    (times ? `**${clock(startMs)}** ` : '') +
      (speaker === null ? '' : `**${escapeMarkdown(speaker)}:** `) +
      escapeMarkdown(text),
    ...(translation ? [`> ${escapeMarkdown(translation.text)}`] : []),
  ]);
  // What a model made is text like any other, and says who made it.
  const above = summary
    ? [
        '## Summary',
        escapeMarkdown(oneLine(summary.text)),
        `*${madeBy(summary, escapeMarkdown(oneLine(summary.model)))}*`,
        // Chapters end the summary by themselves.
        ...(paragraphs[0]?.chapter ? [] : ['## Transcript']),
      ]
    : [];
  return [`# ${escapeMarkdown(title)}`, ...(facts ? [`*${facts}*`] : []), ...above, ...blocks].join('\n\n') + '\n';
}

/** Signs that Markdown could take for its own, anywhere in a line. */
const escapeMarkdown = (text: string): string =>
  text
    .replace(/[\\`*_[\]<>~|&$]/gu, '\\$&')
    .replace(/^(\s*)([#+-])/u, '$1\\$2')
    .replace(/^(\s*\d+)([.)])/u, '$1\\$2')
    .replace(/!(?=\\\[)/gu, '\\!');
