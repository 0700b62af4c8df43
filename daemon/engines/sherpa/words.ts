/** From what sherpa-onnx answers to words with times. */
import type { Word } from '../../../schemas/job.ts';
import { spreadWords, timeWords, type TimedWord } from '../words.ts';

/** An answer of the library: times in seconds, from the start of the sound; lists that it cannot fill are empty. */
export interface Heard {
  text: string;
  lang?: string;
  tokens?: readonly string[];
  timestamps?: readonly number[];
  durations?: readonly number[];
  ys_log_probs?: readonly number[];
}

/** Scripts without spaces between words: a token is a word there. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Myanmar}]/u;
const LETTER = /[\p{L}\p{N}]/u,
  // A straight quotation mark opens where a space stands before it.
  OPENING = /^(?:[\s▁]*[\p{Ps}\p{Pi}¿¡]+|[\s▁]+["'„]+)$/u;
/** A token stands for no less time than a frame of the model, and before a pause for no more than a long syllable. */
const SHORTEST_MS = 80,
  LONGEST_MS = 400;

/** Text without the marks of models: "<|en|>", "▁", and whole spaces. */
export const plainText = (text: string): string =>
  text
    .replace(/<\|[^|<>]*\|>/gu, '')
    .replace(/[\s▁]+/gu, ' ')
    .trim();

/** How likely the model holds its tokens, 0 to 1: the geometric mean; null where it does not say. */
export function likelihood({ ys_log_probs: logs = [] }: Heard): number | null {
  if (logs.length === 0) return null;
  return Math.min(1, Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length));
}

/** Tokens gathered to words: a space before one begins a word, marks belong to the word before them. */
function gather({ tokens = [], timestamps = [], durations = [], ys_log_probs: logs = [] }: Heard): TimedWord[] {
  const words: TimedWord[] = [];
  let opening = '';
  for (const [n, token] of tokens.entries()) {
    const text = plainText(token),
      startMs = timestamps[n]! * 1000,
      next = timestamps[n + 1] === undefined ? Infinity : timestamps[n + 1]! * 1000,
      lasts = durations[n] ? Math.max(SHORTEST_MS, durations[n] * 1000) : LONGEST_MS;
    const endMs = Math.max(startMs, Math.min(startMs + lasts, next)),
      probability = logs[n] === undefined ? 1 : Math.min(1, Math.exp(logs[n]));
    if (text === '') continue;
    if (OPENING.test(token)) {
      opening += text;
      continue;
    }
    const last = words.at(-1),
      begins = /^[\s▁]/u.test(token) || UNSPACED.test(token) || (last !== undefined && UNSPACED.test(last.text));
    if (last && (!LETTER.test(token) || (!begins && opening === ''))) {
      last.text += text;
      // A mark takes no time.
      if (LETTER.test(token)) last.endMs = endMs;
      last.probability = Math.min(last.probability, probability);
    } else words.push({ text: opening + text, startMs, endMs, probability });
    opening = '';
  }
  return words;
}

/**
 * The words of an answer: times in ms of the recording. [startMs, endMs]: the piece of sound that was heard; [fromMs,
 * toMs]: the audible part of it, over which they are spread where the model gives no times.
 */
export function wordsOf(
  heard: Heard,
  { startMs, endMs, fromMs, toMs }: { startMs: number; endMs: number; fromMs: number; toMs: number },
): Word[] {
  const text = plainText(heard.text);
  if (text === '') return [];
  if (heard.tokens?.length && heard.timestamps?.length === heard.tokens.length) {
    const timed = gather(heard).map(word => ({
      ...word,
      startMs: startMs + word.startMs,
      endMs: startMs + word.endMs,
    }));
    return UNSPACED.test(text) ? held(timed, startMs, endMs) : timeWords(text, timed, startMs, endMs);
  }
  const probability = likelihood(heard) ?? 1;
  if (!UNSPACED.test(text)) return spreadWords(text, fromMs, toMs, probability);
  const units = [...new Intl.Segmenter(undefined, { granularity: 'word' }).segment(text)].map(({ segment }) => segment);
  const spaced = units.reduce((all, unit) => (LETTER.test(unit) ? `${all} ${unit}` : all + unit.trim()), '');
  return spreadWords(spaced, fromMs, toMs, probability);
}

/** Whole milliseconds, in order, and within the piece. */
function held(words: readonly TimedWord[], startMs: number, endMs: number): Word[] {
  let before = startMs;
  return words.map(word => {
    const start = Math.min(Math.max(Math.round(word.startMs), before), endMs);
    before = Math.min(Math.max(Math.round(word.endMs), start), endMs);
    return { text: word.text, startMs: start, endMs: before, probability: word.probability };
  });
}
