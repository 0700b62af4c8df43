/**
 * What happens to a recording once its job is completed: it goes to the folder that its watched folder names, under the
 * same subfolders.
 */
import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { lstat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isSameFile, makeFolder, moveToFree, openFile, whileInUse } from '../../client/files.ts';
import { discard, draftIn, numbered, publish } from './draft.ts';

const lookAt = (path: string): Promise<BigIntStats | null> => lstat(path, { bigint: true }).catch(() => null);

/**
 * Where it lies now. Done again after a crash in between, it finds the file where it put it. Null: it is not there, or
 * not what it was.
 * @param was size, and time of the last change in ms, when it was taken
 * @param move stands in for the disk in tests
 */
export async function moveOriginal(
  path: string,
  to: string,
  was: { bytes: number; modifiedAt: number },
  move: typeof moveToFree = moveToFree,
): Promise<string | null> {
  const fits = (look: BigIntStats): boolean =>
    look.isFile() && Number(look.size) === was.bytes && Math.abs(Number(look.mtimeMs) - was.modifiedAt) < 2;
  const here = await lookAt(path);
  if (here && !fits(here)) return null;
  await makeFolder(dirname(to), 0o777);
  for (let n = 1; ; n++) {
    const place = numbered(to, n),
      there = await lookAt(place);
    if (!here) {
      if (!there) return null;
      if (fits(there)) return place;
    } else if (there) {
      // A crash came when it had both names.
      if (!isSameFile(there, here)) continue;
      await whileInUse(path, () => unlink(path));
      return place;
    } else if (await moved(path, place, here, move)) return place;
  }
}

/** False: the place is taken by now. */
async function moved(path: string, place: string, was: BigIntStats, move: typeof moveToFree): Promise<boolean> {
  try {
    return await move(path, place);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
  }
  // On another disk: whole under a name that nobody takes for a recording, then under its own, then gone here.
  const key = createHash('sha256').update(path).digest('hex').slice(0, 24);
  const draft = await draftIn(
    dirname(place),
    key,
    async file => {
      await using from = await openFile(path, { through: false });
      await file.writeFile(from.createReadStream());
      // By the file, not by its name: something else may have that by now.
      await file.utimes(new Date(), was.mtime);
    },
    Number(was.mode) & 0o777,
  );
  try {
    const now = await lookAt(path);
    if (!now || Number(now.size) !== draft.bytes || now.mtimeNs !== was.mtimeNs)
      throw new Error(`${path} changes just now`);
    if (!(await publish(draft, place))) return false;
  } finally {
    await discard(draft.path);
  }
  await whileInUse(path, () => unlink(path));
  return true;
}
