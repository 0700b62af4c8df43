/** Options that several commands share, and how what people type becomes a value. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { FORMATS, JOB_STATES, PRIORITIES, type JobState } from '../schemas/words.ts';
import { FRAME_RATES } from '../text/transcripts/frames.ts';
import { termText } from '../text/messages/messages.ts';

const UNITS_MS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

export const jsonOption = (): Option => new Option('--json', 'print one JSON value per line');

export const textOption = (): Option =>
  new Option('--text <which>', 'which text to use').choices(['original', 'translation', 'bilingual']);

/** An option that may be given several times: its values in order. */
export const collect = (value: string, before: string[] = []): string[] => [...before, value];

/** States of jobs as people type them, which is as screens show them. */
export const STATE_NAMES = JOB_STATES.map(state => termText('states', state, 'en'));

/** One more state of jobs, in either spelling of "canceled": the one of screens, and the one of the protocol. */
export function jobStates(text: string, before: JobState[] = []): JobState[] {
  const state = JOB_STATES.find((each, i) => each === text || STATE_NAMES[i] === text);
  if (!state) throw new InvalidArgumentError(`Allowed choices are ${STATE_NAMES.join(', ')}.`);
  return [...before, state];
}

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('Give a whole number.');
  return value;
}

export function frameRate(text: string): number {
  const rate = FRAME_RATES.find(each => each === Number(text));
  if (rate === undefined) throw new InvalidArgumentError(`Allowed choices are ${FRAME_RATES.join(', ')}.`);
  return rate;
}

/** At least a tenth of one. */
export function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0.1)) throw new InvalidArgumentError('Give a number of seconds.');
  return value;
}

/** `30d` in ms. */
export function ageMs(text: string): number {
  const [, number, unit] = /^(\d+)([mhdw])$/.exec(text) ?? [];
  if (!number) throw new InvalidArgumentError('Give an age such as 30d, 12h or 2w.');
  return Number(number) * UNITS_MS[unit!]!;
}

/** `90s`, `10m`, `1h` in ms. */
export function durationMs(text: string): number {
  if (/^\d+s$/.test(text)) return Number.parseInt(text, 10) * 1000;
  if (!/^\d+[mhd]$/.test(text)) throw new InvalidArgumentError('Give a time such as 90s, 10m or 1h.');
  return ageMs(text);
}

/** An age before now, or a date: ms since the epoch. */
export function sinceMs(text: string): number {
  if (/^\d+[mhdw]$/.test(text)) return Math.max(0, Date.now() - ageMs(text));
  const at = /^\d{4}-\d{2}-\d{2}/.test(text)
    ? new Date(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00` : text).getTime()
    : NaN;
  if (Number.isNaN(at)) throw new InvalidArgumentError('Give an age such as 30d, or a date such as 2026-01-31.');
  return at;
}

/** What becomes of recordings: of those that are named, of those of a watched folder, of what is said now. */
export const withJobOptions = (command: Command): Command =>
  command
    .option('--preset <name>', 'choices saved under a name; options beside it count before it')
    .option('-m, --model <id>', 'model for the stages it can do, or STAGE=ID (repeatable)', collect)
    .option('-l, --language <code>', 'language spoken (default: detected)')
    .option('-t, --translate-to <code>', 'translate into this language')
    .option('-s, --speak [voice]', 'speak the translation, or the text if there is none')
    .option('--voice <name>', 'a voice of a model that has several, as af_heart of Kokoro; with --speak')
    .option('--no-repair', 'skip repairing the recognized text')
    .option('-f, --format <list>', `formats to write, comma-separated: ${FORMATS.join(', ')}`)
    .option('-o, --output <folder>', 'where to write files; - prints the text')
    .addOption(textOption())
    .addOption(new Option('--audio <kind>', 'format of the spoken track').choices(['wav', 'mp3', 'm4a']))
    .option('--mux', 'also write a video with the spoken track and subtitles')
    .option('--track <n>', 'audio track of the file, counted from 0', wholeNumber)
    .option('--encoding <name>', 'encoding of subtitles and glossaries that are not Unicode, as windows-1250')
    .addOption(new Option('-p, --priority <priority>', 'priority in the queue').choices(PRIORITIES))
    .option(
      '-g, --glossary <file>',
      'names and terms to recognize, keep and translate; used before .earshot/glossary.md',
    )
    .option('--no-glossary', 'ignore all glossaries')
    .option('--speakers [n]', 'label who speaks; give the number of speakers if you know it', wholeNumber)
    .option('--summary', 'also summarize the transcript with an installed language model')
    .option('--prompt <text>', 'context for recognition: names, subject, style');
