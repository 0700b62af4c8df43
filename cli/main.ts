/**
 * The command line `earshot`: commands and their options. Each command's work is loaded only when it runs, so that a
 * short one is quick.
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
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('a whole number is needed');
  return value;
};
const seconds = (text: string): number => {
  const value = Number(text);
  if (!(value >= 0.1)) throw new InvalidArgumentError('a number of seconds is needed');
  return value;
};
const collect = (value: string, before: string[] = []): string[] => [...before, value];
const json = (): Option => new Option('--json', 'one JSON value a line, for programs');
const textOption = (): Option =>
  new Option('--text <which>', 'which text').choices(['original', 'translation', 'bilingual']);

const program = new Command('earshot')
  .description('Recordings become text: recognised, repaired, translated, spoken, on this machine.')
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
    .option('-m, --model <id>', 'a model for the stages it can do, or STAGE=ID; may be repeated', collect)
    .option('-l, --language <code>', 'language that is spoken; detected when missing')
    .option('-t, --translate-to <code>', 'translate into this language')
    .option('-s, --speak [voice]', 'speak the translation, or the text where there is none')
    .option('--no-repair', 'leave out the repair of what was recognised')
    .option('-f, --format <list>', `what to write, of ${FORMATS.join(',')}`)
    .option('-o, --output <folder>', 'where to write; - for the text on stdout')
    .addOption(textOption())
    .addOption(new Option('--audio <kind>', 'format of the spoken track').choices(['wav', 'mp3', 'm4a']))
    .option('--mux', 'also write a video with the spoken track and the subtitles')
    .option('--track <n>', 'audio track of the file, from 0', whole)
    .addOption(new Option('-p, --priority <priority>', 'place in the queue').choices(PRIORITIES))
    .option(
      '-g, --glossary <file>',
      'names and terms to hear, keep and translate, before those of .earshot/glossary.md',
    )
    .option('--no-glossary', 'leave out every glossary')
    .option('--speakers [n]', 'tell speakers apart; how many there are, when that is known', whole)
    .option('--summary', 'also a summary, by a language model that is installed, once the text is there')
    .option('--prompt <text>', 'context for the recogniser: names, subject, style');

withRecipe(
  program
    .command('transcribe')
    .alias('t')
    .description('transcribe recordings, and repair, translate and speak them')
    .argument('[recording...]', 'files, or folders to look through'),
)
  .option('--index <file.md>', 'also a table of all recordings, with links')
  .option('--combined <file>', 'also all texts in one: .txt, .md, .srt, .vtt or .ass')
  .option('--csv <file>', 'also all utterances as a table')
  .option('--again', 'do it again even when the same job is there')
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
    .description('what is said now as text: a microphone, or - for a pipe with sound')
    .argument('[source]', '- reads a pipe: a file or stream of any kind that ffmpeg knows'),
)
  .option('--pcm', 'the pipe holds PCM: mono, 16 bits, 16 kHz')
  .option('--device <input>', 'what to record from, as --list-devices names it, or FORMAT:NAME of ffmpeg')
  .option('--list-devices', 'the inputs of this machine')
  .option('--save <file>', 'also keep the sound, as a WAV file')
  .option('--name <name>', 'what the job and its files are called')
  .addOption(json())
  .action((source: string | undefined, options: ListenOptions) =>
    withSession(options, async session => (await import('./listen.ts')).listen(session, source, options)),
  );

program
  .command('queue')
  .alias('q')
  .description('show the jobs')
  .option('-a, --all', 'also all that are over')
  .option('--search <words>', 'only paths with these words')
  .addOption(new Option('--state <state...>', 'only these states').choices(STATES))
  .option('-n, --limit <n>', 'at most so many', whole)
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./jobs.ts')).queue(session, options)));

program
  .command('show')
  .description('show a job and its text')
  .argument('<job>')
  .addOption(new Option('-f, --format <format>', 'the text in one format').choices(FORMATS))
  .addOption(textOption())
  .option('--follow', 'watch it to its end')
  .addOption(json())
  .action((job: string, options) =>
    withSession(options, async session => (await import('./jobs.ts')).show(session, job, options)),
  );

program
  .command('find')
  .alias('f')
  .description('find words in everything that was ever transcribed')
  .argument('<words...>', 'words, "phrases" and beginnings*')
  .option('-l, --language <code>', 'only what was spoken in or translated into this language')
  .option('--path <words>', 'only recordings with these words in their path')
  .addOption(new Option('--since <when>', 'only what was transcribed since: 30d, 12h, 2026-01-31').argParser(sinceMs))
  .option('-n, --limit <n>', 'at most so many', whole)
  .addOption(json())
  .action((words: string[], options) =>
    withSession(options, async session => (await import('./find.ts')).find(session, words, options)),
  );

const ACTIONS: [JobAction, string, string][] = [
  ['pause', 'pause jobs', 'the queue: nothing new starts'],
  ['resume', 'let paused jobs go on', 'the queue'],
  ['cancel', 'cancel jobs', 'every unfinished job'],
  ['retry', 'run again what is missing of failed or cancelled jobs', 'every failed or cancelled job'],
  ['remove', 'forget finished jobs', 'every finished job'],
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
  .description('change the place of a job in the queue')
  .argument('<job>')
  .addOption(new Option('-p, --priority <priority>', 'its priority').choices(PRIORITIES))
  .option('--top', 'first of its priority')
  .option('--bottom', 'last of its priority')
  .option('--before <job>', 'just before this job')
  .option('--after <job>', 'just after this job')
  .addOption(json())
  .action((job: string, options) =>
    withSession(options, async session => (await import('./jobs.ts')).move(session, job, options)),
  );

program
  .command('speakers')
  .description('who speaks in a job; LABEL=NAME gives names, which are remembered')
  .argument('<job>')
  .argument('[name...]', 'as in S1=Anna')
  .addOption(json())
  .action((job: string, names: string[], options) =>
    withSession(options, async session => (await import('./speakers.ts')).speakers(session, job, names)),
  );
program
  .command('summary')
  .description('sum up a transcript with a language model that is installed')
  .argument('<job|file>', 'a job, or an .earshot.json file')
  .option('-m, --model <id>', 'the model')
  .option('--again', 'make another where there is one')
  .addOption(json())
  .action((named: string, options) =>
    withSession(options, async session => (await import('./summary.ts')).summary(session, named, options)),
  );
program
  .command('why')
  .description('why a job waits, and when it should start')
  .argument('<job>')
  .addOption(json())
  .action((job: string, options) =>
    withSession(options, async session => (await import('./jobs.ts')).why(session, job)),
  );
program
  .command('log')
  .description('what happened to a job, step by step')
  .argument('<job>')
  .option('-n, --limit <n>', 'at most so many lines', whole)
  .addOption(json())
  .action((job: string, options) =>
    withSession(options, async session => (await import('./jobs.ts')).log(session, job, options)),
  );

const watched = program.command('watch').description('folders whose recordings are transcribed as they arrive');
withRecipe(
  watched.command('add').description('watch a folder, or change what is done with its recordings').argument('<folder>'),
)
  .option('--include <glob>', 'only files that fit; may be repeated', collect)
  .option('--exclude <glob>', 'no files that fit; may be repeated', collect)
  .option('--no-subfolders', 'leave subfolders out')
  .option('--new-only', 'leave what is there already')
  .option('--move-to <folder>', 'where a recording goes when it is done')
  .option('--quiet <seconds>', 'a file counts as whole when it has not changed for so long', seconds)
  .option('--poll <seconds>', 'look so often instead of waiting for news; for network drives', seconds)
  .addOption(json())
  .action((folder: string, options) =>
    withSession(options, async session => (await import('./folders.ts')).add(session, folder, options)),
  );
watched
  .command('list', { isDefault: true })
  .description('watched folders, and how they are')
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./folders.ts')).list(session)));
watched
  .command('files')
  .description('what was decided about the files of a folder, newest first')
  .argument('<folder>')
  .option('-n, --limit <n>', 'at most so many', whole)
  .addOption(json())
  .action((folder: string, options) =>
    withSession(options, async session => (await import('./folders.ts')).files(session, folder, options)),
  );
watched
  .command('why')
  .description('why a file was taken or left')
  .argument('<file...>')
  .addOption(json())
  .action((files: string[], options) =>
    withSession(options, async session => (await import('./folders.ts')).why(session, files)),
  );
for (const [action, description] of [
  ['pause', 'stop watching for a while'],
  ['resume', 'watch again'],
  ['remove', 'stop watching; what was taken stays known'],
] as const) {
  const command = watched.command(action).description(description).argument('<folder...>').addOption(json());
  if (action === 'remove') command.option('--forget', 'also forget what was taken');
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
  .option('--installed', 'only those on this machine')
  .addOption(new Option('--stage <stage>', 'only of this stage').choices(STAGE_NAMES))
  .addOption(json())
  .action(options =>
    withSession(options, async session => (await import('./machine.ts')).listModels(session, options)),
  );
models
  .command('install')
  .description('install models and their engines; without names the defaults')
  .argument('[id...]')
  .addOption(json())
  .action((ids: string[], options) =>
    withSession(options, async session => (await import('./machine.ts')).installModels(session, ids)),
  );
models
  .command('import')
  .description('take a model from a file or folder')
  .argument('<path>')
  .option('--id <id>', 'its name')
  .addOption(new Option('--stage <stage>', 'what it is for').choices(STAGE_NAMES))
  .addOption(json())
  .action((path: string, options) =>
    withSession(options, async session => (await import('./machine.ts')).importModel(session, path, options)),
  );
models
  .command('remove')
  .argument('<id...>')
  .addOption(json())
  .action((ids: string[], options) =>
    withSession(options, async session => (await import('./machine.ts')).removeModels(session, ids)),
  );
models
  .command('update')
  .description('fetch newer revisions of installed models; without names of all')
  .argument('[id...]')
  .addOption(json())
  .action((ids: string[], options) =>
    withSession(options, async session => (await import('./prune.ts')).updateModels(session, ids)),
  );
models
  .command('prune')
  .description('remove models that were not used for a while')
  .addOption(new Option('--unused-for <age>', 'such as 30d or 12w').argParser(ageMs).default(30 * 86_400_000, '30d'))
  .option('--imported', 'also imported ones, which cannot be fetched again')
  .option('--dry-run', 'only show them')
  .option('-y, --yes', 'do not ask')
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./prune.ts')).pruneModels(session, options)));
models
  .command('verify')
  .description('check files against their sums; without names all that are installed')
  .argument('[id...]')
  .addOption(json())
  .action((ids: string[], options) =>
    withSession(options, async session => (await import('./machine.ts')).verifyModels(session, ids)),
  );

const engines = program.command('engines').description('programs that run models: list, install');
engines
  .command('list', { isDefault: true })
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./machine.ts')).listEngines(session)));
engines
  .command('install')
  .argument('<id...>')
  .addOption(json())
  .action((ids: string[], options) =>
    withSession(options, async session => (await import('./machine.ts')).installEngines(session, ids)),
  );

const daemon = program.command('daemon').description('the background process: start, stop, status, logs');
daemon
  .command('start')
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./daemon.ts')).start(session)));
daemon
  .command('stop')
  .description('stop it once what runs has ended')
  .option('--now', 'at once; what runs goes on after the next start')
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./daemon.ts')).stop(session, options)));
daemon
  .command('status', { isDefault: true })
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./daemon.ts')).status(session)));
daemon
  .command('http')
  .description('address and key of the OpenAI-compatible endpoint')
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./daemon.ts')).http(session)));
daemon
  .command('logs')
  .option('-n, --lines <n>', 'so many lines', whole)
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
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./daemon.ts')).listSettings(session)));
settings
  .command('get')
  .argument('<name>')
  .addOption(json())
  .action((name: string, options) =>
    withSession(options, async session => (await import('./daemon.ts')).getSetting(session, name)),
  );
settings
  .command('set')
  .argument('<name>')
  .addArgument(new Argument('<value>', 'JSON, or a plain word'))
  .addOption(json())
  .action((name: string, value: string, options) =>
    withSession(options, async session => (await import('./daemon.ts')).setSetting(session, name, value)),
  );
settings
  .command('reset')
  .argument('<name>')
  .addOption(json())
  .action((name: string, options) =>
    withSession(options, async session => (await import('./daemon.ts')).resetSetting(session, name)),
  );

program
  .command('stats')
  .description('figures of the last hour')
  .option('--hours <n>', 'of so many hours, 720 at most', whole)
  .option('--prometheus', "in Prometheus' text format")
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./machine.ts')).stats(session, options)));

program
  .command('mcp')
  .description('serve the Model Context Protocol on stdin and stdout: transcribe, search and read as tools')
  .action(() => withSession({}, async session => (await import('./mcp.ts')).serveMcp(session)));

program
  .command('samples')
  .description('the main job on the two recordings that come with Earshot')
  .option('-o, --output <folder>', 'where to write')
  .addOption(json())
  .action(options => withSession(options, async session => (await import('./samples.ts')).samples(session, options)));

try {
  await program.parseAsync();
} catch (error) {
  // Commander has said what is wrong, or has shown the help.
  if ((error as { code?: string }).code?.startsWith('commander.') !== true) throw error;
}
