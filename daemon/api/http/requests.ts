/**
 * Requests of the endpoint: who may ask, for what, and how many at once. Every request is checked in this order: the
 * Host header (a web page that had its name resolved to this machine is refused), the bearer token, the path. No CORS
 * header is ever sent, so no web page can read an answer. What a request uploads lies in a folder of its own that goes
 * when the request ends.
 */
import { rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { WebSocketServer } from 'ws';
import { sameToken } from '../../auth/tokens.ts';
import { ulid } from '../../system/ids.ts';
import { errorBody, HttpProblem, problemOf, sendJson } from './problem.ts';
import type { RequestContext } from './request-context.ts';
import { MOST_MESSAGE_BYTES, serveRealtime } from './realtime/session.ts';
import { speak } from './speech.ts';
import { transcribe } from './transcribe.ts';

/** Requests at the same time; each may hold an upload on the disk. */
const MOST_AT_ONCE = 16;
/** How long the rest of a request that was refused is taken from the line. */
const UNWANTED_MS = 1_000;

/** `folder` does not exist yet; `signal` aborts when the client goes away or the server closes. */
type Work = (
  context: RequestContext,
  request: IncomingMessage,
  response: ServerResponse,
  folder: string,
  signal: AbortSignal,
) => Promise<void>;
const WORK: ReadonlyMap<string, Work> = new Map<string, Work>([
  ['/v1/audio/transcriptions', (context, ...rest) => transcribe(context, 'transcribe', ...rest)],
  ['/v1/audio/translations', (context, ...rest) => transcribe(context, 'translate', ...rest)],
  ['/v1/audio/speech', speak],
]);

export class Requests {
  readonly #context: RequestContext;
  readonly #uploads: string;
  readonly #clock: () => number;
  readonly #log: Logger;
  readonly #silentMs: number;
  /** How many requests are under way over a connection. */
  readonly #atWork = new WeakMap<Socket, number>();
  /** Connections that have shown the token. */
  readonly #known = new WeakSet<Socket>();
  readonly #underWay = new Map<AbortController, Promise<void>>();
  #sockets: WebSocketServer | null = null;

  /** `uploads`: the folder in which each request gets its own. `silentMs`: how long a WebSocket may give no sign. */
  constructor(
    context: RequestContext,
    { uploads, clock, log, silentMs }: { uploads: string; clock: () => number; log: Logger; silentMs: number },
  ) {
    this.#context = context;
    this.#uploads = uploads;
    this.#clock = clock;
    this.#log = log;
    this.#silentMs = silentMs;
  }

  /** Answers a request, also one that fails. `token`: what it must bear. */
  answer(request: IncomingMessage, response: ServerResponse, token: string): void {
    this.#route(request, response, token).catch(error => this.#refuse(request, response, error));
  }

  /** The same for a request to become a WebSocket. */
  upgrade(request: IncomingMessage, socket: Socket, head: Buffer, token: string): void {
    socket.on('error', () => {}); // its close says the rest
    this.#upgrade(request, socket, head, token).catch(error => refuseUpgrade(socket, problemOf(error)));
  }

  async #upgrade(request: IncomingMessage, socket: Socket, head: Buffer, token: string): Promise<void> {
    authorizeUpgrade(request, token);
    this.#known.add(request.socket);
    if (pathOf(request) !== '/v1/realtime')
      throw new HttpProblem(404, 'not_found', `There is no WebSocket at ${pathOf(request)}.`);
    if (new URL(request.url!, 'http://localhost').searchParams.get('intent') !== 'transcription')
      throw new HttpProblem(400, 'invalid_value', 'Only transcription: ask for intent=transcription.', 'intent');
    // Loaded when first asked for: it brings Node's HTTP client along, which no start waits for.
    const { WebSocketServer } = await import('ws');
    this.#sockets ??= new WebSocketServer({
      noServer: true,
      maxPayload: MOST_MESSAGE_BYTES,
      // Of the two that clients offer, the other one is the token.
      handleProtocols: protocols => (protocols.has('realtime') ? 'realtime' : false),
    });
    const abort = this.#admit();
    this.#sockets.handleUpgrade(request, socket, head, connection => {
      const how = { clock: this.#clock, silentMs: this.#silentMs, signal: abort.signal };
      void this.#follow(abort, serveRealtime(this.#context, connection, how));
    });
  }

  /** Whether a request with the token came over this connection. */
  knows(socket: Socket): boolean {
    return this.#known.has(socket);
  }

  /** Whether something is done for a request that came over this connection. */
  isAtWork(socket: Socket): boolean {
    return (this.#atWork.get(socket) ?? 0) > 0;
  }

  /** Ends what is under way; resolves when its files are gone. */
  async abort(): Promise<void> {
    for (const controller of this.#underWay.keys()) controller.abort();
    await Promise.all(this.#underWay.values());
  }

  async #route(request: IncomingMessage, response: ServerResponse, token: string): Promise<void> {
    authorize(request, token);
    this.#known.add(request.socket);
    const path = pathOf(request);
    if (path === '/v1/models' || path.startsWith('/v1/models/')) {
      allowOnly('GET', request, path);
      this.#listModels(response, decoded(path.slice('/v1/models/'.length)));
      return;
    }
    const work = WORK.get(path);
    if (!work) throw new HttpProblem(404, 'not_found', `There is nothing at ${path}.`);
    allowOnly('POST', request, path);
    await this.#run(work, request, response);
  }

  #listModels(response: ServerResponse, id: string): void {
    const data = (['asr', 'tts'] as const)
      .flatMap(stage => this.#context.installed(stage))
      .map(name => ({ id: name, object: 'model', created: 0, owned_by: 'earshot' }));
    if (!id) {
      sendJson(response, 200, { object: 'list', data });
      return;
    }
    const found = data.find(model => model.id === id);
    if (!found)
      throw new HttpProblem(404, 'model_not_found', `There is no installed model ${JSON.stringify(id)}.`, 'model');
    sendJson(response, 200, found);
  }

  async #run(work: Work, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const abort = this.#admit(),
      folder = join(this.#uploads, ulid(this.#clock())),
      { socket } = request,
      count = (by: number): unknown => this.#atWork.set(socket, (this.#atWork.get(socket) ?? 0) + by);
    response.once('close', () => abort.abort());
    count(1);
    const done = work(this.#context, request, response, folder, abort.signal).finally(() => {
      count(-1);
      return rm(folder, { recursive: true, force: true });
    });
    await this.#follow(abort, done);
  }

  /** What ends a request that may begin. @throws HttpProblem 429 */
  #admit(): AbortController {
    if (this.#underWay.size >= MOST_AT_ONCE)
      throw new HttpProblem(
        429,
        'too_many_requests',
        `${MOST_AT_ONCE} requests are under way; try again when one has ended.`,
      );
    return new AbortController();
  }

  async #follow(abort: AbortController, done: Promise<void>): Promise<void> {
    this.#underWay.set(
      abort,
      done.catch(() => {}),
    );
    try {
      await done;
    } finally {
      this.#underWay.delete(abort);
    }
  }

  #refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    if (response.destroyed || response.writableEnded) return;
    const problem = problemOf(error);
    if (problem.status >= 500)
      this.#log.error({ err: error as Error, method: request.method, url: request.url }, 'http request failed');
    if (response.headersSent) {
      response.destroy();
      return;
    }
    sendJson(response, problem.status, errorBody(problem), {
      ...(problem.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      ...(problem.status === 429 ? { 'retry-after': '5' } : {}),
    });
    if (request.complete) return;
    // Who is still sending would not see the answer if the connection ended under it: what comes is thrown away for a
    // while.
    const patience = setTimeout(() => request.socket.destroy(), UNWANTED_MS).unref();
    request.once('end', () => clearTimeout(patience)).resume();
  }
}

