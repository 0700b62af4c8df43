/** Where a test's daemon lives, and how the extension finds it there. */
import { join } from 'node:path';

/** A window must not start the real daemon while the scripted one is away: the program that it starts says that another one runs. */
export const fakeHome = (folder: string): { EARSHOT_STATE: string; EARSHOT_DATA: string; EARSHOT_DAEMON: string } =>
  ({ EARSHOT_STATE: join(folder, 'state'), EARSHOT_DATA: join(folder, 'data'), EARSHOT_DAEMON: join(import.meta.dirname, 'away.mjs') });
