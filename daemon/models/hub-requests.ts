/** Requests to a Hugging Face hub or a mirror of it: what it says about a file, and whether it answers at all. */
import { EarshotError } from '../../schemas/errors.ts';
import { isLoopback } from './remote.ts';
import { obstacleOf, obstacleTo, useNetwork, type Obstacle } from '../system/network.ts';

/** What the hub says about a file: tag is a sha256 (large files) or a Git blob name (small ones). */
export interface HubTag {
  sha256: string | null;
  gitBlob: string | null;
  bytes: number | null;
}

/** An answer that is no redirect; `etag`: as the hub wrote it, without quotes. */
export interface HubAnswer {
  response: Response;
  tag: HubTag;
  etag: string | null;
}

export interface HubTimes {
  /** For the first answer of a hub. */
  connectMs: number;
  /** No byte for this long: the connection is dead. */
  stallMs: number;
  /** How long a hub that could not be reached is not asked again. */
  rememberMs: number;
  now: () => number;
  /** For repositories that have to be asked for: the token for the hub at `base`, sent to no other host. */
  token: (base: string) => Promise<string | undefined>;
}

const MAX_HOPS = 6;

export class HubRequests {
  readonly #times: HubTimes;
  /** When a hub was last found unreachable; 0: it has answered. */
  readonly #failedAt = new Map<string, number>();
  readonly #obstacles = new Map<string, Obstacle>();

  constructor(times: HubTimes) {
    this.#times = times;
  }

  /** False only when it was tried lately and could not be reached. */
  maybeReachable(base: string): boolean {
    const at = this.#failedAt.get(base);
    return at === undefined || at === 0 || this.#times.now() - at > this.#times.rememberMs;
  }

  /** What stood in the way when a hub was last asked, where that is known. */
  obstacle(base: string): Obstacle | undefined {
    return this.#obstacles.get(base);
  }

  /** Whether the hub answers; what was found is remembered for a while. */
  async reachable(base: string, signal = new AbortController().signal): Promise<boolean> {
    if (this.#failedAt.get(base) === 0) return true;
    if (!this.maybeReachable(base)) return false;
    try {
      const { response } = await this.request(base, base, {}, signal);
      await response.body?.cancel();
      return true;
    } catch {
      return false;
    }
  }

  /**
   * One request. Redirects are followed by hand, because the first answer carries the file's tag. @throws cancelled,
   * downloadFailed without a status
   */
  async request(base: string, url: string, headers: Record<string, string>, signal: AbortSignal): Promise<HubAnswer> {
    const tag: HubTag = { sha256: null, gitBlob: null, bytes: null };
    let etag: string | null = null;
    const token = await this.#times.token(base);
    for (let hops = 0; hops < MAX_HOPS; hops++) {
      const mine = token !== undefined && new URL(url).origin === new URL(base).origin;
      const response = await this.#hop(
        base,
        url,
        mine ? { ...headers, authorization: `Bearer ${token}` } : headers,
        signal,
      );
      // What the hub itself states counts; the tags of the storage behind it are another thing.
      etag ??=
        response.headers.get('x-linked-etag') ??
        ((response.ok && hops === 0) || hostOf(url) === hostOf(base) ? response.headers.get('etag') : null);
      const size = response.headers.get('x-linked-size');
      if (size && /^\d{1,15}$/.test(size)) tag.bytes = Number(size);
      const location = response.headers.get('location');
      if (response.status < 300 || response.status >= 400 || !location) {
        const plain = etag?.replace(/^W\//, '').replaceAll('"', '') ?? '';
        if (/^[0-9a-f]{64}$/.test(plain)) tag.sha256 = plain;
        if (/^[0-9a-f]{40}$/.test(plain)) tag.gitBlob = plain;
        return { response, tag, etag: plain || null };
      }
      await response.body?.cancel();
      url = redirected(base, url, location);
    }
    throw new EarshotError('downloadFailed', { url }, 'too many redirects');
  }

  /** The hub at `base` is known by this to be reachable, or not. */
  async #hop(base: string, url: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    const { connectMs, stallMs, now } = this.#times;
    const limit = new AbortController(),
      timer = setTimeout(() => limit.abort(), this.#failedAt.get(base) === 0 ? stallMs : connectMs);
    useNetwork();
    try {
      const response = await fetch(url, {
        headers: { 'user-agent': 'earshot', 'accept-encoding': 'identity', ...headers },
        redirect: 'manual',
        signal: AbortSignal.any([signal, limit.signal]),
      });
      this.#failedAt.set(base, 0);
      this.#obstacles.delete(base);
      return response;
    } catch (error) {
      if (signal.aborted) throw new EarshotError('cancelled');
      if (this.#failedAt.get(base) !== 0) this.#failedAt.set(base, now());
      const detail = limit.signal.aborted ? 'no answer in time' : causeOf(error),
        why = obstacleTo(url, limit.signal.aborted ? 'timeout' : obstacleOf(error));
      if (why) this.#obstacles.set(base, why);
      throw new EarshotError('downloadFailed', { url, why }, detail, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }
}

const hostOf = (url: string): string => new URL(url).host;

/**
 * Where a hub sends us on: to a server of the network, and not to what listens on this machine or hands out a cloud's
 * keys. What comes is held to the checksum that the hub stated itself.
 * @throws downloadFailed
 */
export function redirected(base: string, url: string, location: string): string {
  const to = URL.canParse(location, url) ? new URL(location, url) : null;
  const isServer = to && /^https?:$/.test(to.protocol) && !to.username && !to.password;
  if (!isServer || (!isLoopback(base) && isOfThisMachine(to)))
    throw new EarshotError(
      'downloadFailed',
      { url, status: 302 },
      `leads ${isServer ? 'into this machine' : 'to no server'}: ${location.slice(0, 200)}`,
    );
  return to.href;
}

/** By its address; link-local too. */
const isOfThisMachine = ({ href, hostname }: URL): boolean =>
  isLoopback(href) || /^(0\.|169\.254\.|\[(::|fe[89ab]|::ffff:))/.test(hostname);

/** fetch hides what happened in nested causes. */
export function causeOf(error: unknown): string {
  const parts: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) parts.push((at as NodeJS.ErrnoException).code ?? at.message);
  return parts.join(': ') || String(error);
}
