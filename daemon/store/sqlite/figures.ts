/** Figures: the measured memory of loads, and what metrics say of each minute. */
import type { MinuteRow, Store } from '../../contracts/store.ts';
import type { Sql } from './sql.ts';

type Calibration = ReturnType<Store['calibration']>[number];
type PeakKey = Parameters<Store['peaks']>[0];
const OF_KEY = 'device = ? AND model = ? AND engine = ? AND precision = ?';
const args = (key: PeakKey): string[] => [key.device, key.model, key.engine, key.precision];

export const peaks = (sql: Sql, key: PeakKey): number[] =>
  sql.all<{ bytes: number }>(`SELECT bytes FROM peaks WHERE ${OF_KEY} ORDER BY id`, ...args(key)).map(row => row.bytes);

/** `keep`: so many of the newest stay. */
export const addPeak = (sql: Sql, key: PeakKey, bytes: number, loadMs: number | null, at: number, keep: number): void =>
  sql.batch(() => {
    sql.run(
      'INSERT INTO peaks (device, model, engine, precision, at, bytes, load_ms) VALUES (?, ?, ?, ?, ?, ?, ?)',
      ...args(key),
      at,
      bytes,
      loadMs,
    );
    sql.run(
      `DELETE FROM peaks WHERE id IN (SELECT id FROM peaks WHERE ${OF_KEY} ORDER BY id DESC LIMIT -1 OFFSET ?)`,
      ...args(key),
      keep,
    );
  });

export const lastMeasured = (sql: Sql, model: string): number | null =>
  sql.one<{ at: number | null }>('SELECT max(at) AS at FROM peaks WHERE model = ?', model)!.at;

export function calibration(sql: Sql): Calibration[] {
  const grouped = new Map<string, Calibration>();
  for (const row of sql.all<PeakKey & { bytes: number; load_ms: number | null }>('SELECT * FROM peaks ORDER BY id')) {
    const { device, model, engine, precision } = row;
    const key = JSON.stringify([device, model, engine, precision]);
    const entry = grouped.get(key) ?? { device, model, engine, precision, peaks: [], loadMs: null };
    entry.peaks.push(row.bytes);
    entry.loadMs = row.load_ms ?? entry.loadMs;
    grouped.set(key, entry);
  }
  return [...grouped.values()];
}

export const minute = (sql: Sql, rows: readonly MinuteRow[]): void =>
  sql.batch(() => {
    const insert = sql.statement(
      `INSERT INTO minutes (at, name, labels, value, buckets) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET value = excluded.value, buckets = excluded.buckets`,
    );
    for (const row of rows) insert.run(row.at, row.name, row.labels, row.value, row.buckets ?? null);
  });

export const minutes = (sql: Sql, { name, since }: { name?: string; since: number }): MinuteRow[] =>
  sql.all(
    `SELECT at, name, labels, value, buckets FROM minutes WHERE ${name ? 'name = ? AND ' : ''}at >= ? ORDER BY at`,
    ...(name ? [name] : []),
    since,
  );

export const pruneMinutes = (sql: Sql, before: number): number =>
  sql.run('DELETE FROM minutes WHERE at < ?', before).changes;
