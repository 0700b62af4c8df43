/** What stays on the screen: utterances, how a job ended, what it wrote. As lines; plain where nothing is coloured. */
import { isAbsolute, relative } from 'node:path';
import { sourceText, translatedText, type Job, type Utterance } from '../schemas/job.ts';
import { failureMessage, stageText, termText } from '../text/messages/messages.ts';
import { clockText, durationText, languageText, type Locale } from '../text/messages/figures.ts';
import { clean, type Paint } from './terminal.ts';
import { wrap } from './layout.ts';
import type { Texts } from './texts.ts';

export interface Style {
  columns: number;
  locale: Locale;
  t: Texts;
  paint: Paint;
  /** False when piped: one utterance a line, unwrapped. */ pretty: boolean;
}

const INDENT = 8;

/** The time and the text; below it the translation; a marker where a stage gave up. */
export function utteranceLines(utterance: Utterance, style: Style): string[] {
  const { paint, pretty, columns, locale, t } = style;
  const time = clockText(utterance.startMs);
  const source = clean(sourceText(utterance)),
    translated = utterance.nmt ? clean(translatedText(utterance)) : null;
  const failed = utterance.failed ? `[${stageText(utterance.failed.stage, locale)}: ${t.gaveUp}]` : null;
  if (!pretty)
    return [
      `${time}\t${source}`,
      ...(translated === null ? [] : [`\t${translated}`]),
      ...(failed ? [`\t${failed}`] : []),
    ];
  const block = (text: string, paintText: (line: string) => string): string[] =>
    text === ''
      ? []
      : wrap(text, columns, INDENT).map((line, i) =>
          i === 0 ? paintText(line) : ' '.repeat(INDENT) + paintText(line.slice(INDENT)),
        );
  const original = block(source, line => (translated === null ? line : paint('dim', line)));
  const lines =
    original.length > 0
      ? [paint('dim', time.padEnd(INDENT)) + original[0]!, ...original.slice(1)]
      : [paint('dim', time.padEnd(INDENT))];
  if (translated !== null)
    lines.push(...block(translated, line => line).map((line, i) => (i === 0 ? ' '.repeat(INDENT) : '') + line));
  if (failed) lines.push(' '.repeat(INDENT) + paint('red', failed));
  return lines;
}

/** How it ended, warnings, what it wrote and the figures. */
export function endLines(job: Job, utterances: number, style: Style): string[] {
  const { paint, locale, t, pretty, columns } = style;
  // A path stays in one piece, to be copied.
  const indented = (text: string): string[] =>
    (pretty ? wrap(text, columns, 2) : [text]).map((line, i) => (i === 0 ? `  ${line}` : line));
  const mark =
    { completed: paint('green', '✓'), failed: paint('red', '✗'), cancelled: paint('yellow', '■') }[
      job.state as 'completed'
    ] ?? '·';
  const languages = [job.language, job.options.translateTo]
    .filter(language => language != null)
    .map(language => languageText(language, locale))
    .join(' → ');
  const lines = [
    `${mark} ${paint('bold', clean(job.recording.name))}  ${termText('states', job.state, locale)}` +
      (job.language ? paint('dim', ` · ${languages}`) : ''),
  ];
  if (job.state === 'completed' && utterances === 0) lines.push(`  ${t.noSpeech}`);
  for (const failure of job.failure ? [job.failure, ...job.warnings] : job.warnings) {
    const { what, todo } = failureMessage(failure, locale);
    const colour = failure === job.failure ? 'red' : 'yellow';
    lines.push(...indented(`${paint(colour, clean(what))}${todo ? ` ${paint('dim', clean(todo))}` : ''}`));
  }
  for (const output of job.outputs) lines.push(`  ${t.wrote} ${paint('underline', clean(shortPath(output.path)))}`);
  lines.push(...indented(paint('dim', figures(job, style))));
  return lines;
}

/** 0:28 audio · 14.2 s · 1.9 × real time · whisper-base, qwen… */
export function figures(job: Job, { locale, t }: Pick<Style, 'locale' | 't'>): string {
  const audioMs = job.recording.durationMs,
    wallMs = job.startedAt !== null && job.finishedAt !== null ? job.finishedAt - job.startedAt : null;
  return [
    audioMs === null ? '' : `${t.audio} ${durationText(audioMs, locale)}`,
    wallMs === null ? '' : `${t.wall} ${durationText(wallMs, locale)}`,
    audioMs === null || !wallMs ? '' : t.faster((audioMs / wallMs).toFixed(1)),
    [...new Set(job.stages.map(stage => job.models[stage]).filter((id): id is string => id !== undefined))]
      .map(clean)
      .join(', '),
  ]
    .filter(Boolean)
    .join(' · ');
}

/** Below the current folder: from there on, as one would type it. */
function shortPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near !== '' && !near.startsWith('..') && !isAbsolute(near) ? near : path;
}
