/** The journal: what happened when. */
import type { JournalEntry } from '../../../schemas/rpc.ts';
import type { NewJournalEntry } from '../../contracts/journal.ts';
import type { Store } from '../../contracts/store.ts';
import { stageNumber, stageOf } from './rows.ts';
import type { Sql } from './sql.ts';

const PRUNED_AT_ONCE = 10_000;

/** Within the transaction of what it records. */
export function writeEntry(sql: Sql, entry: NewJournalEntry, at: number): void {
  sql.run(
    'INSERT INTO journal (at, kind, job, idx, stage, instance, data) VALUES (?, ?, ?, ?, ?, ?, ?)',
    at,
    entry.kind,
    entry.job ?? null,
    entry.index ?? null,
    entry.stage ? stageNumber(entry.stage) : null,
    entry.instance ?? null,
    JSON.stringify(entry.data ?? {}),
  );
}

export const journal = (sql: Sql, entries: readonly NewJournalEntry[], at: number): void =>
  sql.batch(() => {
    for (const entry of entries) writeEntry(sql, entry, at);
  });

export function log(sql: Sql, { job, kind, limit }: Parameters<Store['log']>[0]): JournalEntry[] {
  const where = [job ? 'job = ?' : '', kind ? 'kind GLOB ?' : ''].filter(Boolean);
  return sql
    .all<Omit<JournalEntry, 'index' | 'stage' | 'data'> & { idx: number | null; stage: number | null; data: string }>(
      `SELECT * FROM journal ${where.length ? `WHERE ${where.join(' AND ')}` : ''} ORDER BY seq DESC LIMIT ?`,
      ...[job, kind].filter(value => value !== undefined),
      limit,
    )
    .reverse()
    .map(({ idx, stage, data, ...row }) => ({
      ...row,
      index: idx,
      stage: stage === null ? null : stageOf(stage),
      data: JSON.parse(data) as Record<string, unknown>,
    }));
}

/** Removes the oldest entries, some thousands at a time; how many went. */
export const pruneJournal = (sql: Sql, before: number): number =>
  // Entries are numbered in the order of time: the old ones are those before the first young one.
  sql.run(
    `DELETE FROM journal WHERE seq IN (
       SELECT seq FROM journal
       WHERE seq < coalesce((SELECT seq FROM journal WHERE at >= ? ORDER BY seq LIMIT 1), 9e18)
       ORDER BY seq LIMIT ${PRUNED_AT_ONCE}
     )`,
    before,
  ).changes;
