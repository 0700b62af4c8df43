/**
 * A glossary file: JSON (a list of entries as in a job's options), or one term a line:
 *   Asterisk
 *   Dashwood (Dash wood, Dashwoods) = 达什伍德
 * `#` begins a comment line.
 */
import { readFile } from 'node:fs/promises';
import { Compile } from 'typebox/compile';
import { Type } from 'typebox';
import { EarshotError } from '../../schemas/errors.ts';
import { GlossaryEntry } from '../../schemas/job.ts';

const LINE = /^(?<term>[^(=]+?)\s*(?:\((?<aliases>[^)]*)\))?\s*(?:=\s*(?<translation>.+))?$/u;

/** @throws badGlossary with the line, counted from 1 */
export function parseGlossary(text: string, path: string): GlossaryEntry[] {
  const trimmed = text.replace(/^\ufeff/, '').trim();
  if (trimmed.startsWith('[')) return parseJson(trimmed, path);
  const entries: GlossaryEntry[] = [];
  for (const [index, raw] of trimmed.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const groups = LINE.exec(line)?.groups;
    const term = groups?.term?.trim();
    if (!groups || !term || term.length > 200) throw new EarshotError('badGlossary', { path, line: index + 1 });
    const aliases = (groups.aliases ?? '').split(/[,，、]/).map((alias) => alias.trim()).filter(Boolean);
    entries.push({ term, ...(aliases.length > 0 ? { aliases } : {}), ...(groups.translation ? { translation: groups.translation.trim() } : {}) });
  }
  return entries;
}

function parseJson(text: string, path: string): GlossaryEntry[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new EarshotError('badGlossary', { path }, (error as Error).message);
  }
  const entries = Array.isArray(value) ? value.map((each: unknown) => (typeof each === 'string' ? { term: each } : each)) : value;
  const checker = Compile(Type.Array(GlossaryEntry));
  if (!checker.Check(entries)) throw new EarshotError('badGlossary', { path }, checker.Errors(entries)[0]?.message);
  return entries;
}

/** @throws badGlossary when the file is not there or not UTF-8 text */
export async function readGlossary(path: string): Promise<GlossaryEntry[]> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new EarshotError('badGlossary', { path }, (error as Error).message, { cause: error });
  }
  try {
    return parseGlossary(new TextDecoder('utf-8', { fatal: true }).decode(bytes), path);
  } catch (error) {
    throw error instanceof EarshotError ? error : new EarshotError('badGlossary', { path }, 'not UTF-8');
  }
}
