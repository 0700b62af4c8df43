/**
 * Files from a Hugging Face hub or a mirror of it, by HTTP: resumed by range, retried when cut, given up quickly when
 * there is no way to the hub.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { EarshotError, isDiskFull, isFailure } from '../../schemas/errors.ts';
import type { Obstacle } from '../system/network.ts';
import type { ListedFile } from './hub-choice.ts';
import { causeOf, HubRequests, type HubTag, type HubTimes } from './hub-requests.ts';
import type { PartFile } from './part-file.ts';
import { parseJson } from '../system/json.ts';

export interface HubFile {
  repository: string;
  revision: string;
  path: string;
}

/**
 * What the registry knows: bytes that are pinned are the same from every source, and a file of another size is not even
 * begun.
 */
export interface Expected {
  pinned: boolean;
  bytes: number | null;
}

export interface Hub {
  /** Whether the hub answers; what was found is remembered for a while. */
  reachable(base: string, signal?: AbortSignal): Promise<boolean>;
  /** False only when it was tried lately and could not be reached. */
  maybeReachable(base: string): boolean;
  /** What stood in the way when it was last asked, where that is known. */
  obstacle?(base: string): Obstacle | undefined;
  /**
   * Fetches a file into `part`, after what is there. Throws `cancelled`, `checksumMismatch`, or `downloadFailed`: with
   * `status` when the hub refused, with `bytes` when the connection was cut again and again.
   */
  /**
   * What is in a repository. Throws `modelGated`, `notOnHub`, `downloadFailed`, `cancelled`.
   */
  list(base: string, repository: string, revision: string, signal: AbortSignal): Promise<HubRepository>;
  fetch(
    base: string,
    file: HubFile,
    part: PartFile,
    expected: Expected,
    onBytes: (total: number | null) => void,
    signal: AbortSignal,
  ): Promise<HubTag>;
}

/** What a hub says about a repository. */
export interface HubRepository {
  /** The commit that the revision stands for. */
  commit: string;
  files: ListedFile[];
  licence: string;
}

export interface HubOptions extends Partial<HubTimes> {
  retryPausesMs?: readonly number[];
}

/** A hub that is busy may say when to ask again; longer than this nobody waits. */
const LONGEST_PAUSE_MS = 60_000,
  MOST_LISTING_BYTES = 16 * 1024 ** 2,
  /** About ten thousand files. */
  MOST_LISTING_PARTS = 200_000;

const RETRY_STATUS: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

export function createHub({
  connectMs = 5_000,
  stallMs = 30_000,
  retryPausesMs = [500, 2_000, 5_000, 10_000],
  rememberMs = 5 * 60_000,
  now = () => performance.now(),
  token = async () => undefined,
}: HubOptions = {}): Hub {
  const requests = new HubRequests({ connectMs, stallMs, rememberMs, now, token });
  return {
    list: (base, repository, revision, signal) =>
      tryAgain(() => listOnce({ requests, base, repository, revision, signal, hasToken: token(base) }), {
        pausesMs: retryPausesMs,
        signal,
        isRetryable: error => isRetryable(error, { requests, base }),
        progress: () => 0,
      }),
    obstacle: base => requests.obstacle(base),
    maybeReachable: base => requests.maybeReachable(base),
    reachable: (base, signal) => requests.reachable(base, signal),
    fetch: async (base, file, part, expected, onBytes, signal) => {
      const url =
        `${base.replace(/(?<!\/)\/+$/, '')}/${file.repository}/resolve/${encodeURIComponent(file.revision)}` +
        `/${file.path.split('/').map(encodeURIComponent).join('/')}`;
      if (!requests.maybeReachable(base))
        throw new EarshotError(
          'downloadFailed',
          { url, why: requests.obstacle(base) },
          'the hub could not be reached a moment ago',
        );
      // What is not pinned goes on only from the same hub.
      if (!expected.pinned && part.note?.source !== 'hub') await part.truncate(0);
      const transfer: Transfer = { requests, base, url, path: file.path, part, expected, stallMs, onBytes, signal };
      return fetchWithRetries(transfer, retryPausesMs);
    },
  };
}

/** One file on its way from a hub. */
interface Transfer {
  requests: HubRequests;
  base: string;
  url: string;
  /** In its repository, for failures. */
  path: string;
  part: PartFile;
  expected: Expected;
  stallMs: number;
  onBytes: (total: number | null) => void;
  signal: AbortSignal;
}