const pathOf = (request: IncomingMessage): string => (request.url ?? '/').split('?', 1)[0]!.replace(/(?<!\/)\/+$/, '');

/**
 * Where a client cannot set headers, its token comes as a protocol. No page may open a WebSocket, whatever it knows: a
 * browser would let it read the answers. @throws HttpProblem 403, 401
 */
function authorizeUpgrade(request: IncomingMessage, token: string): void {
  if (request.headers.origin !== undefined) throw new HttpProblem(403, 'wrong_origin', 'Pages are not served.');
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map(each => each.trim()),
    given = offered.find(each => each.startsWith(TOKEN_PROTOCOL))?.slice(TOKEN_PROTOCOL.length);
  if (given !== undefined && request.headers.authorization === undefined)
    request.headers.authorization = `Bearer ${given}`;
  authorize(request, token);
}
const TOKEN_PROTOCOL = 'openai-insecure-api-key.';

/** An answer in the place of the upgrade. Who keeps the connection open is given up: no server looks after it now. */
function refuseUpgrade(socket: Socket, problem: HttpProblem): void {
  const patience = setTimeout(() => socket.destroy(), UNWANTED_MS).unref();
  socket.once('close', () => clearTimeout(patience));
  socket.once('end', () => socket.destroy()).resume();
  const body = JSON.stringify(errorBody(problem));
  socket.end(
    `HTTP/1.1 ${problem.status} refused\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

/** @throws HttpProblem 403, 401 */
function authorize(request: IncomingMessage, token: string): void {
  const port = request.socket.localPort,
    host = request.headers.host?.toLowerCase() ?? '';
  if (![`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`].includes(host))
    throw new HttpProblem(403, 'wrong_host', `Ask for 127.0.0.1:${port}.`);
  const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  if (!sameToken(given, token))
    throw new HttpProblem(
      401,
      'invalid_api_key',
      'The API key is not the one of this daemon. `earshot daemon http` shows it.',
    );
}

/** @throws HttpProblem 405 */
function allowOnly(method: string, request: IncomingMessage, path: string): void {
  if (request.method !== method) throw new HttpProblem(405, 'method_not_allowed', `${path} takes ${method}.`);
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
