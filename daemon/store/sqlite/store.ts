/** The embedded store: SQLite in WAL mode with full sync; turns alone are synced by us, after they return. */
import type { Store, WrittenFile } from '../../contracts/store.ts';
import * as attempts from './attempts.ts';
import * as figures from './figures.ts';
import * as jobs from './jobs.ts';
import { journal, log, pruneJournal } from './journal.ts';
import { openDatabase, translated } from './open.ts';
import { find, indexSome, repairingIndex } from './search.ts';
import { Sql } from './sql.ts';
import * as utterances from './utterances.ts';
import { watchStore } from './watch.ts';

/** @throws storeNewer, storeBroken, storeBusy, diskFull */
export function openStore(path: string): Store {
  const sql = new Sql(openDatabase(path), path);
  const store: Store = {
    path,
    batch: work => sql.batch(work),
    turn: work => sql.turn(work),
    synced: () => sql.synced(),

    submit: rows => jobs.submit(sql, rows),
    findDuplicate: fingerprint => jobs.findDuplicate(sql, fingerprint),
    job: id => jobs.job(sql, id),
    activeJobs: () => jobs.activeJobs(sql),
    list: query => jobs.list(sql, query),
    update: (id, change, entry) => jobs.update(sql, id, change, entry),
    remove: ids => jobs.remove(sql, ids),
    prune: (before, keep) => jobs.prune(sql, before, keep),
    pruneRecords: ({ journalBefore, minutesBefore }) =>
      sql.batch(() => pruneJournal(sql, journalBefore) + figures.pruneMinutes(sql, minutesBefore)),

    addUtterances: (job, rows) => utterances.addUtterances(sql, job, rows),
    setSpeakers: (job, speakers, turns) => utterances.setSpeakers(sql, job, speakers, turns),
    utterances: (job, from, limit) => utterances.utterances(sql, job, from, limit),
    steps: job => utterances.steps(sql, job),

    written: file => written(sql, file),
    willWrite: (file, facts) => willWrite(sql, file, facts),

    claim: attempt => attempts.claim(sql, attempt),
    finish: (token, index, output, at) => attempts.finish(sql, token, index, output, at),
    close: (token, at) => attempts.close(sql, token, at),
    abandon: (token, failure, at, how) => attempts.abandon(sql, token, failure, at, how),
    openAttempts: () => attempts.openAttempts(sql),
    tries: (job, stage, index) => attempts.failedTries(sql, job, stage, index),
    clearFailures: job => attempts.clearFailures(sql, job),

    indexSome: limit => repairingIndex(sql, () => indexSome(sql, limit)),
    find: (query, page) => repairingIndex(sql, () => find(sql, query, page)),

    journal: (entries, at) => journal(sql, entries, at),
    log: query => log(sql, query),
    peaks: key => figures.peaks(sql, key),
    addPeak: (key, bytes, loadMs, at, keep) => figures.addPeak(sql, key, bytes, loadMs, at, keep),
    lastMeasured: model => figures.lastMeasured(sql, model),
    calibration: () => figures.calibration(sql),
    minute: rows => figures.minute(sql, rows),
    minutes: query => figures.minutes(sql, query),
    meta: key => meta(sql, key),
    setMeta: (key, value) => setMeta(sql, key, value),
    watched: translated(watchStore(sql), path),
    backup: async copy => {
      await sql.db.backup(copy);
    },
    dispose: () => sql.dispose(),
  };
  return translated(store, path);
}

const written = (sql: Sql, path: string): WrittenFile | null =>
  sql.one<WrittenFile>('SELECT recording, job, checksum FROM written WHERE path = ?', path) ?? null;

const willWrite = (sql: Sql, path: string, file: WrittenFile | null): void =>
  sql.batch(() => {
    if (!file) sql.run('DELETE FROM written WHERE path = ?', path);
    else
      sql.run(
        `INSERT INTO written (path, recording, job, checksum) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET recording = excluded.recording, job = excluded.job, checksum = excluded.checksum`,
        path,
        file.recording,
        file.job,
        file.checksum,
      );
  });

const meta = (sql: Sql, key: string): string | null =>
  sql.one<{ value: string }>('SELECT value FROM meta WHERE key = ?', key)?.value ?? null;

const setMeta = (sql: Sql, key: string, value: string): void =>
  sql.batch(() => {
    sql.run('INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value', key, value);
  });