/** Tries that brought something do not count. */
async function fetchWithRetries(transfer: Transfer, retryPausesMs: readonly number[]): Promise<HubTag> {
  const { part, url, signal } = transfer;
  try {
    return await tryAgain(() => attempt(transfer), {
      pausesMs: retryPausesMs,
      signal,
      isRetryable: error => isRetryable(error, transfer),
      progress: () => part.bytes,
    });
  } catch (error) {
    if (signal.aborted || !isRetryable(error, transfer)) throw error;
    throw new EarshotError(
      'downloadFailed',
      { url, status: statusOf(error), bytes: part.bytes, why: whyOf(error) },
      (error instanceof EarshotError ? error.failure.detail : undefined) ?? causeOf(error),
      { cause: error },
    );
  }
}

interface Tries {
  pausesMs: readonly number[];
  signal: AbortSignal;
  isRetryable: (error: unknown) => boolean;
  /** Grows as long as tries bring something. */
  progress: () => number;
}

/** With growing pauses, or those that the hub asks for. @throws cancelled, and the last try's own failure */
async function tryAgain<T>(
  work: () => Promise<T>,
  { pausesMs, signal, isRetryable: again, progress }: Tries,
): Promise<T> {
  for (let pauses = 0; ;) {
    const before = progress();
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) throw new EarshotError('cancelled');
      if (!again(error)) throw error;
      if (progress() > before) pauses = 0;
      const pause = pausesMs[pauses++];
      if (pause === undefined) throw error;
      const wanted = error instanceof Busy ? Math.min(error.afterMs, LONGEST_PAUSE_MS) : 0;
      await sleep(Math.max(pause, wanted), undefined, { signal }).catch(() => {
        throw new EarshotError('cancelled');
      });
    }
  }
}

/** A refusal of the hub's, with what it says about another time. */
class Busy extends EarshotError<'downloadFailed'> {
  readonly afterMs: number;
  constructor(url: string, response: Response) {
    super('downloadFailed', { url, status: response.status });
    const after = response.headers.get('retry-after') ?? '';
    this.afterMs = (/^\d+$/.test(after) ? Number(after) * 1000 : Date.parse(after) - Date.now()) || 0;
  }
}

const Listing = Compile(
  Type.Object({
    sha: Type.String({ pattern: '^[0-9a-f]{40}$' }),
    siblings: Type.Array(
      Type.Object({
        rfilename: Type.String({ maxLength: 1000 }),
        size: Type.Optional(Type.Number({ minimum: 0 })),
        lfs: Type.Optional(Type.Union([Type.Null(), Type.Object({ sha256: Type.Optional(Type.String()) })])),
      }),
      { maxItems: 100_000 },
    ),
    cardData: Type.Optional(Type.Union([Type.Null(), Type.Object({ license: Type.Optional(Type.Unknown()) })])),
  }),
);

