/** `earshot fleet`: machines that share one queue. */
import { Option, type Command } from 'commander';
import { collect, durationMs, jsonOption, wholeNumber } from './options.ts';
import { withSession } from './session.ts';

export function addFleet(program: Command): void {
  const fleet = program.command('fleet').description('share one queue among several machines');
  fleet
    .command('status', { isDefault: true })
    .description('show the machines of the fleet and their jobs')
    .addOption(jsonOption())
    .action(options => withSession(options, async session => (await import('./fleet.ts')).status(session)));
  fleet
    .command('init')
    .description('prepare a PostgreSQL database for a fleet, and make logins; again for more, or after an update')
    .argument('<url>', 'postgres://ADMIN:PASSWORD@HOST/DATABASE')
    .option('--person <name>', 'a login for somebody who submits jobs (repeatable)', collect)
    .option('--chief <name>', 'one who also sees and cancels the jobs of others (repeatable)', collect)
    .option('--machine <name>', 'a login for a machine that does jobs (repeatable)', collect)
    .option('--without-passwords', 'the server knows the logins otherwise: LDAP, Kerberos')
    .option(
      '--per-person <n>',
      'the most jobs of a kind that one person has at work at once; 0: any number',
      wholeNumber,
    )
    .option('--lease <seconds>', 'after how long a silent machine’s jobs are taken over, at least 10', wholeNumber)
    .option('--ca <file>', 'certificates that sign the server’s')
    .addOption(jsonOption())
    .action((url: string, options) =>
      withSession(options, async session => (await import('./fleet.ts')).init(session, url, options)),
    );
  fleet
    .command('host')
    .description('run a PostgreSQL for a fleet on this machine until this command ends; no root, no installation')
    .option('--name <name>', 'what other machines reach this one by; its host name by default')
    .option('--port <n>', 'its port; 5433 by default', wholeNumber)
    .option('--local', 'for programs on this machine alone')
    .option('--no-local', 'for other machines too, with TLS')
    .option('--folder <folder>', 'where everything of it lies')
    .option('--person <name>', 'make a login for somebody who submits jobs (repeatable)', collect)
    .option('--chief <name>', 'make one who also sees and cancels the jobs of others (repeatable)', collect)
    .option('--machine <name>', 'make a login for a machine that does jobs (repeatable)', collect)
    .addOption(jsonOption())
    .action(options => withSession(options, async session => (await import('./fleet-host.ts')).host(session, options)));
  fleet
    .command('join')
    .description('join a fleet, as a person or as a machine; once for each login')
    .argument('<url>', 'postgres://LOGIN:PASSWORD@HOST/DATABASE; without a password, it is asked for')
    .addOption(
      new Option('--use <when>', 'when jobs submitted here go to the fleet').choices([
        'always',
        'noGpu',
        'busy',
        'never',
      ]),
    )
    .addOption(
      new Option('--share <when>', 'when this machine does jobs of others').choices(['always', 'idle', 'never']),
    )
    .option(
      '--part-minutes <n>',
      'divide a long recording of yours among idle machines, in parts of at least so many minutes (5; 0: never)',
      wholeNumber,
    )
    .option('--root <name=folder>', 'a folder that other machines have too, by its name there (repeatable)', collect)
    .option('--ca <file>', 'certificates that sign the server’s')
    .addOption(jsonOption())
    .action((url: string, options) =>
      withSession(options, async session => (await import('./fleet.ts')).join(session, url, options)),
    );
  fleet
    .command('leave')
    .description('leave the fleet; what it works on goes back, and what it lent is done here')
    .addOption(jsonOption())
    .action(options => withSession(options, async session => (await import('./fleet.ts')).leave(session)));
  fleet
    .command('drain')
    .description('finish the jobs of others that run here and take no more')
    .option('--off', 'take jobs again')
    .addOption(jsonOption())
    .action(options => withSession(options, async session => (await import('./fleet.ts')).drain(session, options)));
  fleet
    .command('work')
    .description('do jobs of the fleet until this command ends; then they go back')
    .option('--until-idle <time>', 'end after this long without a job: 90s, 10m, 1h', durationMs)
    .addOption(jsonOption())
    .action(options => withSession(options, async session => (await import('./fleet.ts')).work(session, options)));
  fleet
    .command('here')
    .description('do jobs on this machine after all')
    .argument('<job...>', 'an id, the end of one, part of a file name, or "last"')
    .addOption(jsonOption())
    .action((jobs: string[], options) =>
      withSession(options, async session => (await import('./fleet.ts')).here(session, jobs)),
    );
}
