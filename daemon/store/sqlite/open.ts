/** Opens the database file: checks it, brings it up to date, and sets it up for durability. */
import Database from 'better-sqlite3';
import { EarshotError } from '../../../schemas/errors.ts';
import { MIGRATIONS } from './migrations.ts';

/** @throws storeNewer (written by a newer Earshot; left untouched), storeBroken, storeBusy */
export function openDatabase(path: string): Database.Database {
  let db: Database.Database | undefined;
  try {
    db = new Database(path, { timeout: 5000 });
    const version = db.pragma('user_version', { simple: true }) as number;
    if (version > MIGRATIONS.length) throw new EarshotError('storeNewer', { path, found: version, known: MIGRATIONS.length });
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.pragma('cache_size = -16000');
    if (db.pragma('quick_check(1)', { simple: true }) !== 'ok') throw new EarshotError('storeBroken', { path });
    for (let next = version; next < MIGRATIONS.length; next++) {
      const migrate = db.transaction(() => { db!.exec(MIGRATIONS[next]!); db!.pragma(`user_version = ${next + 1}`); });
      migrate.immediate();
    }
    return db;
  } catch (error) {
    db?.close();
    const code = (error as { code?: string }).code ?? '';
    if (error instanceof EarshotError) throw error;
    if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) throw new EarshotError('storeBusy', { path }, code);
    if (code.startsWith('SQLITE_FULL')) throw new EarshotError('diskFull', { path }, code);
    throw new EarshotError('storeBroken', { path }, String(error));
  }
}
