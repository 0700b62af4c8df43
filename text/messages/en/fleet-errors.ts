/** English: failures of the fleet. */
import { message, type SomeErrors } from '../catalogue.ts';
import { count, obstacleText, optional } from './words.ts';

export const fleetErrors: SomeErrors<
  | 'fleetUnreachable'
  | 'fleetRefused'
  | 'fleetUnproven'
  | 'fleetUnprepared'
  | 'fleetNewer'
  | 'noFleet'
  | 'fleetGaveUp'
  | 'fleetExpired'
  | 'noPostgresHere'
  | 'postgresAsRoot'
  | 'postgresFailed'
  | 'noOpenssl'
> = {
  fleetUnreachable: a =>
    message(
      `The fleet’s database on ${a.host} cannot be reached${optional(': ', obstacleText(a.why))}.`,
      'Jobs that run here go on. Those of the fleet continue as soon as it can be reached again.',
    ),
  fleetRefused: a =>
    message(
      `The fleet’s database on ${a.host} refused the login ${a.login}.`,
      'Check the name and the password with whoever runs it, and join again with `earshot fleet join`.',
    ),
  fleetUnproven: a =>
    message(
      `What answers as the fleet’s database on ${a.host} did not prove that it knows the password of ${a.login}.`,
      'If it is the database, set `scram-sha-256` in its pg_hba.conf; if not, another program has taken its port.',
    ),
  fleetUnprepared: () =>
    message(
      'The fleet’s database has no tables of Earshot’s, or those of an older version.',
      'Whoever runs it has to run `earshot fleet init` with this version.',
    ),
  fleetNewer: a =>
    message(
      `The fleet’s tables have version ${a.found}; this Earshot knows ${a.known}. It leaves them alone.`,
      'Update Earshot on this machine.',
    ),
  noFleet: a =>
    message(
      a.needs === 'machine'
        ? 'This machine has no login of its own in a fleet.'
        : a.needs === 'person'
          ? 'This machine belongs to no fleet with a login of yours.'
          : 'This machine belongs to no fleet.',
      'Join one with `earshot fleet join`.',
    ),
  fleetGaveUp: a =>
    message(
      `${count(a.times, 'machine')} of the fleet ended while working on this recording, so it was set aside.`,
      'Run it here to see what happens: `earshot fleet here`. Then retry it.',
    ),
  fleetExpired: a =>
    message(
      `No machine of the fleet took this recording within ${count(a.days, 'day')}.`,
      'See what it needs with `earshot why`, or run it here: `earshot fleet here`. Then retry it.',
    ),
  noPostgresHere: () =>
    message(
      'There is no PostgreSQL on npm for this kind of machine.',
      'Install PostgreSQL as its system does, and prepare it with `earshot fleet init`.',
    ),
  postgresAsRoot: () =>
    message(
      'PostgreSQL does not run as root.',
      'Run `earshot fleet host` as another user, one that is there for it alone if you like.',
    ),
  postgresFailed: a =>
    message(
      'PostgreSQL did not start, or ended.',
      a.log ? `${a.log} says why: the port may be taken, or another one may use the folder.` : 'Try again.',
    ),
  noOpenssl: () =>
    message(
      'The certificate for other machines is made with OpenSSL, which is not on PATH.',
      'Install OpenSSL, or share the fleet on this machine alone with `--local`.',
    ),
};
