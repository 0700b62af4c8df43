/** Daemons of a fleet on this machine: each with folders of its own, all over one PostgreSQL. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as postgres from '../../daemon/fleet/postgres.ts';
import { prepare, type Login } from '../../daemon/fleet/schema.ts';
import type { ModelCard } from '../../schemas/model.ts';
import type { Settings } from '../../schemas/settings.ts';
import { PASSWORD, type TestPostgres } from '../fixtures/postgres.ts';
import { fakeModel } from './harness.ts';
import { RealDaemon } from './real.ts';

export const LOGINS: readonly Login[] = [
  ...['ann', 'bob'].map(name => ({ name, kind: 'person' as const, password: PASSWORD })),
  { name: 'carol', kind: 'chief', password: PASSWORD },
  ...['m1', 'm2', 'm3', 'm4'].map(name => ({ name, kind: 'machine' as const, password: PASSWORD })),
];

const MiB = 1024 ** 2;
export const models = (ms = 20): ModelCard[] => [
  fakeModel('fake-large', 'asr', { ms }, { family: 'fake-large', memory: { cpu: 900 * MiB, gpu: 900 * MiB } }),
  fakeModel('fake-slow', 'asr', { ms: 700 }),
  fakeModel('fake-steady', 'asr', { ms: 200 }),
  // It never hears the second.
  fakeModel('fake-deaf', 'asr', { ms: 20, script: 'fail#1:nothingSaid' }),
  // The default is the last of a stage.
  fakeModel('fake-asr', 'asr', { ms }),
  fakeModel('fake-repair', 'repair', { ms: 5 }),
  fakeModel('fake-nmt', 'nmt', { ms: 5 }),
];

/** An empty fleet; leases are as short as pg-boss allows. */
export async function prepareFleet(server: TestPostgres, perPerson?: number): Promise<void> {
  await server.create();
  await server.asAdmin(query =>
    prepare(postgres, query, { logins: LOGINS, leaseSeconds: 10, ...(perPerson === undefined ? {} : { perPerson }) }),
  );
}

/** A daemon that belongs to the fleet: `person` lends, `machine` takes. */
export function member(
  server: TestPostgres,
  fleet: Partial<NonNullable<Settings['fleet']>>,
  {
    settings = {},
    cards = models(),
    nodeArgs = [],
  }: { settings?: Partial<Settings>; cards?: readonly ModelCard[]; nodeArgs?: readonly string[] } = {},
): RealDaemon {
  const daemon = new RealDaemon({
    models: cards,
    nodeArgs,
    settings: {
      yieldTo: 'never',
      othersOnCpu: true,
      memoryReserveBytes: 0,
      fleet: { url: `postgres://127.0.0.1:${server.port}/fleet`, ...fleet },
      ...settings,
    },
  });
  const logins = [fleet.person, fleet.machine].filter(each => each !== undefined);
  writeFileSync(
    join(daemon.home.state, 'fleet-secrets.json'),
    JSON.stringify(Object.fromEntries(logins.map(login => [login, PASSWORD]))),
    { mode: 0o600 },
  );
  return daemon;
}
