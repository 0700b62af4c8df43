/**
 * The moving part at the bottom of the terminal, as lines: what is being worked on, the four stages, what is waited
 * for. Pure.
 */
import { sourceText, translatedText, type Job } from '../schemas/job.ts';
import { jobFraction, stageFraction } from '../schemas/progress.ts';
import { entryOf, reasonText, stageText, termText } from '../text/messages/messages.ts';
import type { Names } from '../text/messages/catalogue.ts';
import { bytesText, clockText, durationText, languageText, timeText, type Locale } from '../text/messages/figures.ts';
import { isFinal, type Stage } from '../schemas/words.ts';
import { front, unsettled, type Followed, type World } from './follow.ts';
import { clean, type Paint, type Colour } from './terminal.ts';
import { bar, cut, fit, fitEnd, pad, width, wrap } from './layout.ts';
import type { Texts } from './texts.ts';

export interface Frame {
  columns: number;
  rows: number;
  now: number;
  locale: Locale;
  t: Texts;
  paint: Paint;
  names: Names;
  /** How loud it is, of what is recorded here. */ meter?: string;
}

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const WORKING_LINES = 3;
/** Columns before text: when it was said. */
const TIME_COLUMNS = 8;

/** Lines for the frame; none when nothing is left to follow. */
export function liveLines(world: World, frame: Frame): string[] {
  const first = front(world);
  if (!first) return [];
  const { columns, rows, paint, t } = frame;
  const lines = [
    ...working(first, frame),
    ...speaking(first, frame),
    '',
    header(first.job, frame),
    ...stages(first.job, frame),
    ...notes(world, first.job, frame),
  ];
  const waiting = [...world.jobs.values()].filter(each => each !== first && !each.ended);
  const room = Math.max(0, rows - lines.length - 2);
  if (waiting.length > 0) lines.push('', ...waiting.slice(0, Math.min(room, 6)).map(each => short(each.job, frame)));
  if (waiting.length > Math.min(room, 6)) lines.push(paint('dim', t.others(waiting.length - Math.min(room, 6))));
  return lines.map(line => cut(line, columns)).slice(-Math.max(3, rows - 1));
}

/** Text that may still change, dim. */
function working(followed: Followed, { columns, paint }: Frame): string[] {
  return unsettled(followed)
    .slice(-WORKING_LINES)
    .map(utterance => {
      const text = clean(utterance.nmt ? translatedText(utterance) : sourceText(utterance));
      return paint('dim', `${pad(clockText(utterance.startMs), 7)} ${fit(text, columns - 9)}`);
    });
}

/**
 * What is still being said, its last lines, laid out like the utterance that it will be; what the next pass may hear
 * otherwise is in italics. Where nothing can be dim, it ends with an ellipsis.
 */
function speaking({ partial, job }: Followed, { columns, paint }: Frame): string[] {
  if (!partial || isFinal(job.state)) return [];
  const stable = clean(partial.stable),
    text = clean(partial.stable + partial.unstable);
  if (!text) return [];
  const isPlain = paint('dim', text) === text,
    words = paint('dim', stable) + paint(['dim', 'italic'], text.slice(stable.length));
  const [first, ...others] = wrap(isPlain ? `${text} …` : words, columns, TIME_COLUMNS);
  const time = paint('dim', pad(clockText(partial.startMs), TIME_COLUMNS));
  return [time + first!, ...others].slice(-WORKING_LINES);
}

function header(job: Job, { columns, now, locale, t, paint, meter = '' }: Frame): string {
  if (job.live?.open) {
    const language = job.language === null ? '' : languageText(job.language, locale);
    const facts = [clockText(job.progress.ingestedMs), language, t.endListening].filter(Boolean).join(' · ');
    return `${paint('red', '●')} ${paint('bold', t.listening)} ${paint('green', meter)}  ${paint('dim', facts)}`;
  }
  const spinner =
    job.state === 'processing' || job.state === 'loading'
      ? SPINNER[Math.floor(now / 100) % SPINNER.length]!
      : job.state === 'paused'
        ? '⏸'
        : '·';
  const facts = [
    job.recording.durationMs === null ? '' : clockText(job.recording.durationMs),
    job.language === null
      ? ''
      : languageText(job.language, locale) +
        (job.options.translateTo ? ` → ${languageText(job.options.translateTo, locale)}` : ''),
    job.startedAt !== null && job.expectedEndAt !== null && job.expectedEndAt > now
      ? t.left(durationText(Math.max(1000, job.expectedEndAt - now), locale))
      : '',
  ]
    .filter(Boolean)
    .join(' · ');
  const name = fitEnd(clean(job.recording.name), Math.max(12, columns - width(facts) - 6));
  return `${paint('cyan', spinner)} ${paint('bold', name)}  ${paint('dim', facts)}`;
}

