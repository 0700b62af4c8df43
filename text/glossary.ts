/**
 * Glossaries: names and terms to hear, keep and translate as written. One reader for the command line and the editor;
 * by a file's ending:
 *   .md      a table (term, aliases, translation) or a list, as in “- Dashwood (Dash wood) = 达什伍德”; everything else
 *            is for people
 *   .csv     term, aliases (parted by ;), translation; a first line that names the columns may order them otherwise
 *   .json    a list of terms, as in a job's options
 *   others   such a line for each term, “#” begins a comment; or such a list
 * A folder's own lies in `.earshot/glossary.md` or `.csv` and holds for everything below it.
 */
import { dirname, join } from 'node:path';
import { EarshotError } from '../schemas/errors.ts';
import type { GlossaryEntry } from '../schemas/job.ts';
import { wayInto } from './paths.ts';

export const GLOSSARY_FILES = [join('.earshot', 'glossary.md'), join('.earshot', 'glossary.csv')] as const;
/** What a job takes. */
const MOST_ENTRIES = 2000,
  LONGEST = 200,
  MOST_ALIASES = 50;

/** Names of the columns, in the languages of the product. */
const COLUMNS: readonly [keyof GlossaryEntry, RegExp][] = [
  ['term', /^(terms?|names?|words?|术语|名称|词语?)$/iu],
  ['aliases', /^(alias(es)?|also|heard( as)?|mishearings?|variants?|别名|误听|写法)$/iu],
  ['translation', /^(translations?|translated|译文|翻译)$/iu],
];

interface Cells {
  term: string;
  aliases: readonly string[];
  translation: string;
}

/** @throws badGlossary with the line, counted from 1 */
export function parseGlossary(text: string, path: string): GlossaryEntry[] {
  const clean = text.replace(/^\ufeff/, '');
  const entries = /\.(md|markdown)$/i.test(path)
    ? fromMarkdown(clean)
    : /\.csv$/i.test(path)
      ? fromCsv(clean, path)
      : /\.json$/i.test(path) || clean.trim().startsWith('[')
        ? fromJson(clean, path)
        : fromLines(clean, path);
  return entries.slice(0, MOST_ENTRIES);
}

function entry({ term, aliases, translation }: Cells): GlossaryEntry | null {
  const name = term.trim(),
    others = aliases
      .map(alias => alias.trim())
      .filter(alias => alias !== '' && alias.length <= LONGEST)
      .slice(0, MOST_ALIASES),
    translated = translation.trim();
  if (!name || name.length > LONGEST || translated.length > LONGEST) return null;
  return {
    term: name,
    ...(others.length ? { aliases: others } : {}),
    ...(translated ? { translation: translated } : {}),
  };
}

