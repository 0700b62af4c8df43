/**
 * The daemon's folders, made with the right permissions. Where they lie is known to its clients too: client/home.ts.
 */
import { chmodSync, statSync } from 'node:fs';
import { makeFolderNow } from '../../client/files.ts';
import type { Home } from '../../client/home.ts';

export { home, type Home } from '../../client/home.ts';

/** Makes the folders; what is this user's own is closed to others. */
export function openHome(places: Home): void {
  for (const folder of [places.state, places.run, places.audio, places.playback, places.logs, places.backups]) {
    makeFolderNow(folder, 0o700);
    if (process.platform === 'win32') continue;
    // One that was made before, or opened since; a folder that many share (sticky) stays theirs.
    const { mode, uid } = statSync(folder);
    if ((mode & 0o077) !== 0 && (mode & 0o1000) === 0 && uid === process.getuid!()) chmodSync(folder, 0o700);
  }
  // Programs and weights: others may read them, and put nothing there that we would run.
  for (const folder of [places.models, places.runtimes]) {
    makeFolderNow(folder, 0o755);
    if (process.platform === 'win32') continue;
    const { mode, uid } = statSync(folder);
    if ((mode & 0o022) !== 0 && uid === process.getuid!()) chmodSync(folder, mode & 0o7755);
  }
}
