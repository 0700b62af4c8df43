/** Transcripts in the shapes of OpenAI's interface: pure. */
import { sourceText, translatedText, type Transcript, type Utterance } from '../../../schemas/job.ts';
import { joiner } from '../../../text/subtitles/width.ts';

export type ResponseFormat = 'json' | 'text' | 'srt' | 'verbose_json' | 'vtt';
export const RESPONSE_FORMATS: readonly ResponseFormat[] = ['json', 'text', 'srt', 'verbose_json', 'vtt'];

const seconds = (ms: number): number => Math.round(ms) / 1000;

/** What an utterance says in the answer. */
export const said = (utterance: Utterance, translated: boolean): string =>
  (translated ? translatedText(utterance) : sourceText(utterance)).trim();

/** All of it in one line, with blanks only where the script has them. */
export const wholeText = (utterances: readonly Utterance[], translated: boolean): string =>
  utterances.reduce((text, each) => text + piece(text, said(each, translated)), '');

/** What is added to `before`. */
export const piece = (before: string, text: string): string => (text && before ? joiner(before, text) + text : text);

export const usage = (transcript: Transcript): object => ({
  type: 'duration',
  seconds: Math.round((transcript.recording.durationMs ?? 0) / 1000),
});

/** Whisper names languages in English words: "spanish". */
const languageName = (code: string | null): string =>
  (code ? (new Intl.DisplayNames(['en'], { type: 'language' }).of(code) ?? code) : 'unknown').toLowerCase();

export interface Verbose {
  task: 'transcribe' | 'translate';
  words: boolean;
  segments: boolean;
}

/** A segment is an utterance. What only Whisper's own program knows is zero. */
export function verbose(transcript: Transcript, { task, words, segments }: Verbose): object {
  const translated = task === 'translate',
    spoken = transcript.utterances.filter(each => said(each, translated));
  return {
    task,
    language: languageName(translated ? 'en' : transcript.language),
    duration: seconds(transcript.recording.durationMs ?? 0),
    text: wholeText(spoken, translated),
    ...(segments
      ? {
          segments: spoken.map((each, id) => ({
            id,
            seek: 0,
            start: seconds(each.startMs),
            end: seconds(each.endMs),
            text: said(each, translated),
            tokens: [],
            temperature: 0,
            avg_logprob: 0,
            compression_ratio: 0,
            no_speech_prob: 0,
          })),
        }
      : {}),
    ...(words
      ? {
          words: spoken
            .flatMap(each => each.asr?.words ?? [])
            .map(word => ({ word: word.text.trim(), start: seconds(word.startMs), end: seconds(word.endMs) })),
        }
      : {}),
    usage: usage(transcript),
  };
}
