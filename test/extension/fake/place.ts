/** Where a test's daemon lives, and how the extension finds it there. */
import { join } from 'node:path';
import { home as homeOf } from '../../../daemon/auth/home.ts';
import { findFfmpeg } from '../../../daemon/runtimes/ffmpeg.ts';
import { createRuntimes } from '../../../daemon/runtimes/runtimes.ts';
import { DEFAULTS } from '../../../schemas/settings.ts';

/**
 * A window must not start the real daemon while the scripted one is away: the program that it starts says that another
 * one runs.
 */
export const fakeHome = (folder: string): { EARSHOT_STATE: string; EARSHOT_DATA: string; EARSHOT_DAEMON: string } => ({
  EARSHOT_STATE: join(folder, 'state'),
  EARSHOT_DATA: join(folder, 'data'),
  EARSHOT_DAEMON: join(import.meta.dirname, 'away.mjs'),
});

/**
 * The ffmpeg of this machine, or the one that the Python runtime brings: a sound file in place of a microphone needs a
 * real one.
 */
export const recorder = (): string =>
  findFfmpeg(DEFAULTS, createRuntimes({ home: homeOf(), settings: () => DEFAULTS, nvidia: () => false }));
