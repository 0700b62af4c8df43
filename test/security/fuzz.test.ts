/**
 * A real daemon under clients that say anything: every method with right and wrong values, and bytes that are no
 * messages. It answers, keeps its state, and holds on to nothing.
 */
import { frame, rawClient } from '../daemon/raw-client.ts';
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createConnection, connect as dial } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { Compile, type Validator } from 'typebox/compile';
import { toFailure } from '../../schemas/errors.ts';
import { METHODS, type Handshake, type Method } from '../../schemas/rpc.ts';
import { Settings } from '../../schemas/settings.ts';
import { fakeModel } from '../daemon/harness.ts';
import { RealDaemon } from '../daemon/real.ts';
import { mutated, NASTY, valid } from './values.ts';

const RIGHT = 10,
  WRONG = 14,
  CONNECTIONS = 120;
/** fast-check says the seed of a run that failed. */
const seeded = (numRuns: number): { numRuns: number; endOnFailure: boolean; seed?: number } => ({
  numRuns,
  endOnFailure: true,
  ...(process.env.EARSHOT_SEED ? { seed: Number(process.env.EARSHOT_SEED) } : {}),
});

const long = process.env.EARSHOT_LONG !== undefined;

describe('a daemon that is sent anything', { timeout: long ? 900_000 : 180_000 }, () => {
  const turns = join(tmpdir(), `earshot-turns-${process.pid}`);
  let daemon: RealDaemon,
    ids: string[] = [];
  const methods = (Object.keys(METHODS) as Method[]).filter(
    method => !method.startsWith('session/') && method !== 'daemon/stop',
  ) as Exclude<Method, Handshake | 'daemon/stop'>[];
  const call = (method: Exclude<Method, Handshake>, params: unknown): Promise<string> =>
    daemon.client.call(method, params as never).then(
      () => 'ok',
      error => {
        const { code, detail } = toFailure(error);
        return code === 'internal' || code === 'badAnswer' ? `${code} ${detail}` : code;
      },
    );
  const handles = (): number => readdirSync(`/proc/${daemon.pid}/fd`).length;

  before(async () => {
    // Nothing real is in reach: no runtimes, no network, no programs.
    daemon = new RealDaemon({
      models: [fakeModel('fake-asr', 'asr')],
      settings: { offline: true, idleExitSeconds: null },
      env: { PATH: '/nonexistent', TURNS: turns },
      // Every module that it loads later is a source that is compiled there: only the long form looks.
      nodeArgs: long ? ['--import', join(import.meta.dirname, 'turns.ts'), '--trace-warnings'] : [],
    });
    rmSync(daemon.home.runtimes);
    mkdirSync(daemon.home.runtimes);
    for (const link of readdirSync(daemon.home.models))
      if (link !== 'fake-asr') rmSync(join(daemon.home.models, link), { recursive: true });
    writeFileSync(join(daemon.recordings, 'a.txt'), 'Some words.');
    await daemon.start();
    await daemon.client.call('queue/pause', {});
    rmSync(turns, { force: true }); // that of its start, before anybody waited
    ids = (await daemon.submit([join(daemon.recordings, 'a.txt')], { repair: false })).map(job => job.id);
  });
  after(async () => {
    await daemon.close();
    rmSync(turns, { force: true });
  });

  const at = (): Record<string, fc.Arbitrary<unknown>> => {
    const id = fc.oneof(fc.constantFrom(...ids), fc.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/));
    const path = fc.constantFrom(
      join(daemon.recordings, 'a.txt'),
      daemon.recordings,
      join(daemon.root, 'nowhere', 'x.wav'),
      `${daemon.recordings}/../state/run/token`,
      'x'.repeat(4096),
      `/${'y/'.repeat(2000)}`,
      ...NASTY.filter(Boolean),
      daemon.recordings + '\0',
    );
    const inRoot = fc.constantFrom(
      join(daemon.root, 'out'),
      join(daemon.recordings, 'deep', 'er'),
      '/dev/null/x',
      '..',
      'x\0y',
      '-',
    );
    const { properties } = Settings as unknown as { properties: Record<string, object> };
    const changeable = Object.fromEntries(
      Object.entries(properties)
        .filter(([name]) => !['idleExitSeconds', 'http', 'offline', 'historyDays', 'historyJobs'].includes(name))
        .map(([name, schema]) => [name, fc.oneof(valid(schema), fc.jsonValue({ maxDepth: 2 }))]),
    );
    return {
      id,
      ids: fc.array(id, { minLength: 1, maxLength: 3 }),
      recording: path,
      path,
      paths: fc.array(path, { minLength: 1, maxLength: 3 }),
      directory: inRoot,
      moveTo: inRoot,
      saveTo: inRoot,
      values: fc.record(changeable, { requiredKeys: [] }),
    };
  };
  const checkers = new Map<Method, Validator>();
  const takes = (method: Method, params: unknown): boolean => {
    if (!checkers.has(method)) checkers.set(method, Compile(METHODS[method].params) as Validator);
    return checkers.get(method)!.Check(params ?? {});
  };

  test('wrong requests are refused by name and change nothing', async () => {
    const state = async (): Promise<string> => {
      const [settings, { jobs }, { folders }, { models }, { queuePaused }] = await Promise.all([
        daemon.client.call('settings/get', {}),
        daemon.client.call('job/list', {}),
        daemon.client.call('watch/list', {}),
        daemon.client.call('model/list', {}),
        daemon.client.call('daemon/status', {}),
      ]);
      return JSON.stringify([
        settings,
        jobs.map(({ id, options, priority, position }) => [id, options, priority, position]),
        folders,
        models.map(model => [model.card.id, model.state]),
        queuePaused,
      ]);
    };
    const first = await state();
    for (const method of [...methods, 'daemon/stop' as const])
      await fc.assert(
        fc.asyncProperty(mutated(valid(METHODS[method].params as object, at())), async params => {
          fc.pre(!takes(method, params));
          assert.equal(await call(method, params), 'badRequest', method);
        }),
        seeded(WRONG),
      );
    assert.equal(await state(), first);
  });

  test('right ones are done or refused in words, never by a breakdown', async () => {
    for (const method of methods)
      await fc.assert(
        fc.asyncProperty(valid(METHODS[method].params as object, at()), async params => {
          assert.doesNotMatch(
            await call(method, params),
            /^(internal|badAnswer)/,
            `${method} ${JSON.stringify(params).slice(0, 500)}`,
          );
        }),
        seeded(RIGHT),
      );
    assert.equal((await daemon.client.call('daemon/status', {})).pid, daemon.pid);
  });

  test('bytes that are no messages end their connection, and nothing of it is kept', async () => {
    const rpc = fc.oneof(
      fc.jsonValue().map(value => JSON.stringify(value)),
      fc
        .record(
          {
            jsonrpc: fc.constantFrom('2.0', '1.0', 7),
            id: fc.oneof(fc.nat(), text, fc.constant(null)),
            method: text,
            params: fc.jsonValue(),
          },
          { requiredKeys: [] },
        )
        .map(value => JSON.stringify(value)),
      text,
    );
    const header = fc.constantFrom(
      'Content-Length: 5\r\n\r\n',
      'Content-Length: 99999999999999\r\n\r\n',
      'Content-Length: 0\r\n\r\n',
      'content-length:3\r\nContent-Length: 900\r\n\r\n',
      'Content-Type: x\r\n\r\n',
      '\r\n\r\n',
      `X: ${'y'.repeat(5000)}`,
    );
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 400 }).map(bytes => Buffer.from(bytes)),
      rpc.map(frame),
      header.map(each => Buffer.from(each)),
      fc.uint8Array({ minLength: 1, maxLength: 60 }).map(bytes => frame(Buffer.from(bytes).toString('latin1'))),
    );
    const fdsBefore = handles(),
      { rssBytes: before } = await daemon.client.call('daemon/status', {});
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.array(piece, { maxLength: 6 }), async (known, pieces) => {
        const { socket, closed, hello } = await rawClient(daemon.home);
        if (known) await hello();
        for (const each of pieces) socket.write(each);
        socket.end();
        await closed;
      }),
      seeded(CONNECTIONS),
    );
    // As large as a message may be, from many at once, none of which ends it.
    const slow = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = createConnection(daemon.home.socket).on('error', () => {});
        await once(socket, 'connect');
        socket.write(Buffer.concat([Buffer.from('Content-Length: 65536\r\n\r\n'), Buffer.alloc(65_000)]));
        return socket;
      }),
    );
    for (const socket of slow) {
      const closed = once(socket, 'close');
      socket.destroy();
      await closed;
    }
    // The daemon sees their ends one after the other.
    for (
      let asked = 0;
      asked < 500 && ((await daemon.client.call('daemon/status', {})).clients > 1 || handles() > fdsBefore + 2);
      asked++
    );
    assert.ok(handles() <= fdsBefore + 2, `${handles()} handles after ${fdsBefore}`);
    const { rssBytes } = await daemon.client.call('daemon/status', {});
    assert.ok(rssBytes < before + 150 * 1024 ** 2, `${rssBytes} bytes after ${before}`);
  });
  test('the HTTP server: no request without its key gets further, whatever it looks like, and none breaks it', async () => {
    await daemon.client.call('settings/set', { values: { http: { port: 0 } } });
    const { url, token } = (await daemon.client.call('daemon/http', {})).place!,
      { port, host } = new URL(url);
    const send = (bytes: Buffer): Promise<string> =>
      new Promise(resolve => {
        let said = '';
        const socket = dial(Number(port), '127.0.0.1')
          .on('error', () => {})
          .on('data', chunk => {
            said += chunk.toString('latin1');
          })
          .once('close', () => resolve(said));
        socket.end(bytes);
      });
    const statuses = (said: string): number[] =>
      [...said.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(match => Number(match[1]));
    const target = fc.constantFrom(
      '/v1/models',
      '/v1/models/%',
      '/v1/models/%E0%A4%A',
      '/v1/models/../../x',
      '//',
      '//evil/v1/models',
      '/v1/audio/speech',
      '/v1/audio/transcriptions',
      '*',
      'http://evil.example/v1/models',
      '/v1/models/__proto__',
      `/${'x'.repeat(9000)}`,
      '/?%',
    );
    const method = fc.constantFrom('GET', 'POST', 'OPTIONS', 'HEAD', 'PUT', 'TRACE', 'CONNECT');
    const header = fc.oneof(
      fc.constantFrom(
        'Origin: https://evil.example',
        'Content-Type: multipart/form-data',
        'Content-Type: multipart/form-data; boundary=',
        'Content-Type: text/plain',
        'Content-Length: 3',
        'Content-Length: 99999999999',
        'Transfer-Encoding: chunked',
        'Expect: 100-continue',
        'Upgrade: h2c',
        'Authorization: Bearer',
        'Authorization: Bearer x',
        'Host: evil.example',
        'X-Forwarded-Host: 127.0.0.1',
        `X: ${'y'.repeat(20_000)}`,
      ),
      fc.string({ maxLength: 30 }).map(each => `X: ${each}`),
    );
    const request = fc.tuple(
      method,
      target,
      fc.array(header, { maxLength: 4 }),
      fc.boolean(),
      fc.boolean(),
      fc.constantFrom('', '{}', 'abc', '5\r\nhello\r\n0\r\n\r\n', '--b\r\n\r\n'),
    );
    await fc.assert(
      fc.asyncProperty(request, async ([verb, path, headers, known, right, body]) => {
        const lines = [
          `${verb} ${path} HTTP/1.1`,
          `Host: ${right ? host : 'evil.example'}`,
          'Connection: close',
          ...(known ? [`Authorization: Bearer ${token}`] : []),
          ...headers,
        ];
        const said = await send(Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`));
        for (const status of statuses(said))
          assert.ok(
            known && right
              ? status < 500
              : status === 403 ||
                  status === 401 ||
                  status === 400 ||
                  status === 417 ||
                  status === 431 ||
                  status === 100 ||
                  status === 501,
            `${status} to ${lines.join(' | ')}`,
          );
        assert.doesNotMatch(said, /^access-control-/im);
      }),
      seeded(150),
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async bytes => {
        for (const status of statuses(await send(Buffer.from(bytes)))) assert.equal(status, 400);
      }),
      seeded(40),
    );
    assert.deepEqual(readdirSync(join(daemon.home.state, 'uploads')), []);
    await daemon.client.call('settings/set', { values: { http: null } });
  });
  test('no turn keeps its thread', { skip: !long && 'npm run test:security looks' }, () => {
    assert.equal(existsSync(turns) ? readFileSync(turns, 'utf8') : '', '');
  });
  const text = fc.oneof(fc.constantFrom(...NASTY), fc.string({ maxLength: 30 }));
});
