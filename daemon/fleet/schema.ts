/** The fleet's tables: numbered steps, each done once, by whoever may create roles and a schema. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EarshotError } from '../../schemas/errors.ts';
import type { Postgres } from './load.ts';
import type { Query } from './postgres.ts';

const FOLDER = join(import.meta.dirname, 'sql');
const steps = (): { version: number; file: string }[] =>
  readdirSync(FOLDER)
    .filter(file => file.endsWith('.sql'))
    .sort()
    .map(file => ({ version: Number.parseInt(file, 10), file }));

/** The newest step that this Earshot knows. */
export const knownVersion = (): number => steps().at(-1)!.version;

const ROLES = ['earshot_owner', 'earshot_machine', 'earshot_user', 'earshot_chief'];

export interface Login {
  name: string;
  kind: 'person' | 'chief' | 'machine';
  /** Missing: the server knows it otherwise (LDAP, Kerberos, a certificate). */
  password?: string | undefined;
}

/** What stands in the way of a role or a database, in PostgreSQL's words; `version`: of the tables, afterwards. */
export interface Prepared {
  version: number;
  /** 0: nothing was there. */
  before: number;
}

/**
 * Makes the tables, or brings them up to date, and lets these log in. Doing it again does no harm. Needs a role that
 * may create roles. @throws fleetNewer, and PostgreSQL's errors
 */
export async function prepare(
  postgres: Postgres,
  query: Query,
  { logins = [], leaseSeconds, perPerson }: { logins?: readonly Login[]; leaseSeconds?: number; perPerson?: number },
): Promise<Prepared> {
  await query('begin');
  try {
    for (const role of ROLES)
      if ((await query('select from pg_roles where rolname = $1', [role])).length === 0)
        await query(`create role ${role} nologin`);
    await query('grant earshot_owner to current_user');
    const [{ name } = { name: '' }] = await query<{ name: string }>('select current_database() as name');
    await query(`grant create on database ${postgres.quoted(name)} to earshot_owner`);
    // One at a time, whoever else prepares.
    await query(`select pg_advisory_xact_lock(hashtext('earshot fleet'))`);
    await query('set local role earshot_owner');
    await prepareBoss(postgres, query);
    const prepared = await migrate(query);
    if (leaseSeconds !== undefined) await query('update fleet.option set lease_seconds = $1', [leaseSeconds]);
    if (perPerson !== undefined) await query('update fleet.option set per_person = $1', [perPerson || null]);
    await query('reset role');
    for (const login of logins) await admit(postgres, query, login);
    await query('commit');
    return prepared;
  } catch (error) {
    await query('rollback').catch(() => {});
    throw error;
  }
}

async function prepareBoss(postgres: Postgres, query: Query): Promise<void> {
  const [there] = await query<{ found: boolean }>(
    `select to_regclass('${postgres.BOSS_SCHEMA}.version') is not null as found`,
  );
  const installed = there!.found
    ? (await query<{ version: number }>(`select version from ${postgres.BOSS_SCHEMA}.version`))[0]!.version
    : null;
  const plan = postgres.bossPlan(installed);
  // It brings a transaction of its own; here it is part of ours.
  const statements = plan.replace(/^\s*BEGIN;/i, '').replace(/COMMIT;\s*$/i, '');
  if (statements.trim()) await query(statements);
}

async function migrate(query: Query): Promise<Prepared> {
  await query('create schema if not exists fleet');
  await query(
    'create table if not exists fleet.version (one bool primary key default true check (one), v int not null)',
  );
  await query('insert into fleet.version (v) values (0) on conflict do nothing');
  const before = (await query<{ v: number }>('select v from fleet.version for update'))[0]!.v,
    known = knownVersion();
  if (before > known) throw new EarshotError('fleetNewer', { found: before, known });
  for (const { version, file } of steps()) if (version > before) await query(readFileSync(join(FOLDER, file), 'utf8'));
  await query('update fleet.version set v = $1', [known]);
  return { version: known, before };
}

const KINDS: Record<Login['kind'], string> = {
  person: 'earshot_user',
  chief: 'earshot_user, earshot_chief',
  machine: 'earshot_machine',
};

async function admit(postgres: Postgres, query: Query, { name, kind, password }: Login): Promise<void> {
  const role = postgres.quoted(name),
    [found] = await query('select from pg_roles where rolname = $1', [name]);
  if (!found) await query(`create role ${role} login`);
  if (password !== undefined) await query(`alter role ${role} login password ${postgres.literal(password)}`);
  await query(`grant ${KINDS[kind]} to ${role}`);
}

/** What this login may do there. @throws fleetNewer, fleetUnprepared */
export async function inspect(
  query: Query,
): Promise<{ person: boolean; chief: boolean; machine: boolean; leaseSeconds: number; perPerson: number | null }> {
  const [there] = await query<{ found: boolean }>(`select to_regnamespace('fleet') is not null as found`);
  if (!there!.found) throw new EarshotError('fleetUnprepared');
  await checkVersion(query);
  const [rights] = await query<{ person: boolean; chief: boolean; machine: boolean }>(
    `select ${['user', 'chief', 'machine']
      .map(
        (role, i) => `pg_has_role(session_user, 'earshot_${role}', 'member') as ${['person', 'chief', 'machine'][i]}`,
      )
      .join(', ')}`,
  );
  const [option] = await query<{ lease_seconds: number; per_person: number | null }>(
    'select lease_seconds, per_person from fleet.option',
  );
  return { ...rights!, leaseSeconds: option!.lease_seconds, perPerson: option!.per_person };
}

/** A machine that does not know a schema leaves it alone. @throws fleetNewer, fleetUnprepared */
export async function checkVersion(query: Query): Promise<void> {
  const [row] = await query<{ v: number }>('select v from fleet.version'),
    known = knownVersion();
  if (!row || row.v < known) throw new EarshotError('fleetUnprepared');
  if (row.v > known) throw new EarshotError('fleetNewer', { found: row.v, known });
}