/** “term (alias, alias) = translation”, read in one pass: a pattern would try every way to part a line. */
function fromLine(line: string): GlossaryEntry | null {
  const text = line.trim(),
    mark = text.search(/[(=]/),
    termEnds = mark < 0 ? text.length : mark;
  const made = (end: number, aliases: string, translation: string): GlossaryEntry | null =>
    entry({ term: text.slice(0, end), aliases: aliases.split(/[,，、;；]/), translation });
  let closed = 0;
  for (const { index: open } of text.matchAll(/[(（]/g)) {
    if (open > termEnds) break;
    // What was tried at the same closing bracket fails again.
    if (open === 0 || open < closed) continue;
    closed = open + text.slice(open).search(/[)）]/);
    if (closed < open) break;
    const translation = translationAt(text, closed + 1);
    if (translation !== null) return made(open, text.slice(open + 1, closed), translation);
  }
  const translation = translationAt(text, termEnds);
  return termEnds === 0 || translation === null ? null : made(termEnds, '', translation);
}

/** What follows the “=” here; empty: the line ends; null: something else stands here. */
function translationAt(text: string, at: number): string | null {
  const equals = at + text.slice(at).search(/\S|$/);
  if (equals === text.length) return '';
  return text[equals] === '=' ? text.slice(equals + 1).trim() || null : null;
}

function fromLines(text: string, path: string): GlossaryEntry[] {
  return text.split(/\r\n|\n|\r/).flatMap((raw, index) => {
    if (raw.trim() === '' || raw.trim().startsWith('#')) return [];
    const made = fromLine(raw);
    if (!made) throw new EarshotError('badGlossary', { path, line: index + 1 });
    return [made];
  });
}

/**
 * The terms of a setting: a line for each, as in a file; or what a job takes. A line that is written otherwise is the
 * term itself.
 */
export const termsOf = (values: readonly unknown[]): GlossaryEntry[] =>
  values.slice(0, MOST_ENTRIES).flatMap(value => {
    if (typeof value === 'string') return fromLine(value) ?? entry({ term: value, aliases: [], translation: '' }) ?? [];
    const { term, aliases, translation } = (value ?? {}) as Record<string, unknown>,
      text = (each: unknown): string => (typeof each === 'string' ? each : '');
    return (
      entry({
        term: text(term),
        aliases: Array.isArray(aliases) ? aliases.map(text) : [],
        translation: text(translation),
      }) ?? []
    );
  });

/** Emphasis and escapes are how it looks, not what it says. */
const bare = (cell: string): string =>
  withoutEmphasis(withoutComments(cell))
    .replace(/\\([\\`*_[\]<>|()#+\-.!])/g, '$1')
    .trim();

function withoutComments(text: string): string {
  let kept = '',
    at = 0;
  for (let from = text.indexOf('<!--'); from >= 0; from = text.indexOf('<!--', at)) {
    const end = text.indexOf('-->', from + 4);
    if (end < 0) break;
    kept += text.slice(at, from);
    at = end + 3;
  }
  return kept + text.slice(at);
}

const EMPHASIS = ['**', '__', '*', '_', '`'] as const;

/** In one pass: a mark whose end was looked for in vain has none further on either. */
function withoutEmphasis(text: string): string {
  const endless = new Set<string>();
  let kept = '',
    at = 0;
  for (const { index: open } of text.matchAll(/(?<![^\s(,;])[*_`]/g)) {
    if (open < at) continue;
    for (const mark of EMPHASIS) {
      if (endless.has(mark) || !text.startsWith(mark, open)) continue;
      const close = endOf(mark, text, open + mark.length + 1);
      if (close < 0) {
        endless.add(mark);
        continue;
      }
      kept += text.slice(at, open) + text.slice(open + mark.length, close);
      at = close + mark.length;
      break;
    }
  }
  return kept + text.slice(at);
}

function endOf(mark: string, text: string, from: number): number {
  for (let at = text.indexOf(mark, from); at >= 0; at = text.indexOf(mark, at + 1))
    if (/^[\s,;()=]?$/.test(text.charAt(at + mark.length))) return at;
  return -1;
}

function fromMarkdown(text: string): GlossaryEntry[] {
  const found: GlossaryEntry[] = [],
    lines = text.split(/\r\n|\n|\r/);
  let order: (keyof GlossaryEntry)[] | null = null,
    fenced = false;
  for (const [n, line] of lines.entries()) {
    if (/^\s*(```|~~~)/.test(line)) fenced = !fenced;
    const cells = fenced ? null : row(line);
    if (!cells) {
      order = null;
      const item = fenced ? '' : itemOf(line),
        made = item ? fromLine(bare(item)) : null;
      if (made) found.push(made);
      continue;
    }
    if (cells.every(cell => /^:?-+:?$/.test(cell))) continue;
    const next = row(lines[n + 1] ?? '');
    if (!order && next?.every(cell => /^:?-+:?$/.test(cell))) {
      order =
        columnsOf(cells) ?? (['term', 'aliases', 'translation'].slice(0, cells.length) as (keyof GlossaryEntry)[]);
      if (cells.length === 2 && !columnsOf(cells)) order = ['term', 'translation'];
      continue;
    }
    const made = order && entry(inOrder(cells.map(bare), order));
    if (made) found.push(made);
  }
  return found;
}

/** What a line of a list says; empty: it is none, or a task. */
function itemOf(line: string): string {
  const text = line.trim(),
    item = text.slice(1).trim();
  return /^[-*+]\s/.test(text) && !/^\[[ x]\]/.test(item) ? item : '';
}

/** The cells of a table's row; null: no row. */
function row(line: string): string[] | null {
  const trimmed = line.trim();
  if (!/^\|.*\|$/.test(trimmed) || trimmed.length < 2) return null;
  return trimmed
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map(cell => cell.trim());
}

/** A header with more is none that a person wrote. */
const MOST_COLUMNS = 64;
const columnsOf = (cells: readonly string[]): (keyof GlossaryEntry)[] | null => {
  const order = cells.slice(0, MOST_COLUMNS).map(cell => COLUMNS.find(([, name]) => name.test(bare(cell)))?.[0]);
  return order.includes('term') ? order.map(name => name ?? ('' as keyof GlossaryEntry)) : null;
};
const inOrder = (cells: readonly string[], order: readonly (keyof GlossaryEntry)[]): Cells => {
  const at = (name: keyof GlossaryEntry): string => cells[order.indexOf(name)] ?? '';
  return { term: at('term'), aliases: at('aliases').split(/[,，、;；]/), translation: at('translation') };
};

function fromCsv(text: string, path: string): GlossaryEntry[] {
  const rows = csv(text),
    order = columnsOf(rows[0]?.cells ?? []);
  return rows.slice(order ? 1 : 0).flatMap(({ cells, line }) => {
    if (cells.every(cell => cell.trim() === '')) return [];
    const made = entry(
      order
        ? inOrder(cells, order)
        : cells.length === 2
          ? inOrder(cells, ['term', 'translation'])
          : inOrder(cells, ['term', 'aliases', 'translation']),
    );
    if (!made) throw new EarshotError('badGlossary', { path, line });
    return [made];
  });
}

/** RFC 4180, with a semicolon or a tab where the first line has no comma. */
function csv(text: string): { cells: string[]; line: number }[] {
  const first = text.split(/\r\n|\n|\r/, 1)[0] ?? '',
    mark = first.includes(',') ? ',' : first.includes('\t') ? '\t' : first.includes(';') ? ';' : ',';
  const rows: { cells: string[]; line: number }[] = [];
  let cells: string[] = [],
    cell = '',
    blank = true,
    quoted = false,
    line = 1,
    began = 1;
  const add = (c: string): void => {
    cell += c;
    blank &&= c.trim() === '';
  };
  const next = (): void => {
    cells.push(cell);
    cell = '';
    blank = true;
  };
  const end = (): void => {
    next();
    rows.push({ cells, line: began });
    cells = [];
    began = line;
  };
  for (let at = 0; at < text.length; at++) {
    const c = text[at]!;
    if (c === '\n' || (c === '\r' && text[at + 1] !== '\n')) line += 1;
    if (quoted) {
      if (c !== '"') add(c);
      else if (text[at + 1] === '"') {
        add('"');
        at += 1;
      } else quoted = false;
    } else if (c === '"' && blank) {
      quoted = true;
      cell = '';
    } else if (c === mark) next();
    else if (c === '\n' || (c === '\r' && text[at + 1] !== '\n')) end();
    else if (c !== '\r') add(c);
  }
  if (cell !== '' || cells.length) end();
  return rows;
}

function fromJson(text: string, path: string): GlossaryEntry[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new EarshotError('badGlossary', { path }, (error as Error).message);
  }
  if (!Array.isArray(value)) throw new EarshotError('badGlossary', { path }, 'not a list of terms');
  const entries = value.map((each: unknown) => (typeof each === 'string' ? { term: each } : each));
  const bad = entries.findIndex(each => !isEntry(each));
  if (bad >= 0) throw new EarshotError('badGlossary', { path }, `entry ${bad + 1}`);
  return entries as GlossaryEntry[];
}

const isWord = (value: unknown): boolean => typeof value === 'string' && value !== '' && value.length <= LONGEST;
function isEntry(value: unknown): value is GlossaryEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { term, aliases, translation, ...rest } = value as Record<string, unknown>;
  return (
    isWord(term) &&
    (aliases === undefined || (Array.isArray(aliases) && aliases.length <= MOST_ALIASES && aliases.every(isWord))) &&
    (translation === undefined || isWord(translation)) &&
    Object.keys(rest).length === 0
  );
}

/** A recording's folder and those above it up to `root`, nearest first; only its own when it does not lie below. */
export function placesUp(recording: string, root: string | null): string[] {
  const folders: string[] = [],
    way = (folder: string): string | null => (root === null ? null : wayInto(root, folder));
  for (let folder = dirname(recording); ; folder = dirname(folder)) {
    folders.push(folder);
    if (!way(folder) || dirname(folder) === folder) return folders;
  }
}

/** Where a recording's glossaries may lie, nearest first. */
export const glossaryPlaces = (recording: string, root: string | null): string[] =>
  placesUp(recording, root).flatMap(folder => GLOSSARY_FILES.map(name => join(folder, name)));

/** One list of several, the nearest first; a term counts as it stands where it is nearest. */
export function mergeGlossaries(glossaries: readonly (readonly GlossaryEntry[])[]): GlossaryEntry[] {
  const found = new Map<string, GlossaryEntry>();
  for (const each of glossaries.flat())
    if (!found.has(each.term.toLowerCase())) found.set(each.term.toLowerCase(), each);
  return [...found.values()].slice(0, MOST_ENTRIES);
}

/**
 * The file with one term more, in the way that it is written in; null: the term is there already. A new file is a
 * table.
 */
export function withTerm(text: string, path: string, term: string): string | null {
  if (parseGlossary(text, path).some(each => each.term.toLowerCase() === term.toLowerCase())) return null;
  const eol = text.includes('\r\n') ? '\r\n' : '\n',
    ended = text === '' || text.endsWith('\n') ? text : text + eol;
  if (/\.csv$/i.test(path)) {
    const quoted = /[",\r\n]/.test(term) ? `"${term.replaceAll('"', '""')}"` : term;
    return `${ended || `term,aliases,translation${eol}`}${quoted},,${eol}`;
  }
  const lines = ended.split(eol),
    last = lines.findLastIndex(line => row(line) !== null),
    cell = term.replace(/[\\|]/g, '\\$&');
  if (last >= 0) {
    const width = row(lines[last]!)!.length;
    lines.splice(last + 1, 0, `| ${[cell, ...Array<string>(Math.max(0, width - 1)).fill('')].join(' | ')} |`);
    return lines.join(eol);
  }
  if (/^[ \t]*[-*+]\s/m.test(ended)) return `${ended}- ${term}${eol}`;
  const table = ['| Term | Aliases | Translation |', '| --- | --- | --- |', `| ${cell} |  |  |`, ''];
  return `${ended}${ended ? eol : ''}${table.join(eol)}`;
}
