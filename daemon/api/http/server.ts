/**
 * The OpenAI-compatible server: HTTP on this machine's loopback, off until the setting `http` turns it on. What a crash
 * left of uploads goes at the next start, and with it the jobs of clients that are no more.
 */
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { failure, type Failure } from '../../../schemas/errors.ts';
import { wayInto } from '../../../text/paths.ts';
import { newToken } from '../../auth/tokens.ts';
import type { Store } from '../../contracts/store.ts';
import { SerialQueue } from '../../system/serial.ts';
import { createRequestContext, type RequestDeps } from './request-context.ts';
import { Requests } from './requests.ts';

export interface HttpServerDeps extends RequestDeps {
  /** Folder of uploads, and file of the token that is made where the setting names none. */
  uploads: string;
  tokenFile: string;
  store: Pick<Store, 'activeJobs'>;
  clock: () => number;
  log: Logger;
  /** How long nothing may come or be taken where somebody is to send or to read; ms. */
  silentMs?: number;
}

export interface HttpServer {
  /**
   * As the settings are now: opens, closes, or opens elsewhere. Called again after every change. The first time, which
   * is once the pipeline runs, it clears away what a crash left.
   */
  apply(): Promise<void>;
  /** Where it serves, and what to show there; null: it is off, or could not be opened. */
  readonly place: { url: string; token: string } | null;
  readonly failure: Failure | null;
  readonly busy: boolean;
  dispose(): Promise<void>;
}

const MOST_CONNECTIONS = 64;
const SILENT_MS = 60_000;
const LOOPBACK = '127.0.0.1';

export function createHttpServer(deps: HttpServerDeps): HttpServer {
  const { silentMs = SILENT_MS } = deps;
  let server: Server | null = null,
    sockets = new Set<Socket>(),
    opened: { port: number; asked: string; token: string } | null = null,
    why: Failure | null = null,
    cleared = false;
  const turns = new SerialQueue(),
    requests = new Requests(createRequestContext(deps), { ...deps, silentMs });

  const close = async (): Promise<void> => {
    const closing = server;
    server = null;
    opened = null;
    if (!closing) return;
    const aborted = requests.abort(),
      closed = once(closing, 'close');
    closing.close();
    // Also those that are still sending: nothing of theirs keeps us here.
    closing.closeAllConnections();
    await aborted;
    // Those that asked for a WebSocket are not among the server's own any more.
    for (const socket of sockets) socket.destroy();
    await closed;
  };

  const open = async (): Promise<void> => {
    if (!cleared) clearUploads(deps);
    cleared = true;
    const wanted = deps.settings().http,
      asked = JSON.stringify(wanted);
    if (opened?.asked === asked) return;
    await close();
    why = null;
    if (!wanted) return;
    const token = wanted.token ?? keptToken(deps.tokenFile);
    // Not imported: that would load all of fetch at every start (daemon/system/network.ts).
    const next = process
      .getBuiltinModule('node:http')
      .createServer(
        {
          headersTimeout: 10_000,
          connectionsCheckingInterval: 5_000,
          requestTimeout: 0,
          keepAliveTimeout: 5_000,
          maxHeaderSize: 16_384,
        },
        (request, response) => requests.answer(request, response, token),
      );
    next.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) =>
      requests.upgrade(request, socket, head, token),
    );
    next.timeout = silentMs;
    // Who is waited for is given up: to send the rest of a request, or to take an answer.
    next.on('timeout', socket => {
      if (socket.writableLength > 0 || !requests.isAtWork(socket)) socket.destroy();
    });
    const connected = (sockets = new Set<Socket>());
    next.on('connection', socket => {
      connected.add(socket);
      socket.once('close', () => connected.delete(socket));
      // Whoever has waited longest without the token makes room, so that idle connections keep nobody out.
      if (connected.size > MOST_CONNECTIONS) ([...connected].find(each => !requests.knows(each)) ?? socket).destroy();
    });
    try {
      next.listen(wanted.port, LOOPBACK);
      await once(next, 'listening');
      server = next;
      opened = { port: (next.address() as AddressInfo).port, asked, token };
      deps.log.info(`http serves on ${LOOPBACK}:${opened.port}`);
    } catch (error) {
      why = failure('portTaken', { port: wanted.port }, String(error));
      deps.log.warn(error, 'http cannot serve');
    }
  };

  return {
    apply: () => turns.run(open),
    get place() {
      return opened && { url: `http://${LOOPBACK}:${opened.port}/v1`, token: opened.token };
    },
    get failure() {
      return why;
    },
    get busy() {
      return server !== null;
    },
    dispose: () => turns.run(close),
  };
}

/** The token of before, so that programs need not be given a new one at every start. */
function keptToken(path: string): string {
  try {
    const kept = readFileSync(path, 'utf8').trim();
    if (kept.length >= 32) return kept;
  } catch {
    /* the first time */
  }
  return newToken(path);
}

/** Jobs over uploads of a daemon that is no more have nobody who waits for them. */
function clearUploads({ uploads, store, queue }: HttpServerDeps): void {
  mkdirSync(uploads, { recursive: true, mode: 0o700 });
  const real = realpathSync.native(uploads);
  for (const row of store.activeJobs()) if (wayInto(real, row.path)) queue.cancel([row.id]);
  for (const left of readdirSync(uploads)) rmSync(join(uploads, left), { recursive: true, force: true });
}
