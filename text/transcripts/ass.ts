/** Advanced SubStation Alpha, for players and editors that style subtitles. */
import { ASS_HEADER, assTime, escapeAss } from '../subtitles/ass.ts';
import { oneLine } from './passages.ts';
import type { Cue } from './cues.ts';

export function toAss(cues: readonly Cue[], title: string): string {
  const events = cues.map(({ startMs, endMs, lines, second, speaker }) => {
    const shown = lines
      .map((line, n) => (second > 0 && n === lines.length - second ? '{\\rTranslation}' : '') + escapeAss(line))
      .join('\\N');
    return `Dialogue: 0,${assTime(startMs)},${assTime(endMs)},Default,${(speaker ?? '').replaceAll(',', ' ')},0,0,0,,${shown}`;
  });
  return `${[...ASS_HEADER(oneLine(title)), ...events].join('\n')}\n`;
}
