import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect as dial, createServer, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { accessText, newNonce, newPipe, proofOf, readAccess } from '../../client/handshake.ts';
import { connect } from '../../client/client.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { FAILURE_CODE, MAX_REQUEST_PARTS, PROTOCOL } from '../../schemas/rpc.ts';
import { submit } from '../../client/submit.ts';
import { home as homeOf } from '../../client/home.ts';
import { startServer } from '../../daemon/api/rpc/server.ts';
import { MAX_HELLO_BYTES, MAX_REQUEST_BYTES } from '../../daemon/api/rpc/frames.ts';
import { frame, rawClient, type RawClient } from './raw-client.ts';
import { handlersOf, startTestServer, temporaryHome, type TestServer } from './test-server.ts';
import { failsWith } from '../fixtures/fails-with.ts';
import { posixOnly } from '../only.ts';

const ID = '01JD00000000000000000000AA';
const raw = (rpc: TestServer): Promise<RawClient> => rawClient(rpc.home);

test('a call goes there and back, with everything private', async () => {
  await using rpc = await startTestServer({ 'job/render': ({ id, format }) => ({ text: `${id} ${format}` }) });
  const client = await rpc.connect();
  assert.deepEqual(client.daemon, { version: '1.2.3', pid: process.pid });
  assert.deepEqual(await client.call('job/render', { id: ID, format: 'srt' }), { text: `${ID} srt` });
  const access = readFileSync(rpc.home.token, 'utf8');
  if (process.platform === 'win32') {
    // Its folders are private by where they are.
    assert.match(access, /^[0-9a-f]{64}\n\\\\\.\\pipe\\earshot-[0-9a-f]{64}$/);
    return;
  }
  assert.match(access, /^[0-9a-f]{64}$/);
  assert.equal(statSync(rpc.home.run).mode & 0o777, 0o700);
  assert.equal(statSync(rpc.home.token).mode & 0o777, 0o600);
  assert.equal(statSync(rpc.home.socket).mode & 0o777, 0o600);
});

test('a daemon that was killed is out of reach, also for what is asked before its end is heard of', async () => {
  const { home, remove } = temporaryHome(),
    heard: Socket[] = [];
  mkdirSync(dirname(home.socket), { recursive: true });
  const server = createServer(socket => {
    const rpc = createMessageConnection(
      new StreamMessageReader(socket),
      new StreamMessageWriter(socket.on('error', () => {})),
    );
    rpc.onRequest('session/hello', ({ nonce }: { nonce: string }) => {
      const server = newNonce(),
        proof = proofOf('any', 'server', { client: nonce, server });
      return { protocol: PROTOCOL, version: '1.2.3', pid: 1, nonce: server, proof };
    });
    rpc.onRequest('session/prove', () => ({}));
    rpc.listen();
    heard.push(socket);
  }).listen(home.socket);
  await once(server, 'listening');
  try {
    const client = await connect({ socket: home.socket, token: 'any', client: 'test', version: '1.2.3' });
    const waits = assert.rejects(client.call('job/list', {}), failsWith('daemonUnreachable'));
    heard[0]!.destroy();
    await assert.rejects(client.call('job/list', {}), failsWith('daemonUnreachable'));
    await waits;
    await client.closed;
    await assert.rejects(client.call('job/list', {}), failsWith('daemonUnreachable'));
  } finally {
    server.close();
    remove();
  }
});

test('the settle time of a watched folder under its earlier name is refused, not passed over', async () => {
  let reached = 0;
  await using rpc = await startTestServer({
    'watch/add': () => {
      reached += 1;
      throw new EarshotError('unknownJob', { id: ID });
    },
  });
  const client = await rpc.connect();
  const folder = { path: '/recordings', options: { repair: true }, quietSeconds: 5 };
  await assert.rejects(
    client.call('watch/add', { folder, existing: 'take' }),
    failsWith('badRequest', { method: 'watch/add', field: '/folder/quietSeconds' }),
  );
  assert.equal(reached, 0);
});

