/** SubRip and WebVTT. */
import { unarrowed } from '../subtitles/inline.ts';
import { writeTimes } from '../subtitles/parse.ts';
import type { Cue } from './cues.ts';

/** SubRip has no escapes: what a player would take for a tag, an override or an arrow gets a look-alike. */
const escapeSrt = (text: string): string => unarrowed(text.replace(/<(?=[\p{L}/!])/gu, '‹').replace(/\{(?=\\)/gu, '('));

export const toSrt = (cues: readonly Cue[]): string =>
  cues.map((cue, n) => `${n + 1}\n${writeTimes(cue, 'srt')}\n${cue.lines.map(escapeSrt).join('\n')}\n`).join('\n');

const escapeVtt = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

export const toVtt = (cues: readonly Cue[]): string =>
  [
    'WEBVTT\n',
    ...cues.map(cue => {
      const voice = cue.speaker === null ? '' : `<v ${cue.speaker.replace(/[<>&]/g, '')}>`;
      return `${writeTimes(cue, 'vtt')}\n${voice}${cue.lines.map(escapeVtt).join('\n')}\n`;
    }),
  ].join('\n');
