/** Commands for recordings and their jobs. The work of each is loaded only when it runs. */
import { Option, type Command } from 'commander';
import { FRAME_RATES } from '../text/transcripts/frames.ts';
import { FORMATS, PRIORITIES, TEXT_FORMATS } from '../schemas/words.ts';
import type { ExportGiven } from './export.ts';
import type { JobAction } from './jobs.ts';
import type { ListenOptions } from './listen.ts';
import {
  frameRate,
  jobStates,
  jsonOption,
  sinceMs,
  STATE_NAMES,
  textOption,
  wholeNumber,
  withJobOptions,
} from './options.ts';
import { recordingNotVoice } from './recordings.ts';
import { EXIT, withSession } from './session.ts';
import type { TranscribeOptions } from './transcribe.ts';

const JOB = 'an id, the end of one, part of a file name, or "last"';

export function addTranscribe(program: Command): void {
  withJobOptions(
    program
      .command('transcribe')
      .alias('t')
      .description('transcribe recordings; also repair, translate and speak the text')
      .argument('[recording...]', 'files, or folders to search'),
  )
    .option('--index <file.md>', 'also write a table of all recordings, with links')
    .option('--combined <file>', 'also write all texts into one file: .txt, .md, .srt, .vtt or .ass')
    .option('--csv <file>', 'also write all utterances as a table')
    .option('--again', 'run again even if the same job exists')
    .option('-d, --detach', 'print the jobs and return at once')
    .addOption(jsonOption())
    .action((named: string[], options: TranscribeOptions, command: Command) => {
      const meant = recordingNotVoice(options.speak);
      const files = meant === null ? named : [meant, ...named];
      if (files.length === 0) command.error('error: name a recording or a folder', { exitCode: EXIT.usage });
      return withSession(options, async session =>
        (await import('./transcribe.ts')).transcribe(
          session,
          files,
          meant === null ? options : { ...options, speak: true },
        ),
      );
    });
}

export function addListen(program: Command): void {
  withJobOptions(
    program
      .command('listen')
      .alias('l')
      .description('transcribe live sound from a microphone or a pipe')
      .argument('[source]', '- reads sound from a pipe, in any format ffmpeg knows'),
  )
    .option('--pcm', 'the pipe carries raw PCM: mono, 16-bit, 16 kHz')
    .option('--device <input>', 'input to record from: a name from --list-devices, or FORMAT:NAME for ffmpeg')
    .option('--list-devices', 'list the inputs of this machine')
    .option('--save <file>', 'also save the sound as a WAV file')
    .option('--name <name>', 'name of the job and its files')
    .option('--partials', 'show words while they are spoken; the default in a terminal. With --json: `partial` events')
    .option('--no-partials', 'show only utterances that have ended, which takes less computing')
    .addOption(jsonOption())
    .action((source: string | undefined, options: ListenOptions) =>
      withSession(options, async session => (await import('./listen.ts')).listen(session, source, options)),
    );
}

export function addQueue(program: Command): void {
  program
    .command('queue')
    .alias('q')
    .description('list jobs')
    .option('-a, --all', 'include all finished jobs')
    .option('--search <words>', 'only jobs whose path contains these words')
    .addOption(
      new Option('--state <state...>', `only jobs in these states: ${STATE_NAMES.join(', ')}`).argParser(jobStates),
    )
    .option('-n, --limit <n>', 'maximum number of jobs', wholeNumber)
    .option('--fleet', 'also how many jobs the fleet has, by person')
    .addOption(jsonOption())
    .action(options => withSession(options, async session => (await import('./jobs.ts')).queue(session, options)));

  program
    .command('show')
    .description('show a job and its text')
    .argument('<job>', JOB)
    .addOption(new Option('-f, --format <format>', 'print the text in this format').choices(TEXT_FORMATS))
    .addOption(textOption())
    .option('--follow', 'follow the job until it ends')
    .addOption(jsonOption())
    .action((job: string, options) =>
      withSession(options, async session => (await import('./jobs.ts')).show(session, job, options)),
    );

  program
    .command('find')
    .alias('f')
    .description('search everything you have transcribed')
    .argument('<words...>', 'words, "phrases" and prefixes*')
    .option('-l, --language <code>', 'only text spoken in or translated into this language')
    .option('--path <words>', 'only recordings whose path contains these words')
    .addOption(
      new Option('--since <when>', 'only transcripts made since then: 30d, 12h, 2026-01-31').argParser(sinceMs),
    )
    .option('-n, --limit <n>', 'maximum number of results', wholeNumber)
    .addOption(jsonOption())
    .action((words: string[], options) =>
      withSession(options, async session => (await import('./find.ts')).find(session, words, options)),
    );
}

