/**
 * Connections to the HTTP endpoint that are held open: by who has no key, by who never reads an answer, and by a
 * WebSocket whose program stands still. None of them keeps the endpoint from closing, nor a place for ever.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { createHttpServer, type HttpServer, type HttpServerDeps } from '../../daemon/api/http/server.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { DEFAULTS } from '../../schemas/settings.ts';
import { fakeModel } from '../daemon/harness.ts';

/** A busy machine may stand still for a while: whoever is not to be given up has so long. */
const SILENT_MS = 1500,
  /** Beyond it something hangs, however busy the machine is. */
  WAIT_MS = 90_000;

/** @throws when it does not come */
function within<T>(what: string, event: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`waited ${WAIT_MS} ms for ${what}`)), WAIT_MS);
  return Promise.race([event, promise]).finally(() => clearTimeout(timer));
}

/** However it ends. */
const closing = (socket: Socket): Promise<void> => new Promise(resolve => socket.once('close', () => resolve()));

describe('a connection that is held open', { timeout: 180_000 }, () => {
  const root = mkdtempSync(join(tmpdir(), 'earshot-connections-'));
  after(() => rmSync(root, { recursive: true, force: true }));
  let http: HttpServer,
    submit: HttpServerDeps['queue']['submit'] = () => assert.fail('nobody asked'),
    port = 0,
    token = '';
  const sockets: Socket[] = [];
  const dial = async (): Promise<Socket> => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  };
  const head = (line: string, ...headers: string[]): string =>
    [`${line} HTTP/1.1`, `Host: 127.0.0.1:${port}`, ...headers, '', ''].join('\r\n');
  const key = (): string => `Authorization: Bearer ${token}`;
  const upgrade = ['Upgrade: websocket', 'Connection: Upgrade'];

  beforeEach(async () => {
    http = createHttpServer({
      uploads: join(root, 'uploads'),
      tokenFile: join(root, 'token'),
      settings: () => ({ ...DEFAULTS, http: { port: 0 } }),
      models: () =>
        Array.from({ length: 2000 }, (_, n) => ({
          card: fakeModel(`fake-asr-${n}`, 'asr'),
          state: 'installed',
        })) as never,
      store: { activeJobs: () => [] },
      queue: { submit: (...given) => submit(...given), cancel: () => {} },
      present: () => null,
      transcript: () => assert.fail('nobody asked'),
      ffmpeg: () => assert.fail('nobody asked'),
      listen: () => () => {},
      live: {
        open: () => assert.fail('nobody asked'),
        append: () => assert.fail('nobody asked'),
        close: () => assert.fail('nobody asked'),
      },
      clock: Date.now,
      log: pino({ level: 'silent' }),
      silentMs: SILENT_MS,
    });
    await http.apply();
    token = http.place!.token;
    port = Number(new URL(http.place!.url).port);
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await within('the endpoint to close', http.dispose());
  });

  for (const [who, line, ...headers] of [
    ['somebody without the key who asked for a WebSocket', 'GET /v1/realtime'],
    ['a WebSocket that there is none of', 'GET /v1/nothing', 'key'],
    ['somebody without the key who is still sending', 'POST /v1/audio/speech', 'Content-Length: 9'],
  ] as const)
    it(`by ${who} does not keep the endpoint from closing`, async () => {
      const socket = await dial();
      const given = headers.map(each => (each === 'key' ? key() : each));
      socket.write(head(line, ...given, ...(line.startsWith('GET') ? upgrade : [])));
      await within('an answer', once(socket, 'data'));
      await within('the endpoint to close', http.dispose());
    });

  it('by who keeps a refused WebSocket open is given up', async () => {
    const socket = await dial();
    socket.write(head('GET /v1/realtime', ...upgrade));
    await within('an answer', once(socket, 'data'));
    const closed = closing(socket);
    // What is sent into a connection that is gone breaks it.
    const sending = setInterval(() => socket.write('x'), 50);
    await within('the connection to end', closed).finally(() => clearInterval(sending));
  });

  it('by who never reads the answers is given up, with the key and without', async () => {
    for (const request of [head('GET /v1/models', key()), head('GET /v1/models')]) {
      const socket = await dial(),
        closed = closing(socket);
      const more = (): void => {
        while (socket.writable && socket.write(request.repeat(100)));
      };
      socket.on('drain', more);
      more();
      await within('the connection to end', closed);
    }
  });

  it('while something is done for it stays, however long that takes', async () => {
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>(),
      { promise: done, reject: refuse } = Promise.withResolvers<never>();
    submit = () => {
      ask();
      return done;
    };
    const answer = fetch(`http://127.0.0.1:${port}/v1/audio/speech`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ input: 'Hello', response_format: 'wav' }),
    });
    await within('the job', asked);
    await new Promise(resolve => setTimeout(resolve, 2 * SILENT_MS));
    refuse(new EarshotError('noVoice', { language: 'en' }));
    assert.equal((await within('an answer', answer)).status, 400);
  });

  it('as a WebSocket stays while its program answers pings, and is given up when it does not', async () => {
    const address = `ws://127.0.0.1:${port}/v1/realtime?intent=transcription`,
      headers = { authorization: `Bearer ${token}` };
    const good = new WebSocket(address, { headers }),
      still = new WebSocket(address, { headers, autoPong: false });
    let pings = 0;
    const seen = new Promise<void>(resolve =>
      good.on('ping', () => {
        if (++pings === 3) resolve();
      }),
    );
    await within('the one that stands still to be given up', once(still, 'close'));
    await within('three pings', seen);
    assert.equal(good.readyState, WebSocket.OPEN);
    good.terminate();
  });
});
