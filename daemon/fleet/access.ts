/** How the fleet's database is reached: the address is a setting, passwords lie in a file of this user's alone. */
import { lstatSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { EarshotError, toFailure, type Failure } from '../../schemas/errors.ts';
import type { Settings } from '../../schemas/settings.ts';
import { replaceFile } from '../../client/files.ts';
import { readSmallNow } from '../../client/small-file.ts';
import type { Home } from '../auth/home.ts';
import type { Access } from './postgres.ts';

export type FleetSettings = NonNullable<Settings['fleet']>;

const MOST_BYTES = 64 * 1024,
  MOST_CA_BYTES = 4 * 1024 ** 2;
const secretsFile = (home: Pick<Home, 'state'>): string => join(home.state, 'fleet-secrets.json');

function readSecrets(home: Pick<Home, 'state'>): Record<string, string> {
  const path = secretsFile(home);
  if (!lstatSync(path, { throwIfNoEntry: false })) return {};
  const values: unknown = JSON.parse(readSmallNow(path, MOST_BYTES).toString('utf8'));
  return Object.fromEntries(
    Object.entries(Object(values) as object).filter((each): each is [string, string] => typeof each[1] === 'string'),
  );
}

/** Of these logins; what others had goes. */
export function keepSecrets(home: Pick<Home, 'state'>, secrets: Readonly<Record<string, string>>): void {
  replaceFile(secretsFile(home), `${JSON.stringify(secrets)}\n`, 0o600);
}
/** Whoever leaves leaves no password behind. */
export function forgetSecrets(home: Pick<Home, 'state'>): void {
  rmSync(secretsFile(home), { force: true });
}
export const secretOf = (home: Pick<Home, 'state'>, login: string): string | undefined => readSecrets(home)[login];
export const secretsOf = readSecrets;

/** An address with a login in it, as `join` and `init` take it. @throws badRequest */
export function parseUrl(text: string): { url: string; login: string; password: string | undefined; access: Access } {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new EarshotError('badRequest', { field: 'url' }, 'postgres://LOGIN@HOST/DATABASE');
  }
  const database = decodeURIComponent(url.pathname.slice(1)),
    login = decodeURIComponent(url.username);
  if (!/^postgres(ql)?:$/.test(url.protocol) || !url.hostname || !database || !login)
    throw new EarshotError('badRequest', { field: 'url' }, 'postgres://LOGIN@HOST/DATABASE');
  const password = url.password ? decodeURIComponent(url.password) : undefined,
    port = Number(url.port || 5432);
  return {
    url: `postgres://${url.hostname}${url.port ? `:${url.port}` : ''}/${encodeURIComponent(database)}`,
    login,
    password,
    access: { host: plainHost(url.hostname), port, database, user: login, password },
  };
}
const plainHost = (host: string): string => host.replace(/^\[|\]$/g, '');

/** A file of certificates, and nothing that is waited for or has no end. */
export const certificates = (path: string): string => readSmallNow(path, MOST_CA_BYTES).toString('utf8');

export function accessOf(settings: FleetSettings, login: string, home: Pick<Home, 'state'>): Access {
  const url = new URL(settings.url);
  return {
    host: plainHost(url.hostname),
    port: Number(url.port || 5432),
    database: decodeURIComponent(url.pathname.slice(1)),
    user: login,
    password: secretOf(home, login),
    ca: settings.ca === undefined ? undefined : certificates(settings.ca),
  };
}

/** What postgres.ts says of a server that knows no password (an import of it would load pg). */
const UNPROVEN = 'unproven';
const OBSTACLES: Readonly<Record<string, string>> = { ENOTFOUND: 'name', EAI_AGAIN: 'name', ETIMEDOUT: 'timeout' };

/** What PostgreSQL, its client or the network said, as a failure of ours. */
export function problemOf(error: unknown, { host, user }: Pick<Access, 'host' | 'user'>): Failure {
  if (error instanceof EarshotError) return error.failure;
  const { code = '', message = '' } = (error ?? {}) as { code?: string; message?: string };
  if (code === UNPROVEN || /^SASL: (Last message|SCRAM-SERVER-FINAL)/.test(message))
    return new EarshotError('fleetUnproven', { host, login: user }, message).failure;
  // Of its classes: 28 the login, 42501 a right, 3D the database.
  if (code.startsWith('28') || code === '42501' || code.startsWith('3D'))
    return new EarshotError('fleetRefused', { host, login: user }, message).failure;
  if (code === '42P01' || code === '3F000' || code === '42883')
    return new EarshotError('fleetUnprepared', {}, message).failure;
  if (/CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL/.test(code) || /does not support SSL/.test(message))
    return new EarshotError('fleetUnreachable', { host, why: 'certificate' }, message).failure;
  if (/^(E[A-Z]+|08|57P)/.test(code) || /timeout|terminated|connection|not connected/i.test(message))
    return new EarshotError(
      'fleetUnreachable',
      { host, why: OBSTACLES[code] ?? (/timeout/i.test(message) ? 'timeout' : undefined) },
      message,
    ).failure;
  return toFailure(error);
}

/** The network or the server is away, or another is in its place: asked later, the same may succeed. */
export const isUnreachable = (error: unknown): boolean =>
  ['fleetUnreachable', 'fleetUnproven'].includes(problemOf(error, { host: '', user: '' }).code);
