/** A feed against the real server, its real events and the real client. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Client } from '../../../client/client.ts';
import { createEvents, type Events } from '../../../daemon/api/rpc/events.ts';
import type { ClientConnection } from '../../../daemon/api/rpc/server.ts';
import { Feed, type Wanted } from '../../../extension/connection/feed.ts';
import { EarshotError, thrown, type Failure } from '../../../schemas/errors.ts';
import type { StateEvent, StateSnapshot } from '../../../schemas/rpc.ts';
import { startTestServer, type TestServer } from '../../daemon/test-server.ts';

const JOBS: Wanted = { topics: ['jobs'], utterancesOf: [] },
  DEVICES: Wanted = { topics: ['devices'], utterancesOf: [] };

type Seen =
  | { kind: 'snapshot'; wanted: Wanted; state: StateSnapshot }
  | { kind: 'events'; events: StateEvent[] }
  | { kind: 'lost'; failure: Failure; retryMs: number | null };

interface Bench {
  feed: Feed;
  events: Events;
  server: TestServer;
  /** What the feed's owner was given, and the next of it. */
  seen: Seen[];
  next: () => Promise<Seen>;
  clients: Client[];
  /** As the server has them. */
  connections: ClientConnection[];
  /** The next subscriptions wait, or fail. */
  subscribing: { before: () => Promise<void> };
  opens: { fail: Failure | null };
}

async function bench(t: TestContext): Promise<Bench> {
  const events = createEvents(),
    connections: ClientConnection[] = [],
    subscribing = { before: async () => {} },
    opens: { fail: Failure | null } = { fail: null };
  const server = await startTestServer({
    'state/subscribe': async (wanted, connection) => {
      await subscribing.before();
      if (!connections.includes(connection)) connections.push(connection);
      const seq = events.subscribe(connection, wanted);
      return { seq, queuePaused: false, jobs: [], devices: [], instances: [], models: [], engines: [] };
    },
  });
  const seen: Seen[] = [],
    clients: Client[] = [];
  let read = 0,
    wake = (): void => {};
  const add = (each: Seen): void => {
    seen.push(each);
    wake();
  };
  const feed = new Feed(
    async () => {
      if (opens.fail) throw thrown(opens.fail);
      const client = await server.connect();
      clients.push(client);
      return client;
    },
    {
      snapshot: (state, wanted) => add({ kind: 'snapshot', wanted, state }),
      events: batch => add({ kind: 'events', events: batch.events }),
      lost: (failure, retryMs) => add({ kind: 'lost', failure, retryMs }),
    },
  );
  t.after(async () => {
    feed.dispose();
    await server[Symbol.asyncDispose]();
  });
  const next = async (): Promise<Seen> => {
    while (read === seen.length) await new Promise<void>(resolve => (wake = resolve));
    return seen[read++]!;
  };
  return { feed, events, server, seen, next, clients, connections, subscribing, opens };
}

const kinds = (seen: readonly Seen[]): string[] => seen.map(each => each.kind);

test('what is wanted comes as a snapshot, then as events', async t => {
  const { feed, events, next } = await bench(t);
  feed.want(JOBS);
  assert.equal((await next()).kind, 'snapshot');
  events.publish({ type: 'queue', paused: true });
  assert.deepEqual(await next(), { kind: 'events', events: [{ type: 'queue', paused: true }] });
});

test('a snapshot says what it is of, however fast people change their mind; the newest comes last', async t => {
  const { feed, next, seen, subscribing } = await bench(t);
  feed.want(JOBS);
  await next();
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>(),
    { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  subscribing.before = () => {
    ask();
    return answered;
  };
  feed.want(DEVICES);
  await asked;
  feed.want({ topics: ['jobs', 'devices'], utterancesOf: [] });
  feed.want({ topics: ['instances'], utterancesOf: [] });
  subscribing.before = async () => {};
  answer();
  await next();
  const last = await next();
  assert.deepEqual(last.kind === 'snapshot' && last.wanted.topics, ['instances']);
  assert.deepEqual(
    seen.map(each => each.kind === 'snapshot' && each.wanted.topics),
    [['jobs'], ['devices'], ['instances']],
  );
});

test('a subscription that fails is a loss: the owner hears of it, and what is wanted comes by a new connection', async t => {
  const { feed, next, clients, subscribing } = await bench(t);
  feed.want(JOBS);
  await next();
  subscribing.before = async () => {
    subscribing.before = async () => {};
    throw new EarshotError('internal', {});
  };
  feed.want(DEVICES);
  const lost = await next();
  assert.equal(lost.kind === 'lost' && lost.failure.code, 'internal');
  assert.ok(lost.kind === 'lost' && lost.retryMs! > 0);
  const again = await next();
  assert.deepEqual(again.kind === 'snapshot' && again.wanted, DEVICES);
  assert.equal(clients.length, 2);
  await clients[0]!.closed;
});

test('after a gap everything comes anew', async t => {
  const { feed, next, connections } = await bench(t);
  feed.want(JOBS);
  await next();
  // A batch that follows one that never came.
  connections[0]!.send({ seq: 9, previous: 8, events: [{ type: 'queue', paused: true }] });
  assert.deepEqual(kinds([await next(), await next()]), ['events', 'snapshot']);
});

test('a connection that ends comes back by itself, with a snapshot', async t => {
  const { feed, next, clients } = await bench(t);
  feed.want(JOBS);
  await next();
  clients[0]!.dispose();
  const lost = await next();
  assert.ok(lost.kind === 'lost' && lost.failure.code === 'daemonUnreachable' && lost.retryMs! > 0);
  assert.equal((await next()).kind, 'snapshot');
  assert.equal(clients.length, 2);
});

test('nobody wants anything any more: the connection closes, and its end is no loss', async t => {
  const { feed, next, clients, seen } = await bench(t);
  feed.want(JOBS);
  await next();
  feed.want(null);
  await clients[0]!.closed;
  feed.want(JOBS);
  await next();
  assert.deepEqual(kinds(seen), ['snapshot', 'snapshot']);
});

test('no longer wanted while it still connects: no snapshot, no loss, no connection left', async t => {
  const { feed, next, clients, seen, subscribing } = await bench(t);
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>(),
    { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  subscribing.before = () => {
    ask();
    return answered;
  };
  feed.want(JOBS);
  await asked;
  feed.want(null);
  subscribing.before = async () => {};
  answer();
  await clients[0]!.closed;
  feed.want(DEVICES);
  await next();
  assert.deepEqual(
    seen.map(each => each.kind === 'snapshot' && each.wanted),
    [DEVICES],
  );
});

test('a daemon that does not start is tried a few times with growing pauses, then when somebody asks', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { feed, next, seen, opens } = await bench(t);
  opens.fail = { code: 'daemonUnreachable', args: {} };
  feed.want(JOBS);
  for (let tries = 0; tries < 5; tries++) {
    await next();
    t.mock.timers.tick(10_000);
  }
  assert.deepEqual(
    seen.map(each => each.kind === 'lost' && each.retryMs),
    [500, 1000, 2000, 4000, null],
  );
  opens.fail = null;
  await feed.client();
  assert.equal((await next()).kind, 'snapshot');
});

test('disposed: nothing is opened any more', async t => {
  const { feed } = await bench(t);
  feed.dispose();
  await assert.rejects(feed.client());
});
