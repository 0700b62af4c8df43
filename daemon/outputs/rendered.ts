/**
 * A job's text in a format. Where its source is subtitles, that is the source file with other words: everything else in
 * it stays to the letter.
 */
import { failure, type Failure } from '../../schemas/errors.ts';
import {
  notTranslated,
  sourceText,
  translatedText,
  type OutputOptions,
  type Transcript,
  type Utterance,
} from '../../schemas/job.ts';
import type { Format } from '../../schemas/words.ts';
import { encodeText } from '../../text/encode.ts';
import { cuesOf, formatOf, SUBTITLE_FORMATS, writeCues, type SubtitleFormat } from '../../text/subtitles/convert.ts';
import { reducedIn } from '../../text/subtitles/losses.ts';
import { retexting } from '../../text/subtitles/retext.ts';
import { reading, type Speech } from '../../text/subtitles/units.ts';
import { sameCues } from '../../text/transcripts/same-cues.ts';
import type { JobRow } from '../contracts/store.ts';
import { content } from '../documents/documents.ts';
import { hintsOf, inTurns, readText } from '../ingest/text.ts';
import { submittedFacts } from '../jobs/request.ts';

type Text = NonNullable<OutputOptions['text']>;

export interface Rendered {
  /** Empty where the format is not text. */
  text: string;
  /** As it is written: in the encoding of its source where that is subtitles of this format, else in UTF-8. */
  bytes: Uint8Array;
  /** What the file at `path` could not take over from its source. */
  warnings: (path: string) => Failure[];
}

interface Source {
  speech: Speech;
  encoding: string;
}

const isSubtitles = (format: Format): format is SubtitleFormat =>
  (SUBTITLE_FORMATS as readonly Format[]).includes(format);

/** Renders a job's texts; its source is read once, when it is needed. */
export function renderer(row: JobRow, transcript: Transcript): (format: Format, text: Text) => Promise<Rendered> {
  const own = row.options.source === 'text' ? formatOf(row.name) : null;
  let source: Promise<Source | null> | undefined;
  return async (format, text) => {
    if (!own || !isSubtitles(format)) {
      const made = await content(transcript, format, { text });
      return typeof made === 'string' ? inUtf8(made, () => []) : { text: '', bytes: made, warnings: () => [] };
    }
    const found = await (source ??= sourceOf(row, own, transcript.utterances));
    // The file says something else now: what it said is in the job, and nothing but that.
    if (!found)
      return inUtf8(sameCues(transcript, format, text), () => [failure('recordingChanged', { path: row.path })]);
    const { speech, encoding } = found;
    const made = await inTurns(
      retexting(
        speech,
        transcript.utterances.map(each => (text === 'original' ? sourceText(each) : translationOf(each))),
        { both: text === 'bilingual' },
      ),
    );
    const reduced = own === format ? wordTimes(made.losses) : reducedIn(speech),
      warnings = (path: string): Failure[] => (reduced ? [failure('subtitlesReduced', { path, ...reduced })] : []);
    if (own !== format)
      return inUtf8(writeCues(cuesOf(await inTurns(reading(made.text, own))), format, row.name), warnings);
    const bytes = encodeText(made.text, encoding);
    return bytes
      ? { text: made.text, bytes, warnings }
      : inUtf8(made.text, path => [...warnings(path), failure('textEncoded', { path, encoding })]);
  };
}

const inUtf8 = (text: string, warnings: Rendered['warnings']): Rendered => ({
  text,
  bytes: Buffer.from(text),
  warnings,
});

/** Null: there is none yet, and the original stays. */
const translationOf = (utterance: Utterance): string | null =>
  utterance.nmt ? translatedText(utterance) : utterance.failed ? `${notTranslated()} ${sourceText(utterance)}` : null;

const wordTimes = (losses: { wordTimes: number }): { wordTimes: number } | null => (losses.wordTimes ? losses : null);

/** Null: the file is gone, or what it says is not what the job was made of. */
async function sourceOf(row: JobRow, format: SubtitleFormat, utterances: readonly Utterance[]): Promise<Source | null> {
  const read = await readText(row.path, hintsOf(row.options), submittedFacts(row)).catch(() => null);
  if (!read) return null;
  const speech = await inTurns(reading(read.text, format));
  return speech.units.length === utterances.length &&
    utterances.every(({ index, asr }) => !asr || asr.text === speech.units[index]?.text)
    ? { speech, encoding: read.encoding }
    : null;
}
