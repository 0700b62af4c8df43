/** Who may read what is made of a file: nobody who may not read the file itself. */
import { lstat, stat } from 'node:fs/promises';
import { dirname, isAbsolute, relative, sep } from 'node:path';

const GROUP = 0o040,
  OTHERS = 0o004;

/**
 * The mode of a file in `folder` that is made of the one at `path`; for us alone where that is gone. Who may read a
 * file is also decided by the folders that it lies in, and by its group: elsewhere, both are others.
 */
export async function modeLike(path: string, folder = dirname(path)): Promise<number> {
  const found = await lstat(path).catch(() => null);
  if (!found) return 0o600;
  let open = found.mode & (GROUP | OTHERS);
  const at = relative(dirname(path), folder);
  if (process.platform === 'win32' || (at !== '..' && !at.startsWith(`..${sep}`) && !isAbsolute(at)))
    return 0o600 | open;
  for (let above = dirname(path); open !== 0; above = dirname(above)) {
    const { mode, gid } = await stat(above);
    if ((mode & 0o001) === 0) open &= ~OTHERS;
    if ((mode & (gid === found.gid ? 0o010 : 0o001)) === 0) open &= ~GROUP;
    if (above === dirname(above)) break;
  }
  if ((open & GROUP) !== 0 && (await groupOfNew(folder)) !== found.gid) open &= ~GROUP;
  return 0o600 | open;
}

/** The group that a file made in this folder has: the folder's where it is set so, as it always is on macOS. */
async function groupOfNew(folder: string): Promise<number> {
  const { mode, gid } = await stat(folder);
  return process.platform === 'darwin' || (mode & 0o2000) !== 0 ? gid : process.getegid!();
}
