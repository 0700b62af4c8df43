/**
 * What others put where everybody may write (/tmp, a shared folder): a project's mark, a glossary or voices of theirs
 * would hold for recordings of ours, and ours would be kept with them.
 */
import { lstatSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';

/**
 * Whether this file, or the folder of settings that it lies in, is somebody else's where everybody may write. What the
 * system's own user put there is nobody else's. On Windows, never: there owners tell nothing.
 */
export function isPlanted(path: string, user = process.geteuid?.()): boolean {
  if (user === undefined) return false;
  const folder = dirname(path);
  return isOthers(path, folder, user) || (basename(folder) === '.earshot' && isOthers(folder, dirname(folder), user));
}

function isOthers(path: string, folder: string, user: number): boolean {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    return found !== undefined && found.uid !== user && found.uid !== 0 && (statSync(folder).mode & 0o002) !== 0;
  } catch {
    return false; // nobody can read it then
  }
}
