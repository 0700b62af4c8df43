import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { openStore } from '../../daemon/store/sqlite/store.ts';
import { failsWith } from '../fixtures/fails-with.ts';
import { Metrics } from '../../daemon/telemetry/metrics.ts';
import { MIGRATIONS, SAID } from '../../daemon/store/sqlite/migrations.ts';
import { JOB_COLUMNS, toColumn } from '../../daemon/store/sqlite/rows.ts';
import { row, storeSuite } from './store.ts';

const folder = (): string => mkdtempSync(join(tmpdir(), 'earshot-store-'));

storeSuite('the SQLite store', () => {
  const directory = folder(),
    path = join(directory, 'earshot.db');
  return {
    open: () => openStore(path),
    reopen: store => {
      store.dispose();
      return openStore(path);
    },
    clean: () => rmSync(directory, { recursive: true }),
  };
});

describe('the database file', () => {
  const within = (work: (path: string) => void): void => {
    const directory = folder();
    try {
      work(join(directory, 'earshot.db'));
    } finally {
      rmSync(directory, { recursive: true });
    }
  };

  it('is refused and left alone when a newer Earshot wrote it', () =>
    within(path => {
      const db = new Database(path);
      db.exec('CREATE TABLE future (x)');
      db.pragma('user_version = 999');
      db.close();
      assert.throws(() => openStore(path), failsWith('storeNewer'));
      const after = new Database(path);
      assert.equal(after.pragma('user_version', { simple: true }), 999);
      assert.equal(after.pragma('journal_mode', { simple: true }), 'delete');
      after.close();
    }));

  it('is refused when it is no database', () =>
    within(path => {
      writeFileSync(path, 'this is not a database, and long enough to be read as one'.repeat(100));
      assert.throws(() => openStore(path), failsWith('storeBroken'));
    }));

  it('makes a damaged search index anew, and nothing else is lost', () =>
    within(path => {
      let store = openStore(path);
      const job = row({ stages: ['asr'] });
      store.submit([job]);
      store.addUtterances(job.id, [{ index: 0, startMs: 0, endMs: 900 }]);
      store.finish(
        store.claim({ job: job.id, stage: 'asr', from: 0, to: 1, instance: 'i', at: 1 }).token,
        0,
        { text: 'some words', words: [], language: 'en', languageProbability: 1 },
        2,
      );
      const words = (): number => {
        while (store.indexSome(10) > 0);
        return store.find({ words: 'words' }, { limit: 1, cursor: 0 }).total;
      };
      for (const harm of [
        "UPDATE said_data SET block = x'ffffffffff'",
        'DELETE FROM said_data',
        'DELETE FROM said_docsize',
      ]) {
        assert.equal(words(), 1);
        store.dispose();
        const db = new Database(path);
        db.unsafeMode();
        db.exec(harm);
        db.close();
        store = openStore(path);
        store.find({ words: 'words' }, { limit: 1, cursor: 0 });
        assert.equal(words(), 1, harm);
      }
      store.dispose();
    }));

  it('keeps the means of minutes from before their histograms', () =>
    within(path => {
      const db = new Database(path);
      const before = MIGRATIONS.findIndex(step => step.sql.includes('ALTER TABLE minutes'));
      for (const step of MIGRATIONS.slice(0, before)) db.exec(step.sql);
      db.pragma(`user_version = ${before}`);
      const insert = db.prepare('INSERT INTO minutes (at, name, labels, value) VALUES (?, ?, ?, ?)');
      for (const [at, done, mean] of [
        [60_000, 3, 100],
        [120_000, 1, 500],
      ] as const) {
        insert.run(at, 'done', 'asr', done);
        insert.run(at, 'runMs', 'asr', mean);
        insert.run(at, 'runP95Ms', 'asr', mean);
        insert.run(at, 'lengthMs', '', 60_000);
      }
      insert.run(180_000, 'waitMs', 'nmt', 7); // without its count: nobody knows of what
      db.close();
      const store = openStore(path);
      const metrics = new Metrics(store, () => 200_000);
      const [asr] = metrics.report(0, () => 0).stages;
      assert.deepEqual([asr!.done, asr!.runMs.mean, asr!.runMs.p95], [4, 200, 0]);
      store.minute([{ at: 180_000, name: 'done', labels: 'asr', value: 1 }]);
      store.minute([{ at: 180_000, name: 'runMs', labels: 'asr', value: 900, buckets: '[110,1]' }]);
      assert.deepEqual(store.minutes({ name: 'runMs', since: 180_000 }), [
        { at: 180_000, name: 'runMs', labels: 'asr', value: 900, buckets: '[110,1]' },
      ]);
      store.dispose();
    }));

  it('keeps the settle time of a watched folder that was stored under its earlier name', () =>
    within(path => {
      const db = new Database(path);
      const before = MIGRATIONS.findIndex(step => step.sql.includes('quietSeconds'));
      for (const step of MIGRATIONS.slice(0, before)) db.exec(step.sql);
      db.pragma(`user_version = ${before}`);
      const insert = db.prepare('INSERT INTO watch_folders (path, spec, paused, since) VALUES (?, ?, 0, 5)');
      // As `earshot watch add --quiet 0.5` and `watch add` of 0.1.0 stored them.
      insert.run('/a', '{"path":"/a","options":{"repair":true},"owner":"cli","quietSeconds":0.5,"pollSeconds":9}');
      insert.run('/b', '{"path":"/b","options":{"repair":true},"owner":"cli"}');
      db.close();
      const store = openStore(path);
      const common = { options: { repair: true }, owner: 'cli' };
      assert.deepEqual(
        store.watched.folders().map(({ spec }) => spec),
        [
          { path: '/a', ...common, pollSeconds: 9, settleSeconds: 0.5 },
          { path: '/b', ...common },
        ],
      );
      store.dispose();
    }));

  it('takes in what a database from before the index holds', () =>
    within(path => {
      const db = new Database(path);
      const before = MIGRATIONS.findIndex(step => step.sql.includes(SAID));
      for (const step of MIGRATIONS.slice(0, before)) db.exec(step.sql);
      db.pragma(`user_version = ${before}`);
      const job = row({ state: 'completed', stages: ['asr'] }),
        there = new Set((db.pragma('table_info(jobs)') as { name: string }[]).map(column => column.name)),
        columns = JOB_COLUMNS.filter(([, column]) => there.has(column));
      db.prepare(
        `INSERT INTO jobs (${columns.map(([, column]) => column).join(', ')}) VALUES ` +
          `(${columns.map(() => '?').join(', ')})`,
      ).run(...columns.map(([key]) => toColumn(key, job[key])));
      db.prepare('INSERT INTO utterances (job, idx, start_ms, end_ms) VALUES (?, 0, 0, 900)').run(job.id);
      db.prepare(
        `INSERT INTO outputs (job, idx, stage, output, token) VALUES (?, 0, 0, '{"text": "old words", "words": ` +
          `[]}', 1)`,
      ).run(job.id);
      db.close();
      const store = openStore(path),
        find = () => store.find({ words: 'old' }, { limit: 1, cursor: 0 });
      assert.deepEqual([find().total, find().indexing], [0, true]);
      while (store.indexSome(10) > 0);
      assert.deepEqual([find().total, find().indexing], [1, false]);
      store.dispose();
    }));

  it('syncs fully and writes ahead', () =>
    within(path => {
      const store = openStore(path);
      const db = new Database(path, { readonly: true });
      assert.equal(db.pragma('journal_mode', { simple: true }), 'wal');
      db.close();
      store.dispose();
    }));
});
