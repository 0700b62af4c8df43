/**
 * Commands and their options; docs/reference/cli.md is made from this. Each command's work is loaded only when it runs,
 * so that a short one is quick.
 */
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { FORMATS, PRIORITIES } from '../schemas/words.ts';
import { ageMs, sinceMs } from './age.ts';
import { EXIT, version, withSession } from './session.ts';
import type { JobAction } from './jobs.ts';
import type { ListenOptions } from './listen.ts';
import { recordingNotVoice } from './recordings.ts';
import type { TranscribeOptions } from './transcribe.ts';

const STAGE_NAMES = ['asr', 'repair', 'nmt', 'tts'];
const STATES = ['pending', 'loading', 'processing', 'paused', 'completed', 'failed', 'cancelled'];

const whole = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('It must be a whole number.');
  return value;
};
const seconds = (text: string): number => {
  const value = Number(text);
  if (!(value >= 0.1)) throw new InvalidArgumentError('It must be a number of seconds, 0.1 or more.');
  return value;
};
const collect = (value: string, before: string[] = []): string[] => [...before, value];
const json = (): Option => new Option('--json', 'one JSON value per line, for programs');
const textOption = (): Option =>
  new Option('--text <which>', 'which text to show').choices(['original', 'translation', 'bilingual']);

export const program = new Command('earshot')
  .description('Turns recordings into text on this machine: recognized, repaired, translated, spoken.')
  .version(version(), '-v, --version')
  .showHelpAfterError('(earshot --help lists the commands)')
  .configureHelp({ sortSubcommands: false, showGlobalOptions: false })
  .addHelpText(
    'after',
    `
Exit codes: 0 done · 1 a job failed · 2 wrong usage · 3 no daemon · 4 unusable recording or folder · 130 cancelled with Ctrl-C
JOB is an id, the end of one, part of a file's name, or "last".`,
  )
  .exitOverride(error => {
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
    throw error;
  });

/** How recordings become jobs: for those that are named, and for those of a watched folder. */
const withRecipe = (command: Command): Command =>
  command
    .option('-m, --model <id>', 'the model for the stages it can do, or STAGE=ID; may be repeated', collect)
    .option('-l, --language <code>', 'the spoken language; detected by default')
    .option('-t, --translate-to <code>', 'translate into this language')
    .option('-s, --speak [voice]', 'speak the translation, or the text if there is none')
    .option('--no-repair', 'skip the repair of misrecognized words')
    .option('-f, --format <list>', `which files to write: ${FORMATS.join(',')}`)
    .option('-o, --output <folder>', 'where to write them; - prints the text to stdout')
    .addOption(textOption())
    .addOption(new Option('--audio <kind>', 'format of the spoken track').choices(['wav', 'mp3', 'm4a']))
    .option('--mux', 'also write a video with the spoken track and the subtitles')
    .option('--track <n>', 'the audio track of the file, counted from 0', whole)
    .addOption(new Option('-p, --priority <priority>', 'place in the queue').choices(PRIORITIES))
    .option(
      '-g, --glossary <file>',
      'names and terms to recognize, keep and translate, before those in .earshot/glossary.md',
    )
    .option('--no-glossary', 'ignore all glossaries')
    .option('--speakers [n]', 'identify speakers; N: how many there are, if you know', whole)
    .option('--summary', 'add a summary by an installed language model')
    .option('--prompt <text>', 'context for the recognizer: names, subject, style');

withRecipe(
  program
    .command('transcribe')
    .alias('t')
    .description('transcribe recordings; repair, translate and speak the text')
    .argument('[recording...]', 'files, or folders to search for recordings'),
)
  .option('--index <file.md>', 'also write a table of all recordings, with links')
  .option('--combined <file>', 'also write all texts as one: .txt, .md, .srt, .vtt or .ass')
  .option('--csv <file>', 'also write all utterances as a table')
  .option('--again', 'do it again even if the same job exists')
  .option('-d, --detach', 'do not wait; print the jobs')
  .addOption(json())
  .action((named: string[], options: TranscribeOptions, command: Command) => {
    const meant = recordingNotVoice(options.speak);
    const files = meant === null ? named : [meant, ...named];
    if (files.length === 0)
      command.error('error: name a recording, or a folder of recordings', { exitCode: EXIT.usage });
    return withSession(options, async session =>
      (await import('./transcribe.ts')).transcribe(
        session,
        files,
        meant === null ? options : { ...options, speak: true },
      ),
    );
  });

