/**
 * From what stands on the command line to recordings: folders are looked through, links to folders are not followed.
 */
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isRecordingFile } from '../client/recording-content.ts';
import { EarshotError } from '../schemas/errors.ts';
import { isMedia } from '../schemas/media.ts';

/**
 * Absolute paths, each once, in the order given; files of a folder by name. A file is taken whatever it is called; the
 * daemon says what it is.
 * @throws noRecordings for a folder without any
 */
export async function recordings(named: readonly string[], from: string): Promise<string[]> {
  const found = new Set<string>();
  for (const name of named) {
    const path = resolve(from, name);
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
