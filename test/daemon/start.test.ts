/** One daemon for a state directory, started when it is needed. */
import assert from 'node:assert/strict';
import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { processes } from '../../daemon/devices/processes.ts';
import { takeLock } from '../../daemon/system/lock.ts';
import { ensureDaemon, isOlder, type Client, type EnsureOptions } from '../../client/client.ts';
import { accessText, readAccess } from '../../client/handshake.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { PROTOCOL } from '../../schemas/rpc.ts';
import { startTestServer, temporaryHome } from './test-server.ts';
import type { Home } from '../../daemon/auth/home.ts';
import { failsWith } from '../fixtures/fails-with.ts';

const FIXTURE = join(import.meta.dirname, 'fixture-daemon.ts');

function place(t: TestContext): { home: Home; env: Record<string, string> } {
  const { home, remove } = temporaryHome();
  t.after(remove);
  return { home, env: { EARSHOT_STATE: home.state, EARSHOT_DATA: home.data } };
}
function ensure(
  t: TestContext,
  home: Home,
  env: Record<string, string>,
  version = '1.0.0',
  args: string[] = [],
): Promise<Client> {
  const options: EnsureOptions = {
    command: { program: process.execPath, args: [FIXTURE, version, ...args], env },
    socket: home.socket,
    tokenPath: home.token,
    client: 'test',
    version,
    timeoutMs: 20_000,
    log: join(home.state, 'start.log'),
  };
  return ensureDaemon(options);
}
async function stop(client: Client): Promise<void> {
  await client.call('daemon/stop', {});
  await client.closed;
}
const outcome = async (child: ChildProcess): Promise<string> => {
  const [first] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [string | number];
  return String(first);
};

test('of daemons started at once, one serves and the others say that it does', async t => {
  const { home, env } = place(t);
  const children = [1, 2, 3].map(() =>
    fork(FIXTURE, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] }),
  );
  t.after(() => children.forEach(child => child.kill('SIGKILL')));
  const said = await Promise.all(children.map(outcome));
  assert.deepEqual(said.sort(), ['3', '3', 'serving']);
  const client = await ensure(t, home, env);
  assert.ok(children.some(child => child.pid === client.daemon.pid));
  assert.throws(
    () => takeLock(home.lock),
    (error: unknown) =>
      error instanceof EarshotError &&
      error.failure.code === 'daemonRunning' &&
      error.failure.args.pid === client.daemon.pid,
  );
  await stop(client);
});

