/** A transcript as a file's text, in each format. */
import type { OutputOptions, Transcript } from '../../schemas/job.ts';
import type { Format } from '../../schemas/words.ts';
import { toAss } from './ass.ts';
import { cuesOf } from './cues.ts';
import { toMarkdown, toText } from './documents.ts';
import { toJson } from './json.ts';
import { passagesOf } from './passages.ts';
import { toSrt, toVtt } from './subtitles.ts';

/**
 * `text`: which language the document shows; json always holds everything. Ends with a line feed; equal transcripts
 * give equal text.
 */
export function render(
  transcript: Transcript,
  format: Format,
  { text }: { text: NonNullable<OutputOptions['text']> },
): string {
  if (format === 'json') return toJson(transcript);
  const passages = passagesOf(transcript, text);
  switch (format) {
    case 'txt':
      return toText(transcript, passages);
    case 'md':
      return toMarkdown(transcript, passages);
    case 'srt':
      return toSrt(cuesOf(passages, transcript.recording.durationMs, true));
    case 'vtt':
      return toVtt(cuesOf(passages, transcript.recording.durationMs));
    case 'ass':
      return toAss(cuesOf(passages, transcript.recording.durationMs), transcript.recording.name);
  }
}
