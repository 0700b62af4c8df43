/** What lies beside recordings and holds for them: glossaries, and voices that have a name. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EarshotError } from '../schemas/errors.ts';
import { decodeText, type EncodingHints } from '../text/encoding.ts';
import { glossaryPlaces, mergeGlossaries, parseGlossary } from '../text/glossary.ts';
import type { GlossaryEntry, JobOptions } from '../schemas/job.ts';
import { wayInto } from '../text/paths.ts';
import { rememberedIn } from './remembered-speakers.ts';
import { isPlanted } from './planted.ts';
import { readSmall } from './small-file.ts';
import { speakerPlaces } from '../text/speakers.ts';

/** Far more than the terms that a job takes. */
const MOST_BYTES = 4 * 1024 ** 2;

/**
 * Its `encoding` in `hints` as `encodingOf` names it.
 * @throws badGlossary when the file is not there or cannot be understood; textTooLarge, notText
 */
export async function readGlossary(path: string, hints: EncodingHints = {}): Promise<GlossaryEntry[]> {
  let bytes: Buffer;
  try {
    bytes = await readSmall(path, MOST_BYTES);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EFBIG')
      throw new EarshotError('textTooLarge', { path, mostBytes: MOST_BYTES });
    const { code = '', message } = error as NodeJS.ErrnoException,
      rest = [message, { cause: error }] as const;
    if (/^(EACCES|EPERM)$/.test(code)) throw new EarshotError('unreadableFile', { path }, ...rest);
    const missing = /^(ENOENT|ENOTDIR)$/.test(code) ? 1 : undefined;
    throw new EarshotError('badGlossary', { path, missing }, ...rest);
  }
  const decoded = decodeText(bytes, hints);
  if (!decoded) throw new EarshotError('notText', { path });
  return parseGlossary(decoded.text, path);
}

/**
 * How far up a recording's glossaries are looked for: the working folder when it lies below, else the project that it
 * belongs to.
 */
export function rootOf(recording: string, from: string): string | null {
  if (wayInto(from, recording) !== null) return from;
  return projectOf(dirname(recording));
}

/** The nearest folder from here upwards that somebody works in; null: none. */
function projectOf(from: string): string | null {
  const isMark = (path: string): boolean => existsSync(path) && !isPlanted(path);
  for (let folder = from; dirname(folder) !== folder; folder = dirname(folder))
    if (['.git', '.vscode', '.earshot'].some(mark => isMark(join(folder, mark)))) return folder;
  return null;
}

/**
 * What holds for a recording: the named glossary first, then the nearest of its folders. `read`: the files that were
 * found.
 */
export const glossaryFor = (
  recording: string,
  from: string,
  named: readonly GlossaryEntry[],
): ReturnType<typeof glossaryBelow> => glossaryBelow(recording, rootOf(recording, from), named);

async function glossaryBelow(
  recording: string,
  root: string | null,
  named: readonly GlossaryEntry[],
): Promise<{ entries: GlossaryEntry[]; read: string[] }> {
  const places = await Promise.all(
    glossaryPlaces(recording, root).map(async path => ({ path, entries: await glossaryAt(path) })),
  );
  const found = places.filter((place): place is typeof place & { entries: GlossaryEntry[] } => place.entries !== null);
  return {
    entries: mergeGlossaries([named, ...found.map(({ entries }) => entries)]),
    read: found.map(({ path }) => path),
  };
}

/** Null: there is none. */
async function glossaryAt(path: string): Promise<GlossaryEntry[] | null> {
  if (isPlanted(path)) return null;
  try {
    return await readGlossary(path);
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}

/** Voices remembered for a recording, the nearest folder's first. `root`: as rootOf says it. */
export async function knownSpeakers(recording: string, root: string | null): Promise<Record<string, string>> {
  const found = await Promise.all(
    speakerPlaces(recording, root)
      .filter(path => !isPlanted(path))
      .map(rememberedIn),
  );
  return Object.assign({}, ...found.reverse()) as Record<string, string>;
}

/**
 * The options with what lies beside a recording now, up to the project that the folder belongs to, or the folder
 * itself. @throws badGlossary
 */
export async function withFolderDefaults(recording: string, folder: string, options: JobOptions): Promise<JobOptions> {
  const root = projectOf(folder) ?? folder;
  const [{ entries }, known] = await Promise.all([
    glossaryBelow(recording, root, options.glossary ?? []),
    options.speakers ? knownSpeakers(recording, root) : {},
  ]);
  return {
    ...options,
    ...(entries.length > 0 ? { glossary: entries } : {}),
    ...(options.speakers && Object.keys(known).length > 0
      ? { speakers: { ...options.speakers, known: { ...known, ...options.speakers.known } } }
      : {}),
  };
}
