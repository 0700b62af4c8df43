/** Advanced SubStation Alpha, for players and editors that style subtitles. */
import { ASS_HEADER, assEvent } from '../subtitles/ass.ts';
import { writeText } from '../subtitles/inline.ts';
import { oneLine } from './passages.ts';
import type { Cue } from './cues.ts';

export function toAss(cues: readonly Cue[], title: string): string {
  const events = cues.map(cue => {
    const { lines, second } = cue;
    const shown = lines
      .map((line, n) => (second > 0 && n === lines.length - second ? '{\\rTranslation}' : '') + writeText(line, 'ass'))
      .join('\\N');
    return assEvent(cue, shown);
  });
  return `${[...ASS_HEADER(oneLine(title)), ...events].join('\n')}\n`;
}