test('kill -9 leaves nothing that stands in the way, whoever has its process id now', async t => {
  const { home, env } = place(t);
  const first = fork(FIXTURE, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  assert.equal(await outcome(first), 'serving');
  first.kill('SIGKILL');
  await once(first, 'exit');
  // The dead daemon's id as that of a living process: this one.
  writeFileSync(`${home.lock}.pid`, String(process.pid));
  const client = await ensure(t, home, env);
  assert.notEqual(client.daemon.pid, first.pid);
  await stop(client);
});

test('many clients that start it at once share one daemon', async t => {
  const { home, env } = place(t);
  const clients = await Promise.all(Array.from({ length: 4 }, () => ensure(t, home, env)));
  assert.equal(new Set(clients.map(client => client.daemon.pid)).size, 1);
  await stop(clients[0]!);
  await Promise.all(clients.map(client => client.closed));
});

test('an older daemon is replaced, a newer one is used', async t => {
  const { home, env } = place(t);
  const old = await ensure(t, home, env, '0.9.0');
  const young = await ensure(t, home, env, '1.0.0');
  await old.closed;
  assert.equal(young.daemon.version, '1.0.0');
  const behind = await ensure(t, home, env, '0.9.5');
  assert.equal(behind.daemon.pid, young.daemon.pid);
  behind.dispose();
  await stop(young);
  assert.ok(
    isOlder('0.9.10', '0.10.0') &&
      isOlder('1.2.3', '1.2.4') &&
      !isOlder('1.2.3', '1.2.3') &&
      !isOlder('2.0.0', '1.9.9'),
  );
});

test('a daemon that cannot start says why', async t => {
  const { home, env } = place(t);
  mkdirSync(home.state, { recursive: true });
  writeFileSync(join(home.state, 'start.log'), 'words of an earlier start\n');
  await assert.rejects(ensure(t, home, env, '1.0.0', ['store']), failsWith('storeNewer'));
  await assert.rejects(ensure(t, home, env, '1.0.0', ['crash']), (error: unknown) => {
    assert.ok(error instanceof EarshotError && error.failure.code === 'internal');
    assert.match(error.failure.detail!, /no luck today/);
    assert.doesNotMatch(error.failure.detail!, /earlier/);
    return true;
  });
  await assert.rejects(
    ensureDaemon({
      command: { program: join(home.state, 'none'), args: [] },
      socket: home.socket,
      tokenPath: home.token,
      client: 't',
      version: '1',
      timeoutMs: 5000,
    }),
    failsWith('daemonUnreachable'),
  );
});

test('the lock is let go by release, and taken again', t => {
  const { home } = place(t);
  mkdirSync(home.run, { recursive: true });
  const lock = takeLock(home.lock);
  assert.throws(() => takeLock(home.lock), failsWith('daemonRunning'));
  lock.release();
  lock.release();
  takeLock(home.lock).release();
  assert.throws(() => readFileSync(`${home.lock}.pid`), { code: 'ENOENT' });
});

test('a daemon of another protocol is stopped when it is older, and left alone when it is newer', async t => {
  let stopped = 0;
  await using server = await startTestServer(
    {
      'daemon/stop': () => {
        stopped += 1;
        setImmediate(() => void server.server.close());
        return {};
      },
    },
    '5.0.0',
  );
  const { createServer } = await import('node:net');
  // The same bytes as the server's, but answering hello as another protocol would: rewritten on the way in.
  const { createConnection } = await import('node:net');
  const { token, socket } = readAccess(readFileSync(server.home.token, 'utf8'), server.home.socket),
    relayed = `${socket}.relay`,
    tokenPath = join(server.home.state, 'relayed');
  writeFileSync(tokenPath, accessText({ token, socket: relayed }), { mode: 0o600 });
  const relay = createServer(client => {
    const up = createConnection(socket);
    client.on('error', () => {});
    up.on('error', () => {}).on('close', () => client.destroy());
    client.once('data', chunk => {
      up.write(chunk.toString().replace(`"protocol":${PROTOCOL},`, '"protocol":9,'));
      client.pipe(up);
    });
    up.pipe(client);
  }).listen(relayed);
  await once(relay, 'listening');
  t.after(() => relay.close());
  const options = (version: string): EnsureOptions => ({
    command: { program: process.execPath, args: ['-e', 'process.exit(1)'] },
    socket: relayed,
    tokenPath,
    client: 't',
    version,
    timeoutMs: 5000,
  });
  await assert.rejects(ensureDaemon(options('4.0.0')), failsWith('wrongVersion'));
  assert.equal(stopped, 0);
  await assert.rejects(ensureDaemon(options('6.0.0')), failsWith('daemonUnreachable'));
  assert.equal(stopped, 1);
});

test(
  'compiled code is kept beside the code, and none is taken from where anybody may have put it',
  { timeout: 120_000 },
  async t => {
    const { home, env } = place(t),
      code = join(home.state, 'code'),
      temporary = join(home.state, 'tmp');
    for (const folder of ['bin', 'dist']) mkdirSync(join(code, folder), { recursive: true });
    mkdirSync(temporary);
    cpSync(join(import.meta.dirname, '../../bin/earshot.mjs'), join(code, 'bin/earshot.mjs'));
    writeFileSync(join(code, 'dist/cli.mjs'), "console.log('here');");
    writeFileSync(join(code, 'dist/earshotd.mjs'), `await import(${JSON.stringify(pathToFileURL(FIXTURE).href)});`);
    const kept = (): string[] =>
      readdirSync(join(code, 'dist/.earshot-compiled'), { recursive: true, withFileTypes: true })
        .filter(entry => entry.isFile())
        .map(({ name }) => name);
    delete process.env.NODE_COMPILE_CACHE;

    const said = execFileSync(process.execPath, [join(code, 'bin/earshot.mjs')], {
      env: { ...process.env, TMPDIR: temporary },
      encoding: 'utf8',
    });
    assert.equal(said, 'here\n');
    const ofCommands = kept();
    assert.notDeepEqual(ofCommands, []);

    const client = await ensureDaemon({
      command: {
        program: process.execPath,
        args: [join(code, 'dist/earshotd.mjs')],
        env: { ...env, TMPDIR: temporary },
      },
      socket: home.socket,
      tokenPath: home.token,
      client: 'test',
      version: '1.0.0',
      timeoutMs: 60_000,
      log: join(home.state, 'start.log'),
    });
    const { pid } = client.daemon;
    await stop(client);
    // It is written when the daemon ends.
    while (processes().alive(pid)) await sleep(20);
    assert.ok(kept().length > ofCommands.length);
    assert.deepEqual(
      readdirSync(temporary).filter(name => /compile/.test(name)),
      [],
    );
  },
);
