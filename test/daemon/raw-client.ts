/**
 * A client made of bytes, for what a decent one never does: frames as they are, and the handshake where it is wanted.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { newNonce, proofOf, readAccess } from '../../client/handshake.ts';
import type { Home } from '../../client/home.ts';
import { PROTOCOL } from '../../schemas/rpc.ts';

export const frame = (message: unknown): Buffer => {
  const body = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message));
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]);
};

export interface RawClient {
  socket: Socket;
  closed: Promise<unknown>;
  /** All that was received. */
  text: () => string;
  /** Both calls of the handshake; resolves when the second was answered. */
  hello: (protocol?: number) => Promise<void>;
}

export async function rawClient(home: Pick<Home, 'socket' | 'token'>): Promise<RawClient> {
  const socket = createConnection(home.socket);
  let text = '';
  socket.on('error', () => {});
  await once(socket, 'connect');
  const closed = new Promise(resolve => socket.once('close', resolve));
  socket.on('data', chunk => (text += chunk.toString('latin1')));
  const until = async (what: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = what.exec(text);
      if (found) return found;
      await Promise.race([once(socket, 'data'), closed]);
      if (socket.destroyed) throw new Error(`the connection ended: ${text}`);
    }
  };
  return {
    socket,
    closed,
    text: () => text,
    hello: async (protocol = PROTOCOL) => {
      const nonce = newNonce(),
        params = { protocol, client: 'raw', version: '1.2.3', nonce };
      socket.write(frame({ jsonrpc: '2.0', id: 'hello', method: 'session/hello', params }));
      const [, server] = await until(/"nonce":"([0-9a-f]{64})"/);
      const { token } = readAccess(readFileSync(home.token, 'utf8'), home.socket);
      const proof = proofOf(token, 'client', { client: nonce, server: server! });
      socket.write(frame({ jsonrpc: '2.0', id: 'prove', method: 'session/prove', params: { proof } }));
      await until(/"id":"prove"/);
    },
  };
}
