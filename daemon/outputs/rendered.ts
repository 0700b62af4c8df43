/**
 * A job's text in a format. Where its source is subtitles, that is the source file with other words: everything else in
 * it stays to the letter.
 */
import { failure, type Failure } from '../../schemas/errors.ts';
import {
  NOT_TRANSLATED,
  sourceText,
  translatedText,
  type OutputOptions,
  type Transcript,
  type Utterance,
} from '../../schemas/job.ts';
import type { Format } from '../../schemas/words.ts';
import { cuesOf, formatOf, SUBTITLE_FORMATS, writeCues, type SubtitleFormat } from '../../text/subtitles/convert.ts';
import { reducedIn } from '../../text/subtitles/losses.ts';
import { retexting } from '../../text/subtitles/retext.ts';
import { reading, type Speech } from '../../text/subtitles/units.ts';
import { render } from '../../text/transcripts/render.ts';
import { sameCues } from '../../text/transcripts/same-cues.ts';
import type { JobRow } from '../contracts/store.ts';
import { inTurns, readText } from '../ingest/text.ts';
import { submittedFacts } from '../jobs/request.ts';

type Text = NonNullable<OutputOptions['text']>;

export interface Rendered {
  text: string;
  /** What the file at `path` could not take over from its source. */
  warnings: (path: string) => Failure[];
}

const isSubtitles = (format: Format): format is SubtitleFormat =>
  (SUBTITLE_FORMATS as readonly Format[]).includes(format);

/** Renders a job's texts; its source is read once, when it is needed. */
export function renderer(row: JobRow, transcript: Transcript): (format: Format, text: Text) => Promise<Rendered> {
  const own = row.options.source === 'text' ? formatOf(row.name) : null;
  let source: Promise<Speech | null> | undefined;
  return async (format, text) => {
    if (!own || !isSubtitles(format)) return { text: render(transcript, format, { text }), warnings: () => [] };
    const speech = await (source ??= speechOf(row, own, transcript.utterances));
    // The file says something else now: what it said is in the job, and nothing but that.
    if (!speech)
      return {
        text: sameCues(transcript, format, text),
        warnings: () => [failure('recordingChanged', { path: row.path })],
      };
    const made = await inTurns(
      retexting(
        speech,
        transcript.utterances.map(each => (text === 'original' ? sourceText(each) : translationOf(each))),
        { both: text === 'bilingual' },
      ),
    );
    const reduced = own === format ? wordTimes(made.losses) : reducedIn(speech);
    return {
      text: own === format ? made.text : writeCues(cuesOf(await inTurns(reading(made.text, own))), format, row.name),
      warnings: path => (reduced ? [failure('subtitlesReduced', { path, ...reduced })] : []),
    };
  };
}

/** Null: there is none yet, and the original stays. */
const translationOf = (utterance: Utterance): string | null =>
  utterance.nmt ? translatedText(utterance) : utterance.failed ? `${NOT_TRANSLATED} ${sourceText(utterance)}` : null;

const wordTimes = (losses: { wordTimes: number }): { wordTimes: number } | null => (losses.wordTimes ? losses : null);

/** Null: the file is gone, or what it says is not what the job was made of. */
async function speechOf(row: JobRow, format: SubtitleFormat, utterances: readonly Utterance[]): Promise<Speech | null> {
  const { text } = await readText(row.path, row.options.language!, submittedFacts(row)).catch(() => ({ text: null }));
  if (text === null) return null;
  const speech = await inTurns(reading(text, format));
  return speech.units.length === utterances.length &&
    utterances.every(({ index, asr }) => !asr || asr.text === speech.units[index]?.text)
    ? speech
    : null;
}
