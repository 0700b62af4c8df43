/** Commands for this machine: devices, models, engines, the daemon and its settings. */
import { Option, type Command } from 'commander';
import { KINDS_OF_WORK } from '../schemas/words.ts';
import { ageMs, jsonOption, wholeNumber } from './options.ts';
import { withSession } from './session.ts';

const THIRTY_DAYS_MS = 30 * 86_400_000;
const stageOption = (description: string): Option => new Option('--stage <stage>', description).choices(KINDS_OF_WORK);

export function addDevices(program: Command): void {
  program
    .command('devices')
    .description('show GPUs and the CPU: memory, load, loaded models')
    .addOption(jsonOption())
    .action(options => withSession(options, async session => (await import('./machine.ts')).devices(session)));
}

export function addModels(program: Command): void {
  const models = program.command('models').description('list, install, update, verify and remove models');
  models
    .command('list', { isDefault: true })
    .description('list models')
    .option('--installed', 'only installed models')
    .addOption(stageOption('only models for this stage'))
    .addOption(jsonOption())
    .action(options =>
      withSession(options, async session => (await import('./models.ts')).listModels(session, options)),
    );
  models
    .command('recommend')
    .description('recognizers that suit this machine: size, speed here, accuracy, languages, license')
    .option('--language <codes>', 'languages that are spoken, such as en or de,fr (default: any)')
    .addOption(jsonOption())
    .action((options: { language?: string; json?: boolean }) =>
      withSession(options, async session => (await import('./models.ts')).recommendModels(session, options)),
    );
  models
    .command('voices')
    .description('the voices of a model that speaks; with a voice, a sound file in which it says a sentence')
    .argument('<id>')
    .argument('[voice]', 'one of its voices')
    .addOption(jsonOption())
    .action((id: string, voice: string | undefined, options: { json?: boolean }) =>
      withSession(options, async session => (await import('./models.ts')).voices(session, id, voice)),
    );
  models
    .command('install')
    .description('install models and their engines (default: the recommended models)')
    .argument('[id...]', 'names, or hf:OWNER/REPO[@REVISION][:FILE] for any model of the hub')
    .option('--yes', 'fetch a model of the hub without asking')
    .addOption(jsonOption())
    .action((ids: string[], options: { yes?: boolean; json?: boolean }) =>
      withSession(options, async session => (await import('./install.ts')).installModels(session, ids, options)),
    );
  models
    .command('import')
    .description('import a model from a file or folder')
    .argument('<path>')
    .option('--id <id>', 'name of the model')
    .addOption(stageOption('stage to use it for'))
    .addOption(jsonOption())
    .action((path: string, options) =>
      withSession(options, async session => (await import('./models.ts')).importModel(session, path, options)),
    );
  models
    .command('update')
    .description('install newer revisions (default: of all installed models)')
    .argument('[id...]')
    .addOption(jsonOption())
    .action((ids: string[], options) =>
      withSession(options, async session => (await import('./install.ts')).updateModels(session, ids)),
    );
  models
    .command('verify')
    .description('verify the checksums of model files (default: all installed models)')
    .argument('[id...]')
    .addOption(jsonOption())
    .action((ids: string[], options) =>
      withSession(options, async session => (await import('./models.ts')).verifyModels(session, ids)),
    );
  models
    .command('remove')
    .description('remove models from this machine')
    .argument('<id...>')
    .addOption(jsonOption())
    .action((ids: string[], options) =>
      withSession(options, async session => (await import('./models.ts')).removeModels(session, ids)),
    );
  models
    .command('prune')
    .description('remove models that have not been used for a while')
    .addOption(new Option('--unused-for <age>', 'such as 30d or 12w').argParser(ageMs).default(THIRTY_DAYS_MS, '30d'))
    .option('--imported', 'include imported models, which cannot be downloaded again')
    .option('--dry-run', 'only show what would be removed')
    .option('-y, --yes', 'do not ask')
    .addOption(jsonOption())
    .action(options =>
      withSession(options, async session => (await import('./models.ts')).pruneModels(session, options)),
    );
}

export function addEngines(program: Command): void {
  const engines = program.command('engines').description('list and install the programs that run models');
  engines
    .command('list', { isDefault: true })
    .description('list engines')
    .addOption(jsonOption())
    .action(options => withSession(options, async session => (await import('./machine.ts')).listEngines(session)));
  engines
    .command('install')
    .description('install engines')
    .argument('<id...>')
    .addOption(jsonOption())
    .action((ids: string[], options) =>
      withSession(options, async session => (await import('./install.ts')).installEngines(session, ids)),
    );
}

export function addDaemon(program: Command): void {
  const daemon = program.command('daemon').description('start, stop and inspect the background process');
  daemon
    .command('start')
    .description('start it')
    .addOption(jsonOption())
    .action(options => withSession(options, async session => (await import('./daemon.ts')).start(session)));
  daemon
    .command('stop')
    .description('stop it when the running steps are done')
    .option('--now', 'stop at once; running steps are repeated after the next start')
    .addOption(jsonOption())
    .action(options => withSession(options, async session => (await import('./daemon.ts')).stop(session, options)));
  daemon
    .command('status', { isDefault: true })
    .description('show whether it runs, and where it keeps its files')
    .addOption(jsonOption())
    .action(options => withSession(options, async session => (await import('./daemon.ts')).status(session)));
  daemon
    .command('http')
    .description('show the address and key of the OpenAI-compatible endpoint')
    .addOption(jsonOption())
    .action(options => withSession(options, async session => (await import('./daemon.ts')).http(session)));
  daemon
    .command('logs')
    .description('show the end of its log')
    .option('-n, --lines <n>', 'number of lines', wholeNumber)
    .addOption(jsonOption())
    .action(options => withSession(options, async session => (await import('./daemon.ts')).logs(session, options)));
}

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('check this machine: what works, what is missing, what to do')
    .option('--gpu', 'look at the GPUs alone, and closely; nothing is loaded')
    .addOption(jsonOption())
    .action(options => withSession(options, async session => (await import('./daemon.ts')).doctor(session, options)));
}

export function addSettings(program: Command): void {
  const settings = program.command('settings').description('list and change settings');
  settings
    .command('list', { isDefault: true })
    .description('list settings')
    .addOption(jsonOption())
    .action(options => withSession(options, async session => (await import('./daemon.ts')).listSettings(session)));
  settings
    .command('get')
    .description('show a setting')
    .argument('<name>')
    .addOption(jsonOption())
    .action((name: string, options) =>
      withSession(options, async session => (await import('./daemon.ts')).getSetting(session, name)),
    );
  settings
    .command('set')
    .description('change a setting')
    .argument('<name>')
    .argument('<value>', 'JSON or a plain word')
    .addOption(jsonOption())
    .action((name: string, value: string, options) =>
      withSession(options, async session => (await import('./daemon.ts')).setSetting(session, name, value)),
    );
  settings
    .command('reset')
    .description('restore the default of a setting')
    .argument('<name>')
    .addOption(jsonOption())
    .action((name: string, options) =>
      withSession(options, async session => (await import('./daemon.ts')).resetSetting(session, name)),
    );
}

export function addStats(program: Command): void {
  program
    .command('stats')
    .description('show performance figures of the last hour')
    .option('--hours <n>', 'look back this many hours, at most 720', wholeNumber)
    .option('--prometheus', 'print them in Prometheus text format')
    .option('--fleet', 'those of all machines of the fleet: your jobs there, everybody’s for a chief')
    .addOption(jsonOption())
    .action(options => withSession(options, async session => (await import('./stats.ts')).stats(session, options)));
}
