/** A daemon's server for tests: the real server in a temporary folder, with only the handlers that a test gives. */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { home, type Home } from '../../daemon/auth/home.ts';
import { startServer, type Handlers, type Server } from '../../daemon/api/rpc/server.ts';
import { connect, type Client } from '../../client/client.ts';
import { readAccess } from '../../client/handshake.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { createLogger, readable } from '../../daemon/telemetry/log.ts';
import { removeFolder } from '../fixtures/folders.ts';

export interface TestServer extends AsyncDisposable {
  home: Home;
  server: Server;
  log: string[];
  clients: number[];
  connect(client?: string): Promise<Client>;
}

export function temporaryHome(): { home: Home; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-'));
  return {
    home: home({ EARSHOT_STATE: join(folder, 'state'), EARSHOT_DATA: join(folder, 'data') }),
    remove: () => removeFolder(folder),
  };
}

/** Handlers that are not given answer `internal`, so a test sees that it forgot one. */
export const handlersOf = (given: Partial<Handlers>): Handlers =>
  new Proxy(given, {
    get: (target, name: keyof Handlers) =>
      target[name] ??
      (() => {
        throw new EarshotError('internal', {}, `the test has no handler for ${name}`);
      }),
  }) as Handlers;

export async function startTestServer(given: Partial<Handlers> = {}, version = '1.2.3'): Promise<TestServer> {
  const { home: place, remove } = temporaryHome();
  const log: string[] = [],
    clients: number[] = [];
  const server = await startServer({
    home: place,
    version,
    handlers: handlersOf(given),
    onClients: count => clients.push(count),
    log: createLogger(record => log.push(...readable(record.trimEnd())), Date.now),
  });
  const open = new Set<Client>(),
    access = readAccess(readFileSync(place.token, 'utf8'), place.socket);
  return {
    // On Windows it is somewhere else in each run.
    home: { ...place, socket: access.socket },
    server,
    log,
    clients,
    connect: async (client = 'test') => {
      const made = await connect({ ...access, client, version });
      open.add(made);
      return made;
    },
    [Symbol.asyncDispose]: async () => {
      for (const client of open) client.dispose();
      await server.close();
      remove();
    },
  };
}
