/** The file of voices that have a name, on the disk of a folder that may be a stranger's. */
import { lstat, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EarshotError } from '../schemas/errors.ts';
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
 * Adds voices: a link that lies there leads to no file of ours, and what is there and holds no voices is not ours to
 * replace. @throws outputNotWritable
 */
export async function remember(path: string, voices: Readonly<Record<string, string>>): Promise<void> {
  const part = `${path}.part`;
  try {
    await mkdir(dirname(path), { recursive: true });
    for (const place of [dirname(path), path])
      if ((await lstat(place).catch(() => null))?.isSymbolicLink()) throw new Error(`${place} is a link`);
    const before = await textOf(path);
    if (before !== null && typeof (JSON.parse(before) as { speakers?: unknown } | null)?.speakers !== 'object')
      throw new Error('it holds no voices');
    await rm(part, { force: true });
    await writeFile(part, withSpeakers(before, voices), { flag: 'wx' });
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined);
    throw new EarshotError('outputNotWritable', { path }, String(error), { cause: error });
  }
}
