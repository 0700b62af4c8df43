/**
 * Every file that we write for people begins as a draft beside its place: made anew, so that no link is followed, and
 * whole and on the disk before it gets its name. It gets a name that is free, or takes the place of a file that was
 * looked at when nobody could reach it any more: what appears in between is never overwritten.
 */
import { createHash } from 'node:crypto';
import { lstat, rm, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, parse } from 'node:path';
import { EarshotError } from '../../schemas/errors.ts';
import { checksumOf } from '../system/checksum.ts';
import { isOursToMove, isSameFile, moveOwn, moveToFree, openAnew, syncFolder, whileInUse } from '../../client/files.ts';

export interface Draft {
  /** Hidden, so that watchers of folders pass it over. */
  path: string;
  bytes: number;
  checksum: string;
}

/**
 * Has `make` write a file in this folder, which must be there. `make` writes to the file, or to its path where another
 * program does. `key`: whose draft; one at a time. What a crash left of it is cleared away.
 */
export async function draftIn(
  folder: string,
  key: string,
  make: (file: FileHandle, path: string) => Promise<void>,
  mode = 0o600,
): Promise<Draft> {
  const path = join(folder, `.earshot-${key}.part`),
    file = await openAnew(path, mode);
  try {
    try {
      await make(file, path);
      await file.sync();
      const [ours, named] = await Promise.all([file.stat({ bigint: true }), lstat(path, { bigint: true })]);
      if (!isSameFile(ours, named))
        throw new EarshotError('outputNotWritable', { path: folder }, `somebody put another file at ${path}`);
    } finally {
      await file.close();
    }
    const bytes = (await lstat(path)).size;
    return { path, bytes, checksum: (await checksumOf(path, bytes)) ?? '' };
  } catch (error) {
    await discard(path);
    throw error;
  }
}

export const discard = (path: string): Promise<void> => rm(path, { force: true });

/** What a file holds; null: no file of its own lies there. @throws when it cannot be read, InUse */
export async function contentOf(path: string): Promise<string | null> {
  const look = await lstat(path).catch(() => null);
  return look?.isFile() ? whileInUse(path, () => checksumOf(path, look.size)) : null;
}

/** Gives the draft its name. False: something of that name is there, and the draft still too. */
export async function publish({ path: part }: Draft, path: string): Promise<boolean> {
  if (!(await moveToFree(part, path))) return false;
  await syncFolder(dirname(path));
  return true;
}

/**
 * Puts the draft in the place of a file that holds `checksum`. `taken` is called when the old one is out of the way and
 * was found to be that. False: it was something else by then; it is back in its place, and the draft is still there.
 * `move` stands in for the disk in tests. @throws InUse, of the path, where another program has it open
 */
export async function replace(
  draft: Draft,
  path: string,
  checksum: string,
  taken: () => void,
  move: typeof moveOwn = moveOwn,
): Promise<boolean> {
  const aside = asideOf(path);
  try {
    await move(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    if (await lstat(aside).catch(() => null))
      throw new EarshotError('outputNotWritable', { path }, `somebody put a file at ${aside}`);
    throw error;
  }
  if ((await contentOf(aside)) !== checksum) {
    await putBack(path);
    return false;
  }
  taken();
  const done = await publish(draft, path);
  await whileInUse(aside, () => unlink(aside));
  return done;
}

/** A file that a crash left out of the way: into its place again, or beside what lies there now. Never another's. */
export async function putBack(path: string): Promise<void> {
  const aside = asideOf(path);
  if (!(await lstat(aside).catch(() => null)) || !(await isOursToMove(aside))) return;
  for (let n = 1; !(await moveToFree(aside, numbered(path, n))); n++);
}

/** "talk (2).srt"; the first is the name itself. */
export function numbered(path: string, n: number): string {
  const { dir, name, ext } = parse(path);
  return n === 1 ? path : join(dir, `${name} (${n})${ext}`);
}

const asideOf = (path: string): string =>
  join(dirname(path), `.earshot-${createHash('sha256').update(basename(path)).digest('hex').slice(0, 24)}.old`);
