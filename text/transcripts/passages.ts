/** What a document shows of each utterance, and what stands where something is missing. */
import {
  notTranslated,
  sourceText,
  translatedText,
  type OutputOptions,
  type Transcript,
  type Utterance,
  type Word,
} from '../../schemas/job.ts';

import { harmless } from '../harmless.ts';
import { shownSpeaker } from '../speaker-names.ts';
import { crosstalkIn, spokenApart } from './turns.ts';

export interface Line {
  text: string;
  language: string;
}

/** One utterance as a document shows it: one line, or for bilingual documents the original and its translation. */
export interface Passage {
  startMs: number;
  endMs: number;
  main: Line;
  second: Line | null;
  /** Words of the original as recognized, with their times. */
  words: readonly Word[];
  /**
   * The recognized text as it stands after repair; times of `main` follow from it even when `main` is a translation.
   */
  source: string;
  /** `main` is a marker of ours, not speech. */
  marker: boolean;
  /** Who speaks, where that is known; `turn`: and somebody else did just before. */
  speaker: string | null;
  turn: boolean;
  /** Who else speaks meanwhile. */
  crosstalk: readonly string[];
}

const NOT_RECOGNISED = '[not recognised]';
export const NO_SPEECH = '[no speech]';

/**
 * Utterances without words leave nothing; those that failed leave a marker. A document without any says that there was
 * no speech.
 */
export function passagesOf(transcript: Transcript, text: NonNullable<OutputOptions['text']>): Passage[] {
  const language = transcript.language ?? 'und',
    target = transcript.translatedTo;
  const shown = target === null ? 'original' : text,
    passages = transcript.utterances
      .flatMap(utterance => spokenApart(utterance, shown !== 'original'))
      .flatMap(utterance => passageOf(utterance, shown, language, target ?? language));
  let last: string | null = null;
  for (const passage of passages) {
    passage.turn = passage.speaker !== null && passage.speaker !== last;
    last = passage.speaker ?? last;
  }
  if (passages.length || transcript.utterances.some(unfinished)) return passages;
  const endMs = Math.min(2000, transcript.recording.durationMs || 2000);
  return [
    {
      startMs: 0,
      endMs,
      main: { text: NO_SPEECH, language: 'en' },
      second: null,
      words: [],
      source: '',
      marker: true,
      speaker: null,
      turn: false,
      crosstalk: [],
    },
  ];
}

/** Not there yet, in a transcript of a job that still runs or was cancelled. */
const unfinished = (utterance: Utterance): boolean => !utterance.asr && !utterance.failed;

function passageOf(
  utterance: Utterance,
  text: NonNullable<OutputOptions['text']>,
  language: string,
  target: string,
): Passage[] {
  const { startMs, endMs, asr, nmt, failed } = utterance;
  const place = {
    startMs,
    endMs,
    words: asr?.words ?? [],
    source: oneLine(sourceText(utterance)),
    speaker: utterance.speaker ? oneLine(shownSpeaker(utterance.speaker)) : null,
    turn: false,
    crosstalk: crosstalkIn(utterance).map(name => oneLine(shownSpeaker(name))),
  };
  if (!asr)
    return failed ? [{ ...place, main: { text: NOT_RECOGNISED, language: 'en' }, second: null, marker: true }] : [];
  if (!place.source) return [];
  const original: Line = { text: place.source, language: asr.language || language };
  if (text === 'original') return [{ ...place, main: original, second: null, marker: false }];
  const translated = nmt
    ? oneLine(translatedText(utterance))
    : failed?.stage === 'nmt' || failed?.stage === 'repair'
      ? `${notTranslated()} ${original.text}`
      : '';
  const translation: Line = { text: translated, language: nmt?.language ?? target };
  if (text === 'translation') return translated ? [{ ...place, main: translation, second: null, marker: false }] : [];
  const known =
    nmt && translated && nmt.refused === undefined
      ? translation
      : nmt?.refused !== undefined || failed?.stage === 'nmt'
        ? { text: notTranslated(nmt?.refused), language: 'en' }
        : null;
  return [{ ...place, main: original, second: known && known.text !== original.text ? known : null, marker: false }];
}

/** One line, without signs that end one, steer a display or are not seen. */
export const oneLine = (text: string): string => harmless(text, ' ').replace(/\s+/gu, ' ').trim();
