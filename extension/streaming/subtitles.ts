/**
 * Subtitles while they come in: an utterance becomes cues of two short lines. The files that a finished job writes come
 * from the daemon.
 */
import { sourceText, translatedText, type Utterance } from '../../schemas/job.ts';
import { writeTimes } from '../../text/subtitles/parse.ts';

/** Where a translation stands; it counts only when there is one. */
export type TranslationPlace = 'instead' | 'below' | 'beside';

export type SubtitleFormat = 'srt' | 'vtt';

/** Characters in a line; two lines in a cue. */
const LINE = 42;

/** Text in parts of at most `limit` characters, cut at spaces, or anywhere in a text that has none. */
export function split(text: string, limit: number): string[] {
  const parts: string[] = [];
  for (let rest = text.trim(); rest;) {
    const at = rest.length <= limit ? rest.length : rest.lastIndexOf(' ', limit);
    const cut = at > 0 ? at : limit;
    parts.push(rest.slice(0, cut).trim());
    rest = rest.slice(cut).trim();
  }
  return parts;
}

/**
 * The cues of one utterance, numbered from `first`; its time is shared out by length. `turn`: somebody else spoke
 * before; SubRip has no other place for a name.
 */
export function cues(
  utterance: Utterance,
  translation: TranslationPlace,
  format: SubtitleFormat,
  first: number,
  turn = true,
): { text: string; count: number } {
  const said = sourceText(utterance).trim(),
    named = (text: string): string =>
      text && turn && utterance.speaker && format === 'srt' ? `${utterance.speaker}: ${text}` : text;
  const voice = utterance.speaker && format === 'vtt' ? `<v ${utterance.speaker.replace(/[<>&\n]/g, '')}>` : '';
  const original = named(said),
    translated = utterance.nmt ? translatedText(utterance).trim() : null;
  const lines = split(translation === 'instead' && translated !== null ? named(translated) : original, LINE);
  const parts = Array.from({ length: Math.ceil(lines.length / 2) }, (_, i) => lines.slice(2 * i, 2 * i + 2).join('\n'));
  const below =
    translation !== 'instead' && translated !== null
      ? split(translated, Math.ceil(translated.length / Math.max(1, parts.length)) + 8)
      : [];
  const whole = parts.reduce((sum, p) => sum + p.length, 0),
    length = utterance.endMs - utterance.startMs;
  let seen = 0;
  const text = parts
    .map((part, i) => {
      const startMs = utterance.startMs + Math.round((length * seen) / whole);
      seen += part.length;
      const endMs = utterance.startMs + Math.round((length * seen) / whole),
        number = format === 'srt' ? `${first + i}\n` : '';
      const shown = [part, ...(below[i] ? split(below[i], LINE) : [])].join('\n');
      return `${number}${writeTimes({ startMs, endMs }, format)}\n${voice}${shown}\n\n`;
    })
    .join('');
  return { text, count: parts.length };
}
