/** Utterances of a job, and what its stages made of them. */
import type { Failure } from '../../../schemas/errors.ts';
import type { Turn, Utterance } from '../../../schemas/job.ts';
import type { Stage } from '../../../schemas/words.ts';
import type { Store, UtteranceRow } from '../../contracts/store.ts';
import { stageOf } from './rows.ts';
import type { Sql } from './sql.ts';

export const addUtterances = (sql: Sql, job: string, rows: readonly UtteranceRow[]): void =>
  sql.batch(() => {
    const insert = sql.statement(
      'INSERT INTO utterances (job, idx, start_ms, end_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    );
    for (const row of rows) insert.run(job, row.index, row.startMs, row.endMs);
  });

export const setSpeakers = (
  sql: Sql,
  job: string,
  speakers: readonly (string | null)[],
  turns: readonly (readonly Turn[] | null)[] = [],
): void =>
  sql.batch(() => {
    const set = sql.statement('UPDATE utterances SET speaker = ?, turns = ? WHERE job = ? AND idx = ?');
    speakers.forEach((speaker, index) => {
      const own = turns[index];
      set.run(speaker, own ? JSON.stringify(own) : null, job, index);
    });
  });

/** With everything that the stages have made so far. */
export function utterances(sql: Sql, job: string, from = 0, limit = 1_000_000): Utterance[] {
  const rows = sql.all<{ idx: number; start_ms: number; end_ms: number; speaker: string | null; turns: string | null }>(
    'SELECT idx, start_ms, end_ms, speaker, turns FROM utterances WHERE job = ? AND idx >= ? ORDER BY idx LIMIT ?',
    job,
    from,
    limit,
  );
  const found = new Map<number, Utterance>(
    rows.map(({ idx, start_ms, end_ms, speaker, turns }) => [
      idx,
      {
        index: idx,
        startMs: start_ms,
        endMs: end_ms,
        ...(speaker === null ? {} : { speaker }),
        ...(turns === null ? {} : { turns: JSON.parse(turns) as Turn[] }),
      },
    ]),
  );
  const outputs = sql.all<{ idx: number; stage: number; failed: number; output: string }>(
    'SELECT idx, stage, failed, output FROM outputs WHERE job = ? AND idx >= ? AND idx < ?',
    job,
    from,
    from + limit,
  );
  for (const row of outputs) {
    const utterance = found.get(row.idx);
    if (!utterance) continue;
    const stage = stageOf(row.stage);
    if (row.failed) utterance.failed = { stage, failure: JSON.parse(row.output) as Failure };
    else Object.assign(utterance, { [stage]: JSON.parse(row.output) });
  }
  return [...found.values()];
}

export const steps = (sql: Sql, job: string): ReturnType<Store['steps']> =>
  sql
    .all<{ idx: number; stage: number; failed: number }>(
      'SELECT idx, stage, failed FROM outputs WHERE job = ? ORDER BY idx, stage',
      job,
    )
    .map(({ idx, stage, failed }): { index: number; stage: Stage; status: 'done' | 'failed' } => ({
      index: idx,
      stage: stageOf(stage),
      status: failed ? 'failed' : 'done',
    }));