/** How far a stage is: as a share of the recording, where its length is known, and in utterances. */
function share(job: Job, stage: Stage): { fraction: number; figure: string; failed: number } {
  const { done, failed } = job.progress.stages[stage] ?? { done: 0, failed: 0 };
  return {
    fraction: stageFraction(job, stage) ?? 0,
    figure: `${done + failed}/${job.progress.utterances}${job.progress.ingested ? '' : '+'}`,
    failed,
  };
}

const COLOUR = { asr: 'blue', repair: 'magenta', nmt: 'yellow', tts: 'green', summary: 'cyan' } as const;

/** The stages side by side where there is room, else below each other. */
function stages(job: Job, { columns, locale, paint }: Frame): string[] {
  const nameOf = (stage: Stage): string => stageText(stage, locale);
  const cell = (stage: Stage, barColumns: number): string => {
    const { fraction, figure, failed } = share(job, stage);
    const running = (job.progress.stages[stage]?.running ?? 0) > 0;
    const name = running ? paint('bold', nameOf(stage)) : nameOf(stage);
    const filled = paint(entryOf<Colour>(COLOUR, stage, 'dim'), bar(fraction, barColumns));
    return `${name} ${filled} ${paint(failed > 0 ? 'red' : 'dim', figure)}`;
  };
  const fixed =
    job.stages.reduce((sum, stage) => sum + width(nameOf(stage)) + width(share(job, stage).figure) + 2, 0) +
    3 * (job.stages.length - 1) +
    2;
  const each = Math.floor((columns - fixed) / job.stages.length);
  if (each >= 6) return [`  ${job.stages.map(stage => cell(stage, Math.min(each, 24))).join('   ')}`];
  const widest = Math.max(...job.stages.map(stage => width(nameOf(stage))));
  return job.stages.map(
    stage =>
      `  ${' '.repeat(widest - width(nameOf(stage)))}${cell(stage, Math.max(4, Math.min(24, columns - widest - 12)))}`,
  );
}

/** Why it waits, what is being downloaded, installed or loaded. */
function notes(world: World, job: Job, { locale, t, paint, names, columns, now }: Frame): string[] {
  const lines: string[] = [];
  const meter = (name: string, fraction: number | null, text: string): string => {
    const filled = fraction === null ? '' : bar(fraction, Math.min(20, Math.max(6, columns - 50)));
    return `  ${paint('dim', name)} ${filled && `${paint('cyan', filled)} `}${paint('dim', text)}`;
  };
  for (const model of world.models.values()) {
    if (model.state === 'downloading' && model.progress)
      lines.push(
        meter(
          `${t.download} ${clean(model.card.id)}`,
          model.progress.total > 0 ? model.progress.bytes / model.progress.total : null,
          t.ofAll(bytesText(model.progress.bytes), bytesText(model.progress.total)),
        ),
      );
  }
  for (const engine of world.engines.values()) {
    if (engine.state === 'installing')
      lines.push(
        meter(
          `${t.install} ${clean(engine.name)}`,
          engine.progress?.fraction ?? null,
          clean(engine.progress?.step ?? ''),
        ),
      );
  }
  const loading = [...world.instances.values()].filter(each => each.state === 'starting' || each.state === 'loading');
  if (loading.length > 0)
    lines.push(paint('dim', `  ${t.loadingModel} ${loading.map(each => clean(each.model)).join(', ')}`));
  else if (job.waiting && lines.length === 0 && !(job.live && job.waiting.code === 'ingesting'))
    lines.push(paint('yellow', `  ${clean(reasonText(job.waiting, locale, { ...names, now }))}`));
  if (job.retry)
    lines.push(
      paint('yellow', `  ${t.tryAgain(job.retry.attempt, job.retry.of, timeText(job.retry.at, locale, now))}`),
    );
  return lines;
}

/** One line for a job that is not in front. */
function short(job: Job, { columns, locale, paint }: Frame): string {
  const done = jobFraction(job) ?? 0;
  const room = Math.max(10, columns - 40),
    name = pad(fitEnd(clean(job.recording.name), room), Math.min(48, room)),
    moving = job.state === 'processing' || isFinal(job.state);
  return `  ${paint('dim', name)} ${moving ? bar(done, 12) : paint('dim', termText('states', job.state, locale))}`;
}
