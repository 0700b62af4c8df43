/**
 * How this process reaches the network: through the proxies that its environment names, and trusting what the system
 * trusts as well as what came with Node. Also what went wrong, where that is not the other side's fault.
 */
import { readFileSync } from 'node:fs';
import { proxiesIn, unusableFor } from '../../client/proxies.ts';

/** Not imported: an import of node:http loads all of fetch with it, which is a fifth of a daemon's start. */
const { getBuiltinModule } = process;

let isSetUp = false;

/** Before the first request of a process; the system's certificates take a tenth of a second to read. */
export function useNetwork(env: NodeJS.ProcessEnv = process.env): void {
  if (isSetUp) return;
  isSetUp = true;
  const { http: plain, https: secure, direct } = proxiesIn(env),
    { setGlobalProxyFromEnv } = getBuiltinModule('node:http') as Partial<typeof import('node:http')>;
  // Older Nodes (the editor's) are told by their environment: client/proxies.ts.
  if (plain !== null || secure !== null)
    setGlobalProxyFromEnv?.({
      ...(plain === null ? {} : { http_proxy: plain }),
      ...(secure === null ? {} : { https_proxy: secure }),
      no_proxy: direct,
    });
  trustSystem(env);
}

function trustSystem(env: NodeJS.ProcessEnv): void {
  const { getCACertificates, setDefaultCACertificates } = getBuiltinModule('node:tls') as Partial<
    typeof import('node:tls')
  >;
  if (!getCACertificates || !setDefaultCACertificates) return;
  const more = [env.SSL_CERT_FILE, env.NODE_EXTRA_CA_CERTS].flatMap(certificatesIn);
  for (const kind of ['default', 'system'] as const)
    try {
      more.push(...getCACertificates(kind));
    } catch {
      // A store of the system's that cannot be read adds nothing.
    }
  setDefaultCACertificates([...new Set(more)]);
}

/** Those of a file with several; a file that cannot be read has none. */
function certificatesIn(path: string | undefined): string[] {
  try {
    return path
      ? (readFileSync(path, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [])
      : [];
  } catch {
    return [];
  }
}

/** All certificates that this process trusts, for programs that bring a list of their own. */
export const trustedCertificates = (): string =>
  (getBuiltinModule('node:tls') as Partial<typeof import('node:tls')>).getCACertificates?.('default').join('\n') ?? '';

/** What stands in the way of a request, where it is something of this side's. */
export type Obstacle = 'certificate' | 'socks' | 'proxy' | 'proxyLogin' | 'name' | 'timeout';

/** `why` a request to `url` failed; where a proxy is named that cannot be used, most likely that. */
export const obstacleTo = (url: string, why: Obstacle | undefined, env = process.env): Obstacle | undefined =>
  (why === undefined || why === 'name' || why === 'timeout') && unusableFor(url, env) !== null ? 'socks' : why;

export function obstacleOf(error: unknown): Obstacle | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const why = obstacleIn(`${(at as NodeJS.ErrnoException).code ?? ''} ${at.message}`);
    if (why) return why;
  }
  return undefined;
}

/** In what a program said: Node's errors, pip's and npm's. */
export function obstacleIn(words: string): Obstacle | undefined {
  if (/dependencies for SOCKS|not supported proxy scheme/i.test(words)) return 'socks';
  if (/CERT_|_CERT|CERTIFICATE_VERIFY|certificate verify failed|UNABLE_TO_VERIFY/.test(words)) return 'certificate';
  if (/\b407\b/.test(words) && /proxy|tunnel/i.test(words)) return 'proxyLogin';
  if (/Proxy response|ProxyError|Tunnel connection failed|Cannot connect to proxy/.test(words)) return 'proxy';
  if (/ENOTFOUND|EAI_AGAIN|NameResolutionError|Name or service not known/.test(words)) return 'name';
  return undefined;
}
