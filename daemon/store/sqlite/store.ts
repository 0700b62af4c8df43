/** The embedded store: SQLite in WAL mode with full sync; turns alone are synced by us, after they return. */
import type { Statement } from 'better-sqlite3';
import type { Failure } from '../../../schemas/errors.ts';
import type { Utterance } from '../../../schemas/job.ts';
import type { JournalEntry } from '../../../schemas/rpc.ts';
import { isFinal, KINDS_OF_WORK } from '../../../schemas/words.ts';
import type { Attempt, JobRow, NewJournalEntry, Store, WrittenFile } from '../../contracts/store.ts';
import { openDatabase, translated } from './open.ts';
import { WalSync } from './wal-sync.ts';
import { watchStore } from './watch.ts';
import { find, indexSome, markStale, mending, unindex, type Sql } from './search.ts';
import { JOB_COLUMNS, fromRow, toColumn, type RawJob } from './rows.ts';

const PRUNED_AT_ONCE = 1_000;
const ACTIVE = `state IN ('pending', 'processing', 'paused')`;
const stageNumber = (stage: (typeof KINDS_OF_WORK)[number]): number => KINDS_OF_WORK.indexOf(stage);

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
  stage: KINDS_OF_WORK[row.stage]!,
  from: row.first,
  to: row.last + 1,
  try: row.try,
  instance: row.instance,
  claimedAt: row.claimed_at,
});

