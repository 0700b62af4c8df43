/**
 * The OpenAI-compatible server: HTTP on this machine's loopback, off until the setting `http` turns it on.
 *
 * Every request is checked in this order: the Host header (a web page that had its name resolved to this machine is
 * refused), the bearer token, the path. No CORS header is ever sent, so no web page can read an answer. Uploads lie in
 * a folder of their own and go when the request ends; what a crash left there goes at the next start, and with it the
 * jobs of clients that are no more.
 */
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, sep } from 'node:path';
import type { Logger } from 'pino';
import { failure, type Failure } from '../../../schemas/errors.ts';
import type { Transcript } from '../../../schemas/job.ts';
import type { Model } from '../../../schemas/model.ts';
import type { Settings } from '../../../schemas/settings.ts';
import type { Stage } from '../../../schemas/words.ts';
import { ulid } from '../../system/ids.ts';
import { servesLanguage } from '../../models/defaults.ts';
import { newToken, sameToken } from '../../auth/tokens.ts';
import type { Store } from '../../contracts/store.ts';
import { SerialQueue } from '../../system/serial.ts';
import type { RequestContext } from './request-context.ts';
import type { HttpJobDeps } from './http-job.ts';
import { errorBody, HttpProblem, problemOf, sendJson } from './problem.ts';
import { speak } from './speech.ts';
import { transcribe } from './transcribe.ts';

export interface HttpServerDeps extends HttpJobDeps {
  /** Folder of uploads, and file of the token that is made where the setting names none. */
  uploads: string;
  tokenFile: string;
  settings: () => Settings;
  models: () => Model[];
  store: Pick<Store, 'activeJobs'>;
  transcript(id: string): Transcript;
  ffmpeg(): string;
  clock: () => number;
  log: Logger;
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

const MiB = 1024 ** 2,
  DEFAULT_UPLOAD_BYTES = 1024 * MiB;
/** Requests at the same time; each may hold an upload on the disk. */
const MOST_AT_ONCE = 16;
/** How long the rest of a request that was refused is taken from the line. */
const UNWANTED_MS = 1_000;
/** Names of OpenAI's own models, which programs have built in. */
const THEIRS = /^(whisper-1|gpt-4o(-mini)?-(transcribe|tts)(-.*)?|gpt-(audio|transcribe|tts).*|tts-1(-hd)?(-.*)?)$/;
const LOOPBACK = '127.0.0.1';

export function createHttpServer(deps: HttpServerDeps): HttpServer {
  let server: Server | null = null,
    opened: { port: number; asked: string; token: string } | null = null,
    why: Failure | null = null,
    cleared = false;
  const turns = new SerialQueue();
  const underWay = new Map<AbortController, Promise<void>>();

  const installed = (stage: Stage): Model[] =>
    deps
      .models()
      .filter(
        model => model.card.stages.includes(stage) && (model.state === 'installed' || model.card.files.length === 0),
      );
  const context: RequestContext = {
    ...deps,
    maxUploadBytes: () => deps.settings().http?.maxUploadBytes ?? DEFAULT_UPLOAD_BYTES,
    modelFor: (stage, name) => {
      if (name === undefined || THEIRS.test(name)) return undefined;
      const known = installed(stage).find(model => model.card.id === name);
      if (!known)
        throw new HttpProblem(
          404,
          'model_not_found',
          `There is no installed model ${JSON.stringify(name)} for this. GET /v1/models lists them.`,
          'model',
        );
      return known.card.id;
    },
    voiceNamed: name => installed('tts').find(model => model.card.id === name)?.card.id,
    speaks: (id, language) =>
      installed('tts').some(model => model.card.id === id && servesLanguage(model.card, language)),
    languageOf: id => installed('tts').find(model => model.card.id === id)?.card.languages[0],
  };

  const serve = async (request: IncomingMessage, response: ServerResponse, token: string): Promise<void> => {
    const port = request.socket.localPort;
    if (
      !new Set([`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]).has(
        request.headers.host?.toLowerCase() ?? '',
      )
    )
      throw new HttpProblem(403, 'wrong_host', `Ask for 127.0.0.1:${port}.`);
    const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
    if (!sameToken(given, token))
      throw new HttpProblem(
        401,
        'invalid_api_key',
        'The API key is not the one of this daemon. `earshot daemon http` shows it.',
      );
    const path = (request.url ?? '/').split('?', 1)[0]!.replace(/\/+$/, '');
    const only = (method: string): void => {
      if (request.method !== method) throw new HttpProblem(405, 'method_not_allowed', `${path} takes ${method}.`);
    };
    if (path === '/v1/models' || path.startsWith('/v1/models/')) {
      only('GET');
      listModels(response, decoded(path.slice('/v1/models/'.length)));
      return;
    }
    const work =
      path === '/v1/audio/transcriptions'
        ? transcribe.bind(null, context, 'transcribe')
        : path === '/v1/audio/translations'
          ? transcribe.bind(null, context, 'translate')
          : path === '/v1/audio/speech'
            ? speak.bind(null, context)
            : null;
    if (!work) throw new HttpProblem(404, 'not_found', `There is nothing at ${path}.`);
    only('POST');
    if (underWay.size >= MOST_AT_ONCE)
      throw new HttpProblem(
        429,
        'too_many_requests',
        `${MOST_AT_ONCE} requests are under way; try again when one has ended.`,
      );
    const abort = new AbortController(),
      place = join(deps.uploads, ulid(deps.clock()));
    response.once('close', () => abort.abort());
    const done = work(request, response, place, abort.signal).finally(() =>
      rm(place, { recursive: true, force: true }),
    );
    underWay.set(
      abort,
      done.catch(() => {}),
    );
    try {
      await done;
    } finally {
      underWay.delete(abort);
    }
  };

  const listModels = (response: ServerResponse, id: string): void => {
    const data = (['asr', 'tts'] as const)
      .flatMap(installed)
      .map(({ card }) => ({ id: card.id, object: 'model', created: 0, owned_by: 'earshot' }));
    if (!id) {
      sendJson(response, 200, { object: 'list', data });
      return;
    }
    const found = data.find(model => model.id === id);
    if (!found)
      throw new HttpProblem(404, 'model_not_found', `There is no installed model ${JSON.stringify(id)}.`, 'model');
    sendJson(response, 200, found);
  };

  const refuse = (request: IncomingMessage, response: ServerResponse, error: unknown): void => {
    if (response.destroyed || response.writableEnded) return;
    const problem = problemOf(error);
    if (problem.status >= 500)
      deps.log.error({ err: error as Error, method: request.method, url: request.url }, 'http request failed');
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
  };

  const close = async (): Promise<void> => {
    const closing = server;
    server = null;
    opened = null;
    if (!closing) return;
    for (const abort of underWay.keys()) abort.abort();
    const closed = once(closing, 'close');
    closing.close();
    // Also those that are still sending: nothing of theirs keeps us here.
    closing.closeAllConnections();
    await Promise.all(underWay.values());
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
    const next = createServer(
      { headersTimeout: 10_000, requestTimeout: 0, keepAliveTimeout: 5_000, maxHeaderSize: 16_384 },
      (request, response) => {
        serve(request, response, token).catch(error => refuse(request, response, error));
      },
    );
    next.maxConnections = 64;
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

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

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
  const real = realpathSync(uploads);
  for (const row of store.activeJobs()) if (row.path.startsWith(real + sep)) queue.cancel([row.id]);
  for (const left of readdirSync(uploads)) rmSync(join(uploads, left), { recursive: true, force: true });
}
