import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { openStore } from '../../daemon/store/sqlite/store.ts';
import { storeSuite } from './store.ts';
import { failsWith } from '../fixtures/fails-with.ts';

const folder = (): string => mkdtempSync(join(tmpdir(), 'earshot-store-'));

storeSuite('the SQLite store', () => {
  const directory = folder(), path = join(directory, 'earshot.db');
  return {
    open: () => openStore(path),
    reopen: store => { store.dispose(); return openStore(path); },
    clean: () => rmSync(directory, { recursive: true }),
  };
});

describe('the database file', () => {
  const within = (work: (path: string) => void): void => { const directory = folder(); try { work(join(directory, 'earshot.db')); } finally { rmSync(directory, { recursive: true }); } };

  it('is refused and left alone when a newer Earshot wrote it', () => within(path => {
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

  it('is refused when it is no database', () => within(path => {
    writeFileSync(path, 'this is not a database, and long enough to be read as one'.repeat(100));
    assert.throws(() => openStore(path), failsWith('storeBroken'));
  }));

  it('syncs fully and writes ahead', () => within(path => {
    const store = openStore(path);
    const db = new Database(path, { readonly: true });
    assert.equal(db.pragma('journal_mode', { simple: true }), 'wal');
    db.close();
    store.dispose();
  }));
});