/** @throws storeNewer, storeBroken, storeBusy, diskFull */
export function openStore(path: string): Store {
  const db = openDatabase(path);
  const prepared = new Map<string, Statement>();
  const sql = (text: string): Statement => {
    let statement = prepared.get(text);
    if (!statement) prepared.set(text, (statement = db.prepare(text)));
    return statement;
  };
  const all = <T>(text: string, ...args: unknown[]): T[] => sql(text).all(...args) as T[];
  const one = <T>(text: string, ...args: unknown[]): T | undefined => sql(text).get(...args) as T | undefined;
  const write = (entry: NewJournalEntry, at: number): void => {
    sql('INSERT INTO journal (at, kind, job, idx, stage, instance, data) VALUES (?, ?, ?, ?, ?, ?, ?)').run(
      at,
      entry.kind,
      entry.job ?? null,
      entry.index ?? null,
      entry.stage ? stageNumber(entry.stage) : null,
      entry.instance ?? null,
      JSON.stringify(entry.data ?? {}),
    );
  };
  let sync: 'FULL' | 'NORMAL' = 'FULL';
  const setSync = (next: typeof sync): void => {
    if (sync !== next) db.pragma(`synchronous = ${(sync = next)}`);
  };
  // Every write goes through one of these two. NORMAL, in WAL mode: a commit is written, not synced.
  const batch = <T>(work: () => T): T => {
    if (db.inTransaction) return work();
    setSync('FULL');
    return db.transaction(work).immediate();
  };

  const wal = new WalSync(path);
  const changes = db.prepare('SELECT total_changes()').pluck();

  const search: Sql = {
    all,
    one,
    numbers: (text, ...args) =>
      sql(text)
        .pluck()
        .all(...args) as number[],
    run: (text, ...args) => {
      sql(text).run(...args);
    },
    exec: text => {
      db.exec(text);
    },
    batch,
    utterances: (job, from, limit) => store.utterances(job, from, limit),
  };

  const store: Store = {
    path,
    batch,
    turn(work) {
      if (db.inTransaction) return work();
      const before = changes.get();
      setSync('NORMAL');
      const result = db.transaction(work).immediate();
      if (changes.get() !== before) wal.wrote();
      return result;
    },
    synced: () => wal.synced(),

    submit: jobs =>
      batch(() => {
        const insert = sql(
          `INSERT INTO jobs (${JOB_COLUMNS.map(([, column]) => column).join(', ')}) VALUES ` +
            `(${JOB_COLUMNS.map(() => '?').join(', ')})`,
        );
        for (const job of jobs) {
          insert.run(...JOB_COLUMNS.map(([key]) => toColumn(key, job[key])));
          write(
            { kind: 'job.submitted', job: job.id, data: { recording: job.path, priority: job.priority } },
            job.createdAt,
          );
        }
      }),
    findDuplicate: fingerprint =>
      maybe(
        one<RawJob>(
          `SELECT * FROM jobs WHERE fingerprint = ? AND state NOT IN ('cancelled', 'failed') ORDER BY id DESC LIMIT 1`,
          fingerprint,
        ),
      ),
    job: id => maybe(one<RawJob>('SELECT * FROM jobs WHERE id = ?', id)),
    activeJobs: () => all<RawJob>(`SELECT * FROM jobs WHERE ${ACTIVE} ORDER BY priority, position, id`).map(fromRow),
    list({ states, ids, search, active, limit, cursor }) {
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
      const filter = where.length ? `WHERE ${where.join(' AND ')}` : '';
      const total = one<{ n: number }>(`SELECT count(*) AS n FROM jobs ${filter}`, ...args)!.n;
      const paged = cursor ? [...where, 'id < ?'] : where;
      const rows = all<RawJob>(
        `SELECT * FROM jobs ${paged.length ? `WHERE ${paged.join(' AND ')}` : ''} ORDER BY id DESC LIMIT ?`,
        ...args,
        ...(cursor ? [cursor] : []),
        limit + 1,
      ).map(fromRow);
      const jobs = rows.slice(0, limit);
      return { jobs, next: rows.length > limit ? jobs.at(-1)!.id : null, total };
    },
    update: (id, change, journal) =>
      batch(() => {
        const columns = JOB_COLUMNS.filter(([key]) => key !== 'id' && change[key] !== undefined);
        if (columns.length)
          sql(`UPDATE jobs SET ${columns.map(([, column]) => `${column} = ?`).join(', ')} WHERE id = ?`).run(
            ...columns.map(([key]) => toColumn(key, change[key])),
            id,
          );
        if (change.state && isFinal(change.state)) markStale(search, id);
        if (journal) write({ job: id, ...journal }, journal.at);
      }),
    remove: ids =>
      batch(() => {
        for (const id of ids) mending(search, () => unindex(search, id, 'forget'));
        for (const id of ids)
          for (const [table, key] of [
            ['jobs', 'id'],
            ['utterances', 'job'],
            ['outputs', 'job'],
            ['attempts', 'job'],
            ['journal', 'job'],
          ])
            sql(`DELETE FROM ${table} WHERE ${key} = ?`).run(id);
      }),
    prune(before, keep) {
      const old = all<{ id: string }>(`SELECT id FROM jobs WHERE finished_at < ? LIMIT ${PRUNED_AT_ONCE}`, before);
      const surplus = all<{ id: string }>(
        `SELECT id FROM jobs WHERE finished_at IS NOT NULL ORDER BY finished_at DESC LIMIT ${PRUNED_AT_ONCE} OFFSET ?`,
        keep,
      );
      const ids = [...new Set([...old, ...surplus].map(row => row.id))];
      this.remove(ids);
      return ids;
    },
    pruneRecords: ({ journalBefore, minutesBefore }) =>
      batch(() => {
        // Entries are numbered in the order of time: the old ones are those before the first young one.
        const entries = sql(
          'DELETE FROM journal WHERE seq IN (SELECT seq FROM journal WHERE seq < coalesce((SELECT seq FROM ' +
            `journal WHERE at >= ? ORDER BY seq LIMIT 1), 9e18) ORDER BY seq LIMIT ${10 * PRUNED_AT_ONCE})`,
        ).run(journalBefore).changes;
        return entries + sql('DELETE FROM minutes WHERE at < ?').run(minutesBefore).changes;
      }),

    addUtterances: (job, rows) =>
      batch(() => {
        const insert = sql(
          'INSERT INTO utterances (job, idx, start_ms, end_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
        );
        for (const row of rows) insert.run(job, row.index, row.startMs, row.endMs);
      }),
    setSpeakers: (job, speakers) =>
      batch(() => {
        const set = sql('UPDATE utterances SET speaker = ? WHERE job = ? AND idx = ?');
        speakers.forEach((speaker, index) => set.run(speaker, job, index));
      }),
    utterances(job, from = 0, limit = 1_000_000) {
      const rows = all<{ idx: number; start_ms: number; end_ms: number; speaker: string | null }>(
        'SELECT idx, start_ms, end_ms, speaker FROM utterances WHERE job = ? AND idx >= ? ORDER BY idx LIMIT ?',
        job,
        from,
        limit,
      );
      const found = new Map<number, Utterance>(
        rows.map(row => [
          row.idx,
          {
            index: row.idx,
            startMs: row.start_ms,
            endMs: row.end_ms,
            ...(row.speaker === null ? {} : { speaker: row.speaker }),
          },
        ]),
      );
      for (const row of all<{ idx: number; stage: number; failed: number; output: string }>(
        'SELECT idx, stage, failed, output FROM outputs WHERE job = ? AND idx >= ? AND idx < ?',
        job,
        from,
        from + limit,
      )) {
        const utterance = found.get(row.idx);
        if (!utterance) continue;
        const stage = KINDS_OF_WORK[row.stage]!;
        if (row.failed) utterance.failed = { stage, failure: JSON.parse(row.output) as Failure };
        else Object.assign(utterance, { [stage]: JSON.parse(row.output) });
      }
      return [...found.values()];
    },
    steps: job =>
      all<{ idx: number; stage: number; failed: number }>(
        'SELECT idx, stage, failed FROM outputs WHERE job = ? ORDER BY idx, stage',
        job,
      ).map(row => ({
        index: row.idx,
        stage: KINDS_OF_WORK[row.stage]!,
        status: row.failed ? ('failed' as const) : ('done' as const),
      })),

    written: path => one<WrittenFile>('SELECT recording, job, checksum FROM written WHERE path = ?', path) ?? null,
    willWrite: (path, file) =>
      batch(() => {
        if (!file) sql('DELETE FROM written WHERE path = ?').run(path);
        else
          sql(
            `INSERT INTO written (path, recording, job, checksum) VALUES (?, ?, ?, ?)
             ON CONFLICT DO UPDATE
             SET recording = excluded.recording, job = excluded.job, checksum = excluded.checksum`,
          ).run(path, file.recording, file.job, file.checksum);
      }),

    claim: ({ job, stage, from, to, instance, at }) =>
      batch(() => {
        const tries = failedTries(job, stage, from) + 1;
        const token = Number(
          sql(
            'INSERT INTO attempts (job, stage, first, last, try, instance, claimed_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
          ).run(job, stageNumber(stage), from, to - 1, tries, instance, at).lastInsertRowid,
        );
        write({ kind: 'attempt.started', job, stage, index: from, instance, data: { token, to, try: tries } }, at);
        return { token, job, stage, from, to, try: tries, instance, claimedAt: at };
      }),
    finish: (token, index, output, at) =>
      batch(() => {
        const attempt = open(token);
        if (!attempt || index < attempt.from || index >= attempt.to) return false;
        const { changes } = sql(
          'INSERT INTO outputs (job, idx, stage, output, token) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
        ).run(attempt.job, index, stageNumber(attempt.stage), JSON.stringify(output), token);
        if (!changes) return false;
        markStale(search, attempt.job);
        write(
          {
            kind: 'step.finished',
            job: attempt.job,
            stage: attempt.stage,
            index,
            instance: attempt.instance,
            data: { token, ms: at - attempt.claimedAt },
          },
          at,
        );
        return true;
      }),
    close: (token, at) =>
      batch(() => {
        sql(`UPDATE attempts SET outcome = 'done', ended_at = ? WHERE token = ? AND outcome IS NULL`).run(at, token);
      }),
    abandon: (token, failure, at, { counts, gaveUp }) =>
      batch(() => {
        const attempt = open(token);
        if (!attempt) return;
        sql('UPDATE attempts SET outcome = ?, ended_at = ?, failure = ? WHERE token = ?').run(
          counts ? 'failed' : 'parked',
          at,
          JSON.stringify(failure),
          token,
        );
        for (const index of gaveUp)
          sql(
            'INSERT INTO outputs (job, idx, stage, failed, output, token) VALUES (?, ?, ?, 1, ?, ?) ON ' +
              'CONFLICT DO NOTHING',
          ).run(attempt.job, index, stageNumber(attempt.stage), JSON.stringify(failure), token);
        if (gaveUp.length) markStale(search, attempt.job);
        write(
          {
            kind: gaveUp.length ? 'step.failed' : counts ? 'attempt.failed' : 'attempt.parked',
            job: attempt.job,
            stage: attempt.stage,
            index: attempt.from,
            instance: attempt.instance,
            data: { token, failure, try: attempt.try },
          },
          at,
        );
      }),
    openAttempts: () => all<RawAttempt>('SELECT * FROM attempts WHERE outcome IS NULL ORDER BY token').map(toAttempt),
    tries: (job, stage, index) => failedTries(job, stage, index),
    clearFailures: job =>
      batch(() => {
        sql(`UPDATE attempts SET outcome = 'parked' WHERE job = ? AND outcome = 'failed'`).run(job);
        mending(search, () => unindex(search, job, 'again'));
        return sql('DELETE FROM outputs WHERE job = ? AND failed = 1').run(job).changes;
      }),

    indexSome: limit => mending(search, () => indexSome(search, limit)),
    find: (query, page) => mending(search, () => find(search, query, page)),

    journal: (entries, at) =>
      batch(() => {
        for (const entry of entries) write(entry, at);
      }),
    log({ job, kind, limit }) {
      const where = [job ? 'job = ?' : '', kind ? 'kind GLOB ?' : ''].filter(Boolean);
      return all<
        Omit<JournalEntry, 'index' | 'stage' | 'data'> & { idx: number | null; stage: number | null; data: string }
      >(
        `SELECT * FROM journal ${where.length ? `WHERE ${where.join(' AND ')}` : ''} ORDER BY seq DESC LIMIT ?`,
        ...[job, kind].filter(value => value !== undefined),
        limit,
      )
        .reverse()
        .map(({ idx, stage, data, ...row }) => ({
          ...row,
          index: idx,
          stage: stage === null ? null : KINDS_OF_WORK[stage]!,
          data: JSON.parse(data) as Record<string, unknown>,
        }));
    },
    peaks: key =>
      all<{ bytes: number }>(
        'SELECT bytes FROM peaks WHERE device = ? AND model = ? AND engine = ? AND precision = ? ORDER BY id',
        key.device,
        key.model,
        key.engine,
        key.precision,
      ).map(row => row.bytes),
    addPeak: (key, bytes, loadMs, at, keep) =>
      batch(() => {
        const args = [key.device, key.model, key.engine, key.precision];
        sql(
          'INSERT INTO peaks (device, model, engine, precision, at, bytes, load_ms) VALUES (?, ?, ?, ?, ?, ?, ?)',
        ).run(...args, at, bytes, loadMs);
        sql(
          'DELETE FROM peaks WHERE id IN (SELECT id FROM peaks WHERE device = ? AND model = ? AND engine = ? ' +
            'AND precision = ? ORDER BY id DESC LIMIT -1 OFFSET ?)',
        ).run(...args, keep);
      }),
    lastMeasured: model => one<{ at: number | null }>('SELECT max(at) AS at FROM peaks WHERE model = ?', model)!.at,
    calibration() {
      const grouped = new Map<string, ReturnType<Store['calibration']>[number]>();
      for (const row of all<{
        device: string;
        model: string;
        engine: string;
        precision: string;
        bytes: number;
        load_ms: number | null;
      }>('SELECT * FROM peaks ORDER BY id')) {
        const key = JSON.stringify([row.device, row.model, row.engine, row.precision]);
        const entry = grouped.get(key) ?? {
          device: row.device,
          model: row.model,
          engine: row.engine,
          precision: row.precision,
          peaks: [],
          loadMs: null,
        };
        entry.peaks.push(row.bytes);
        entry.loadMs = row.load_ms ?? entry.loadMs;
        grouped.set(key, entry);
      }
      return [...grouped.values()];
    },
    minute: rows =>
      batch(() => {
        const insert = sql(
          'INSERT INTO minutes (at, name, labels, value, buckets) VALUES (?, ?, ?, ?, ?) ' +
            'ON CONFLICT DO UPDATE SET value = excluded.value, buckets = excluded.buckets',
        );
        for (const row of rows) insert.run(row.at, row.name, row.labels, row.value, row.buckets ?? null);
      }),
    minutes: ({ name, since }) =>
      all(
        `SELECT at, name, labels, value, buckets FROM minutes WHERE ${name ? 'name = ? AND ' : ''}at >= ? ORDER BY at`,
        ...(name ? [name] : []),
        since,
      ),
    meta: key => one<{ value: string }>('SELECT value FROM meta WHERE key = ?', key)?.value ?? null,
    setMeta: (key, value) =>
      batch(() => {
        sql('INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value').run(
          key,
          value,
        );
      }),
    watched: translated(watchStore(sql, batch), path),
    backup: async path => {
      await db.backup(path);
    },
    dispose: () => {
      wal.dispose();
      try {
        db.pragma('wal_checkpoint(TRUNCATE)');
      } finally {
        db.close();
      }
    },
  };
  return translated(store, path);

  function maybe(row: RawJob | undefined): JobRow | null {
    return row ? fromRow(row) : null;
  }
  function open(token: number): Attempt | null {
    const row = one<RawAttempt>('SELECT * FROM attempts WHERE token = ? AND outcome IS NULL', token);
    return row ? toAttempt(row) : null;
  }
  function failedTries(job: string, stage: (typeof KINDS_OF_WORK)[number], index: number): number {
    return one<{ n: number }>(
      'SELECT count(*) AS n FROM attempts WHERE job = ? AND stage = ? AND first <= ? AND last >= ? AND outcome ' +
        `= 'failed'`,
      job,
      stageNumber(stage),
      index,
      index,
    )!.n;
  }
}