withRecipe(
  program
    .command('listen')
    .alias('l')
    .description('turn live speech into text: a microphone, or - for sound from a pipe')
    .argument('[source]', '- reads a pipe: any file or stream that ffmpeg can read'),
)
  .option('--pcm', 'the pipe carries PCM: mono, 16 bits, 16 kHz')
  .option('--device <input>', 'what to record from: a name from --list-devices, or FORMAT:NAME for ffmpeg')
  .option('--list-devices', 'list the inputs of this machine')
  .option('--save <file>', 'also keep the sound as a WAV file')
  .option('--name <name>', 'the name of the job and its files')
  .addOption(json())
  .action((source: string | undefined, options: ListenOptions) =>
    withSession(options, async session => (await import('./listen.ts')).listen(session, source, options)),
  );

program
  .command('queue')
  .alias('q')
  .description('show jobs')
  .option('-a, --all', 'finished jobs too')
  .option('--search <words>', 'only paths with these words')
  .addOption(new Option('--state <state...>', 'only jobs in these states').choices(STATES))
  .option('-n, --limit <n>', 'the most to show', whole)
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./jobs.ts')).queue(session, options)));

program
  .command('show')
  .description('show a job and its text')
  .argument('<job>')
  .addOption(new Option('-f, --format <format>', 'print the text in this format').choices(FORMATS))
  .addOption(textOption())
  .option('--follow', 'follow it until it ends')
  .addOption(json())
  .action((job: string, options) =>
    withSession(options, async session => (await import('./jobs.ts')).show(session, job, options)),
  );

program
  .command('find')
  .alias('f')
  .description('search everything ever transcribed')
  .argument('<words...>', 'words, "phrases" and beginnings*')
  .option('-l, --language <code>', 'only what was spoken in or translated into this language')
  .option('--path <words>', 'only recordings with these words in their path')
  .addOption(
    new Option('--since <when>', 'only what was transcribed since then: 30d, 12h, 2026-01-31').argParser(sinceMs),
  )
  .option('-n, --limit <n>', 'the most to show', whole)
  .addOption(json())
  .action((words: string[], options) =>
    withSession(options, async session => (await import('./find.ts')).find(session, words, options)),
  );

const ACTIONS: [JobAction, string, string][] = [
  ['pause', 'pause jobs', 'the queue: nothing new starts'],
  ['resume', 'resume paused jobs', 'the queue'],
  ['cancel', 'cancel jobs', 'every unfinished job'],
  ['retry', 'run what is missing of failed or cancelled jobs', 'every failed or cancelled job'],
  ['remove', 'remove finished jobs from the history', 'every finished job'],
];
for (const [action, description, all] of ACTIONS) {
  program
    .command(action)
    .description(description)
    .argument('[job...]')
    .option('--all', all)
    .addOption(json())
    .action((jobs: string[], options: { all?: boolean; json?: boolean }, command: Command) => {
      if (jobs.length === 0 && !options.all)
        command.error(`error: name a job, or give --all (${all})`, { exitCode: EXIT.usage });
      return withSession(options, async session => (await import('./jobs.ts')).act(session, action, jobs, options));
    });
}

program
  .command('move')
  .description('move a job in the queue')
  .argument('<job>')
  .addOption(new Option('-p, --priority <priority>', 'its priority').choices(PRIORITIES))
  .option('--top', 'to the front of its priority')
  .option('--bottom', 'to the end of its priority')
  .option('--before <job>', 'right before this job')
  .option('--after <job>', 'right after this job')
  .addOption(json())
  .action((job: string, options) =>
    withSession(options, async session => (await import('./jobs.ts')).move(session, job, options)),
  );

program
  .command('speakers')
  .description('show who speaks in a job; LABEL=NAME gives names, which are remembered')
  .argument('<job>')
  .argument('[name...]', 'for example S1=Anna')
  .addOption(json())
  .action((job: string, names: string[], options) =>
    withSession(options, async session => (await import('./speakers.ts')).speakers(session, job, names)),
  );
