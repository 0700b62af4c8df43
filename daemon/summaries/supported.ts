/**
 * What of a summary may stand: a recording may tell the model what to write, and a small model makes things up. A
 * sentence stands when enough of its content words were said, those in which somebody gives a model orders not counted.
 */
import type { SummaryOutput } from '../../schemas/job.ts';
import { oneLine } from '../../text/transcripts/passages.ts';
import type { StepInputs } from '../contracts/worker-protocol.ts';
import { givesOrders } from '../translation/steering.ts';
import { contentWords, support } from '../translation/support.ts';

/** A summary in words of its own still shares this part of its content words with what it is about. */
const LEAST_SUPPORT = 0.4;
const QUOTED_CHARACTERS = 300;
/** A lie that shares a sentence with the truth stands between signs. */
const CLAUSES = /[,;:，；：、—–]|\s-\s/u;

const sentencesOf = (text: string, language: string): string[] =>
  [...new Intl.Segmenter(language, { granularity: 'sentence' }).segment(text)].map(({ segment }) => segment);

/** Without the sentences that what was said does not support; where none is left, how it begins. */
export function supported(
  summary: string,
  { text, language }: Pick<StepInputs['summary'], 'text' | 'language'>,
): SummaryOutput {
  const said = sentencesOf(text, language).filter(sentence => !givesOrders(sentence)),
    source = said.join(' '),
    sentences = sentencesOf(summary, language);
  const stands = (sentence: string): boolean =>
    !givesOrders(sentence) &&
    support(sentence, source) >= LEAST_SUPPORT &&
    sentence.split(CLAUSES).every(clause => contentWords(clause) < 2 || support(clause, source) > 0);
  const kept = sentences.filter(stands),
    dropped = sentences.length - kept.length;
  if (kept.length) return { text: kept.join('').trim(), ...(dropped ? { dropped } : {}) };
  return { text: beginningOf(said.length ? said : sentencesOf(text, language)), dropped, quoted: true };
}

/** Whole sentences, as many as are short enough together; of a first one that is too long, its beginning. */
function beginningOf(sentences: readonly string[]): string {
  let text = '';
  for (const sentence of sentences) {
    if (text && text.length + sentence.length > QUOTED_CHARACTERS) break;
    text += sentence;
  }
  const line = oneLine(text);
  return line.length > QUOTED_CHARACTERS ? `${[...line].slice(0, QUOTED_CHARACTERS).join('')}…` : line;
}
