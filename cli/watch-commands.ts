/** `earshot watch`: folders whose recordings are transcribed as they arrive. */
import { Option, type Command } from 'commander';
import { collect, jsonOption, seconds, wholeNumber, withJobOptions } from './options.ts';
import { withSession } from './session.ts';

const WATCH_ACTIONS = [
  ['pause', 'stop watching for a while'],
  ['resume', 'watch again'],
  ['remove', 'stop watching; Earshot remembers what it has transcribed'],
] as const;

export function addWatch(program: Command): void {
  const watch = program.command('watch').description('transcribe recordings as they arrive in folders');
  withJobOptions(
    watch.command('add').description('watch a folder, or change how its recordings are processed').argument('<folder>'),
  )
    .option('--include <glob>', 'only matching files (repeatable)', collect)
    .option('--exclude <glob>', 'skip matching files (repeatable)', collect)
    .option('--no-subfolders', 'skip subfolders')
    .option('--new-only', 'skip files that are already there')
    .option('--move-to <folder>', 'move recordings here when they are done')
    .option('--settle <seconds>', 'treat a file as complete after this long without changes', seconds)
    .addOption(new Option('--quiet <seconds>', 'the earlier name of --settle').argParser(seconds).hideHelp())
    .option('--poll <seconds>', 'check this often instead of waiting for file events; for network drives', seconds)
    .addOption(jsonOption())
    .action((folder: string, options) =>
      withSession(options, async session => (await import('./folders.ts')).add(session, folder, options)),
    );
  watch
    .command('list', { isDefault: true })
    .description('list watched folders')
    .addOption(jsonOption())
    .action(options => withSession(options, async session => (await import('./folders.ts')).list(session)));
  watch
    .command('files')
    .description("list a folder's files and what was decided about each, newest first")
    .argument('<folder>')
    .option('-n, --limit <n>', 'maximum number of files', wholeNumber)
    .addOption(jsonOption())
    .action((folder: string, options) =>
      withSession(options, async session => (await import('./folders.ts')).files(session, folder, options)),
    );
  watch
    .command('why')
    .description('explain why a file was transcribed or skipped')
    .argument('<file...>')
    .addOption(jsonOption())
    .action((files: string[], options) =>
      withSession(options, async session => (await import('./folders.ts')).why(session, files)),
    );
  for (const [action, description] of WATCH_ACTIONS) {
    const command = watch.command(action).description(description).argument('<folder...>').addOption(jsonOption());
    if (action === 'remove') command.option('--forget', 'also forget what was transcribed');
    command.action((folders: string[], options) =>
      withSession(options, async session => (await import('./folders.ts')).act(session, action, folders, options)),
    );
  }
}