test('requests are checked: unknown methods, wrong types, unknown properties', async () => {
  let reached = 0;
  await using rpc = await startTestServer({
    'job/get': () => {
      reached += 1;
      throw new EarshotError('unknownJob', { id: ID });
    },
  });
  const client = await rpc.connect();
  await assert.rejects(
    client.call('job/get', { id: 'x' }),
    failsWith('badRequest', { method: 'job/get', field: '/id' }),
  );
  await assert.rejects(client.call('job/get', { id: ID, more: 1 } as never), failsWith('badRequest'));
  await assert.rejects(client.call('job/get', [ID] as never), failsWith('badRequest'));
  assert.equal(reached, 0);
  await assert.rejects(client.call('job/get', { id: ID }), failsWith('unknownJob', { id: ID }));
  assert.equal(reached, 1);
  const line = await raw(rpc);
  await line.hello();
  for (const method of ['job/none', '__proto__', 'constructor', 'toString'])
    line.socket.write(frame({ jsonrpc: '2.0', id: method, method, params: {} }));
  while (line.text().split(`"code":${FAILURE_CODE}`).length < 5) await once(line.socket, 'data');
  line.socket.destroy();
});

test("an answer of the wrong shape is the daemon's fault and says so", async () => {
  await using rpc = await startTestServer({ 'job/render': () => ({ text: 7 }) as never });
  const client = await rpc.connect();
  await assert.rejects(
    client.call('job/render', { id: ID, format: 'txt' }),
    failsWith('badAnswer', { method: 'job/render' }),
  );
});

test('a wrong token, no hello, and another protocol', async () => {
  let stopped = 0;
  await using rpc = await startTestServer({
    'daemon/stop': () => {
      stopped += 1;
      return {};
    },
  });
  const { socket } = rpc.home;
  await assert.rejects(
    connect({ socket, token: 'f'.repeat(64), client: 't', version: '1.2.3' }),
    failsWith('wrongToken'),
  );
  await assert.rejects(connect({ socket, token: '', client: 't', version: '1.2.3' }), failsWith('wrongToken'));
  const silent = await raw(rpc);
  silent.socket.write(frame({ jsonrpc: '2.0', id: 1, method: 'daemon/stop', params: {} }));
  await silent.closed;
  assert.match(silent.text(), /wrongToken/);
  assert.equal(stopped, 0);

  const stranger = await raw(rpc);
  await stranger.hello(99);
  stranger.socket.write(frame({ jsonrpc: '2.0', id: 2, method: 'queue/pause', params: {} }));
  stranger.socket.write(frame({ jsonrpc: '2.0', id: 3, method: 'daemon/stop', params: {} }));
  while (!stranger.text().includes('"id":3')) await once(stranger.socket, 'data');
  assert.equal(stranger.text().split('"data":{"code":"wrongVersion"').length, 3);
  assert.equal(stopped, 1, 'another version may stop the daemon, to replace it');
  assert.deepEqual(rpc.clients, [], 'none of them counts as a client');
  stranger.socket.destroy();
});

test('oversized frames and nonsense end the connection, and others go on', async () => {
  await using rpc = await startTestServer({ 'queue/pause': () => ({}) });
  const other = await rpc.connect();
  const early = await raw(rpc);
  early.socket.write(`Content-Length: ${MAX_HELLO_BYTES + 1}\r\n\r\n`);
  await early.closed;
  const late = await raw(rpc);
  await late.hello();
  late.socket.write(`Content-Length: ${MAX_REQUEST_BYTES + 1}\r\n\r\n`);
  await late.closed;
  const brackets = await raw(rpc);
  await brackets.hello();
  const call = `{"jsonrpc":"2.0","id":1,"method":"queue/pause","params":{"x":`;
  brackets.socket.write(frame(`${call}${'['.repeat(MAX_REQUEST_PARTS)}${']'.repeat(MAX_REQUEST_PARTS)}}}`));
  await brackets.closed;
  for (const bytes of [
    'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
    'x'.repeat(5000),
    'Content-Length: -5\r\n\r\n',
    'Content-Length: 5\r\n\r\nhello',
    frame('[1]'),
    frame('null'),
  ]) {
    const line = await raw(rpc);
    line.socket.write(bytes);
    await line.closed;
  }
  assert.deepEqual(await other.call('queue/pause', {}), {});
  assert.equal(rpc.log.filter(line => line.includes('dropped')).length, 9);
});

