/**
 * What happens to a recording once its job is completed: it goes to the folder that its watched folder names, under the
 * same subfolders.
 */
import { constants } from 'node:fs';
import { access, copyFile, mkdir, rename, unlink, utimes } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';
import { lookAt, type Look } from './folder-watcher.ts';

const taken = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/**
 * Where it lies now. Done again after a crash in between, it finds the file where it put it. Null: it is not there, or
 * not what it was.
 * @param was size and time when it was taken
 */
export async function moveOriginal(
  path: string,
  to: string,
  was: Pick<Look, 'bytes' | 'modifiedAt'>,
): Promise<string | null> {
  const fits = (look: Look): boolean =>
    look.kind === 'file' && look.bytes === was.bytes && Math.abs(look.modifiedAt - was.modifiedAt) < 2;
  const here = await lookAt(path);
  if (here.kind === 'none') return fits(await lookAt(to)) ? to : null;
  if (!fits(here)) return null;
  await mkdir(dirname(to), { recursive: true });
  const { dir, name, ext } = parse(to);
  for (let n = 1; ; n++) {
    const place = n === 1 ? to : join(dir, `${name} (${n})${ext}`);
    if (await taken(place)) continue;
    try {
      await rename(path, place);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
      // On another disk: whole under a name that nobody takes for a recording, then under its own, then gone here.
      const part = `${place}.earshot-part`;
      await copyFile(path, part, constants.COPYFILE_FICLONE);
      await utimes(part, new Date(), new Date(here.modifiedAt));
      await rename(part, place);
      await unlink(path);
    }
    return place;
  }
}
