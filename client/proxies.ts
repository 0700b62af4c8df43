/**
 * The proxies that the environment names, as all that Earshot starts and fetches uses them: HTTPS_PROXY, HTTP_PROXY,
 * ALL_PROXY and NO_PROXY, in upper or lower case.
 */

export interface Proxies {
  http: string | null;
  https: string | null;
  /** Hosts that are reached directly, separated by commas; this machine is always among them. `*`: all. */
  direct: string;
}

// The lower case first, as curl, Node and Python do.
const named = (env: NodeJS.ProcessEnv, name: string): string | null => env[name] || env[name.toUpperCase()] || null;
const proxyIn = (env: NodeJS.ProcessEnv, name: string): string | null => {
  const value = named(env, name);
  return value === null ? null : /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
};
const usable = (address: string | null): string | null => (address && /^https?:/i.test(address) ? address : null);

const LOOPBACK = ['localhost', '127.0.0.1', '::1', '[::1]'];

export function proxiesIn(env: NodeJS.ProcessEnv): Proxies {
  const all = usable(proxyIn(env, 'all_proxy')),
    http = usable(proxyIn(env, 'http_proxy')) ?? all;
  return {
    http,
    https: usable(proxyIn(env, 'https_proxy')) ?? all ?? http,
    direct: directly((named(env, 'no_proxy') ?? '').split(/[\s,]+/).filter(Boolean)),
  };
}

/** As Node, Python and npm all take it: `*` counts for Node where it stands alone, and IPv6 in its shortest form. */
function directly(entries: readonly string[]): string {
  if (entries.includes('*')) return '*';
  const shortest = (entry: string): string[] => {
    const bare = /^\[?([0-9a-f:.]+)\]?$/i.exec(entry)?.[1],
      isVersion6 = bare !== undefined && bare.split(':').length > 2,
      address = !isVersion6 ? null : URL.parse(`http://[${bare}]`)?.hostname;
    return address ? [bare!, address] : [entry];
  };
  return [...new Set([...entries.flatMap(shortest), ...LOOPBACK])].join(',');
}

/** The way to an address: a proxy's address, with its password where it has one, or null: directly. */
export function proxyFor(url: string, { http, https, direct }: Proxies): string | null {
  const { protocol, hostname, port } = new URL(url);
  const excepted = direct.split(',').some(entry => {
    // A port may stand behind a name, and behind the brackets of an IPv6 address.
    const [, host = entry, only] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(entry) ?? [];
    if (host === '*') return true;
    if (only !== undefined && only !== (port || (protocol === 'https:' ? '443' : '80'))) return false;
    const domain = host.replace(/^\*?\./, '').toLowerCase();
    return hostname.toLowerCase() === domain || hostname.toLowerCase().endsWith(`.${domain}`);
  });
  return excepted ? null : protocol === 'https:' ? https : http;
}

/** A proxy that is named for an address, of a kind that Node has no way through (SOCKS); null: none, or not only it. */
export function unusableFor(url: string, env: NodeJS.ProcessEnv): string | null {
  const proxies = proxiesIn(env),
    secure = new URL(url).protocol === 'https:';
  const [first = null] = [...(secure ? ['https_proxy'] : []), 'http_proxy', 'all_proxy']
    .map(name => proxyIn(env, name))
    .filter(address => address !== null && usable(address) === null);
  // Where one of this kind were followed, so would be this one.
  return proxyFor(url, { ...proxies, http: 'here', https: 'here' }) !== null && proxyFor(url, proxies) === null
    ? first
    : null;
}

/** What makes a program of Node's use the proxies of `env`; nothing where it names none. */
export function proxyEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { http, https, direct } = proxiesIn(env);
  if (http === null && https === null) return {};
  return {
    NODE_USE_ENV_PROXY: '1',
    ...(http === null ? {} : { HTTP_PROXY: http, http_proxy: http }),
    ...(https === null ? {} : { HTTPS_PROXY: https, https_proxy: https }),
    NO_PROXY: direct,
    no_proxy: direct,
  };
}