test('many recordings, each with its large glossary, are taken in several requests, in their order', async () => {
  const asked: number[] = [];
  await using rpc = await startTestServer({
    'job/submit': ({ jobs }) => {
      asked.push(jobs.length);
      return { results: jobs.map(({ recording }) => ({ failure: { code: 'noSuchFile', args: { path: recording } } })) };
    },
  });
  const glossary = Array.from({ length: 2000 }, (_, n) => ({ term: `term ${n}`, aliases: ['a', 'b', 'c', 'd'] }));
  const jobs = Array.from({ length: 50 }, (_, n) => ({
    recording: `/recordings/${n}.wav`,
    options: { repair: false, glossary },
  }));
  const results = await submit(await rpc.connect(), jobs);
  assert.deepEqual(
    results.map(result => 'failure' in result && result.failure.args.path),
    jobs.map(({ recording }) => recording),
  );
  assert.ok(asked.length > 1 && asked.every(count => count > 0), `${asked}`);
});

test('frames that arrive in crumbs and in one lump are the same', async () => {
  await using rpc = await startTestServer({ 'queue/pause': () => ({}) });
  const line = await raw(rpc);
  await line.hello();
  const requests = Buffer.concat([1, 2, 3].map(id => frame({ jsonrpc: '2.0', id, method: 'queue/pause', params: {} })));
  line.socket.write(requests);
  while (!line.text().includes('"id":3')) await once(line.socket, 'data');
  for (const byte of frame({ jsonrpc: '2.0', id: 4, method: 'queue/pause' })) {
    line.socket.write(Buffer.from([byte]));
    await new Promise(setImmediate);
  }
  while (!line.text().includes('"id":4')) await once(line.socket, 'data');
  line.socket.destroy();
});

test('a client that reads nothing is dropped, in bounded memory', async () => {
  const text = 'x'.repeat(8 * 1024 * 1024);
  let asked = 0;
  await using rpc = await startTestServer({
    'job/render': () => {
      asked += 1;
      return { text };
    },
  });
  const line = await raw(rpc);
  await line.hello();
  line.socket.pause();
  for (let id = 1; id <= 40; id += 1)
    line.socket.write(frame({ jsonrpc: '2.0', id, method: 'job/render', params: { id: ID, format: 'txt' } }));
  const client = await rpc.connect();
  while (!rpc.log.some(entry => entry.includes('does not read')))
    await client.call('job/render', { id: ID, format: 'txt' });
  assert.ok(asked < 40 + 20);
  line.socket.destroy();
});

test('a client that asks and asks is read no faster than it is answered', async () => {
  const waiting: (() => void)[] = [];
  await using rpc = await startTestServer({
    'queue/pause': () => new Promise(resolve => waiting.push(() => resolve({}))),
    'queue/resume': () => ({}),
  });
  const line = await raw(rpc),
    other = await rpc.connect();
  await line.hello();
  const requests = Buffer.concat(
    Array.from({ length: 1000 }, (_, id) => frame({ jsonrpc: '2.0', id: id + 1, method: 'queue/pause', params: {} })),
  );
  for (let i = 0; i < 100; i += 1) line.socket.write(requests);
  while (waiting.length < 256) await other.call('queue/resume', {});
  const before = process.memoryUsage.rss();
  for (let i = 0; i < 200; i += 1) await other.call('queue/resume', {});
  assert.equal(waiting.length, 256);
  assert.ok(line.socket.writableLength > requests.length * 80, 'the rest waits with the client');
  assert.ok(process.memoryUsage.rss() - before < 32 * 1024 * 1024);
  let answered = 0;
  while (answered < 2000) {
    const batch = waiting.splice(0);
    answered += batch.length;
    for (const go of batch) go();
    await other.call('queue/resume', {});
  }
  assert.ok(waiting.length <= 256, 'it is read on as it is answered');
  line.socket.destroy();
  for (const go of waiting) go();
});

