/**
 * The user's own token for repositories that have to be asked for: what a client gave us for a hub, else what is where
 * Hugging Face's programs keep it. It is read when it is needed, sent to the hub that it is for, and never stored.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { readSmall } from '../../client/small-file.ts';
import { DEFAULTS } from '../../schemas/settings.ts';
import { isLoopback } from './remote.ts';

const MOST_BYTES = 4096;

/** Tokens that clients gave, by the host of their hub, for as long as the daemon runs. */
export class GivenTokens {
  readonly #byHost = new Map<string, string>();

  /** `token` null: forget it. */
  set(hub: string, token: string | null): void {
    if (token === null) this.#byHost.delete(hostOf(hub));
    else this.#byHost.set(hostOf(hub), token);
  }

  /** Undefined: none was given for it, or it would travel in the clear. */
  get(base: string): string | undefined {
    return isPrivate(base) ? this.#byHost.get(hostOf(base)) : undefined;
  }
}

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : '');
const isPrivate = (base: string): boolean => base.startsWith('https://') || isLoopback(base);

/** What belongs into a request's `authorization`, without which a hub answers 401; undefined: there is none. */
export async function hubToken(base: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  if (!isItsHub(base, env)) return undefined;
  const named = env.HF_TOKEN || env.HUGGING_FACE_HUB_TOKEN,
    home = env.HF_HOME || join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'huggingface'),
    path = env.HF_TOKEN_PATH || join(home, 'token');
  const text = named ?? (await readSmall(path, MOST_BYTES).then(String, () => ''));
  const token = text.trim();
  // Anything else is no token, and could not stand in a header.
  return /^[\x21-\x7e]+$/.test(token) ? token : undefined;
}

/** A mirror gets no token that was not meant for it: only the hub itself, or the one that HF_ENDPOINT names. */
const isItsHub = (base: string, env: NodeJS.ProcessEnv): boolean =>
  isPrivate(base) && [DEFAULTS.hubUrl, env.HF_ENDPOINT || DEFAULTS.hubUrl].some(url => hostOf(url) === hostOf(base));
