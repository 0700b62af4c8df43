/** Where a test's daemon lives, and how the extension finds it there. */
import { join } from 'node:path';

export const fakeHome = (folder: string): { EARSHOT_STATE: string; EARSHOT_DATA: string } => ({ EARSHOT_STATE: join(folder, 'state'), EARSHOT_DATA: join(folder, 'data') });