test('a client that goes away cancels nothing', async () => {
  const { promise: may, resolve: go } = Promise.withResolvers<void>();
  const { promise: done, resolve: finish } = Promise.withResolvers<string>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  await using rpc = await startTestServer({
    'queue/pause': async () => {
      begin();
      await may;
      finish('ran to its end');
      return {};
    },
  });
  const client = await rpc.connect();
  const answer = assert.rejects(client.call('queue/pause', {}), failsWith('daemonUnreachable'));
  await begun;
  client.dispose();
  await answer;
  go();
  assert.equal(await done, 'ran to its end');
});

test('stopping lets an answer under way leave first', async () => {
  const { promise: may, resolve: go } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const rpc = await startTestServer({
    'job/render': async () => {
      begin();
      await may;
      return { text: 'last words' };
    },
  });
  const client = await rpc.connect();
  const answer = client.call('job/render', { id: ID, format: 'txt' });
  await begun;
  const closed = rpc.server.close();
  go();
  assert.deepEqual(await answer, { text: 'last words' });
  await closed;
  await client.closed;
  await assert.rejects(
    connect({ socket: rpc.home.socket, token: '', client: 't', version: '1' }),
    failsWith('daemonUnreachable'),
  );
});

const folders = { skip: posixOnly('a pipe of Windows lies in no folder') };
test('a run directory of someone else, a link, and a stale socket', folders, async t => {
  const { home, remove } = temporaryHome();
  t.after(remove);
  mkdirSync(join(home.state, 'elsewhere'), { recursive: true });
  symlinkSync(join(home.state, 'elsewhere'), home.run);
  await assert.rejects(startServer({ home, version: '1', handlers: handlersOf({}) }), failsWith('outputNotWritable'));

  const open = temporaryHome();
  t.after(open.remove);
  mkdirSync(open.home.run, { recursive: true });
  chmodSync(open.home.run, 0o777);
  writeFileSync(open.home.socket, 'left over');
  const server = await startServer({ home: open.home, version: '1', handlers: handlersOf({}) });
  assert.equal(statSync(open.home.run).mode & 0o777, 0o700);
  await server.close();

  if (process.getuid?.() !== 0) return t.diagnostic('ownership is only tried as root');
  const { chownSync } = await import('node:fs');
  const theirs = temporaryHome();
  t.after(theirs.remove);
  mkdirSync(theirs.home.run, { recursive: true });
  chownSync(theirs.home.run, 12345, 12345);
  await assert.rejects(
    startServer({ home: theirs.home, version: '1', handlers: handlersOf({}) }),
    failsWith('outputNotWritable'),
  );
});

test('a state folder deeper than a socket path may be', folders, async t => {
  const shallow = temporaryHome();
  t.after(shallow.remove);
  const place = homeOf({
    EARSHOT_STATE: join(shallow.home.state, 'deep'.repeat(30)),
    EARSHOT_DATA: shallow.home.data,
    XDG_RUNTIME_DIR: join(shallow.home.state, 'runtime'),
  });
  assert.ok(Buffer.byteLength(place.socket) < 104 && place.socket.startsWith(join(shallow.home.state, 'runtime')));
  const server = await startServer({ home: place, version: '1.0.0', handlers: handlersOf({}) });
  t.after(() => server.close());
  const client = await connect({
    socket: place.socket,
    token: readFileSync(place.token, 'utf8'),
    client: 't',
    version: '1.0.0',
  });
  assert.equal(statSync(dirname(place.socket)).mode & 0o777, 0o700);
  client.dispose();
});

test('whoever sits on the socket’s place learns no token, and cannot answer in the daemon’s name', async () => {
  await using rpc = await startTestServer({ 'queue/pause': () => ({}) });
  const token = readFileSync(rpc.home.token, 'utf8');
  const seen: Buffer[] = [];
  const place = `${rpc.home.socket}.squatter`;
  // It passes everything on to the real daemon, as one in the middle could, but for the proof, which it makes up.
  const squatter = createServer(socket => {
    const rpc = createMessageConnection(
      new StreamMessageReader(socket.on('data', chunk => seen.push(chunk))),
      new StreamMessageWriter(socket.on('error', () => {})),
    );
    rpc.onRequest('session/hello', () => ({
      protocol: PROTOCOL,
      version: '99.0.0',
      pid: 1,
      nonce: newNonce(),
      proof: newNonce(),
    }));
    rpc.onRequest('session/prove', () => ({}));
    rpc.listen();
  }).listen(place);
  await once(squatter, 'listening');
  await assert.rejects(connect({ socket: place, token, client: 't', version: '1.2.3' }), failsWith('wrongToken'));
  const text = Buffer.concat(seen).toString('utf8');
  assert.match(text, /session\/hello/);
  assert.doesNotMatch(text, new RegExp(token));
  assert.doesNotMatch(text, /session\/prove/, 'nothing is proven to a stranger');
  squatter.close();
});

