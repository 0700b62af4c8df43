/** Whoever listens where a fleet's database should, on this very machine, without TLS. */
import assert from 'node:assert/strict';
import { once as event } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { isUnreachable, problemOf } from '../../daemon/fleet/access.ts';
import { Line, once, Pool, type Access } from '../../daemon/fleet/postgres.ts';

const PASSWORD = 'correct horse battery staple';

/** A message of the protocol: its type, its length and what it says. */
function message(type: string, ...parts: (number | string | Buffer)[]): Buffer {
  const body = Buffer.concat(
    parts.map(part => {
      if (typeof part !== 'number') return Buffer.from(part as string);
      const four = Buffer.alloc(4);
      four.writeInt32BE(part);
      return four;
    }),
  );
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
/** "Come in", without having asked anything. */
const WELCOME = [message('R', 0), message('Z', 'I')];
/** What it sends at each of the client's messages. */
const IMPOSTORS: Readonly<Record<string, readonly (readonly Buffer[])[]>> = {
  'asks for it in clear': [[message('R', 3)], WELCOME],
  'asks for an MD5 of it': [[message('R', 5, 'salt')], WELCOME],
  'asks nothing': [WELCOME],
  'makes up the end of SCRAM': [[message('R', 10, 'SCRAM-SHA-256\0\0')], [message('R', 12, 'v=AAAA'), ...WELCOME]],
};

test('a program that took the database’s port is told no password, and nothing else', async () => {
  for (const [what, turns] of Object.entries(IMPOSTORS)) {
    const heard: Buffer[] = [],
      sockets = new Set<Socket>();
    const server = createServer(socket => {
      sockets.add(socket);
      let turn = 0;
      socket.on('error', () => {});
      socket.on('data', data => {
        heard.push(data);
        for (const answer of turns[turn++] ?? []) socket.write(answer);
      });
    }).listen(0, '127.0.0.1');
    await event(server, 'listening');
    const { port } = server.address() as AddressInfo,
      access: Access = { host: '127.0.0.1', port, database: 'fleet', user: 'ann', password: PASSWORD };
    const refused = (error: unknown): boolean => {
      assert.equal(problemOf(error, access).code, 'fleetUnproven', what);
      return true;
    };
    try {
      await assert.rejects(
        once(access, query => query(`select 'secret recording'`)),
        refused,
        what,
      );
      const pool = new Pool({ access, leaseSeconds: 10, failed: () => {} });
      await assert.rejects(pool.query(`select 'secret recording'`), refused, what);
      await pool.stop();
      const down = Promise.withResolvers<unknown>();
      const line = new Line({
        access,
        channels: ['c'],
        heard: () => {},
        up: () => down.resolve(null),
        down: down.resolve,
      });
      refused(await down.promise);
      await line.close();
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
    const all = Buffer.concat(heard).toString('latin1');
    assert.ok(all.includes('ann'), 'it was asked');
    assert.ok(!all.includes(PASSWORD) && !all.includes('secret recording') && !all.includes('md5'), what);
  }
  assert.ok(isUnreachable(Object.assign(new Error('x'), { code: 'unproven' })), 'the database may come back');
});
