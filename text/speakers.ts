/**
 * Voices that have a name, remembered for a folder and everything below it: `.earshot/speakers.json`, a voice print by
 * name. Whoever deletes the file, or a line of it, has them forgotten. One reader and writer for the command line and
 * the editor.
 */
import { dirname, join } from 'node:path';
import { placesUp } from './glossary.ts';
import { isUnnamed } from './speaker-names.ts';

export const SPEAKERS_FILE = join('.earshot', 'speakers.json');

/** Where a recording's remembered voices may lie, nearest first. */
export const speakerPlaces = (recording: string, root: string | null): string[] =>
  placesUp(recording, root).map(folder => join(folder, SPEAKERS_FILE));

/** Names and prints; what is no such file has none. */
export function parseSpeakers(text: string): Record<string, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return {};
  }
  const speakers: unknown = typeof value === 'object' && value !== null && 'speakers' in value ? value.speakers : null;
  if (typeof speakers !== 'object' || speakers === null) return {};
  return Object.fromEntries(
    Object.entries(speakers)
      .filter(
        (pair): pair is [string, string] =>
          pair[0].length > 0 &&
          pair[0].length <= 100 &&
          typeof pair[1] === 'string' &&
          /^[A-Za-z0-9+/]{1,3990}=*$/.test(pair[1]),
      )
      .slice(0, 200),
  );
}

/** The file with these voices in it; those without a name are not remembered. */
export function withSpeakers(text: string | null, voices: Readonly<Record<string, string>>): string {
  const named = Object.entries(voices).filter(([name]) => !isUnnamed(name));
  const speakers = { ...(text === null ? {} : parseSpeakers(text)), ...Object.fromEntries(named) };
  return `${JSON.stringify({ speakers }, null, 2)}\n`;
}

/**
 * Where new names go: a file that is there already, the nearest first, else one at the root, else one beside the
 * recording.
 */
export const placeToRemember = (recording: string, root: string | null, isThere: (path: string) => boolean): string =>
  speakerPlaces(recording, root).find(isThere) ?? join(root ?? dirname(recording), SPEAKERS_FILE);