test('a proof holds for one challenge only', async () => {
  await using rpc = await startTestServer({ 'queue/pause': () => ({}) });
  const token = readFileSync(rpc.home.token, 'utf8');
  const first = await raw(rpc),
    nonce = newNonce();
  const ask = (id: number, method: string, params: object): Buffer => frame({ jsonrpc: '2.0', id, method, params });
  const hello = { protocol: PROTOCOL, client: 't', version: '1.2.3', nonce };
  first.socket.write(ask(1, 'session/hello', hello));
  while (!first.text().includes('"id":1')) await once(first.socket, 'data');
  const server = /"nonce":"([0-9a-f]+)"/.exec(first.text())![1]!;
  const proof = proofOf(token, 'client', { client: nonce, server });
  const second = await raw(rpc);
  second.socket.write(ask(1, 'session/hello', hello));
  second.socket.write(ask(2, 'session/prove', { proof }));
  await second.closed;
  assert.match(second.text(), /wrongToken/);
  // The server's own proof, sent back to it, is none of a client's.
  const third = await raw(rpc);
  third.socket.write(ask(1, 'session/hello', hello));
  while (!third.text().includes('"id":1')) await once(third.socket, 'data');
  third.socket.write(ask(2, 'session/prove', { proof: /"proof":"([0-9a-f]+)"/.exec(third.text())![1] }));
  await third.closed;
  assert.match(third.text(), /wrongToken/);
  assert.deepEqual(rpc.clients, []);
  first.socket.destroy();
});

test(
  'a socket that is not this user’s own is not spoken to',
  { skip: process.getuid?.() !== 0 && 'needs root' },
  async () => {
    await using rpc = await startTestServer({ 'queue/pause': () => ({}) });
    const token = readFileSync(rpc.home.token, 'utf8'),
      options = { socket: rpc.home.socket, token, client: 't', version: '1.2.3' };
    const folder = dirname(rpc.home.socket);
    chmodSync(folder, 0o777);
    await assert.rejects(connect(options), failsWith('daemonUnreachable'));
    chmodSync(folder, 0o700);
    chownSync(rpc.home.socket, 12_345, 12_345);
    await assert.rejects(connect(options), failsWith('daemonUnreachable'));
    chownSync(rpc.home.socket, 0, 0);
    chownSync(folder, 12_345, 12_345);
    await assert.rejects(connect(options), failsWith('daemonUnreachable'));
    chownSync(folder, 0, 0);
    (await connect(options)).dispose();
  },
);

test('on Windows the pipe has a name that nobody can guess, which the token’s file tells', () => {
  const [a, b] = [newPipe(), newPipe()];
  assert.notEqual(a, b);
  assert.match(a, /^\\\\\.\\pipe\\earshot-[0-9a-f]{64}$/);
  assert.deepEqual(readAccess(accessText({ socket: a, token: 'f00' }), 'usual'), { socket: a, token: 'f00' });
  assert.deepEqual(readAccess(accessText({ socket: '/run/x.sock', token: 'f00' }), '/run/x.sock'), {
    socket: '/run/x.sock',
    token: 'f00',
  });
});

test('connections that say nothing keep nobody out', async () => {
  await using server = await startTestServer({});
  const idle = Array.from({ length: 250 }, () => dial(server.home.socket).on('error', () => {}));
  await Promise.all(idle.map(socket => once(socket, 'connect')));
  const client = await server.connect();
  assert.ok(client.daemon.pid > 0);
  client.dispose();
  for (const socket of idle) socket.destroy();
});
