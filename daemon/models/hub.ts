/**
 * Files from a Hugging Face hub or a mirror of it, by HTTP: resumed by range, retried when cut, given up quickly when
 * there is no way to the hub.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { EarshotError, isDiskFull, isFailure, type Failure } from '../../schemas/errors.ts';
import type { PartFile } from './part-file.ts';

export interface HubFile {
  repository: string;
  revision: string;
  path: string;
}

/** What the hub says about a file: tag is a sha256 (large files) or a Git blob name (small ones). */
export interface HubTag {
  sha256: string | null;
  gitBlob: string | null;
  bytes: number | null;
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
  /**
   * Fetches a file into `part`, after what is there. Throws `cancelled`, `checksumMismatch`, or `downloadFailed`: with
   * `status` when the hub refused, with `bytes` when the connection was cut again and again.
   */
  fetch(
    base: string,
    file: HubFile,
    part: PartFile,
    expected: Expected,
    onBytes: (total: number | null) => void,
    signal: AbortSignal,
  ): Promise<HubTag>;
}

export interface HubOptions {
  connectMs?: number;
  /** No byte for this long: the connection is dead. */
  stallMs?: number;
  retryPausesMs?: readonly number[];
  rememberMs?: number;
  now?: () => number;
}

export function createHub({
  connectMs = 5_000,
  stallMs = 30_000,
  retryPausesMs = [500, 2_000, 5_000, 10_000],
  rememberMs = 5 * 60_000,
  now = () => performance.now(),
}: HubOptions = {}): Hub {
  /** When a hub was last found unreachable; 0: it has answered. */
  const failedAt = new Map<string, number>();
  const maybeReachable = (base: string) => {
    const at = failedAt.get(base);
    return at === undefined || at === 0 || now() - at > rememberMs;
  };

  /** One request, redirects followed by hand because the first answer carries the file's tag. */
  const request = async (
    base: string,
    url: string,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<{ response: Response; tag: HubTag; etag: string | null }> => {
    const tag: HubTag = { sha256: null, gitBlob: null, bytes: null };
    let etag: string | null = null;
    for (let hops = 0; hops < 6; hops++) {
      const limit = new AbortController(),
        timer = setTimeout(() => limit.abort(), failedAt.get(base) === 0 ? stallMs : connectMs);
      let response: Response;
      try {
        response = await fetch(url, {
          headers: { 'user-agent': 'earshot', 'accept-encoding': 'identity', ...headers },
          redirect: 'manual',
          signal: AbortSignal.any([signal, limit.signal]),
        });
      } catch (error) {
        if (signal.aborted) throw new EarshotError('cancelled');
        if (failedAt.get(base) !== 0) failedAt.set(base, now());
        throw new EarshotError('downloadFailed', { url }, limit.signal.aborted ? 'no answer in time' : causeOf(error), {
          cause: error,
        });
      } finally {
        clearTimeout(timer);
      }
      failedAt.set(base, 0);
      // What the hub itself states counts; the tags of the storage behind it are another thing.
      etag ??=
        response.headers.get('x-linked-etag') ??
        ((response.ok && hops === 0) || hostOf(url) === hostOf(base) ? response.headers.get('etag') : null);
      const size = response.headers.get('x-linked-size');
      if (size) tag.bytes = Number(size);
      const location = response.headers.get('location');
      if (response.status < 300 || response.status >= 400 || !location) {
        const plain = etag?.replace(/^W\//, '').replaceAll('"', '') ?? '';
        if (/^[0-9a-f]{64}$/.test(plain)) tag.sha256 = plain;
        if (/^[0-9a-f]{40}$/.test(plain)) tag.gitBlob = plain;
        return { response, tag, etag: plain || null };
      }
      await response.body?.cancel();
      url = new URL(location, url).href;
    }
    throw new EarshotError('downloadFailed', { url }, 'too many redirects');
  };

  return {
    maybeReachable,
    async reachable(base, signal = new AbortController().signal) {
      if (failedAt.get(base) === 0) return true;
      if (!maybeReachable(base)) return false;
      return await request(base, base, {}, signal).then(
        async ({ response }) => {
          await response.body?.cancel();
          return true;
        },
        () => false,
      );
    },
    async fetch(base, file, part, { pinned, bytes: right }, onBytes, signal) {
      const url =
        `${base.replace(/\/+$/, '')}/${file.repository}/resolve/${encodeURIComponent(file.revision)}` +
        `/${file.path.split('/').map(encodeURIComponent).join('/')}`;
      if (!maybeReachable(base))
        throw new EarshotError('downloadFailed', { url }, 'the hub could not be reached a moment ago');
      // What is not pinned goes on only from the same hub.
      if (!pinned && part.note?.source !== 'hub') await part.truncate(0);
      for (let pauses = 0; ;) {
        const before = part.bytes;
        try {
          return await attempt(url);
        } catch (error) {
          if (signal.aborted) throw new EarshotError('cancelled');
          if (
            error instanceof EarshotError &&
            (statusOf(error.failure) || !maybeReachable(base)) &&
            !RETRY_STATUS.has(statusOf(error.failure) ?? 0)
          )
            throw error;
          if (isDiskFull(error) || (error instanceof EarshotError && error.failure.code === 'checksumMismatch'))
            throw error;
          if (part.bytes > before) pauses = 0;
          const pause = retryPausesMs[pauses++];
          if (pause === undefined) {
            const known = error instanceof EarshotError ? error.failure : null;
            throw new EarshotError(
              'downloadFailed',
              { url, status: statusOf(known), bytes: part.bytes },
              known?.detail ?? causeOf(error),
              { cause: error },
            );
          }
          await sleep(pause, undefined, { signal }).catch(() => {
            throw new EarshotError('cancelled');
          });
        }
      }

      async function attempt(address: string): Promise<HubTag> {
        const { response, tag, etag } = await request(
          base,
          address,
          part.bytes > 0 ? { range: `bytes=${part.bytes}-` } : {},
          signal,
        );
        const { status } = response;
        if (status === 416) {
          // Nothing is left to fetch, or what we hold is not a beginning of it: the checksum will tell.
          await response.body?.cancel();
          if (tag.bytes === part.bytes || sizeOf(response) === part.bytes) return tag;
          await part.truncate(0);
          throw new Error('the file at the hub is shorter than what was there');
        }
        if (status !== 200 && status !== 206) {
          await response.body?.cancel();
          throw new EarshotError('downloadFailed', { url, status });
        }
        if (status === 200) await part.truncate(0);
        else if (!pinned && part.note?.source === 'hub' && part.note.etag && etag && part.note.etag !== etag) {
          await response.body?.cancel();
          await part.truncate(0);
          throw new Error('the file at the hub has changed');
        }
        await part.mark({ source: 'hub', etag });
        const size = sizeOf(response) ?? tag.bytes;
        tag.bytes ??= size;
        if (right !== null && size !== null && size !== right) {
          await response.body?.cancel();
          throw new EarshotError(
            'checksumMismatch',
            { file: file.path, expected: right, actual: size },
            'the file at the hub is of another size',
          );
        }
        await pour(response, size);
        return tag;
      }

      async function pour(response: Response, size: number | null): Promise<void> {
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
            if (done) break;
            timer.refresh();
            if (part.bytes + value.length > (right ?? size ?? Infinity))
              throw new EarshotError(
                'checksumMismatch',
                { file: file.path, expected: right ?? size! },
                'more came than the file holds',
              );
            await part.write(value);
            onBytes(size);
          }
        } finally {
          clearTimeout(timer);
          stop();
        }
        if (size !== null && part.bytes < size)
          throw new Error(`the connection was cut at ${part.bytes} of ${size} bytes`);
      }
    },
  };
}

/** What the hub answered, where it did. */
const statusOf = (why: Failure | null): number | undefined =>
  why && isFailure(why, 'downloadFailed') ? why.args.status : undefined;

const RETRY_STATUS: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Whole size of the file that an answer is of, or null. */
function sizeOf(response: Response): number | null {
  const range = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '');
  if (range) return Number(range[1]);
  const length = response.headers.get('content-length');
  return length && response.status === 200 ? Number(length) : null;
}

const hostOf = (url: string): string => new URL(url).host;

/** fetch hides what happened in nested causes. */
function causeOf(error: unknown): string {
  const words: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) words.push((at as NodeJS.ErrnoException).code ?? at.message);
  return words.join(': ') || String(error);
}
