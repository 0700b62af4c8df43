/** A transcript as a file's text, in each format that is text. */
import type { ExportOptions, Transcript } from '../../schemas/job.ts';
import type { TextFormat } from '../../schemas/words.ts';
import { toAss } from './ass.ts';
import { cuesOf, type Cue } from './cues.ts';
import { documentOf, type Shown } from './document.ts';
import { toMarkdown, toText } from './documents.ts';
import { toHtml } from './html.ts';
import { toJson } from './json.ts';
import { toEdl, toFcpxml } from './markers.ts';
import { oneLine, passagesOf, type Passage } from './passages.ts';
import { toSrt, toVtt } from './subtitles.ts';
import { toCsv } from './table.ts';
import { toTtml } from './ttml.ts';

/** What is shown by these options. */
export const shownBy = (options: ExportOptions = {}): Shown => ({ ...options, text: options.text ?? 'original' });

/** The transcript and its passages as these options show them. */
export function selected(transcript: Transcript, shown: Shown): { transcript: Transcript; passages: Passage[] } {
  const anonymous: Transcript =
    shown.speakers === false
      ? {
          ...transcript,
          utterances: transcript.utterances.map(({ speaker: _who, turns: _turns, ...utterance }) => utterance),
        }
      : transcript;
  return { transcript: anonymous, passages: passagesOf(anonymous, shown.text) };
}

/**
 * `text`: which language the document shows; json always holds everything. Ends with a line feed; equal transcripts
 * give equal text.
 */
export function render(whole: Transcript, format: TextFormat, shown: Shown): string {
  if (format === 'json') return toJson(whole);
  if (format === 'csv') return toCsv(whole, shown);
  const { transcript, passages } = selected(whole, shown),
    { durationMs, name } = transcript.recording,
    title = oneLine(name);
  const cues = (inText = false): Cue[] => cuesOf(passages, durationMs, inText, shown.lineLength),
    paragraphs = () => documentOf(transcript, passages).paragraphs;
  switch (format) {
    case 'txt':
      return toText(transcript, passages, shown);
    case 'md':
      return toMarkdown(transcript, passages, shown);
    case 'html':
      return toHtml(transcript, passages, shown);
    case 'srt':
      return toSrt(cues(true));
    case 'vtt':
      return toVtt(cues());
    case 'ass':
      return toAss(cues(), name);
    case 'ttml':
      return toTtml(cues(), title, passages[0]?.main.language ?? transcript.language ?? 'und');
    case 'fcpxml':
      return toFcpxml(paragraphs(), title, durationMs ?? 0, shown.fps);
    case 'edl':
      return toEdl(paragraphs(), title, shown.fps);
  }
}