program
  .command('summary')
  .description('summarize a transcript with an installed language model')
  .argument('<job|file>', 'a job, or an .earshot.json file')
  .option('-m, --model <id>', 'the language model')
  .option('--again', 'make another one if there is one')
  .addOption(json())
  .action((named: string, options) =>
    withSession(options, async session => (await import('./summary.ts')).summary(session, named, options)),
  );
program
  .command('why')
  .description('why a job is waiting, and when it should start')
  .argument('<job>')
  .addOption(json())
  .action((job: string, options) =>
    withSession(options, async session => (await import('./jobs.ts')).why(session, job)),
  );
program
  .command('log')
  .description('what happened to a job, step by step')
  .argument('<job>')
  .option('-n, --limit <n>', 'the most lines to show', whole)
  .addOption(json())
  .action((job: string, options) =>
    withSession(options, async session => (await import('./jobs.ts')).log(session, job, options)),
  );

const watched = program.command('watch').description('folders whose recordings are transcribed as they arrive');
withRecipe(
  watched.command('add').description('watch a folder, or change what is done with its recordings').argument('<folder>'),
)
  .option('--include <glob>', 'only matching files; may be repeated', collect)
  .option('--exclude <glob>', 'no matching files; may be repeated', collect)
  .option('--no-subfolders', 'ignore subfolders')
  .option('--new-only', 'ignore what is there already')
  .option('--move-to <folder>', 'where a recording goes when it is done')
  .option('--quiet <seconds>', 'settle time: a file counts as complete when it has not changed for this long', seconds)
  .option('--poll <seconds>', 'look this often instead of waiting for notifications; for network drives', seconds)
  .addOption(json())
  .action((folder: string, options) =>
    withSession(options, async session => (await import('./folders.ts')).add(session, folder, options)),
  );
watched
  .command('list', { isDefault: true })
  .description('watched folders and their state')
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./folders.ts')).list(session)));
watched
  .command('files')
  .description('what was decided about the files in a folder, newest first')
  .argument('<folder>')
  .option('-n, --limit <n>', 'the most to show', whole)
  .addOption(json())
  .action((folder: string, options) =>
    withSession(options, async session => (await import('./folders.ts')).files(session, folder, options)),
  );
watched
  .command('why')
  .description('why a file was taken or left alone')
  .argument('<file...>')
  .addOption(json())
  .action((files: string[], options) =>
    withSession(options, async session => (await import('./folders.ts')).why(session, files)),
  );
for (const [action, description] of [
  ['pause', 'pause watching'],
  ['resume', 'resume watching'],
  ['remove', 'stop watching; what was taken is remembered'],
] as const) {
  const command = watched.command(action).description(description).argument('<folder...>').addOption(json());
  if (action === 'remove') command.option('--forget', 'forget what was taken, too');
  command.action((folders: string[], options) =>
    withSession(options, async session => (await import('./folders.ts')).act(session, action, folders, options)),
  );
}

program
  .command('devices')
  .description('GPUs and the CPU: memory, load, loaded models')
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./machine.ts')).devices(session)));

const models = program.command('models').description('models: list, install, update, import, remove, prune, verify');
models
  .command('list', { isDefault: true })
  .description('models, installed or not')
  .option('--installed', 'only those on this machine')
  .addOption(new Option('--stage <stage>', 'only those for this stage').choices(STAGE_NAMES))
  .addOption(json())
  .action(options =>
    withSession(options, async session => (await import('./machine.ts')).listModels(session, options)),
  );
models
  .command('install')
  .description('install models and their engines; the defaults if none is named')
  .argument('[id...]')
  .addOption(json())
  .action((ids: string[], options) =>
    withSession(options, async session => (await import('./machine.ts')).installModels(session, ids)),
  );
models
  .command('import')
  .description('import a model from a file or folder')
  .argument('<path>')
  .option('--id <id>', 'its name')
  .addOption(new Option('--stage <stage>', 'what it is for').choices(STAGE_NAMES))
  .addOption(json())
  .action((path: string, options) =>
    withSession(options, async session => (await import('./machine.ts')).importModel(session, path, options)),
  );
