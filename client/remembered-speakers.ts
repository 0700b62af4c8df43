/** The file of voices that have a name, on the disk of a folder that may be a stranger's. */
import { lstat, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EarshotError } from '../schemas/errors.ts';
import { modeLike } from './file-mode.ts';
import { makeFolder, moveOwn, openNew } from './files.ts';
import { isPlanted } from './planted.ts';
import { readSmall } from './small-file.ts';
import { parseSpeakers, withSpeakers } from '../text/speakers.ts';

/** Two hundred voices have room many times. */
const MOST_BYTES = 2 * 1024 ** 2;

/** Null: there is none. */
const textOf = (path: string): Promise<string | null> =>
  readSmall(path, MOST_BYTES).then(
    bytes => bytes.toString('utf8'),
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    },
  );

/** Voices by name; what cannot be read has none. */
export const rememberedIn = (path: string): Promise<Record<string, string>> =>
  textOf(path).then(
    text => parseSpeakers(text ?? ''),
    () => ({}),
  );

/**
 * Adds voices: a link that lies there leads to no file of ours, what is there and holds no voices is not ours to
 * replace, and nobody else keeps them for us. A voice is as personal as its recording: a new file can be read by nobody
 * who may not read that, without a recording by us alone. @throws outputNotWritable
 */
export async function remember(
  path: string,
  voices: Readonly<Record<string, string>>,
  recording = path,
): Promise<void> {
  const part = `${path}.part`;
  let ours: FileHandle | undefined;
  try {
    await makeFolder(dirname(path), 0o777);
    for (const place of [dirname(path), path])
      if ((await lstat(place).catch(() => null))?.isSymbolicLink()) throw new Error(`${place} is a link`);
    if (isPlanted(path)) throw new Error(`${path} is somebody else's`);
    const there = await lstat(path).catch(() => null);
    ours = await claim(part, there ? there.mode & 0o666 : await modeLike(recording, dirname(path)));
    const before = await textOf(path);
    if (before !== null && typeof (JSON.parse(before) as { speakers?: unknown } | null)?.speakers !== 'object')
      throw new Error('it holds no voices');
    await ours.writeFile(withSpeakers(before, voices));
    await ours.sync();
    await ours.close();
    await moveOwn(part, path);
  } catch (error) {
    await ours?.close().catch(() => undefined);
    if (ours) await rm(part, { force: true }).catch(() => undefined);
    throw new EarshotError('outputNotWritable', { path }, String(error), { cause: error });
  }
}

/** A write takes milliseconds; what lies there for longer was left by a crash. */
const ABANDONED_MS = 5_000;
const AGAIN_MS = 10,
  MOST_TRIES = 6000;

/**
 * The new file, which is the lock as well: whoever made it reads, adds and renames; others, here and in other
 * processes, wait for that, so that none of several names given at once is lost.
 */
async function claim(part: string, mode: number): Promise<FileHandle> {
  for (let tries = 0; ; tries++) {
    try {
      return await openNew(part, mode);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const about = await lstat(part).catch(() => null);
    // A time to come is none of a crash's: it came with the file.
    if (about && (!about.isFile() || Math.abs(Date.now() - about.mtimeMs) > ABANDONED_MS))
      await rm(part, { force: true });
    else if (tries < MOST_TRIES) await sleep(AGAIN_MS);
    else throw new Error(`somebody keeps ${part}`);
  }
}
