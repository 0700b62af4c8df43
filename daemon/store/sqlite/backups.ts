/**
 * Copies of the database, and what happens when it is damaged: it is set aside, never overwritten, and the newest whole
 * copy takes its place. The newest copy of each of the last three days is kept.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { EarshotError, toFailure } from '../../../schemas/errors.ts';
import {
  copyAnewNow,
  linkOrCopyNow,
  moveOwnNow,
  syncFileNow,
  syncFolderNow,
  writeAnewNow,
} from '../../../client/files.ts';
import type { Store } from '../../contracts/store.ts';
import { MIGRATIONS } from './migrations.ts';
import { openStore } from './store.ts';

const KEPT_DAYS = 3;
const NAME = /^earshot-(\d{4}-\d{2}-\d{2})T[\d-]+Z\.db$/;
const FILES = ['', '-wal', '-shm'];

export interface Restored {
  /** Where the damaged database lies now. */
  aside: string;
  /** The copy in its place; null: there was none, the queue begins anew. */
  backup: string | null;
  /** Recordings of jobs that were not over, as far as either still knows. */
  jobs: string[];
}

export interface Places {
  database: string;
  backups: string;
}

/** Opens the database, or the newest whole copy of it. @throws storeNewer, storeBusy, diskFull */
export function openSafely({ database, backups }: Places, now: number): { store: Store; restored: Restored | null } {
  try {
    return { store: openStore(database), restored: null };
  } catch (error) {
    if (toFailure(error).code !== 'storeBroken') throw error;
  }
  const aside = `${database}.broken-${stamp(now)}`,
    part = `${database}.part`;
  const backup = copies(backups, now).find(isWhole) ?? null;
  if (backup) {
    copyAnewNow(backup, part);
    syncFileNow(part);
  }
  // The damaged one keeps its place until the copy takes it: whenever the power goes, one of them is there.
  for (const suffix of FILES.slice(1)) if (existsSync(database + suffix)) moveOwnNow(database + suffix, aside + suffix);
  linkOrCopyNow(database, aside);
  if (backup) moveOwnNow(part, database);
  else rmSync(database);
  syncFolderNow(dirname(database));
  const store = openStore(database),
    jobs = new Set([...unfinished(aside), ...store.activeJobs().map(({ name }) => name)]);
  return { store, restored: { aside, backup, jobs: [...jobs] } };
}

/** Makes a copy unless the newest is younger than this; answers whether it did. */
export async function backUp(store: Store, backups: string, now: number, youngerMs: number): Promise<boolean> {
  const newest = copies(backups, now)[0];
  // From the future: made before somebody set the clock back.
  const age = newest ? now - statSync(newest).mtimeMs : Infinity;
  if (age >= 0 && age < youngerMs) return false;
  mkdirSync(backups, { recursive: true, mode: 0o700 });
  const path = join(backups, `earshot-${stamp(now)}.db`),
    part = `${path}.part`;
  try {
    for (const suffix of FILES) rmSync(part + suffix, { force: true });
    writeAnewNow(part, '', 0o600);
    await store.backup(part);
    moveOwnNow(part, path);
  } finally {
    for (const suffix of FILES) rmSync(part + suffix, { force: true });
  }
  const days = new Set<string>();
  for (const copy of copies(backups, now)) {
    const day = dayOf(copy);
    if (days.has(day) || days.size >= KEPT_DAYS) rmSync(copy, { force: true });
    else days.add(day);
  }
  return true;
}

const stamp = (now: number): string => new Date(now).toISOString().replaceAll(/[:.]/g, '-');
const dayOf = (path: string): string => /earshot-(\d{4}-\d{2}-\d{2})/.exec(path)?.[1] ?? '';

/** Newest first; those from the future, made while the clock was wrong, last. */
function copies(backups: string, now: number): string[] {
  const newest = `earshot-${stamp(now)}.db`,
    rank = (name: string): string => `${name <= newest ? 1 : 0}${name}`;
  try {
    return readdirSync(backups)
      .filter(name => NAME.test(name))
      .sort((a, b) => (rank(a) < rank(b) ? 1 : -1))
      .map(name => join(backups, name));
  } catch {
    return [];
  }
}

function isWhole(path: string): boolean {
  return (
    look(
      path,
      db =>
        db.pragma('integrity_check(1)', { simple: true }) === 'ok' &&
        (db.pragma('user_version', { simple: true }) as number) <= MIGRATIONS.length,
    ) ?? false
  );
}

/** Damage is seldom everywhere: the names of jobs can mostly still be read. */
const unfinished = (path: string): string[] =>
  look(path, db =>
    (
      db.prepare(`SELECT name FROM jobs WHERE state IN ('pending', 'processing', 'paused')`).all() as { name: string }[]
    ).map(({ name }) => name),
  ) ?? [];

function look<T>(path: string, work: (db: Database.Database) => T): T | null {
  let db: Database.Database | undefined;
  try {
    return work((db = new Database(path, { readonly: true, fileMustExist: true })));
  } catch {
    return null;
  } finally {
    db?.close();
  }
}

/** As it is shown to people. */
export const restoredFailure = ({ aside, backup, jobs }: Restored): EarshotError['failure'] =>
  new EarshotError('storeRestored', {
    path: aside,
    ...(backup ? { backup } : {}),
    count: jobs.length,
    jobs: jobs.slice(0, 10).join(', '),
  }).failure;
