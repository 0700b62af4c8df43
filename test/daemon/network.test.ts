/** Proxies and certificates, with a real proxy and a real server: for models, for pip and for npm. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import dns from 'node:dns';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, setGlobalProxyFromEnv, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { proxiesIn, proxyEnvironment, proxyFor, unusableFor } from '../../client/proxies.ts';
import { installerNetwork } from '../../daemon/runtimes/installer-network.ts';
import { findNpm } from '../../daemon/runtimes/npm.ts';
import { findPython, hasPip } from '../../daemon/runtimes/find-python.ts';
import { runPython } from '../../daemon/runtimes/python.ts';
import { obstacleIn, obstacleOf } from '../../daemon/system/network.ts';
import { environment } from '../../daemon/workers/environment.ts';
import { run } from '../../daemon/workers/spawn.ts';

const folder = mkdtempSync(join(tmpdir(), 'earshot-network-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

/** Null: this machine has no openssl to make one with. */
function certificate(): { key: string; cert: string } | null {
  const subject = ['-subj', '/CN=hub.test', '-addext', 'subjectAltName=DNS:hub.test'];
  try {
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-days',
        '2',
        ...subject,
        '-keyout',
        at('key'),
        '-out',
        at('ca'),
      ],
      { stdio: 'ignore' },
    );
    return { key: readFileSync(at('key'), 'utf8'), cert: readFileSync(at('ca'), 'utf8') };
  } catch {
    return null;
  }
}
const made = certificate();

describe('a network behind a proxy, whose hub has a certificate of its own', { skip: !made && 'no openssl' }, () => {
  /** What the proxy was asked to connect to, and what the hub was asked for. */
  const connected: string[] = [],
    asked: string[] = [];
  let hub: Server, proxy: Server, through: string;
  const portOf = (server: Server): number => (server.address() as AddressInfo).port;

  before(async () => {
    hub = createSecureServer(made!, (request, response) => {
      asked.push(request.url!);
      response.end('<html></html>');
    });
    proxy = createServer();
    proxy.on('connect', (request, socket) => {
      socket.on('error', () => {});
      if (request.headers['proxy-authorization'] !== `Basic ${Buffer.from('me:secret').toString('base64')}`)
        return socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n');
      connected.push(request.url!);
      // There is one host behind it, whatever it is called.
      const onward = connect(portOf(hub), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.pipe(onward).pipe(socket);
      });
      onward.on('error', () => socket.destroy());
      socket.on('close', () => onward.destroy());
    });
    for (const server of [hub, proxy]) await once(server.listen(0, '127.0.0.1'), 'listening');
    through = `http://me:secret@127.0.0.1:${portOf(proxy)}`;
  });
  after(() => {
    for (const server of [hub, proxy]) server.close().closeAllConnections();
  });

  const reach = async (env: NodeJS.ProcessEnv): Promise<unknown> => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, '../fixtures/reach.ts'), 'https://hub.test'],
      { env: { PATH: process.env.PATH, ...env } },
    );
    return JSON.parse(stdout);
  };

  test('is reached through it, with its password, in either case of the variables', async () => {
    const reached = { reached: true, why: null };
    const all = await Promise.all([
      reach({ HTTPS_PROXY: through, SSL_CERT_FILE: at('ca') }),
      reach({ https_proxy: through, NODE_EXTRA_CA_CERTS: at('ca') }),
      reach({ ALL_PROXY: through, SSL_CERT_FILE: at('ca') }),
    ]);
    assert.deepEqual(all, [reached, reached, reached]);
    assert.deepEqual(connected, Array(3).fill('hub.test:443'));
  });
  test('what stands in the way is told apart', async () => {
    const why = (what: string) => ({ reached: false, why: what });
    const all = await Promise.all([
      reach({ HTTPS_PROXY: through }),
      reach({ HTTPS_PROXY: through.replace('me:secret@', ''), SSL_CERT_FILE: at('ca') }),
      reach({ HTTPS_PROXY: through, NO_PROXY: '.test', SSL_CERT_FILE: at('ca') }),
      reach({ ALL_PROXY: through.replace('http:', 'socks5:'), SSL_CERT_FILE: at('ca') }),
    ]);
    assert.deepEqual(all, [why('certificate'), why('proxyLogin'), why('name'), why('socks')]);
  });
  test('pip and npm go the same way', async t => {
    const env = { ...process.env, HTTPS_PROXY: through, SSL_CERT_FILE: at('ca') };
    // What this machine, or the npm that runs the tests, has set up for installers, has its way in the product.
    const own = /^(npm_.*|pip_.*|requests_ca_bundle|curl_ca_bundle|no_proxy|https_proxy|all_proxy)$/i;
    for (const name of Object.keys(env))
      if (own.test(name) && name !== 'HTTPS_PROXY') delete (env as NodeJS.ProcessEnv)[name];
    const installers = { ...env, ...(await installerNetwork(folder, env)) };
    const python = await findPython({ pythonPath: null }, env).catch(() => null);
    const pip = async (): Promise<void> => {
      if (!python || !(await hasPip(python, env))) return t.diagnostic('no pip on this machine');
      const index = ['--index-url', 'https://hub.test/simple', '--retries', '0', '--no-cache-dir'];
      await runPython(python, ['-m', 'pip', 'download', ...index, 'nothing-of-ours'], { cwd: folder }, installers);
      assert.ok(asked.includes('/simple/nothing-of-ours/'), 'pip');
    };
    const npm = async (): Promise<void> => {
      const { program, args } = findNpm(env)!;
      const view = ['view', 'nothing-of-ours', '--registry', 'https://hub.test/npm/', '--fetch-retries', '0'];
      await run(program, [...args, ...view], { cwd: folder, env: environment('installer', {}, installers) });
      assert.ok(asked.includes('/npm/nothing-of-ours'), 'npm');
    };
    await Promise.all([pip(), npm()]);
  });
});

