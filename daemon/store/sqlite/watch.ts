/** Watched folders in SQLite. */
import type { Statement } from 'better-sqlite3';
import type { WatchDecision, WatchSpec } from '../../../schemas/watch.ts';
import type { FileRow, TakenRow, WatchStore } from '../../contracts/watch-store.ts';

interface RawFile {
  folder: string;
  path: string;
  bytes: number;
  modified_at: number;
  identity: string;
  content: string | null;
  job: string | null;
  decision: string;
  at: number;
}
const toFile = ({ modified_at, decision, ...row }: RawFile): FileRow => ({
  ...row,
  modifiedAt: modified_at,
  decision: JSON.parse(decision) as WatchDecision,
});

export function watchStore(sql: (text: string) => Statement, batch: <T>(work: () => T) => T): WatchStore {
  const files = (where: string, ...args: unknown[]): FileRow[] =>
    (sql(`SELECT * FROM watch_files WHERE ${where}`).all(...args) as RawFile[]).map(toFile);
  const taken = (where: string, ...args: unknown[]): TakenRow[] =>
    sql(`SELECT * FROM watch_taken WHERE ${where}`).all(...args) as TakenRow[];
  return {
    folders: () =>
      (
        sql('SELECT * FROM watch_folders ORDER BY path').all() as {
          path: string;
          spec: string;
          paused: number;
          since: number;
        }[]
      ).map(({ spec, paused, since }) => ({ spec: JSON.parse(spec) as WatchSpec, paused: paused === 1, since })),
    putFolder: ({ spec, paused, since }) =>
      batch(() => {
        sql(
          'INSERT INTO watch_folders (path, spec, paused, since) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET ' +
            'spec = excluded.spec, paused = excluded.paused',
        ).run(spec.path, JSON.stringify(spec), Number(paused), since);
      }),
    removeFolder: (path, forget) =>
      batch(() => {
        sql('DELETE FROM watch_folders WHERE path = ?').run(path);
        if (forget)
          for (const table of ['watch_files', 'watch_taken']) sql(`DELETE FROM ${table} WHERE folder = ?`).run(path);
      }),
    file: (folder, path) => files('folder = ? AND path = ?', folder, path)[0] ?? null,
    byIdentity: (folder, identity) => files('folder = ? AND identity = ?', folder, identity),
    byContent: (folder, content) => files('folder = ? AND content = ?', folder, content),
    putFiles: rows =>
      batch(() => {
        const put = sql(
          'INSERT OR REPLACE INTO watch_files (folder, path, bytes, modified_at, identity, content, job, ' +
            'decision, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
        );
        for (const row of rows)
          put.run(
            row.folder,
            row.path,
            row.bytes,
            row.modifiedAt,
            row.identity,
            row.content,
            row.job,
            JSON.stringify(row.decision),
            row.at,
          );
      }),
    taken: (folder, content) => taken('folder = ? AND content = ?', folder, content)[0] ?? null,
    takenBy: job => taken('job = ?', job)[0] ?? null,
    putTaken: row =>
      batch(() => {
        sql('INSERT OR REPLACE INTO watch_taken (folder, content, path, job) VALUES (?, ?, ?, ?)').run(
          row.folder,
          row.content,
          row.path,
          row.job,
        );
      }),
    recent: (folder, limit) => files('folder = ? ORDER BY at DESC LIMIT ?', folder, limit),
    count: folder => ({
      taken: (sql('SELECT count(*) AS n FROM watch_taken WHERE folder = ?').get(folder) as { n: number }).n,
      refused: (
        sql(`SELECT count(*) AS n FROM watch_files WHERE folder = ? AND decision ->> 'code' = 'refused'`).get(
          folder,
        ) as { n: number }
      ).n,
    }),
    open: () =>
      (
        sql(
          'SELECT t.*, j.started_at IS NOT NULL AS started FROM watch_taken t JOIN jobs j ON j.id = t.job ' +
            `WHERE j.state IN ('pending', 'processing', 'paused')`,
        ).all() as (TakenRow & { started: number })[]
      ).map(row => ({ ...row, started: row.started === 1 })),
    unmoved: folder =>
      sql(`SELECT t.* FROM watch_taken t JOIN jobs j ON j.id = t.job
      JOIN watch_files f ON f.folder = t.folder AND f.path = t.path
      WHERE t.folder = ? AND j.state = 'completed' AND f.decision ->> 'code' <> 'moved'`).all(folder) as TakenRow[],
  };
}
