/**
 * Copies of the database, and what happens when it is damaged: it is set aside, never overwritten, and the newest whole copy takes its place.
 * The newest copy of each of the last three days is kept.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { EarshotError, toFailure } from '../../../schemas/errors.ts';
import type { Store } from '../port.ts';
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

export interface Places { database: string; backups: string }

/** Opens the database, or the newest whole copy of it. @throws storeNewer, storeBusy, diskFull */
export function openSafely({ database, backups }: Places, now: number): { store: Store; restored: Restored | null } {
  try { return { store: openStore(database), restored: null }; } catch (error) {
    if (toFailure(error).code !== 'storeBroken') throw error;
  }
  const aside = `${database}.broken-${stamp(now)}`;
  for (const suffix of FILES) if (existsSync(database + suffix)) renameSync(database + suffix, aside + suffix);
  const jobs = new Set(unfinished(aside));
  for (const backup of copies(backups)) {
    if (!isWhole(backup)) continue;
    const part = `${database}.part`;
    copyFileSync(backup, part);
    renameSync(part, database);
    const store = openStore(database);
    for (const { name } of store.activeJobs()) jobs.add(name);
    return { store, restored: { aside, backup, jobs: [...jobs] } };
  }
  return { store: openStore(database), restored: { aside, backup: null, jobs: [...jobs] } };
}

/** Makes a copy unless the newest is younger than this; answers whether it did. */
export async function backUp(store: Store, backups: string, now: number, youngerMs: number): Promise<boolean> {
  const newest = copies(backups)[0];
  if (newest && now - statSync(newest).mtimeMs < youngerMs) return false;
  mkdirSync(backups, { recursive: true, mode: 0o700 });
  const path = join(backups, `earshot-${stamp(now)}.db`), part = `${path}.part`;
  try {
    await store.backup(part);
    renameSync(part, path);
  } finally { for (const suffix of FILES) rmSync(part + suffix, { force: true }); }
  const days = new Set<string>();
  for (const copy of copies(backups)) {
    const day = dayOf(copy);
    if (days.has(day) || days.size >= KEPT_DAYS) rmSync(copy, { force: true });
    else days.add(day);
  }
  return true;
}

const stamp = (now: number): string => new Date(now).toISOString().replaceAll(/[:.]/g, '-');
const dayOf = (path: string): string => /earshot-(\d{4}-\d{2}-\d{2})/.exec(path)?.[1] ?? '';

/** Newest first. */
function copies(backups: string): string[] {
  try { return readdirSync(backups).filter(name => NAME.test(name)).sort().reverse().map(name => join(backups, name)); } catch { return []; }
}

function isWhole(path: string): boolean {
  return look(path, db => db.pragma('integrity_check(1)', { simple: true }) === 'ok' && (db.pragma('user_version', { simple: true }) as number) <= MIGRATIONS.length) ?? false;
}

/** Damage is seldom everywhere: the names of jobs can mostly still be read. */
const unfinished = (path: string): string[] =>
  look(path, db => (db.prepare(`SELECT name FROM jobs WHERE state IN ('pending', 'processing', 'paused')`).all() as { name: string }[]).map(({ name }) => name)) ?? [];

function look<T>(path: string, work: (db: Database.Database) => T): T | null {
  let db: Database.Database | undefined;
  try { return work(db = new Database(path, { readonly: true, fileMustExist: true })); } catch { return null; } finally { db?.close(); }
}

/** As people are told. */
export const restoredFailure = ({ aside, backup, jobs }: Restored): EarshotError['failure'] =>
  new EarshotError('storeRestored', { path: aside, ...(backup ? { backup } : {}), count: jobs.length, jobs: jobs.slice(0, 10).join(', ') }).failure;
