/** A file from a registry, taken only when it is the one that a lock names. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { openAnew } from '../../client/files.ts';
import { EarshotError } from '../../schemas/errors.ts';
import type { RuntimeId } from '../contracts/engine.ts';
import { obstacleOf } from '../system/network.ts';

const PAUSES_MS = [300, 1_500];
/** Every version of a package that has many, and every archive of a model or a GPU's library. */
const MOST_TEXT_BYTES = 64 * 1024 ** 2,
  MOST_ARCHIVE_BYTES = 8 * 1024 ** 3;

/** Asking again does not help. */
export class Refused extends Error {}

/** One request. Names and passwords in an address become a header, as every other client does it. */
export function ask(
  address: string,
  signal: AbortSignal,
  headers: Readonly<Record<string, string | undefined>> = {},
): Promise<Response> {
  const url = new URL(address),
    given = Object.entries(headers).filter((each): each is [string, string] => each[1] !== undefined),
    { username, password } = url;
  url.username = url.password = '';
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return fetch(url, {
    headers: {
      'user-agent': 'earshot',
      ...(username ? { authorization: `Basic ${Buffer.from(login).toString('base64')}` } : {}),
      ...Object.fromEntries(given),
    },
    signal,
  });
}

/** @throws Refused where the server will say the same again */
export async function accepted(response: Response): Promise<Response & { body: NonNullable<Response['body']> }> {
  if (response.ok && response.body) return response as Response & { body: NonNullable<Response['body']> };
  const { status } = response,
    answer = `${response.url} answers ${status}`;
  await response.body?.cancel();
  throw status >= 500 || status === 408 || status === 429 ? new Error(answer) : new Refused(answer);
}

/** An answer about a package, as text. @throws Refused where it does not end */
export async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    if ((bytes += part.length) > MOST_TEXT_BYTES) throw new Refused('the answer about a package does not end');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** Writes a body to a file. @throws where it is not what it should be */
export async function keep(
  body: AsyncIterable<Uint8Array>,
  path: string,
  { algorithm, digest, encoding }: { algorithm: string; digest: string; encoding: 'base64' | 'hex' },
): Promise<void> {
  const hash = createHash(algorithm),
    file = await openAnew(path, 0o600);
  try {
    let bytes = 0;
    for await (const chunk of body) {
      if ((bytes += chunk.length) > MOST_ARCHIVE_BYTES) throw new Refused(`${path} does not end`);
      hash.update(chunk);
      await file.write(chunk);
    }
  } finally {
    await file.close();
  }
  if (hash.digest(encoding) !== digest) throw new Error(`${path} is not what it should be`);
}

/** What a cut connection or a busy server spoils is tried again. */
export async function persistently(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  for (const pauseMs of [...PAUSES_MS, null])
    try {
      await work();
      return;
    } catch (error) {
      if (signal.aborted || pauseMs === null || error instanceof Refused) throw error;
      await sleep(pauseMs, undefined, { signal });
    }
}

/** Why a runtime could not be fetched: as it is thrown. */
export function fetchFailure(runtime: RuntimeId, error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return new EarshotError('cancelled');
  // Our own disk, which no registry can mend.
  if ((error as NodeJS.ErrnoException).syscall && (error as NodeJS.ErrnoException).code === 'ENOSPC') return error;
  const said: string[] = [],
    why = obstacleOf(error);
  for (let at = error; at instanceof Error; at = at.cause) said.push(at.message);
  return new EarshotError('engineInstallFailed', { engine: runtime, ...(why ? { why } : {}) }, said.join(': '), {
    cause: error,
  });
}
