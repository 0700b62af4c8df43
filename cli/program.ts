/**
 * The command line `earshot`: its commands in the order of the help; docs/reference/cli.md is made from it. The work of
 * a command is loaded only when it runs, so that a short one is quick.
 */
import { Command, type Argument } from 'commander';
import { addJobActions, addJobDetails, addListen, addQueue, addTranscribe } from './job-commands.ts';
import { addFleet } from './fleet-commands.ts';
import { addDaemon, addDevices, addDoctor, addEngines, addModels, addSettings, addStats } from './machine-commands.ts';
import { jsonOption } from './options.ts';
import { addWatch } from './watch-commands.ts';
import { EXIT, version, withSession } from './session.ts';

const AFTER_HELP = `
Examples:
  earshot transcribe talk.mp3
  earshot transcribe interviews/ --translate-to de --format srt
  earshot show last --format md

JOB is an id, the end of one, part of a file name, or "last".
Exit codes: 0 done, 1 a job failed, 2 wrong usage, 3 no daemon, 4 unusable file or folder, 130 canceled with Ctrl-C`;

const humanReadable = (argument: Argument): string => {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
};

function build(): Command {
  const program = new Command('earshot')
    .description('Turns recordings into text on this machine: recognized, repaired, translated, spoken.')
    .version(version(), '-v, --version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .showHelpAfterError('(earshot --help lists the commands)')
    .configureHelp({
      visibleCommands: command => [...command.commands],
      optionDescription: ({ description, argChoices, defaultValueDescription }) =>
        [description, argChoices?.join(', ')].filter(Boolean).join(': ') +
        (defaultValueDescription ? ` (default: ${defaultValueDescription})` : ''),
      // Options show in each command's own help.
      subcommandTerm: command =>
        [[command.name(), ...command.aliases()].join(', '), ...command.registeredArguments.map(humanReadable)].join(
          ' ',
        ),
    })
    .addHelpText('after', AFTER_HELP)
    .exitOverride(error => {
      process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
      throw error;
    });

  program.commandsGroup('Recordings:');
  addTranscribe(program);
  addListen(program);
  addWatch(program);
  addSamples(program);
  program.commandsGroup('Jobs:');
  addQueue(program);
  addJobDetails(program);
  addJobActions(program);
  program.commandsGroup('This machine:');
  addDoctor(program);
  addDevices(program);
  addModels(program);
  addEngines(program);
  addSettings(program);
  addDaemon(program);
  addStats(program);
  addFleet(program);
  addMcp(program);
  return program;
}

function addSamples(program: Command): void {
  program
    .command('samples')
    .description('transcribe the two recordings that come with Earshot')
    .option('-o, --output <folder>', 'where to write files')
    .addOption(jsonOption())
    .action(options => withSession(options, async session => (await import('./samples.ts')).samples(session, options)));
}

function addMcp(program: Command): void {
  program
    .command('mcp')
    .description('serve the Model Context Protocol on stdin and stdout')
    .action(() => withSession({}, async session => (await import('./mcp.ts')).serveMcp(session)));
}

/** `parseAsync` sets the exit code, and throws commander's own errors once they have been shown. */
export const program = build();
