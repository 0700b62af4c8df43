/**
 * The daemon's server: JSON-RPC over a socket in a private directory.
 *
 * A connection is `new` until `session/hello`, `challenged` until a right `session/prove`, then `open`. A client that
 * proves the token but speaks another protocol becomes `stranger`: it gets `wrongVersion` and may only stop the daemon,
 * so that a newer client can replace an older daemon. Everything is checked before a handler sees it, and a client's
 * going away cancels nothing that it asked for.
 */
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { createMessageConnection, ResponseError, type MessageConnection } from 'vscode-jsonrpc/node';
import { pino, type Logger } from 'pino';
import { EarshotError, toFailure } from '../../../schemas/errors.ts';
import {
  FAILURE_CODE,
  PROTOCOL,
  STATE_EVENTS,
  type Handshake,
  type Method,
  type Params,
  type Result,
  type StateEvents,
  type Topic,
} from '../../../schemas/rpc.ts';
import type { Home } from '../../auth/home.ts';
import { checkParams, isMethod } from './check.ts';
import { BoundedReader, BoundedWriter, MAX_REQUEST_BYTES } from './frames.ts';
import { accessText, newNonce, newPipe, proofOf, proves, type Nonces } from '../../../client/handshake.ts';
import { newToken, privateDirectory } from '../../auth/tokens.ts';

const HELLO_TIMEOUT_MS = 10_000;
/** A client that took nothing for this long while something waited for it is given up. */
const STALL_MS = 60_000;
/** Requests of one client under way; beyond, nothing of it is read until some are answered. */
const MAX_UNDER_WAY = 256;
/**
 * Each may hold buffers of its own. Beyond, whoever has waited longest without proving the token makes room; where all
 * have, the newest goes.
 */
const MAX_CONNECTIONS = 200;

export interface Subscription {
  topics: ReadonlySet<Topic>;
  utterancesOf: ReadonlySet<string>;
}

export interface ClientConnection {
  readonly id: number;
  /** What the client calls itself: "cli", "vscode". */
  readonly client: string;
  /** Set by rpc/events.ts; null: wants no events. */
  subscription: Subscription | null;
  send(events: StateEvents): void;
  /** The socket's buffer is full: what can wait should. */
  readonly backlogged: boolean;
  /** Ends the connection. */
  drop(why: string): void;
  onDrain(listener: () => void): void;
  onClose(listener: () => void): void;
}

export type Handlers = {
  [M in Exclude<Method, Handshake>]: (
    params: Params<M>,
    connection: ClientConnection,
  ) => Promise<Result<M>> | Result<M>;
};

export interface ServerOptions {
  home: Pick<Home, 'run' | 'socket' | 'token'>;
  version: string;
  handlers: Handlers;
  /** Number of clients that said hello, whenever it changes: for leaving when idle. */
  onClients?: (count: number) => void;
  /** Refused and dropped connections, failures of handlers that are no fault of the client. */
  log?: Logger;
}

export interface Server {
  readonly clients: number;
  /**
   * A VS Code window is or was among the clients since there last was none at all. Who of them left last is a matter of
   * milliseconds.
   */
  readonly hadWindow: boolean;
  /** Refuses new clients, lets answers under way leave, ends the connections, removes the socket. */
  close(): Promise<void>;
}

/** Serves on `home.socket`. The caller holds the lock (lock.ts), so a socket file found there is nobody's. */
export async function startServer({
  home,
  version,
  handlers,
  onClients,
  log = pino({ level: 'silent' }),
}: ServerOptions): Promise<Server> {
  privateDirectory(home.run);
  if (process.platform !== 'win32') {
    privateDirectory(dirname(home.socket));
    rmSync(home.socket, { force: true });
  }
  const socket = process.platform === 'win32' ? newPipe() : home.socket;
  const token = newToken(home.token, made => accessText({ token: made, socket }));
  const open = new Set<Client>();
  const all = new Set<Client>();
  let lastId = 0,
    hadWindow = false;

  const server: NetServer = createServer(socket => {
    const client = new Client(++lastId, socket, { token, version, handlers, log });
    all.add(client);
    if (all.size > MAX_CONNECTIONS) ([...all].find(each => !open.has(each)) ?? client).drop('made room for another');
    client.onOpen = () => {
      hadWindow = (open.size > 0 && hadWindow) || client.client.startsWith('vscode ');
      open.add(client);
      onClients?.(open.size);
    };
    client.onClose(() => {
      all.delete(client);
      if (open.delete(client)) onClients?.(open.size);
    });
  });
  server.listen(socket);
  await once(server, 'listening');
  if (process.platform !== 'win32') await chmod(home.socket, 0o600);

  return {
    get clients() {
      return open.size;
    },
    get hadWindow() {
      return hadWindow;
    },
    close: async () => {
      // First the token: its absence shows clients that this is no crash, and not to start another daemon.
      rmSync(home.token, { force: true });
      const closed = once(server, 'close');
      server.close();
      await Promise.all([...all].map(client => client.finish()));
      await closed;
    },
  };
}

interface Context {
  token: string;
  version: string;
  handlers: Handlers;
  log: Logger;
}

class Client implements ClientConnection {
  readonly id: number;
  client = '?';
  subscription: Subscription | null = null;
  onOpen: () => void = () => {};
  readonly #socket: Socket;
  readonly #reader: BoundedReader;
  readonly #rpc: MessageConnection;
  readonly #context: Context;
  readonly #helloTimer: NodeJS.Timeout;
  #state: 'new' | 'challenged' | 'stranger' | 'open' = 'new';
  #nonces: Nonces | null = null;
  #protocol = 0;
  #underWay = 0;
  /** When the socket was last seen to be stuck, and how much it had written then. */
  #stall: { at: number; written: number } | null = null;
  #idle: (() => void) | null = null;

