/** Jobs: submitted, listed, changed, removed. */
import { isFinal } from '../../../schemas/words.ts';
import type { NewJournalEntry } from '../../contracts/journal.ts';
import type { JobRow, Store } from '../../contracts/store.ts';
import { writeEntry } from './journal.ts';
import { fromRow, JOB_COLUMNS, toColumn, type RawJob } from './rows.ts';
import { markStale, repairingIndex, unindex } from './search.ts';
import type { Sql } from './sql.ts';

const PRUNED_AT_ONCE = 1_000;
const ACTIVE = `state IN ('pending', 'processing', 'paused')`;
/** Where a job has rows, and the column that names it. */
const ROWS_OF_JOBS = [
  ['jobs', 'id'],
  ['utterances', 'job'],
  ['outputs', 'job'],
  ['attempts', 'job'],
  ['journal', 'job'],
] as const;
const INSERT =
  `INSERT INTO jobs (${JOB_COLUMNS.map(([, column]) => column).join(', ')}) ` +
  `VALUES (${JOB_COLUMNS.map(() => '?').join(', ')})`;

export const submit = (sql: Sql, jobs: readonly JobRow[]): void =>
  sql.batch(() => {
    for (const job of jobs) {
      sql.run(INSERT, ...JOB_COLUMNS.map(([key]) => toColumn(key, job[key])));
      const data = { recording: job.path, priority: job.priority };
      writeEntry(sql, { kind: 'job.submitted', job: job.id, data }, job.createdAt);
    }
  });

export const job = (sql: Sql, id: string): JobRow | null =>
  orNull(sql.one<RawJob>('SELECT * FROM jobs WHERE id = ?', id));

export const findDuplicate = (sql: Sql, fingerprint: string): JobRow | null =>
  orNull(
    sql.one<RawJob>(
      `SELECT * FROM jobs
       WHERE fingerprint = ? AND state NOT IN ('cancelled', 'failed')
       ORDER BY id DESC LIMIT 1`,
      fingerprint,
    ),
  );

const orNull = (row: RawJob | undefined): JobRow | null => (row ? fromRow(row) : null);

export const activeJobs = (sql: Sql): JobRow[] =>
  sql.all<RawJob>(`SELECT * FROM jobs WHERE ${ACTIVE} ORDER BY priority, position, id`).map(fromRow);

export function list(
  sql: Sql,
  { states, ids, search, active, limit, cursor }: Parameters<Store['list']>[0],
): ReturnType<Store['list']> {
  const where: string[] = [],
    args: unknown[] = [];
  if (active) where.push(ACTIVE);
  if (states) {
    const inState = `state IN (${states.map(() => '?').join(', ')})`;
    where.push(ids ? `(${inState} OR id IN (SELECT value FROM json_each(?)))` : inState);
    args.push(...states, ...(ids ? [JSON.stringify(ids)] : []));
  }
  for (const word of search?.split(/\s+/).filter(Boolean) ?? []) {
    where.push(`path LIKE ? ESCAPE '\\'`);
    args.push(`%${word.replace(/[\\%_]/g, '\\$&')}%`);
  }
  const total = sql.one<{ n: number }>(`SELECT count(*) AS n FROM jobs ${having(where)}`, ...args)!.n;
  const rows = sql
    .all<RawJob>(
      `SELECT * FROM jobs ${having(cursor ? [...where, 'id < ?'] : where)} ORDER BY id DESC LIMIT ?`,
      ...args,
      ...(cursor ? [cursor] : []),
      limit + 1,
    )
    .map(fromRow);
  const jobs = rows.slice(0, limit);
  return { jobs, next: rows.length > limit ? jobs.at(-1)!.id : null, total };
}

const having = (where: readonly string[]): string => (where.length ? `WHERE ${where.join(' AND ')}` : '');

export const update = (
  sql: Sql,
  id: string,
  change: Partial<JobRow>,
  journal?: NewJournalEntry & { at: number },
): void =>
  sql.batch(() => {
    const columns = JOB_COLUMNS.filter(([key]) => key !== 'id' && change[key] !== undefined);
    if (columns.length)
      sql.run(
        `UPDATE jobs SET ${columns.map(([, column]) => `${column} = ?`).join(', ')} WHERE id = ?`,
        ...columns.map(([key]) => toColumn(key, change[key])),
        id,
      );
    if (change.state && isFinal(change.state)) markStale(sql, id);
    if (journal) writeEntry(sql, { job: id, ...journal }, journal.at);
  });

export const remove = (sql: Sql, ids: readonly string[]): void =>
  sql.batch(() => {
    for (const id of ids) repairingIndex(sql, () => unindex(sql, id, 'forget'));
    for (const id of ids)
      for (const [table, column] of ROWS_OF_JOBS) sql.run(`DELETE FROM ${table} WHERE ${column} = ?`, id);
  });

export function prune(sql: Sql, before: number, keep: number): string[] {
  const old = sql.all<{ id: string }>(`SELECT id FROM jobs WHERE finished_at < ? LIMIT ${PRUNED_AT_ONCE}`, before);
  const surplus = sql.all<{ id: string }>(
    `SELECT id FROM jobs WHERE finished_at IS NOT NULL ORDER BY finished_at DESC LIMIT ${PRUNED_AT_ONCE} OFFSET ?`,
    keep,
  );
  const ids = [...new Set([...old, ...surplus].map(row => row.id))];
  remove(sql, ids);
  return ids;
}
