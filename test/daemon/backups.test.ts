/** The database damaged, held by another program, copied and pruned: what a daemon makes of it. */
import assert from 'node:assert/strict';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { backUp, openSafely, restoredFailure } from '../../daemon/store/sqlite/backups.ts';
import { openStore } from '../../daemon/store/sqlite/store.ts';
import { toFailure } from '../../schemas/errors.ts';
import { sentence } from '../../text/messages/messages.ts';
import { row } from '../contract/store.ts';
import { fakeModel } from './harness.ts';
import { RealDaemon } from './real.ts';

const DAY_MS = 86_400_000,
  HOUR_MS = 3_600_000;
/** Overwrites everything after the first page. */
function damage(path: string): void {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(statSync(path).size - 4096, 0xa5), 0, undefined, 4096);
  closeSync(file);
}

describe('keeping the database safe', () => {
  let root: string, places: { database: string; backups: string };
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'earshot-safe-'));
    places = { database: join(root, 'earshot.db'), backups: join(root, 'backups') };
    mkdirSync(places.backups);
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('puts the newest whole copy in the place of a damaged database, and keeps that', async () => {
    const now = Date.now(),
      store = openSafely(places, now).store;
    store.submit([row({ name: 'first.wav' })]);
    assert.equal(await backUp(store, places.backups, now, HOUR_MS), true);
    store.dispose();
    damage(places.database);
    // Younger than the good copy, and no good itself.
    writeFileSync(
      join(places.backups, `earshot-${new Date(now + HOUR_MS).toISOString().replaceAll(/[:.]/g, '-')}.db`),
      'nonsense'.repeat(1000),
    );
    const { store: again, restored } = openSafely(places, now);
    assert.deepEqual(
      again.activeJobs().map(job => job.name),
      ['first.wav'],
    );
    again.dispose();
    assert.ok(restored);
    assert.ok(restored.backup?.includes('backups') && statSync(restored.aside).size > 4096);
    assert.deepEqual(restored.jobs, ['first.wav']);
    for (const locale of ['en', 'zh-cn'] as const)
      assert.match(sentence(restoredFailure(restored), locale), /first\.wav/);
  });

  it('begins anew where there is no copy', () => {
    writeFileSync(places.database, 'not a database at all, and long enough to be looked at'.repeat(200));
    const { store, restored } = openSafely(places, Date.now());
    assert.equal(restored?.backup, null);
    assert.deepEqual(store.activeJobs(), []);
    store.dispose();
    const again = openSafely(places, Date.now());
    assert.equal(again.restored, null);
    again.store.dispose();
  });

  it('leaves a database alone that is newer, or held by another program', { timeout: 20_000 }, () => {
    const other = new Database(places.database);
    other.exec('CREATE TABLE x (y)');
    other.pragma('user_version = 999');
    assert.throws(
      () => openSafely(places, 0),
      error => toFailure(error).code === 'storeNewer',
    );
    other.pragma('user_version = 0');
    other.exec('BEGIN EXCLUSIVE');
    assert.throws(
      () => openSafely(places, 0),
      error => toFailure(error).code === 'storeBusy',
    );
    other.exec('ROLLBACK');
    other.close();
    assert.deepEqual(
      readdirSync(root).filter(name => name.includes('broken')),
      [],
    );
  });

  it('keeps the newest copy of each of three days', async () => {
    const store = openStore(places.database),
      now = Date.UTC(2025, 5, 10, 12);
    for (const at of [now - 4 * DAY_MS, now - 2 * DAY_MS, now - DAY_MS, now - DAY_MS + HOUR_MS, now]) {
      assert.equal(await backUp(store, places.backups, at, 0), true);
      for (const name of readdirSync(places.backups)) utimesSync(join(places.backups, name), at / 1000, at / 1000);
    }
    assert.deepEqual(readdirSync(places.backups).sort(), [
      'earshot-2025-06-08T12-00-00-000Z.db',
      'earshot-2025-06-09T13-00-00-000Z.db',
      'earshot-2025-06-10T12-00-00-000Z.db',
    ]);
    assert.equal(await backUp(store, places.backups, now + HOUR_MS / 2, HOUR_MS), false, 'there is a young one');
    store.dispose();
  });

  it('forgets old journal entries and metrics, and nothing younger', () => {
    const store = openStore(places.database);
    for (let at = 0; at < 10; at++) {
      store.journal([{ kind: 'queue.paused' }], at);
      store.minute([{ at, name: 'done', labels: '', value: 1 }]);
    }
    assert.equal(store.pruneRecords({ journalBefore: 4, minutesBefore: 7 }), 11);
    assert.equal(store.pruneRecords({ journalBefore: 4, minutesBefore: 7 }), 0);
    assert.deepEqual(
      store.log({ limit: 100 }).map(entry => entry.at),
      [4, 5, 6, 7, 8, 9],
    );
    assert.deepEqual(
      store.minutes({ since: 0 }).map(minute => minute.at),
      [7, 8, 9],
    );
    assert.equal(store.pruneRecords({ journalBefore: 1000, minutesBefore: 1000 }), 9);
    store.dispose();
  });
});

it(
  'a daemon makes a copy, and after damage goes on with it and says what was not over',
  { timeout: 120_000 },
  async () => {
    const daemon = await new RealDaemon({
      models: [fakeModel('a', 'asr', { ms: 60_000 })],
      settings: { memoryReserveBytes: 0 },
    }).start();
    try {
      await daemon.client.call('queue/pause', {});
      const path = join(daemon.recordings, 'unfinished.wav');
      writeFileSync(path, 'x');
      await daemon.submit([path], { repair: false, language: 'en' });
      await daemon.stop();
      rmSync(daemon.home.backups, { recursive: true, force: true });
      await daemon.start();
      await daemon.stop(); // housekeeping ends before the daemon does
      assert.equal(readdirSync(daemon.home.backups).length, 1);
      damage(daemon.home.database);
      await daemon.start();
      const notice = daemon.event([], event => event.type === 'notice');
      const warning = await notice;
      assert.ok(warning.type === 'notice' && warning.failure.code === 'storeRestored', JSON.stringify(warning));
      assert.deepEqual(warning.failure.args.jobs, 'unfinished.wav');
      assert.deepEqual(
        (await daemon.client.call('job/list', { filter: { active: true } })).jobs.map(job => job.recording.name),
        ['unfinished.wav'],
      );
      assert.ok((await daemon.client.call('daemon/logs', {})).lines.some(line => line.includes('unfinished.wav')));
    } finally {
      await daemon.close();
    }
  },
);
