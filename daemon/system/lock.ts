/**
 * One daemon for a state directory. The lock is SQLite's exclusive lock on a file of its own: the operating system
 * holds it for the process and lets go when the process ends, however it ends, so there is no stale lock and no process
 * id to mistake for another's. Children do not inherit it.
 */
import Database from 'better-sqlite3';
import { readFileSync, rmSync } from 'node:fs';
import { writeAnewNow } from '../../client/files.ts';
import { EarshotError } from '../../schemas/errors.ts';

export interface Lock {
  release(): void;
}

/**
 * Takes the lock at `path`, in a directory that exists.
 * @throws daemonRunning (args.pid, 0 when unknown) when another process holds it.
 */
export function takeLock(path: string): Lock {
  const database = new Database(path, { timeout: 0 });
  try {
    database.pragma('locking_mode = EXCLUSIVE');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    const code = (error as { code?: string }).code ?? '';
    if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED'))
      throw new EarshotError('daemonRunning', { pid: holder(path) });
    throw error;
  }
  // Only for people and messages: nothing is decided by it.
  writeAnewNow(`${path}.pid`, `${process.pid}\n`, 0o600);
  let held = true;
  return {
    release: () => {
      if (!held) return;
      held = false;
      rmSync(`${path}.pid`, { force: true });
      database.close();
    },
  };
}

function holder(path: string): number {
  try {
    return Number.parseInt(readFileSync(`${path}.pid`, 'utf8'), 10) || 0;
  } catch {
    return 0;
  }
}
