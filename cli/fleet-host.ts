/** `earshot fleet host`: a PostgreSQL for a fleet on this machine, for as long as the command runs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../client/client.ts';
import { openLog } from '../client/files.ts';
import { EarshotError } from '../schemas/errors.ts';
import type { Result } from '../schemas/rpc.ts';
import { showLogins } from './fleet.ts';
import type { Session } from './session.ts';
import { clean } from './terminal.ts';

const READY_MS = 120_000,
  LOOK_MS = 200;

export interface HostOptions {
  folder?: string;
  name?: string;
  port?: number;
  local?: boolean;
  person?: string[];
  chief?: string[];
  machine?: string[];
}

export async function host(
  session: Session,
  { folder, name, port, local, person, chief, machine }: HostOptions,
): Promise<void> {
  const client = await session.client(),
    { t } = session;
  if (!session.json) session.note(t.preparingPostgres);
  const prepared = await client.call('fleet/host', {
    ...(folder === undefined ? {} : { folder: resolve(folder) }),
    ...(name === undefined ? {} : { name }),
    ...(port === undefined ? {} : { port }),
    ...(local === undefined ? {} : { local }),
  });
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
  const log = openLog(prepared.log);
  // A group of its own: Ctrl-C is ours to pass on, so that what is open ends first.
  const server = spawn(prepared.program, prepared.args, {
    cwd: prepared.folder,
    env: { ...process.env, ...prepared.env },
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  const gone = once(server, 'exit').catch(() => {});
  try {
    const made = await ready(client, prepared, () => server.exitCode ?? server.signalCode, {
      ...(person ? { people: person } : {}),
      ...(chief ? { chiefs: chief } : {}),
      ...(machine ? { machines: machine } : {}),
    });
    const joins = made.logins.map(login => ({ ...login, url: addressed(login.url, prepared.address) }));
    if (session.json)
      session.emit({ folder: prepared.folder, address: prepared.address, ca: prepared.ca, logins: joins });
    else {
      session.line(t.hosting(clean(prepared.address), clean(prepared.folder)));
      if (prepared.ca) session.line(t.copyCertificate(clean(prepared.ca)));
      showLogins(session, joins, prepared.ca);
    }
    await Promise.race([gone, stop.signal.aborted ? null : once(stop.signal, 'abort')]);
    if (!stop.signal.aborted) throw new EarshotError('postgresFailed', { log: prepared.log });
  } finally {
    // "Fast": connections are ended, everything is written.
    if (server.exitCode === null && server.signalCode === null) server.kill('SIGINT');
    await gone;
  }
  if (session.json) session.emit({ ended: true });
  else session.note(t.hostEnded);
}

/** Its tables are made, or brought up to date, as soon as it answers. */
async function ready(
  client: Client,
  { admin, log }: Result<'fleet/host'>,
  exited: () => number | string | null,
  logins: { people?: string[]; chiefs?: string[]; machines?: string[] },
): Promise<Result<'fleet/init'>> {
  for (const end = Date.now() + READY_MS; ;)
    try {
      return await client.call('fleet/init', { url: admin, ...logins });
    } catch (error) {
      if (exited() !== null) throw new EarshotError('postgresFailed', { log });
      const isStarting = error instanceof EarshotError && error.failure.code === 'fleetUnreachable';
      if (!isStarting || Date.now() > end) throw error;
      await sleep(LOOK_MS);
    }
}

const addressed = (url: string, address: string): string => url.replace(/@[^@/]+\//, () => `@${address}/`);
