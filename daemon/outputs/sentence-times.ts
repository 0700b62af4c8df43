/** When each sentence that is spoken was said in the recording. Pure. */
import { sourceText, type Utterance } from '../../schemas/job.ts';
import { sentencesOf } from '../../text/sentences.ts';
import type { TrackUtterance } from './track.ts';

/** Letters and digits: blanks and marks differ between a text and the words that it was made of. */
const weight = (text: string): number => text.match(/[\p{L}\p{N}]/gu)?.length ?? 0;

/** The end of a sentence, with what closes behind it. */
const ENDS = /[.!?…。！？؟।]["'”’»)\]]*$/u;
/** As sure a sign of a new sentence as a mark. */
const PAUSE_MS = 600;
const LETTERS_AWAY = 8;

/**
 * By the words that were recognized, ms of the recording. Null where the text in the recording's language has another
 * number of sentences than were spoken: which is which is not known then.
 */
export function sentenceStarts(utterance: Utterance, language: string, spoken: number): number[] | null {
  const words = utterance.asr?.words ?? [],
    sentences = sentencesOf(sourceText(utterance), language).map(weight).filter(Boolean);
  if (sentences.length !== spoken || words.length === 0) return null;
  const recognized = words.map(word => weight(word.text)),
    sum = (all: readonly number[]): number => all.reduce((total, each) => total + each, 0),
    // Repair may have changed its length.
    scale = sum(recognized) / sum(sentences);
  let passed = 0;
  const begins = words.map((word, n) => {
    const before = words[n - 1],
      pause = before ? (word.startMs - before.endMs) / PAUSE_MS : 0,
      from = passed;
    passed += recognized[n]!;
    return {
      from,
      // A sentence begins behind a mark and a pause rather than in the middle of words, also some letters away.
      likely: (before && ENDS.test(before.text) ? LETTERS_AWAY : 0) + LETTERS_AWAY * Math.min(1, Math.max(0, pause)),
    };
  });
  let said = 0,
    first = 0;
  return sentences.map((length, n) => {
    const cost = ({ from, likely }: (typeof begins)[number]): number => Math.abs(from - said) - likely;
    let best = first;
    if (n > 0) for (let at = first; at < words.length; at++) if (cost(begins[at]!) < cost(begins[best]!)) best = at;
    first = Math.min(best + 1, words.length - 1);
    said += length * scale;
    return words[best]!.startMs;
  });
}

/** What was spoken of an utterance, for the track. `language`: of the recording, where the recognizer did not say. */
export function trackUtterance(
  utterance: Utterance & Required<Pick<Utterance, 'tts'>>,
  language: string,
): TrackUtterance {
  const { startMs, endMs, tts, asr } = utterance,
    starts = tts.sentences && sentenceStarts(utterance, asr?.language ?? language, tts.sentences.length);
  return {
    startMs,
    endMs,
    wav: tts.path,
    ...(starts ? { sentences: tts.sentences!.map((samples, n) => ({ samples, startMs: starts[n]! })) } : {}),
  };
}
