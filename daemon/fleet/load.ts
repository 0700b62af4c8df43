/** PostgreSQL's client is read only by daemons that belong to a fleet: it costs each start some milliseconds. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export type Postgres = typeof import('./postgres.ts');

let loaded: Promise<Postgres> | null = null;
export const loadPostgres = (): Promise<Postgres> => {
  const file = import.meta.filename.endsWith('.ts') ? 'postgres.ts' : 'fleet-postgres.mjs';
  return (loaded ??= import(pathToFileURL(join(import.meta.dirname, file)).href) as Promise<Postgres>);
};