const ACTIONS: [JobAction, string, string][] = [
  ['pause', 'pause jobs', 'pause the queue: nothing new starts'],
  ['resume', 'resume paused jobs', 'resume the queue'],
  ['cancel', 'cancel jobs', 'cancel every unfinished job'],
  ['retry', 'run what is missing of failed or canceled jobs', 'retry every failed or canceled job'],
  ['remove', 'remove finished jobs from the list; files stay', 'remove every finished job'],
];

export function addJobActions(program: Command): void {
  for (const [action, description, all] of ACTIONS) {
    program
      .command(action)
      .description(description)
      .argument('[job...]', JOB)
      .option('--all', all)
      .addOption(jsonOption())
      .action((jobs: string[], options: { all?: boolean; json?: boolean }, command: Command) => {
        if (jobs.length === 0 && !options.all)
          command.error(`error: name a job, or use --all to ${all.replace(/:.*/, '')}`, { exitCode: EXIT.usage });
        return withSession(options, async session => (await import('./jobs.ts')).act(session, action, jobs, options));
      });
  }

  program
    .command('move')
    .description('move a job in the queue')
    .argument('<job>', JOB)
    .addOption(new Option('-p, --priority <priority>', 'set its priority').choices(PRIORITIES))
    .option('--top', 'first of its priority')
    .option('--bottom', 'last of its priority')
    .option('--before <job>', 'right before this job')
    .option('--after <job>', 'right after this job')
    .addOption(jsonOption())
    .action((job: string, options) =>
      withSession(options, async session => (await import('./jobs.ts')).move(session, job, options)),
    );
}

export function addJobDetails(program: Command): void {
  program
    .command('speakers')
    .description('list the speakers of a job, or name them with LABEL=NAME; names are remembered')
    .argument('<job>', JOB)
    .argument('[name...]', 'for example S1=Anna')
    .option('--remember', 'remember the voices also where others would get them with a Git repository')
    .option('--no-remember', 'give names without remembering voices')
    .addOption(jsonOption())
    .action((job: string, names: string[], options: { remember?: boolean; json?: boolean }) =>
      withSession(options, async session => (await import('./speakers.ts')).speakers(session, job, names, options)),
    );

  program
    .command('summary')
    .description('summarize a transcript with an installed language model')
    .argument('<job|file>', 'a job, or an .earshot.json file')
    .option('-m, --model <id>', 'model to use')
    .option('--again', 'make a new summary even if there is one')
    .addOption(jsonOption())
    .action((named: string, options) =>
      withSession(options, async session => (await import('./summary.ts')).summary(session, named, options)),
    );

  program
    .command('export')
    .description('write a transcript in another format; without --to, bring the files that follow it up to date')
    .argument('<job|file>', 'a job, or an .earshot.json file')
    .addOption(new Option('--to <format...>', 'formats to write').choices([...FORMATS].filter(each => each !== 'json')))
    .option('-o, --output <file>', 'where to write; its ending says the format (default: beside the transcript)')
    .addOption(textOption())
    .option('--no-times', 'leave out times')
    .option('--no-speakers', 'leave out who speaks')
    .option('--line-length <n>', 'columns of a subtitle line', wholeNumber)
    .addOption(
      new Option(
        '--fps <n>',
        `pictures a second of the film that markers are for: ${FRAME_RATES.join(', ')}`,
      ).argParser(frameRate),
    )
    .option('--once', 'write it only now: it does not follow the transcript')
    .addOption(jsonOption())
    .action((named: string, options: ExportGiven & { json?: boolean }) =>
      withSession(options, async session => (await import('./export.ts')).exportTranscript(session, named, options)),
    );

  program
    .command('why')
    .description('explain why a job waits and when it should start')
    .argument('<job>', JOB)
    .addOption(jsonOption())
    .action((job: string, options) =>
      withSession(options, async session => (await import('./jobs.ts')).why(session, job)),
    );

  program
    .command('log')
    .description('show what happened to a job, step by step')
    .argument('<job>', JOB)
    .option('-n, --limit <n>', 'maximum number of lines', wholeNumber)
    .addOption(jsonOption())
    .action((job: string, options) =>
      withSession(options, async session => (await import('./jobs.ts')).log(session, job, options)),
    );
}
