/**
 * The client side of the socket, shared by the command line, the editor and the tests: typed calls with checked
 * answers, events with gaps noticed, and a daemon that starts when it is needed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, lstatSync, readSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Compile, type Validator } from 'typebox/compile';
import { Value } from 'typebox/value';
import {
  ConnectionError,
  createMessageConnection,
  ErrorCodes,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import { makeFolderNow, openFileNow, openLog } from './files.ts';
import { readSmall } from './small-file.ts';
import { proxyEnvironment } from './proxies.ts';
import { newNonce, proofOf, proves, readAccess } from './handshake.ts';
import { EarshotError, thrown, toFailure } from '../schemas/errors.ts';
import { Failure } from '../schemas/failure.ts';
import { openOf } from '../schemas/open.ts';
import {
  FAILURE_CODE,
  METHODS,
  PROTOCOL,
  STATE_EVENTS,
  StateEvent,
  type Handshake,
  EVENT_TYPES,
  type Method,
  type Params,
  type Result,
  type StateEvents,
} from '../schemas/rpc.ts';

/** What a daemon that found another one already serving ends with; whoever started it just connects to the other. */
export const DAEMON_RUNNING_EXIT = 3;

export interface Client {
  /** The daemon's version and process, from the handshake. */
  readonly daemon: { version: string; pid: number };
  /**
   * @throws EarshotError with the daemon's own failure, `badAnswer` for an answer of the wrong shape,
   * `daemonUnreachable` when the connection ended.
   */
  call<M extends Exclude<Method, Handshake>>(method: M, params: Params<M>): Promise<Result<M>>;
  /** Batches in order; `onGap`: some were missed, so subscribe again. Returns the way to stop. */
  onEvents(listener: (batch: StateEvents) => void, onGap?: () => void): () => void;
  /** Resolves when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>;
  dispose(): void;
}

export interface ConnectOptions {
  socket: string;
  token: string;
  client: string;
  version: string;
}

/**
 * Connects and says hello.
 * @throws daemonUnreachable, wrongToken, wrongVersion
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  const socket = await reach(options.socket);
  const client = new Connection(socket);
  try {
    await client.hello(options);
    return client;
  } catch (error) {
    client.dispose();
    throw error;
  }
}

/** Throws where the socket is not this user's own: somebody else may have put one in its place. */
function checkOwner(socket: string): void {
  const uid = process.getuid?.();
  if (uid === undefined) return; // Windows: the pipe's name is a secret of this user's
  const folder = dirname(socket),
    { uid: owner, mode } = lstatSync(folder);
  if (!lstatSync(folder).isDirectory() || owner !== uid || (mode & 0o022) !== 0)
    throw new Error(`${folder} is not this user's alone`);
  if (lstatSync(socket).uid !== uid) throw new Error(`${socket} belongs to another user`);
}

async function reach(path: string): Promise<Socket> {
  try {
    checkOwner(path);
  } catch (error) {
    throw new EarshotError('daemonUnreachable', { socket: path }, (error as Error).message, { cause: error });
  }
  const socket = createConnection(path);
  try {
    await once(socket, 'connect');
    return socket;
  } catch (error) {
    socket.destroy();
    throw new EarshotError('daemonUnreachable', { socket: path }, (error as Error).message, { cause: error });
  }
}

const results = new Map<Method, Validator>();
let events: Validator | null = null;

/** The request did not leave, or its answer never comes. */
const CUT: ReadonlySet<number> = new Set([
  ErrorCodes.MessageWriteError,
  ErrorCodes.PendingResponseRejected,
  ErrorCodes.ConnectionInactive,
]);

class Connection implements Client {
  daemon = { version: '', pid: 0 };
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #rpc: MessageConnection;
  readonly #listeners = new Set<{ listener: (batch: StateEvents) => void; onGap: (() => void) | undefined }>();
  #seq: number | null = null;
  #gone = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#rpc = createMessageConnection(new StreamMessageReader(socket), new StreamMessageWriter(socket));
    this.closed = new Promise(resolve => {
      // dispose() rejects the requests that are still open.
      socket.once('close', () => {
        this.#gone = true;
        this.#rpc.dispose();
        resolve();
      });
    });
    socket.on('error', () => {});
    this.#rpc.onError(() => socket.destroy());
    this.#rpc.onNotification(STATE_EVENTS, (batch: StateEvents) => this.#take(batch));
    this.#rpc.listen();
  }

  async hello({ token, client, version }: ConnectOptions): Promise<void> {
    const nonce = newNonce();
    const answer = await this.#send('session/hello', { protocol: PROTOCOL, client, version, nonce });
    const nonces = { client: nonce, server: answer.nonce };
    if (!proves(answer.proof, token, 'server', nonces))
      throw new EarshotError('wrongToken', {}, 'whoever answers does not know the token');
    this.daemon = { version: answer.version, pid: answer.pid };
    await this.#send('session/prove', { proof: proofOf(token, 'client', nonces) });
  }

