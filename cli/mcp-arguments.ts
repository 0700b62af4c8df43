/**
 * Arguments of tools as programs really send them: null for what is not given, numbers and switches as text, a list as
 * one text, paths as addresses or beginning with ~. Whatever is still of another kind is refused by the tool's schema.
 */
import { existsSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EarshotError } from '../schemas/errors.ts';
import { fileNamed } from './recordings.ts';
import type { TSchema } from 'typebox';

interface ObjectSchema {
  properties?: Record<string, { type?: string }>;
  required?: readonly string[];
}

/** A language that is none. */
const DETECT = 'auto';

/** The arguments that a tool's schema (an object's) may accept. */
export function tidyArguments(schema: TSchema, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { properties = {}, required = [] } = schema as ObjectSchema;
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => {
      if (!Object.hasOwn(properties, name)) return [[name, value]];
      if ((value === null || value === '' || value === DETECT) && !required.includes(name)) return [];
      return [[name, asType(properties[name]!.type, value)]];
    }),
  );
}

function asType(type: string | undefined, value: unknown): unknown {
  if (type === 'string') return typeof value === 'number' ? String(value) : value;
  if (typeof value !== 'string') return value;
  const text = value.trim();
  switch (type) {
    case 'integer':
    case 'number':
      return /^-?\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : value;
    case 'boolean':
      return /^(true|false)$/i.test(text) ? text.toLowerCase() === 'true' : value;
    case 'array':
      return text.split(/[[\]"',\s]+/).filter(Boolean);
    default:
      return value;
  }
}

/**
 * Whether Windows would ask another machine for this path, and log in there with the user's name and a hash of their
 * password. A user who names a share means it; an assistant may do so because it read that it should.
 */
export function isOnAnotherMachine(given: string, platform: NodeJS.Platform = process.platform): boolean {
  if (platform !== 'win32') return false;
  let path = given.trim();
  if (/^file:/i.test(path))
    try {
      path = fileURLToPath(path.replace(/%(?![\da-f]{2})/gi, '%25'), { windows: true });
    } catch {
      return true;
    }
  // Two slashes begin what is not on a drive; a long path of a drive, and WSL, are of this machine all the same.
  return /^[\\/]{2}/.test(path) && !/^[\\/]{2}([?.][\\/][a-z]:[\\/]|wsl(\$|\.localhost)[\\/])/i.test(path);
}

/** The file that an assistant means. @throws notOnDisk */
export function fileAsked(given: string, platform: NodeJS.Platform = process.platform): string {
  if (isOnAnotherMachine(given, platform)) throw new EarshotError('notOnDisk', { path: given });
  return fileNamed(given);
}

/** The full paths that a given one may have in the daemon's answers: as it stands, and where its links lead. */
export function namesOf(given: string): string[] {
  try {
    const path = fileAsked(given);
    return [path, ...(existsSync(path) ? [realpathSync.native(path)] : [])];
  } catch {
    return [];
  }
}
