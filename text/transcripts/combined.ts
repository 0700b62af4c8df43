/**
 * Several transcripts as one document: texts under their names, subtitles of recordings that are played one after the
 * other.
 */
import type { OutputOptions, Transcript } from '../../schemas/job.ts';
import type { TextFormat } from '../../schemas/words.ts';
import { toAss } from './ass.ts';
import { cuesOf } from './cues.ts';
import { render } from './render.ts';
import { oneLine, passagesOf } from './passages.ts';
import { toSrt, toVtt } from './subtitles.ts';

export type CombinedFormat = Extract<TextFormat, 'txt' | 'md' | 'srt' | 'vtt' | 'ass'>;

export function combined(
  transcripts: readonly Transcript[],
  format: CombinedFormat,
  { text }: { text: NonNullable<OutputOptions['text']> },
): string {
  if (format === 'md') return transcripts.map(each => render(each, 'md', { text })).join('\n');
  if (format === 'txt')
    return transcripts
      .map(each => `${nameOf(each)}\n${'='.repeat(nameOf(each).length)}\n\n${render(each, 'txt', { text })}`)
      .join('\n\n');
  let offsetMs = 0;
  const cues = transcripts.flatMap(each => {
    // A recording that gave nothing is only a rest here.
    const found = (each.utterances.length === 0 ? [] : cuesOf(passagesOf(each, text), each.recording.durationMs)).map(
      cue => ({ ...cue, startMs: cue.startMs + offsetMs, endMs: cue.endMs + offsetMs }),
    );
    offsetMs += each.recording.durationMs ?? each.utterances.at(-1)?.endMs ?? 0;
    return found;
  });
  return format === 'srt'
    ? toSrt(cues)
    : format === 'vtt'
      ? toVtt(cues)
      : toAss(cues, transcripts[0] ? nameOf(transcripts[0]) : '');
}

const nameOf = ({ recording }: Transcript): string => oneLine(recording.name);
