/** Attempts: claimed under a token that only ever grows, finished step by step, closed or abandoned. */
import type { Failure } from '../../../schemas/errors.ts';
import type { Stage } from '../../../schemas/words.ts';
import type { Attempt, Store } from '../../contracts/store.ts';
import type { StepOutputs } from '../../contracts/worker-protocol.ts';
import { writeEntry } from './journal.ts';
import { stageNumber, stageOf } from './rows.ts';
import { markStale, repairingIndex, unindex } from './search.ts';
import type { Sql } from './sql.ts';

interface RawAttempt {
  token: number;
  job: string;
  stage: number;
  first: number;
  last: number;
  try: number;
  instance: string;
  claimed_at: number;
}
const toAttempt = (row: RawAttempt): Attempt => ({
  token: row.token,
  job: row.job,
  stage: stageOf(row.stage),
  from: row.first,
  to: row.last + 1,
  try: row.try,
  instance: row.instance,
  claimedAt: row.claimed_at,
});

export const claim = (sql: Sql, { job, stage, from, to, instance, at }: Parameters<Store['claim']>[0]): Attempt =>
  sql.batch(() => {
    const attempt = { job, stage, from, to, try: failedTries(sql, job, stage, from) + 1, instance, claimedAt: at };
    const { lastInsertRowid } = sql.run(
      'INSERT INTO attempts (job, stage, first, last, try, instance, claimed_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
      job,
      stageNumber(stage),
      from,
      to - 1,
      attempt.try,
      instance,
      at,
    );
    const token = Number(lastInsertRowid);
    const data = { token, to, try: attempt.try };
    writeEntry(sql, { kind: 'attempt.started', job, stage, index: from, instance, data }, at);
    return { token, ...attempt };
  });

export const finish = <S extends Stage>(
  sql: Sql,
  token: number,
  index: number,
  output: StepOutputs[S],
  at: number,
): boolean =>
  sql.batch(() => {
    const attempt = openAttempt(sql, token);
    if (!attempt || index < attempt.from || index >= attempt.to) return false;
    const { job, stage, instance } = attempt;
    const { changes } = sql.run(
      'INSERT INTO outputs (job, idx, stage, output, token) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
      job,
      index,
      stageNumber(stage),
      JSON.stringify(output),
      token,
    );
    if (!changes) return false;
    markStale(sql, job);
    const data = { token, ms: at - attempt.claimedAt };
    writeEntry(sql, { kind: 'step.finished', job, stage, index, instance, data }, at);
    return true;
  });

export const close = (sql: Sql, token: number, at: number): void =>
  sql.batch(() => {
    sql.run(`UPDATE attempts SET outcome = 'done', ended_at = ? WHERE token = ? AND outcome IS NULL`, at, token);
  });

export const abandon = (
  sql: Sql,
  token: number,
  failure: Failure,
  at: number,
  { counts, gaveUp }: { counts: boolean; gaveUp: readonly number[] },
): void =>
  sql.batch(() => {
    const attempt = openAttempt(sql, token);
    if (!attempt) return;
    const { job, stage, from, instance } = attempt;
    sql.run(
      'UPDATE attempts SET outcome = ?, ended_at = ?, failure = ? WHERE token = ?',
      counts ? 'failed' : 'parked',
      at,
      JSON.stringify(failure),
      token,
    );
    for (const index of gaveUp)
      sql.run(
        `INSERT INTO outputs (job, idx, stage, failed, output, token) VALUES (?, ?, ?, 1, ?, ?)
         ON CONFLICT DO NOTHING`,
        job,
        index,
        stageNumber(stage),
        JSON.stringify(failure),
        token,
      );
    if (gaveUp.length) markStale(sql, job);
    const kind = gaveUp.length ? 'step.failed' : counts ? 'attempt.failed' : 'attempt.parked';
    writeEntry(sql, { kind, job, stage, index: from, instance, data: { token, failure, try: attempt.try } }, at);
  });

function openAttempt(sql: Sql, token: number): Attempt | null {
  const row = sql.one<RawAttempt>('SELECT * FROM attempts WHERE token = ? AND outcome IS NULL', token);
  return row ? toAttempt(row) : null;
}

export const openAttempts = (sql: Sql): Attempt[] =>
  sql.all<RawAttempt>('SELECT * FROM attempts WHERE outcome IS NULL ORDER BY token').map(toAttempt);

export const failedTries = (sql: Sql, job: string, stage: Stage, index: number): number =>
  sql.one<{ n: number }>(
    `SELECT count(*) AS n FROM attempts
     WHERE job = ? AND stage = ? AND first <= ? AND last >= ? AND outcome = 'failed'`,
    job,
    stageNumber(stage),
    index,
    index,
  )!.n;

export const clearFailures = (sql: Sql, job: string): number =>
  sql.batch(() => {
    sql.run(`UPDATE attempts SET outcome = 'parked' WHERE job = ? AND outcome = 'failed'`, job);
    repairingIndex(sql, () => unindex(sql, job, 'again'));
    return sql.run('DELETE FROM outputs WHERE job = ? AND failed = 1', job).changes;
  });
