/** SubRip and WebVTT. */
import type { Cue } from './cues.ts';

/** 00:01:02,003 */
function clock(ms: number, mark: ',' | '.'): string {
  const pad = (value: number, length = 2): string => String(value).padStart(length, '0');
  return `${pad(Math.floor(ms / 3_600_000))}:${pad(Math.floor(ms / 60_000) % 60)}:${pad(Math.floor(ms / 1000) % 60)}${mark}${pad(ms % 1000, 3)}`;
}

/** SubRip has no escapes: what a player would take for a tag, an override or an arrow gets a look-alike. */
const escapeSrt = (text: string): string =>
  text
    .replace(/<(?=[\p{L}/!])/gu, '‹')
    .replace(/\{(?=\\)/gu, '(')
    .replace(/-->/g, '→');

export const toSrt = (cues: readonly Cue[]): string =>
  cues
    .map(
      (cue, n) =>
        `${n + 1}\n${clock(cue.startMs, ',')} --> ${clock(cue.endMs, ',')}\n${cue.lines.map(escapeSrt).join('\n')}\n`,
    )
    .join('\n');

const escapeVtt = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

export const toVtt = (cues: readonly Cue[]): string =>
  [
    'WEBVTT\n',
    ...cues.map(
      cue =>
        `${clock(cue.startMs, '.')} --> ${clock(cue.endMs, '.')}\n${cue.speaker === null ? '' : `<v ${cue.speaker.replace(/[<>&]/g, '')}>`}${cue.lines.map(escapeVtt).join('\n')}\n`,
    ),
  ].join('\n');
