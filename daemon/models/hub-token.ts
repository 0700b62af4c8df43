/**
 * The user's own token for repositories that have to be asked for: where Hugging Face's programs keep it. It is read
 * when it is needed, sent to the hub that it is for, and kept nowhere.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { readSmall } from '../../client/small-file.ts';
import { DEFAULTS } from '../../schemas/settings.ts';
import { isLoopback } from './remote.ts';

const MOST_BYTES = 4096;

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
function isItsHub(base: string, env: NodeJS.ProcessEnv): boolean {
  const host = (url: string): string => (URL.canParse(url) ? new URL(url).host : '');
  if (!base.startsWith('https://') && !isLoopback(base)) return false;
  return [DEFAULTS.hubUrl, env.HF_ENDPOINT || DEFAULTS.hubUrl].some(url => host(url) === host(base));
}
