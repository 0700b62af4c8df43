/** Preparing a fleet's database, and joining one. */
import { randomBytes } from 'node:crypto';
import { EarshotError, thrown } from '../../schemas/errors.ts';
import type { Params, Result } from '../../schemas/rpc.ts';
import type { Home } from '../auth/home.ts';
import type { SettingsFile } from '../system/settings-file.ts';
import { certificates, keepSecrets, parseUrl, problemOf, secretsOf, type FleetSettings } from './access.ts';
import { loadPostgres } from './load.ts';
import type { Access, Query } from './postgres.ts';
import { inspect, prepare, type Login } from './schema.ts';

async function asking<T>(access: Access, ca: string | undefined, work: (query: Query) => Promise<T>): Promise<T> {
  const postgres = await loadPostgres(),
    whole = ca === undefined ? access : { ...access, ca: certificates(ca) };
  try {
    return await postgres.once(whole, work);
  } catch (error) {
    throw thrown(problemOf(error, whole), { cause: error });
  }
}

/** @throws badRequest, fleetUnreachable, fleetRefused, fleetNewer */
export async function initFleet(request: Params<'fleet/init'>): Promise<Result<'fleet/init'>> {
  const { url, access } = parseUrl(request.url),
    postgres = await loadPostgres();
  const logins: Login[] = (
    [
      ['person', request.people],
      ['chief', request.chiefs],
      ['machine', request.machines],
    ] as const
  ).flatMap(([kind, names = []]) =>
    names.map(name => ({
      name,
      kind,
      password: request.withoutPasswords ? undefined : randomBytes(18).toString('base64url'),
    })),
  );
  const prepared = await asking(access, request.ca, query =>
    prepare(postgres, query, {
      logins,
      ...(request.leaseSeconds === undefined ? {} : { leaseSeconds: request.leaseSeconds }),
      ...(request.perPerson === undefined ? {} : { perPerson: request.perPerson }),
    }),
  );
  return {
    ...prepared,
    logins: logins.map(({ name, kind, password }) => ({
      name,
      kind,
      url: url.replace('://', `://${name}${password === undefined ? '' : `:${password}`}@`),
    })),
  };
}

/**
 * A fleet that is joined as a person stays joined as a machine, and the other way round, as long as it is the same.
 * @throws badRequest, fleetUnreachable, fleetRefused, fleetUnprepared, fleetNewer
 */
export async function joinFleet(
  request: Params<'fleet/join'>,
  { settings, home }: { settings: SettingsFile; home: Home },
): Promise<('person' | 'machine')[]> {
  const { url, login, password, access } = parseUrl(request.url),
    before = settings.get().fleet,
    same = before?.url === url ? before : null,
    known = same ? secretsOf(home) : {};
  const rights = await asking({ ...access, password: password ?? known[login] }, request.ca ?? same?.ca, inspect);
  const as = (['person', 'machine'] as const).filter(each => rights[each]);
  if (as.length === 0) throw new EarshotError('fleetRefused', { host: access.host, login }, 'it is no one’s here');
  const next: FleetSettings = {
    ...same,
    url,
    ...(rights.person ? { person: login } : {}),
    ...(rights.machine ? { machine: login } : {}),
    ...(request.ca === undefined ? {} : { ca: request.ca }),
    ...(request.use === undefined ? {} : { use: request.use }),
    ...(request.share === undefined ? {} : { share: request.share }),
    ...(request.partMinutes === undefined ? {} : { partMinutes: request.partMinutes }),
    ...(request.roots === undefined ? {} : { roots: { ...same?.roots, ...request.roots } }),
  };
  const secrets = { ...known, ...(password === undefined ? {} : { [login]: password }) };
  keepSecrets(
    home,
    Object.fromEntries(Object.entries(secrets).filter(([name]) => name === next.person || name === next.machine)),
  );
  settings.set({ fleet: next });
  return as;
}
