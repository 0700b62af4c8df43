/** What came of many recordings: a summary to read, with links, and a table of all utterances for other programs. */
import { harmlessLine } from '../harmless.ts';
import { sourceText, translatedText, type Job, type Transcript } from '../../schemas/job.ts';
import { clockText, languageText, type Locale } from './figures.ts';
import { failureMessage, termText } from './messages.ts';
import { csvOf, secondsText } from '../transcripts/table.ts';

/** A job that is over, and what it made. */
export interface Collected {
  job: Pick<Job, 'language' | 'outputs' | 'state' | 'failure'> & {
    recording: Pick<Job['recording'], 'path' | 'name' | 'durationMs'>;
  };
  transcript: Transcript;
}

const TEXTS = {
  en: {
    title: 'Transcripts',
    recording: 'Recording',
    length: 'Length',
    language: 'Language',
    words: 'First words',
    files: 'Files',
    none: '(no speech)',
    of: (n: number, length: string): string => `${n} ${n === 1 ? 'recording' : 'recordings'}, ${length}`,
  },
  'zh-cn': {
    title: '转写文本',
    recording: '录音',
    length: '时长',
    language: '语言',
    words: '开头',
    files: '文件',
    none: '（没有语音）',
    of: (n: number, length: string): string => `${n} 个录音，共 ${length}`,
  },
} as const;
const FIRST_WORDS = 120;

/**
 * A Markdown document with a table of the recordings.
 * @param wayTo the path from the document to a file, as a link takes it: with / and without escapes
 */
export function summary(
  collected: readonly Collected[],
  { locale, title, wayTo }: { locale: Locale; title?: string; wayTo(path: string): string },
): string {
  const t = TEXTS[locale],
    link = (name: string, path: string): string =>
      `[${cell(name)}](<${wayTo(path).split('/').map(encodeURIComponent).join('/')}>)`;
  const rows = collected.map(({ job, transcript }) => {
    const { recording, language, outputs, state, failure } = job;
    const said = transcript.utterances.map(sourceText).join(' ').replace(/\s+/gu, ' ').trim();
    const first =
      said.length > FIRST_WORDS
        ? `${said
            .slice(0, FIRST_WORDS)
            .replace(/[\ud800-\udbff]$/, '')
            .replace(/ \S*$/u, '')} …`
        : said;
    const why = failure ? `: ${cell(failureMessage(failure, locale).what)}` : '';
    const note =
      state === 'completed'
        ? cell(first || t.none)
        : `**${termText('states', state, locale)}**${why}${first && ` ${cell(first)}`}`;
    return row([
      link(recording.name, recording.path),
      recording.durationMs === null ? '' : clockText(recording.durationMs),
      language ? cell(languageText(language, locale)) : '',
      note,
      outputs.map(output => link(output.kind, output.path)).join(' '),
    ]);
  });
  const total = collected.reduce((sum, { job }) => sum + (job.recording.durationMs ?? 0), 0);
  return [
    `# ${cell(title ?? t.title)}\n`,
    `${t.of(collected.length, clockText(total))}\n`,
    row([t.recording, t.length, t.language, t.words, t.files]),
    '| --- | ---: | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** Text from outside in one cell of a table: it neither ends the cell nor becomes a sign of Markdown or HTML. */
const cell = (text: string): string =>
  harmlessLine(text, ' ')
    .replace(/[\\`*_[\]<>~|&$!]/gu, '\\$&')
    .trim();

const COLUMNS = [
  'recording',
  'path',
  'utterance',
  'start',
  'end',
  'language',
  'text',
  'translation',
  'failed',
] as const;

/** Every utterance of every recording, a row each. */
export function utterancesCsv(collected: readonly Collected[]): string {
  const rows = collected.flatMap(({ transcript: { recording, language, utterances } }) =>
    utterances.map(each => [
      recording.name,
      recording.path,
      String(each.index),
      secondsText(each.startMs),
      secondsText(each.endMs),
      each.asr?.language ?? language ?? '',
      sourceText(each),
      translatedText(each),
      each.failed ? `${each.failed.stage}: ${each.failed.failure.code}` : '',
    ]),
  );
  return csvOf([COLUMNS, ...rows]);
}