  constructor(id: number, socket: Socket, context: Context) {
    this.id = id;
    this.#socket = socket;
    this.#context = context;
    this.#reader = new BoundedReader(socket);
    this.#rpc = createMessageConnection(this.#reader, new BoundedWriter(socket));
    socket.on('error', () => {});
    this.#rpc.onError(([error]) => this.drop(error.message));
    this.#rpc.onRequest((method, params) => this.#answer(method, params));
    this.#rpc.listen();
    this.#helloTimer = setTimeout(() => this.drop('said no hello'), HELLO_TIMEOUT_MS);
    this.onClose(() => {
      clearTimeout(this.#helloTimer);
      this.#rpc.dispose();
    });
  }

  get backlogged(): boolean {
    if (!this.#socket.writableNeedDrain) {
      this.#stall = null;
      return false;
    }
    const written = this.#socket.bytesWritten - this.#socket.writableLength;
    if (!this.#stall || this.#stall.written !== written) this.#stall = { at: performance.now(), written };
    else if (performance.now() - this.#stall.at > STALL_MS) this.drop('reads nothing');
    return true;
  }

  send(events: StateEvents): void {
    if (!this.#socket.destroyed) void this.#rpc.sendNotification(STATE_EVENTS, events).catch(() => {});
  }

  drop(why: string): void {
    if (this.#socket.destroyed) return;
    this.#context.log.warn({ client: this.id, name: this.client, why }, 'client dropped');
    this.#socket.destroy();
  }

  onDrain(listener: () => void): void {
    this.#socket.on('drain', listener);
  }
  onClose(listener: () => void): void {
    this.#socket.once('close', listener);
  }

  /**
   * Ends the connection once what is under way is answered and written, but does not wait for a client that reads
   * nothing.
   */
  async finish(): Promise<void> {
    if (this.#socket.destroyed) return;
    const closed = new Promise<void>(resolve => {
      this.onClose(resolve);
    });
    const timer = setTimeout(() => this.drop('kept the daemon from stopping'), 2000);
    if (this.#underWay > 0)
      await Promise.race([
        new Promise<void>(resolve => {
          this.#idle = resolve;
        }),
        closed,
      ]);
    this.#socket.end(() => this.#socket.destroy());
    await closed;
    clearTimeout(timer);
  }

  /** Ends the connection after the answer that is being made; one that stays all the same meets the hello timer. */
  #part(why: string): void {
    this.#context.log.info({ client: this.id, why }, 'client gone');
    setImmediate(() => this.#socket.end());
  }

  async #answer(method: string, params: unknown): Promise<unknown> {
    this.#underWay += 1;
    if (this.#underWay >= MAX_UNDER_WAY) this.#reader.hold = true;
    try {
      return await this.#handle(method, params);
    } catch (error) {
      const reason = toFailure(error);
      if (reason.code === 'internal') this.#context.log.error({ method, failure: reason }, 'request failed');
      throw new ResponseError(FAILURE_CODE, reason.code, reason);
    } finally {
      this.#underWay -= 1;
      if (this.#underWay < MAX_UNDER_WAY) this.#reader.hold = false;
      // After the answer itself, which is written in the promise jobs that follow.
      if (this.#underWay === 0 && this.#idle) setImmediate(this.#idle);
    }
  }

  async #handle(method: string, params: unknown): Promise<unknown> {
    if (!isMethod(method)) throw new EarshotError('badRequest', { method, field: '' }, 'no such method');
    if (method === 'session/hello') return this.#hello(checkParams(method, params));
    if (method === 'session/prove') return this.#prove(checkParams(method, params));
    if (this.#state === 'new' || this.#state === 'challenged') {
      this.#part('asked before it proved the token');
      throw new EarshotError('wrongToken');
    }
    if (this.#state === 'stranger' && method !== 'daemon/stop')
      throw new EarshotError('wrongVersion', { daemon: this.#context.version, client: this.client });
    return this.#call(method, params);
  }

  #call<M extends Exclude<Method, Handshake>>(method: M, params: unknown): Promise<Result<M>> | Result<M> {
    return this.#context.handlers[method](checkParams(method, params), this);
  }

  #hello({ client, version, protocol, nonce }: Params<'session/hello'>): Result<'session/hello'> {
    const { token } = this.#context;
    if (this.#state !== 'new')
      throw new EarshotError('badRequest', { method: 'session/hello', field: '' }, 'said twice');
    this.#state = 'challenged';
    this.#nonces = { client: nonce, server: newNonce() };
    this.#protocol = protocol;
    this.client = `${client} ${version}`;
    return {
      protocol: PROTOCOL,
      version: this.#context.version,
      pid: process.pid,
      nonce: this.#nonces.server,
      proof: proofOf(token, 'server', this.#nonces),
    };
  }

  #prove({ proof }: Params<'session/prove'>): Result<'session/prove'> {
    const nonces = this.#nonces;
    // Each challenge is good for one answer.
    this.#nonces = null;
    if (this.#state !== 'challenged' || !nonces || !proves(proof, this.#context.token, 'client', nonces)) {
      this.#part('did not prove the token');
      throw new EarshotError('wrongToken');
    }
    clearTimeout(this.#helloTimer);
    this.#reader.limit = MAX_REQUEST_BYTES;
    if (this.#protocol !== PROTOCOL) {
      this.#state = 'stranger';
      const { version: daemon } = this.#context;
      throw new EarshotError('wrongVersion', { daemon, client: this.client, protocol: PROTOCOL });
    }
    this.#state = 'open';
    this.onOpen();
    return {};
  }
}
