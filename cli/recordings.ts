/**
 * From what stands on the command line to recordings: folders are looked through, links to folders are not followed.
 */
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isRecordingFile } from '../client/recording-content.ts';
import { EarshotError } from '../schemas/errors.ts';
import { isMedia } from '../schemas/media.ts';

/**
 * Absolute paths, each once, in the order given; files of a folder by name. A file is taken whatever it is called; the
 * daemon says what it is.
 * @throws noRecordings for a folder without any, notOnDisk for an address
 */
export async function recordings(named: readonly string[], from: string): Promise<string[]> {
  const found = new Set<string>();
  for (const name of named) {
    const path = fileNamed(name, from);
    const isFolder = await stat(path).then(
      entry => entry.isDirectory(),
      () => false,
    );
    if (!isFolder) {
      found.add(path);
      continue;
    }
    const inside = await within(path);
    if (inside.length === 0) throw new EarshotError('noRecordings', { path });
    for (const each of inside) found.add(each);
  }
  return [...found];
}

const DEEPEST = 12;

async function within(folder: string, depth = 0): Promise<string[]> {
  const files: string[] = [];
  const collator = new Intl.Collator('en', { numeric: true });
  let entries;
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch {
    return [];
  }
  for (const entry of entries.sort((a, b) => collator.compare(a.name, b.name))) {
    if (entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory() && depth < DEEPEST) files.push(...(await within(path, depth + 1)));
    else if (!entry.isDirectory() && (await isRecordingFile(path))) files.push(path);
  }
  return files;
}

/** `--speak talk.wav` means the recording, not a voice of that name. */
export const recordingNotVoice = (speak: string | true | undefined): string | null =>
  typeof speak === 'string' && (isMedia(speak) || existsSync(speak)) ? speak : null;

/**
 * The path of what is named: a file of that very name goes first, then what programs and people add to a path (blanks
 * around it, addresses whose # and ? were not escaped) is taken off.
 * @throws notOnDisk for an address that names no file of this machine
 */
export function fileNamed(given: string, from = process.cwd(), home = homedir()): string {
  const asIs = resolve(from, given);
  if (existsSync(asIs)) return asIs;
  const trimmed = given.trim() || given,
    path = pathOf(trimmed, from, home);
  if (!/^file:.*[#?]/is.test(trimmed) || existsSync(path)) return path;
  const whole = pathOf(trimmed.replace(/[#?]/g, encodeURIComponent), from, home);
  return existsSync(whole) ? whole : path;
}

/**
 * A path on this machine: full, from the folder that the program was started in, from the home folder (~/talk.wav), or
 * as a file: address. One of Windows stays as it is: elsewhere, there is none of that name.
 * @throws notOnDisk for an address that names no file of this machine
 */
export function pathOf(given: string, from = process.cwd(), home = homedir()): string {
  if (/^file:/i.test(given))
    try {
      // A percent sign that begins no character is one: whoever wrote the address forgot to write %25.
      return fileURLToPath(given.replace(/%(?![\da-f]{2})/gi, '%25'));
    } catch (error) {
      throw new EarshotError('notOnDisk', { path: given }, String(error));
    }
  if (/^[a-z][a-z\d+.-]+:\/\//i.test(given)) throw new EarshotError('notOnDisk', { path: given });
  if (/^~(?=[\\/]|$)/.test(given)) return join(home, given.slice(1));
  return !isAbsolute(given) && /^[a-z]:[\\/]/i.test(given) ? given : resolve(from, given);
}
