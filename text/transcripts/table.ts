/**
 * A table for spreadsheets and other programs: RFC 4180 with a mark for UTF-8, times in seconds, and no cell that a
 * spreadsheet would take for a formula.
 */
import { sourceText, translatedText, type Transcript, type Utterance } from '../../schemas/job.ts';
import { shownSpeaker } from '../speaker-names.ts';
import type { Shown } from './document.ts';
import { oneLine } from './passages.ts';

export const csvOf = (rows: readonly (readonly string[])[]): string =>
  `\ufeff${rows.map(row => row.map(quoted).join(',')).join('\r\n')}\r\n`;

export const secondsText = (ms: number): string => (ms / 1000).toFixed(3);

/** An utterance a row, with the columns that were asked for; `text` original has no translation. */
export function toCsv(transcript: Transcript, { text, times = true, speakers = true }: Shown): string {
  const withTranslation = transcript.translatedTo !== null && text !== 'original',
    withSpeaker = speakers && transcript.utterances.some(each => each.speaker !== undefined);
  const columns: [name: string, of: (utterance: Utterance) => string][] = [];
  if (times) columns.push(['start', each => secondsText(each.startMs)], ['end', each => secondsText(each.endMs)]);
  if (withSpeaker) columns.push(['speaker', each => shownSpeaker(each.speaker ?? '')]);
  columns.push(['language', each => each.asr?.language ?? transcript.language ?? '']);
  if (text !== 'translation' || !withTranslation) columns.push(['text', each => oneLine(sourceText(each))]);
  if (withTranslation) columns.push(['translation', each => oneLine(translatedText(each))]);
  return csvOf([
    columns.map(([name]) => name),
    ...transcript.utterances.filter(each => each.asr).map(each => columns.map(([, of]) => of(each))),
  ]);
}

/**
 * Spreadsheets run what begins with = + - @ (also in full width), a tab or a line end, whatever stands around it; an
 * apostrophe makes it text.
 */
function quoted(value: string): string {
  const harmless = /^[\s\u00a0]*[=+\-@\uff1d\uff0b\uff0d\uff20\u2212]|^[\t\r\n]/u.test(value) ? `'${value}` : value;
  return /[",\r\n\t';]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