async function listOnce({
  requests,
  base,
  repository,
  revision,
  signal,
  hasToken,
}: {
  requests: HubRequests;
  base: string;
  repository: string;
  revision: string;
  signal: AbortSignal;
  hasToken: Promise<string | undefined>;
}): Promise<HubRepository> {
  const root = base.replace(/(?<!\/)\/+$/, ''),
    url = `${root}/api/models/${repository}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const { response } = await requests.request(base, url, {}, signal);
  if (response.status !== 200) {
    await response.body?.cancel();
    if (response.status === 401 || response.status === 403)
      throw new EarshotError('modelGated', {
        repository,
        url: `${root}/${repository}`,
        token: (await hasToken) === undefined ? 0 : 1,
      });
    if (response.status === 404) throw new EarshotError('notOnHub', { repository, revision });
    throw new Busy(url, response);
  }
  const broken = (why: string): EarshotError => new EarshotError('downloadFailed', { url, status: 200 }, why);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MOST_LISTING_BYTES) throw broken('the list of files does not end');
    chunks.push(chunk);
  }
  let listing: unknown;
  try {
    listing = parseJson(Buffer.concat(chunks), MOST_LISTING_PARTS);
  } catch {
    throw broken('the hub answered something else than a list of files');
  }
  if (!Listing.Check(listing)) throw broken('the hub answered something else than a list of files');
  const licence = listing.cardData?.license;
  return {
    commit: listing.sha,
    licence: typeof licence === 'string' ? licence.slice(0, 200) : '',
    files: listing.siblings
      // A path in an address leads upwards as well.
      .filter(({ rfilename }) => !rfilename.split(/[/\\]/).some(part => part === '' || part === '.' || part === '..'))
      .map(({ rfilename, size, lfs }) => ({
        path: rfilename,
        bytes: size ?? null,
        sha256: lfs?.sha256 !== undefined && /^[0-9a-f]{64}$/.test(lfs.sha256) ? lfs.sha256 : null,
      })),
  };
}

/** What may pass: a connection that was cut, a hub that is busy. */
function isRetryable(error: unknown, { requests, base }: Pick<Transfer, 'requests' | 'base'>): boolean {
  if (isDiskFull(error)) return false;
  if (!(error instanceof EarshotError)) return true;
  if (error.failure.code === 'checksumMismatch') return false;
  const status = statusOf(error);
  return status === undefined ? requests.maybeReachable(base) : RETRY_STATUS.has(status);
}

/** One request for what is missing. */
async function attempt({
  requests,
  base,
  url,
  path,
  part,
  expected: { pinned, bytes: right },
  stallMs,
  onBytes,
  signal,
}: Transfer): Promise<HubTag> {
  const range: Record<string, string> = part.bytes > 0 ? { range: `bytes=${part.bytes}-` } : {};
  const { response, tag, etag } = await requests.request(base, url, range, signal);
  const { status } = response;
  const stop = async (): Promise<void> => response.body?.cancel();
  if (status === 416) {
    // Nothing is left to fetch, or what we hold is not a beginning of it: the checksum will show.
    await stop();
    if (tag.bytes === part.bytes || sizeOf(response) === part.bytes) return tag;
    await part.truncate(0);
    throw new Error('the file at the hub is shorter than what was there');
  }
  if (status !== 200 && status !== 206) {
    await stop();
    throw new Busy(url, response);
  }
  if (status === 200) await part.truncate(0);
  else if (!pinned && part.note?.source === 'hub' && part.note.etag && etag && part.note.etag !== etag) {
    await stop();
    await part.truncate(0);
    throw new Error('the file at the hub has changed');
  }
  await part.mark({ source: 'hub', etag });
  const size = sizeOf(response) ?? tag.bytes;
  tag.bytes ??= size;
  if (right !== null && size !== null && size !== right) {
    await stop();
    const why = 'the file at the hub is of another size';
    throw new EarshotError('checksumMismatch', { file: path, expected: right, actual: size }, why);
  }
  const limit = right ?? size ?? Infinity;
  await receive(response, stallMs, signal, async chunk => {
    if (part.bytes + chunk.length > limit)
      throw new EarshotError('checksumMismatch', { file: path, expected: limit }, 'more came than the file holds');
    await part.write(chunk);
    onBytes(size);
  });
  if (size !== null && part.bytes < size) throw new Error(`the connection was cut at ${part.bytes} of ${size} bytes`);
  return tag;
}

/** The body, chunk by chunk. @throws cancelled, and when nothing comes for `stallMs` */
async function receive(
  response: Response,
  stallMs: number,
  signal: AbortSignal,
  onChunk: (chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  const stall = new AbortController();
  const reader = response.body!.getReader();
  const timer = setTimeout(() => stall.abort(), stallMs);
  const stop = () => void reader.cancel().catch(() => {});
  AbortSignal.any([signal, stall.signal]).addEventListener('abort', stop, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (signal.aborted) throw new EarshotError('cancelled');
      if (stall.signal.aborted) throw new Error('the connection fell silent');
      if (done) return;
      timer.refresh();
      await onChunk(value);
    }
  } finally {
    clearTimeout(timer);
    stop();
  }
}

/** What the hub answered, where it did. */
const statusOf = (error: unknown): number | undefined =>
  error instanceof EarshotError && isFailure(error.failure, 'downloadFailed') ? error.failure.args.status : undefined;

const whyOf = (error: unknown): string | undefined =>
  error instanceof EarshotError && isFailure(error.failure, 'downloadFailed') ? error.failure.args.why : undefined;

/** Whole size of the file that an answer is of, or null. */
function sizeOf(response: Response): number | null {
  const range = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '');
  if (range) return Number(range[1]);
  const length = response.headers.get('content-length');
  return length && response.status === 200 ? Number(length) : null;
}
