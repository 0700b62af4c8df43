/** Opens the database file: checks it, brings it up to date, and sets it up for durability. */
import Database from 'better-sqlite3';
import { existsSync } from 'node:fs';
import { writeAnewNow } from '../../../client/files.ts';
import { EarshotError } from '../../../schemas/errors.ts';
import { StoreError } from '../../contracts/store.ts';
import { KINDS_OF_WORK } from '../../../schemas/words.ts';
import { MIGRATIONS } from './migrations.ts';

/** Damage that the file's own structure does not show: unfinished jobs whose state is none, or whose JSON is none. */
const MANGLED = `
  WITH open AS (SELECT * FROM jobs WHERE state NOT IN ('completed', 'failed', 'cancelled'))
  SELECT EXISTS (
      SELECT 1 FROM open
      WHERE state NOT IN ('pending', 'processing', 'paused')
      OR priority NOT BETWEEN 0 AND 3
      OR typeof(position) NOT IN ('real', 'integer')
      OR NOT (json_valid(options) AND json_valid(stages) AND json_valid(models)
        AND json_valid(warnings) AND json_valid(outputs))
      OR EXISTS (
        SELECT 1 FROM json_each(stages)
        WHERE value NOT IN (${KINDS_OF_WORK.map(stage => `'${stage}'`).join(', ')})
      )
    )
    OR EXISTS (
      SELECT 1 FROM open JOIN outputs ON outputs.job = open.id
      WHERE stage NOT BETWEEN 0 AND ${KINDS_OF_WORK.length - 1} OR NOT json_valid(output)
    )`;

/** @throws storeNewer (written by a newer Earshot; left untouched), storeBroken, storeBusy */
export function openDatabase(path: string): Database.Database {
  let db: Database.Database | undefined;
  try {
    // SQLite would let everybody read it whom the umask lets.
    if (path !== ':memory:' && !existsSync(path)) writeAnewNow(path, '', 0o600);
    db = new Database(path, { timeout: 5000 });
    const version = db.pragma('user_version', { simple: true }) as number;
    const known = MIGRATIONS.at(-1)!.version;
    if (version > known) throw new EarshotError('storeNewer', { path, found: version, known });
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.pragma('cache_size = -16000');
    if (!isWhole(db)) throw new EarshotError('storeBroken', { path });
    for (const step of MIGRATIONS.filter(each => each.version > version)) {
      const migrate = db.transaction(() => {
        db!.exec(step.sql);
        db!.pragma(`user_version = ${step.version}`);
      });
      migrate.immediate();
    }
    if (version > 0 && db.pragma('integrity_check(jobs)', { simple: true }) !== 'ok')
      throw new EarshotError('storeBroken', { path }, 'the table of jobs and its indexes differ');
    if (db.prepare(MANGLED).pluck().get() === 1)
      throw new EarshotError('storeBroken', { path }, 'rows of unfinished jobs cannot be read');
    return db;
  } catch (error) {
    db?.close();
    throw inOurWords(error, path);
  }
}

/**
 * Each table by itself: the search index as such is left out, which would take longer than all others and is repaired
 * when it fails.
 */
const isWhole = (db: Database.Database): boolean =>
  (
    db
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL %'")
      .pluck()
      .all() as string[]
  ).every(name => db.pragma(`quick_check("${name}")`, { simple: true }) === 'ok');

/** SQLite's failures as ours; everything else as it is. */
export function inOurWords(error: unknown, path: string): unknown {
  // JSON that we wrote and cannot read any more.
  if (error instanceof SyntaxError) return new StoreError('storeBroken', { path }, error.message, { cause: error });
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'string' || !code.startsWith('SQLITE_')) return error;
  const is = (...names: string[]): boolean => names.some(name => code.startsWith(name));
  // Only what is surely damage counts as damage: a disk that does not answer may do so again.
  const what = is('SQLITE_FULL')
    ? 'diskFull'
    : is('SQLITE_BUSY', 'SQLITE_LOCKED')
      ? 'storeBusy'
      : is('SQLITE_CORRUPT', 'SQLITE_NOTADB')
        ? 'storeBroken'
        : is('SQLITE_CANTOPEN', 'SQLITE_READONLY', 'SQLITE_PERM')
          ? 'outputNotWritable'
          : 'internal';
  return new StoreError(what, { path }, `${code}: ${(error as Error).message}`, { cause: error });
}

/** The same object, whose methods fail in our words. */
export function translated<T extends object>(store: T, path: string): T {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        try {
          return (value as (...args: unknown[]) => unknown).apply(target, args);
        } catch (error) {
          throw inOurWords(error, path);
        }
      };
    },
  });
}
