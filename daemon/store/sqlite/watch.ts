/** Watched folders in SQLite. */
import type { WatchDecision, WatchSpec } from '../../../schemas/watch.ts';
import type { FileRow, TakenRow, WatchStore } from '../../contracts/watch-store.ts';
import type { Sql } from './sql.ts';

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

export function watchStore(sql: Sql): WatchStore {
  const files = (where: string, ...args: unknown[]): FileRow[] =>
    sql.all<RawFile>(`SELECT * FROM watch_files WHERE ${where}`, ...args).map(toFile);
  const taken = (where: string, ...args: unknown[]): TakenRow[] =>
    sql.all<TakenRow>(`SELECT * FROM watch_taken WHERE ${where}`, ...args);
  const count = (from: string, folder: string): number =>
    sql.one<{ n: number }>(`SELECT count(*) AS n FROM ${from}`, folder)!.n;
  return {
    folders: () =>
      sql
        .all<{ path: string; spec: string; paused: number; since: number }>('SELECT * FROM watch_folders ORDER BY path')
        .map(({ spec, paused, since }) => ({ spec: JSON.parse(spec) as WatchSpec, paused: paused === 1, since })),
    putFolder: ({ spec, paused, since }) =>
      sql.batch(() => {
        sql.run(
          `INSERT INTO watch_folders (path, spec, paused, since) VALUES (?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET spec = excluded.spec, paused = excluded.paused`,
          spec.path,
          JSON.stringify(spec),
          Number(paused),
          since,
        );
      }),
    removeFolder: (path, forget) =>
      sql.batch(() => {
        sql.run('DELETE FROM watch_folders WHERE path = ?', path);
        if (forget)
          for (const table of ['watch_files', 'watch_taken']) sql.run(`DELETE FROM ${table} WHERE folder = ?`, path);
      }),
    file: (folder, path) => files('folder = ? AND path = ?', folder, path)[0] ?? null,
    byIdentity: (folder, identity) => files('folder = ? AND identity = ?', folder, identity),
    byContent: (folder, content) => files('folder = ? AND content = ?', folder, content),
    putFiles: rows => sql.batch(() => rows.forEach(row => putFile(sql, row))),
    taken: (folder, content) => taken('folder = ? AND content = ?', folder, content)[0] ?? null,
    takenBy: job => taken('job = ?', job)[0] ?? null,
    putTaken: ({ folder, content, path, job }) =>
      sql.batch(() => {
        sql.run(
          'INSERT OR REPLACE INTO watch_taken (folder, content, path, job) VALUES (?, ?, ?, ?)',
          folder,
          content,
          path,
          job,
        );
      }),
    recent: (folder, limit) => files('folder = ? ORDER BY at DESC LIMIT ?', folder, limit),
    count: folder => ({
      taken: count('watch_taken WHERE folder = ?', folder),
      refused: count(`watch_files WHERE folder = ? AND decision ->> 'code' = 'refused'`, folder),
    }),
    open: () =>
      sql
        .all<TakenRow & { started: number }>(
          `SELECT t.*, j.started_at IS NOT NULL AS started
           FROM watch_taken t JOIN jobs j ON j.id = t.job
           WHERE j.state IN ('pending', 'processing', 'paused')`,
        )
        .map(row => ({ ...row, started: row.started === 1 })),
    unmoved: folder =>
      sql.all<TakenRow>(
        `SELECT t.*
         FROM watch_taken t
         JOIN jobs j ON j.id = t.job
         JOIN watch_files f ON f.folder = t.folder AND f.path = t.path
         WHERE t.folder = ? AND j.state = 'completed' AND f.decision ->> 'code' <> 'moved'`,
        folder,
      ),
  };
}

function putFile(sql: Sql, row: FileRow): void {
  sql.run(
    `INSERT OR REPLACE INTO watch_files
       (folder, path, bytes, modified_at, identity, content, job, decision, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
}
