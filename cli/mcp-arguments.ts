/**
 * Arguments of tools as programs really send them: null for what is not given, numbers and switches as text, a list as
 * one text, paths as addresses or beginning with ~. Whatever is still of another kind is refused by the tool's schema.
 */
import { existsSync, realpathSync } from 'node:fs';
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

/** The full paths that a given one may have in the daemon's answers: as it stands, and where its links lead. */
export function namesOf(given: string): string[] {
  try {
    const path = fileNamed(given);
    return [path, ...(existsSync(path) ? [realpathSync.native(path)] : [])];
  } catch {
    return [];
  }
}
