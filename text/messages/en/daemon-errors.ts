/** English: failures of the daemon and of its database. */
import { message, type SomeErrors } from '../catalogue.ts';
import { optional } from './words.ts';

export const daemonErrors: SomeErrors<
  | 'daemonRunning'
  | 'portTaken'
  | 'daemonUnreachable'
  | 'daemonFailed'
  | 'wrongToken'
  | 'wrongVersion'
  | 'storeNewer'
  | 'storeBroken'
  | 'storeRestored'
  | 'storeBusy'
  | 'internal'
> = {
  daemonRunning: a => message(`The daemon is already running${optional(' (process ', a.pid, ')')}.`),
  portTaken: a =>
    message(
      `Port ${a.port} is already in use, so the HTTP endpoint is not available.`,
      'Choose another port with `earshot settings set http \'{"port": …}\'`.',
    ),
  daemonUnreachable: () =>
    message(
      'Cannot reach the daemon.',
      'Run `earshot daemon start` to start it, or `earshot daemon logs` to see what went wrong.',
    ),
  daemonFailed: () =>
    message(
      'The daemon stopped because of an internal error.',
      'Unfinished jobs continue when it starts again. See `earshot daemon logs` for details, and please report them.',
    ),
  wrongToken: () =>
    message(
      'The daemon refused the connection: wrong token.',
      'Try again. If that does not help, run `earshot daemon stop` and start it again.',
    ),
  wrongVersion: a =>
    message(
      `The daemon has version ${a.daemon}, which this version cannot work with.`,
      'Update this program, or stop the daemon with the program that started it.',
    ),
  storeNewer: a =>
    message(
      'The queue was written by a newer version of Earshot. It was left untouched.',
      `Update Earshot, or move ${a.path} away.`,
    ),
  storeBroken: a =>
    message(`The queue’s database ${a.path} is damaged.`, 'Backups are in the folder “backups” next to it.'),
  storeRestored: a =>
    message(
      `The queue’s database was damaged and has been moved to ${a.path}. ${
        a.backup ? 'The latest backup was restored.' : 'There was no backup, so the queue starts empty.'
      }${a.count > 0 ? ` Unfinished at the time: ${a.jobs}.` : ''}`,
      'Check the queue for missing jobs.',
    ),
  storeBusy: a =>
    message(`Another program is using the queue’s database ${a.path}.`, 'Close that program and try again.'),
  internal: () =>
    message('Earshot ran into an internal error.', 'See `earshot daemon logs` for details, and please report them.'),
};