  async call<M extends Exclude<Method, Handshake>>(method: M, params: Params<M>): Promise<Result<M>> {
    const answer = await this.#send(method, params);
    // The snapshot's seq is where its events begin.
    if (method === 'state/subscribe') this.#seq = (answer as Result<'state/subscribe'>).seq;
    return answer;
  }

  onEvents(listener: (batch: StateEvents) => void, onGap?: () => void): () => void {
    const entry = { listener, onGap };
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  dispose(): void {
    this.#socket.destroy();
  }

  async #send<M extends Method>(method: M, params: Params<M>): Promise<Result<M>> {
    if (this.#gone) throw new EarshotError('daemonUnreachable', {}, 'the connection has ended');
    let answer: unknown;
    try {
      answer = await this.#rpc.sendRequest(method, params);
    } catch (error) {
      throw this.#failure(error);
    }
    let validator = results.get(method);
    if (!validator) results.set(method, (validator = Compile(openOf(METHODS[method].result)) as Validator));
    if (validator.Check(answer)) return answer as Result<M>;
    const [first] = validator.Errors(answer);
    throw new EarshotError('badAnswer', { engine: 'earshotd', method }, `${first?.instancePath} ${first?.message}`);
  }

  #failure(error: unknown): EarshotError {
    if (error instanceof EarshotError) return error;
    if (error instanceof ResponseError && error.code === FAILURE_CODE) {
      // A code that this client does not know comes from another version: it is shown as it is.
      return Value.Check(openOf(Failure), error.data)
        ? thrown(error.data as Failure)
        : new EarshotError('badAnswer', { engine: 'earshotd' }, JSON.stringify(error.data)?.slice(0, 1000));
    }
    // A daemon that was killed shows in what is written to it before its end is noticed.
    const cut = error instanceof ConnectionError || (error instanceof ResponseError && CUT.has(error.code));
    if (this.#gone || cut) return new EarshotError('daemonUnreachable', {}, 'the connection ended');
    return new EarshotError('badAnswer', { engine: 'earshotd' }, (error as Error).message);
  }

  #take(batch: StateEvents): void {
    events ??= Compile(openOf(StateEvent)) as Validator;
    const gap = this.#seq !== null && batch.previous !== this.#seq;
    this.#seq = batch.seq;
    const whole = batch.events.filter(event => events!.Check(event));
    // A newer daemon's kinds of event are nobody's business here.
    const known: StateEvents = { ...batch, events: whole.filter(event => EVENT_TYPES.has(event.type)) };
    for (const { listener, onGap } of [...this.#listeners])
      try {
        if (gap || whole.length < batch.events.length) onGap?.();
        listener(known);
      } catch (error) {
        // The others still get the batch; the fault is this listener's own, and must not end in the connection's hands,
        // which drop it.
        queueMicrotask(() => {
          throw error;
        });
      }
  }
}

export interface EnsureOptions {
  /** How a daemon is started; no shell. */
  command: { program: string; args: string[]; env?: Record<string, string | undefined> };
  socket: string;
  tokenPath: string;
  client: string;
  version: string;
  /** How long a daemon may take to answer. */
  timeoutMs: number;
  /** Where the started daemon's stderr goes: its last lines explain a start that failed. */
  log?: string;
  /** Called once each when it happens. */
  onProgress?: (step: 'starting' | 'replacing') => void;
}

/**
 * Connects to the daemon, starting one when there is none and replacing one that is older than this client (it finishes
 * what runs first).
 * @throws daemonUnreachable with the daemon's last words, wrongVersion when the daemon is newer and speaks another
 * protocol
 */
export async function ensureDaemon(options: EnsureOptions): Promise<Client> {
  const deadline = Date.now() + options.timeoutMs;
  const found = await tryConnect(options);
  if (found && !isOlder(found.daemon.version, options.version)) return found;
  if (found) {
    options.onProgress?.('replacing');
    await stopDaemon(found);
  }
  options.onProgress?.('starting');
  let child = start(options);
  // Somebody waits for a start of a third of a second: looking is cheap.
  for (let pause = 15; ; pause = Math.min(pause * 1.5, 30)) {
    await sleep(pause);
    const client = await tryConnect(options);
    if (client) return client;
    const ended = child.ended();
    // Another holds the lock and does not answer: it is still starting, or just leaving. In the second case one more is
    // needed.
    if (ended === DAEMON_RUNNING_EXIT) {
      await sleep(250);
      child = start(options);
    }
    if (ended !== null && ended !== DAEMON_RUNNING_EXIT) throw lastWords(child.words(), options.socket);
    if (Date.now() > deadline) throw lastWords(child.words() || `no answer in ${options.timeoutMs} ms`, options.socket);
  }
}

/** Ends when what runs has ended, which is bounded by the length of an utterance: no deadline of ours. */
async function stopDaemon(client: Client): Promise<void> {
  try {
    await client.call('daemon/stop', { finish: true });
    await client.closed;
  } catch (error) {
    // Another client may have asked first.
    if (toFailure(error).code !== 'daemonUnreachable') throw error;
  } finally {
    client.dispose();
  }
}

/** A daemon that cannot start says why as a Failure on its last line; anything else is detail. */
function lastWords(words: string, socket: string): EarshotError {
  try {
    const failure: unknown = JSON.parse(words.split('\n').at(-1) ?? '');
    if (Value.Check(openOf(Failure), failure)) return thrown(failure as Failure);
  } catch {
    /* no failure of ours */
  }
  return new EarshotError('daemonUnreachable', { socket }, words);
}

/** A token, and the name of a pipe. */
const MOST_TOKEN_BYTES = 4096;

/** Null: nobody there, or not yet. */
async function tryConnect({ socket: usual, tokenPath, client, version }: EnsureOptions): Promise<Client | null> {
  let text: string;
  try {
    text = (await readSmall(tokenPath, MOST_TOKEN_BYTES)).toString('utf8');
  } catch {
    return null;
  }
  const { socket, token } = readAccess(text, usual);
  try {
    return await connect({ socket, token, client, version });
  } catch (error) {
    const code = error instanceof EarshotError ? error.failure.code : null;
    // Between a new daemon's token and its socket an old token may still be read: try again.
    if (code === 'daemonUnreachable' || code === 'wrongToken') return null;
    if (code === 'wrongVersion')
      return await stopStranger({ socket, token, client, version }, (error as EarshotError).failure);
    throw error;
  }
}

/** A daemon of another protocol: an older one is asked to finish, and null lets a new one be started. */
async function stopStranger(options: ConnectOptions, refused: Failure): Promise<null> {
  if (!isOlder(String(refused.args.daemon), options.version)) throw thrown(refused);
  const socket = await reach(options.socket).catch(() => null);
  if (!socket) return null; // it has left meanwhile
  const client = new Connection(socket);
  // It refuses another protocol, and yet takes this one word.
  await client.hello(options).catch(() => {});
  await stopDaemon(client);
  return null;
}

/** Where Node keeps what it compiled of the daemon's bundle: beside it, where only its owner writes. */
const compileCache = (bundle: string | undefined): NodeJS.ProcessEnv =>
  bundle?.endsWith('earshotd.mjs') ? { NODE_COMPILE_CACHE: join(dirname(bundle), '.earshot-compiled') } : {};

/** Nodes that cannot be told later are told by their environment. */
const withProxies = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({ ...env, ...proxyEnvironment(env) });

function start({ command, log }: EnsureOptions): { ended: () => number | null; words: () => string } {
  if (log) makeFolderNow(dirname(log), 0o700);
  const errors = log ? openLog(log) : null;
  const before = errors === null ? 0 : fstatSync(errors).size;
  let ended: number | null = null;
  let failed = '';
  const child = spawn(command.program, command.args, {
    detached: true,
    stdio: ['ignore', 'ignore', errors ?? 'ignore'],
    windowsHide: true,
    // It outlives us, and must not hold the folder that we stand in.
    ...(log ? { cwd: dirname(log) } : {}),
    env: withProxies({ ...compileCache(command.args.at(-1)), ...process.env, ...command.env }),
  });
  child.on('error', error => {
    failed = error.message;
    ended = -1;
  });
  child.on('exit', code => {
    ended = code ?? -1;
  });
  child.unref();
  if (errors !== null) closeSync(errors);
  return { ended: () => ended, words: () => failed || (log ? lastLines(log, before) : '') };
}

const LAST_LINES = 8,
  LAST_BYTES = 64 * 1024;
/** The end of a file that grows with every start: of what came after `from`, its last lines. */
function lastLines(path: string, from: number): string {
  let file: number | undefined;
  try {
    file = openFileNow(path);
    const { size } = fstatSync(file),
      start = Math.max(from, size - LAST_BYTES),
      bytes = Buffer.alloc(Math.max(0, size - start));
    const text = bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, start));
    return text.trimEnd().split('\n').slice(-LAST_LINES).join('\n');
  } catch (error) {
    return (error as Error).message;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Whether version a (x.y.z) is older than b. */
export function isOlder(a: string, b: string): boolean {
  const parts = (version: string): number[] => version.split('.').map(part => Number.parseInt(part, 10) || 0);
  const [x, y] = [parts(a), parts(b)];
  for (let i = 0; i < 3; i += 1) if ((x[i] ?? 0) !== (y[i] ?? 0)) return (x[i] ?? 0) < (y[i] ?? 0);
  return false;
}
