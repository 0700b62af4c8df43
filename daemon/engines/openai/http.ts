/** Requests to the server: time-outs, what is worth trying again, and what its refusals mean. */
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { EarshotError } from '../../../schemas/errors.ts';
import { obstacleOf, obstacleTo, useNetwork, type Obstacle } from '../../system/network.ts';

export interface Server {
  url: string;
  key: string | null;
}

const TRIES = 3,
  ANSWER_WITHIN_MS = 300_000,
  LONGEST_PAUSE_MS = 20_000,
  MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/** "http://host:1234", "…/v1", "…/v1/" → "http://host:1234/v1". */
export const baseOf = (url: string): string => {
  const bare = url.replace(/(?<!\/)\/+$/, '');
  return /\/v\d+$/.test(bare) ? bare : `${bare}/v1`;
};

/** A refusal, with the server's own words; `status` lets a caller ask in another way. */
export class Refused extends EarshotError<'serverRefused'> {
  readonly status: number;
  constructor(status: number, url: string, words: string) {
    super('serverRefused', { url, status }, words.slice(0, 2000));
    this.status = status;
  }
}

/** The server knows the question, but not this way of asking it. */
export const isAskedWrong = (error: unknown): error is Refused =>
  error instanceof Refused && (error.status === 400 || error.status === 422);

/** An answer that should be JSON of a shape. @throws badAnswer */
export function readAnswer<T extends TSchema>(bytes: Buffer, shape: T): Static<T> {
  let answer: unknown;
  try {
    answer = JSON.parse(bytes.toString('utf8'));
  } catch {
    answer = null;
  }
  if (!Value.Check(shape, answer)) throw new EarshotError('badAnswer', {}, bytes.subarray(0, 500).toString('utf8'));
  return answer;
}

/**
 * One answer, whole. 429, 5xx and broken connections are tried again with growing pauses (the server's own Retry-After
 * where it names one), then `serverUnreachable`; any other refusal is `serverRefused` at once.
 */
export async function request(
  server: Server,
  method: 'GET' | 'POST',
  path: string,
  body: FormData | object | null,
  signal: AbortSignal,
  tries = TRIES,
): Promise<Buffer> {
  const url = `${baseOf(server.url)}/${path}`;
  for (let n = 1; ; n++) {
    let pauseMs = 500 * 2 ** (n - 1),
      why: Obstacle | undefined,
      words: string;
    try {
      const json = body !== null && !(body instanceof FormData);
      useNetwork();
      const answer = await fetch(url, {
        method,
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
        headers: {
          ...(server.key ? { authorization: `Bearer ${server.key}` } : {}),
          ...(json ? { 'content-type': 'application/json' } : {}),
        },
        ...(body !== null && { body: json ? JSON.stringify(body) : (body as FormData) }),
      });
      if (answer.ok) return await whole(answer);
      words = `${answer.status} ${(await answer.text()).slice(0, 2000)}`;
      if (answer.status !== 429 && answer.status !== 408 && answer.status < 500)
        throw new Refused(answer.status, server.url, words);
      const wanted = Number(answer.headers.get('retry-after'));
      if (wanted > 0) pauseMs = Math.min(wanted * 1000, LONGEST_PAUSE_MS);
    } catch (error) {
      if (signal.aborted) throw new EarshotError('cancelled');
      if (error instanceof EarshotError) throw error;
      words = reason(error);
      why = obstacleTo(server.url, obstacleOf(error));
    }
    if (n >= tries) throw new EarshotError('serverUnreachable', { url: server.url, why }, words);
    await pause(pauseMs, signal);
  }
}

async function whole(answer: Response): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of answer.body ?? []) {
    bytes += part.length;
    if (bytes > MAX_ANSWER_BYTES) throw new EarshotError('badAnswer', {}, 'the answer does not end');
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** The cause says what happened ("connect ECONNREFUSED"); the error itself only "fetch failed". */
const reason = (error: unknown): string => {
  const cause = error instanceof Error ? error.cause : null;
  return cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : String(error);
};

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(new EarshotError('cancelled'));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