models
  .command('remove')
  .description('remove the files of models')
  .argument('<id...>')
  .addOption(json())
  .action((ids: string[], options) =>
    withSession(options, async session => (await import('./machine.ts')).removeModels(session, ids)),
  );
models
  .command('update')
  .description('download newer revisions of installed models; of all if none is named')
  .argument('[id...]')
  .addOption(json())
  .action((ids: string[], options) =>
    withSession(options, async session => (await import('./prune.ts')).updateModels(session, ids)),
  );
models
  .command('prune')
  .description('remove models that have not been used for a while')
  .addOption(
    new Option('--unused-for <age>', 'for example 30d or 12w').argParser(ageMs).default(30 * 86_400_000, '30d'),
  )
  .option('--imported', 'imported models too, which cannot be downloaded again')
  .option('--dry-run', 'only show them')
  .option('-y, --yes', 'do not ask')
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./prune.ts')).pruneModels(session, options)));
models
  .command('verify')
  .description('check files against their checksums; of all installed models if none is named')
  .argument('[id...]')
  .addOption(json())
  .action((ids: string[], options) =>
    withSession(options, async session => (await import('./machine.ts')).verifyModels(session, ids)),
  );

const engines = program.command('engines').description('programs that run models: list, install');
engines
  .command('list', { isDefault: true })
  .description('engines, installed or not')
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./machine.ts')).listEngines(session)));
engines
  .command('install')
  .description('install what engines need')
  .argument('<id...>')
  .addOption(json())
  .action((ids: string[], options) =>
    withSession(options, async session => (await import('./machine.ts')).installEngines(session, ids)),
  );

const daemon = program.command('daemon').description('the background process: start, stop, status, logs');
daemon
  .command('start')
  .description('start it')
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./daemon.ts')).start(session)));
daemon
  .command('stop')
  .description('stop it when running work is done')
  .option('--now', 'at once; running work continues after the next start')
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./daemon.ts')).stop(session, options)));
daemon
  .command('status', { isDefault: true })
  .description('how it is')
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./daemon.ts')).status(session)));
daemon
  .command('http')
  .description('address and key of the OpenAI-compatible endpoint')
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./daemon.ts')).http(session)));
daemon
  .command('logs')
  .description('the last lines of its log')
  .option('-n, --lines <n>', 'the number of lines', whole)
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./daemon.ts')).logs(session, options)));

program
  .command('doctor')
  .description('what works, what is missing, what to do')
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./daemon.ts')).doctor(session)));

const settings = program.command('settings').description('settings: list, get, set, reset');
settings
  .command('list', { isDefault: true })
  .description('all settings with their values')
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./daemon.ts')).listSettings(session)));
settings
  .command('get')
  .description('the value of a setting')
  .argument('<name>')
  .addOption(json())
  .action((name: string, options) =>
    withSession(options, async session => (await import('./daemon.ts')).getSetting(session, name)),
  );
settings
  .command('set')
  .description('change a setting')
  .argument('<name>')
  .addArgument(new Argument('<value>', 'JSON, or a plain word'))
  .addOption(json())
  .action((name: string, value: string, options) =>
    withSession(options, async session => (await import('./daemon.ts')).setSetting(session, name, value)),
  );
settings
  .command('reset')
  .description('restore the default of a setting')
  .argument('<name>')
  .addOption(json())
  .action((name: string, options) =>
    withSession(options, async session => (await import('./daemon.ts')).resetSetting(session, name)),
  );

program
  .command('stats')
  .description('figures for the last hour')
  .option('--hours <n>', 'for this many hours, at most 720', whole)
  .option('--prometheus', "in Prometheus' text format")
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./machine.ts')).stats(session, options)));

program
  .command('mcp')
  .description('serve the Model Context Protocol on stdin and stdout: transcribe, search and read as tools')
  .action(() => withSession({}, async session => (await import('./mcp.ts')).serveMcp(session)));

program
  .command('samples')
  .description('transcribe the two recordings that come with Earshot, with all stages')
  .option('-o, --output <folder>', 'where to write')
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./samples.ts')).samples(session, options)));
