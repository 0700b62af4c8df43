/** Subtitles that were made from subtitles: each cue stands where it stood, with its words or their translation. */
import { sourceText, translatedText, type OutputOptions, type Transcript } from '../../schemas/job.ts';
import { inLines } from '../subtitles/check.ts';
import { writeCues, type SubtitleFormat } from '../subtitles/convert.ts';

export function sameCues(
  { recording, utterances }: Transcript,
  format: SubtitleFormat,
  text: NonNullable<OutputOptions['text']>,
): string {
  return writeCues(
    utterances.map(utterance => {
      const original = sourceText(utterance),
        translated = utterance.nmt ? translatedText(utterance) : original;
      const texts =
        text === 'original'
          ? [original]
          : text === 'translation' || translated === original || utterance.nmt?.refused !== undefined
            ? [translated]
            : [original, translated];
      return {
        startMs: utterance.startMs,
        endMs: utterance.endMs,
        speaker: null,
        lines: texts.flatMap(each => inLines(each)),
        top: false,
      };
    }),
    format,
    recording.name,
  );
}