/** A name is looked up where it is reached directly. */
test('what is said of the way to a host is the way that Node goes', async () => {
  const ways: string[] = [],
    proxy = createServer().on('connect', (_, socket) => {
      ways.push('proxy');
      socket.end('HTTP/1.1 502 no\r\n\r\n');
    });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const { lookup } = dns,
    address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  dns.lookup = ((host: string, _: unknown, answer: (error: Error) => void) => {
    ways.push('direct');
    answer(Object.assign(new Error(host), { code: 'ENOTFOUND' }));
  }) as unknown as typeof dns.lookup;
  try {
    for (const direct of ['', 'x.org', '.x.org', '*.x.org', '*', '*,y.org', 'X.org', 'x.org:81', 'org', '10.0.0.0/8']) {
      const proxies = proxiesIn({ HTTPS_PROXY: address, NO_PROXY: direct }),
        back = setGlobalProxyFromEnv({ https_proxy: proxies.https!, no_proxy: proxies.direct });
      try {
        for (const url of ['https://x.org', 'https://a.x.org', 'https://ax.org', 'https://x.org:81']) {
          ways.length = 0;
          await assert.rejects(fetch(url));
          assert.equal(ways[0], proxyFor(url, proxies) === null ? 'direct' : 'proxy', `${direct}, ${url}`);
        }
      } finally {
        back();
      }
    }
  } finally {
    dns.lookup = lookup;
    proxy.close().closeAllConnections();
  }
});

test('the proxies of an environment', () => {
  const { direct: loopback } = proxiesIn({});
  assert.deepEqual(proxiesIn({}), { http: null, https: null, direct: loopback });
  assert.deepEqual(proxiesIn({ HTTPS_PROXY: 'http://A:1', https_proxy: 'http://b:2', NO_PROXY: 'x.org, .y.org' }), {
    http: null,
    https: 'http://b:2',
    direct: `x.org,.y.org,${loopback}`,
  });
  assert.equal(proxiesIn({ HTTP_PROXY: 'proxy:3128' }).https, 'http://proxy:3128');
  // Node has no way through it.
  assert.equal(proxiesIn({ ALL_PROXY: 'socks5://p:1' }).https, null);
  for (const [env, unusable] of [
    [{ ALL_PROXY: 'socks5://p:1' }, 'socks5://p:1'],
    [{ https_proxy: 'socks5h://p:1', NO_PROXY: 'x.org' }, 'socks5h://p:1'],
    [{ ALL_PROXY: 'socks5://p:1', HTTPS_PROXY: 'http://s:1' }, null],
    [{ ALL_PROXY: 'socks5://p:1', NO_PROXY: 'hub.org' }, null],
    [{}, null],
  ] as const)
    assert.equal(unusableFor('https://hub.org', env), unusable, JSON.stringify(env));
  const proxies = proxiesIn({
    HTTPS_PROXY: 'http://s:1',
    HTTP_PROXY: 'http://p:1',
    NO_PROXY: 'x.org,*.y.org,z.org:81',
  });
  for (const [url, way] of [
    ['https://hub.org', 'http://s:1'],
    ['http://hub.org', 'http://p:1'],
    ['https://a.x.org', null],
    ['https://ax.org', 'http://s:1'],
    ['https://b.y.org', null],
    ['https://z.org', 'http://s:1'],
    ['http://z.org:81', null],
    ['http://localhost:11434', null],
    ['http://127.0.0.1:8080', null],
    ['http://[::1]:8080', null],
  ] as const)
    assert.equal(proxyFor(url, proxies), way, url);
  assert.equal(proxyFor('https://hub.org', proxiesIn({ HTTPS_PROXY: 'http://s:1', NO_PROXY: '*' })), null);
  for (const [direct, url, way] of [
    ['*, x.org', 'https://hub.org', null],
    ['2001:DB8:0::1', 'https://[2001:db8::1]', null],
    ['[2001:db8::1]', 'https://[2001:db8::1]', null],
    ['[2001:db8::1]:443', 'https://[2001:db8::1]', null],
    ['[2001:db8::1]:81', 'https://[2001:db8::1]', 'http://s:1'],
    ['2001:db8::2', 'https://[2001:db8::1]', 'http://s:1'],
    ['10.1.2.3', 'https://10.1.2.3:8443', null],
    ['10.1.2', 'https://10.1.2.3', 'http://s:1'],
  ] as const)
    assert.equal(proxyFor(url, proxiesIn({ HTTPS_PROXY: 'http://s:1', NO_PROXY: direct })), way, `${direct}, ${url}`);
  assert.deepEqual(proxyEnvironment({ NO_PROXY: 'x.org' }), {});
  assert.equal(proxyEnvironment({ https_proxy: 'http://b:2' }).NODE_USE_ENV_PROXY, '1');
});

test('what a program says of the network', () => {
  for (const [words, why] of [
    ['SSLError(SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] …"))', 'certificate'],
    ['npm error code SELF_SIGNED_CERT_IN_CHAIN', 'certificate'],
    ["ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407 …'))", 'proxyLogin'],
    ["ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 403 …'))", 'proxy'],
    ['npm error code ENOTFOUND', 'name'],
    ['ERROR: No matching distribution found', undefined],
  ] as const)
    assert.equal(obstacleIn(words), why, words);
  const cause = Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  assert.equal(obstacleOf(new TypeError('fetch failed', { cause })), 'certificate');
  assert.equal(obstacleOf(new Error('connect ECONNREFUSED')), undefined);
});
