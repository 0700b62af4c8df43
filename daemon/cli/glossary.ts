/** Glossaries of the command line: the file that was named, and those of the recording's own folders. */
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { EarshotError } from '../../schemas/errors.ts';
import { glossaryPlaces, mergeGlossaries, parseGlossary } from '../../schemas/glossary.ts';
import type { GlossaryEntry } from '../../schemas/job.ts';
import { readSmall } from '../../schemas/small-file.ts';

/** Far more than the terms that a job takes. */
const MOST_BYTES = 4 * 1024 ** 2;

/** @throws badGlossary when the file is not there, too large, or not UTF-8 text */
export async function readGlossary(path: string): Promise<GlossaryEntry[]> {
  let bytes: Buffer;
  try {
    bytes = await readSmall(path, MOST_BYTES);
  } catch (error) {
    throw new EarshotError('badGlossary', { path }, (error as Error).message, { cause: error });
  }
  try {
    return parseGlossary(new TextDecoder('utf-8', { fatal: true }).decode(bytes), path);
  } catch (error) {
    throw error instanceof EarshotError ? error : new EarshotError('badGlossary', { path }, 'not UTF-8');
  }
}

/** How far up a recording's glossaries are looked for: the working folder when it lies below, else the project that it belongs to. */
export function rootOf(recording: string, from: string): string | null {
  if (!relative(from, recording).startsWith('..')) return from;
  for (let folder = dirname(recording); dirname(folder) !== folder; folder = dirname(folder)) if (['.git', '.vscode', '.earshot'].some(mark => existsSync(join(folder, mark)))) return folder;
  return null;
}

/** What holds for a recording: the named glossary first, then the nearest of its folders. `read`: the files that were found. */
export async function glossaryFor(recording: string, from: string, named: readonly GlossaryEntry[]): Promise<{ entries: GlossaryEntry[]; read: string[] }> {
  const read = glossaryPlaces(recording, rootOf(recording, from)).filter(path => existsSync(path));
  return { entries: mergeGlossaries([named, ...await Promise.all(read.map(readGlossary))]), read };
}
