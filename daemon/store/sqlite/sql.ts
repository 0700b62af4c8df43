/** Statements and transactions of one open database. Each statement is prepared once, by its text. */
import type Database from 'better-sqlite3';
import type { RunResult, Statement } from 'better-sqlite3';
import { WalSync } from './wal-sync.ts';

export class Sql {
  readonly db: Database.Database;
  private readonly prepared = new Map<string, Statement>();
  private readonly wal: WalSync;
  private readonly changes: Statement;
  private synchronous: 'FULL' | 'NORMAL' = 'FULL';

  constructor(db: Database.Database, path: string) {
    this.db = db;
    this.wal = new WalSync(path);
    this.changes = db.prepare('SELECT total_changes()').pluck();
  }

  statement(text: string): Statement {
    let statement = this.prepared.get(text);
    if (!statement) this.prepared.set(text, (statement = this.db.prepare(text)));
    return statement;
  }

  all<T>(text: string, ...args: unknown[]): T[] {
    return this.statement(text).all(...args) as T[];
  }

  one<T>(text: string, ...args: unknown[]): T | undefined {
    return this.statement(text).get(...args) as T | undefined;
  }

  /** Of a question for one column. */
  numbers(text: string, ...args: unknown[]): number[] {
    return this.statement(text)
      .pluck()
      .all(...args) as number[];
  }

  run(text: string, ...args: unknown[]): RunResult {
    return this.statement(text).run(...args);
  }

  /** One transaction, on the disk when it returns. Within another it is a part of that one. */
  batch<T>(work: () => T): T {
    return this.db.inTransaction ? work() : this.commit('FULL', work);
  }

  /** The same, written but not synced: in WAL mode, with NORMAL, a commit does not wait for the disk. */
  turn<T>(work: () => T): T {
    if (this.db.inTransaction) return work();
    const before = this.changes.get();
    const result = this.commit('NORMAL', work);
    if (this.changes.get() !== before) this.wal.wrote();
    return result;
  }

  /** Resolves when all that turns have written so far is on the disk. */
  synced(): Promise<void> {
    return this.wal.synced();
  }

  private commit<T>(synchronous: 'FULL' | 'NORMAL', work: () => T): T {
    if (this.synchronous !== synchronous) this.db.pragma(`synchronous = ${(this.synchronous = synchronous)}`);
    return this.db.transaction(work).immediate();
  }

  dispose(): void {
    this.wal.dispose();
    try {
      this.db.pragma('wal_checkpoint(TRUNCATE)');
    } finally {
      this.db.close();
    }
  }
}
