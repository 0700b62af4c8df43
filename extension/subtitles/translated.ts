/** Subtitles with the words of another language. Pure. */
import { translatedText, type Utterance } from '../../schemas/job.ts';
import type { Limits } from '../../text/subtitles/check.ts';
import type { SubtitleFormat } from '../../text/subtitles/convert.ts';
import { withTexts, type Losses } from '../../text/subtitles/retext.ts';
import { readSpeech } from '../../text/subtitles/units.ts';

/** The text with what was said in the other language, broken anew; all else stays to the letter. */
export function translated(
  text: string,
  format: SubtitleFormat,
  utterances: readonly Utterance[],
  limits: Limits,
): { text: string; losses: Losses } {
  const texts: (string | undefined)[] = [];
  for (const utterance of utterances) if (utterance.nmt) texts[utterance.index] = translatedText(utterance);
  return withTexts(readSpeech(text, format), texts, { limits });
}
