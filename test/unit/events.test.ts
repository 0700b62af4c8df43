import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { BATCH_MS, createEvents } from '../../daemon/api/rpc/events.ts';
import type { ClientConnection, Subscription } from '../../daemon/api/rpc/server.ts';
import type { StateEvent, StateEvents } from '../../schemas/rpc.ts';
import { job, JOB_ID, utterance } from './cli/jobs.ts';

/** A connection that keeps what it is sent. */
function connection(): ClientConnection & {
  got: StateEvents[];
  full: boolean;
  drained: () => void;
  close: () => void;
  dropped: string[];
} {
  let onDrain = (): void => {},
    onClose = (): void => {};
  return {
    id: 1,
    client: 'test',
    subscription: null as Subscription | null,
    got: [] as StateEvents[],
    full: false,
    dropped: [] as string[],
    send(batch) {
      this.got.push(batch);
    },
    get backlogged() {
      return this.full;
    },
    drop(why) {
      this.dropped.push(why);
    },
    onDrain(listener) {
      onDrain = listener;
    },
    onClose(listener) {
      onClose = listener;
    },
    drained() {
      this.full = false;
      onDrain();
    },
    close: () => onClose(),
  };
}
const moved = (lastWords: string): StateEvent => ({ type: 'job', job: job({ lastWords }) });
const said = (index: number, words = ''): StateEvent => ({
  type: 'utterance',
  job: JOB_ID,
  utterance: utterance(index, 'asr', words || `words ${index}`),
});
const start = (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 });
  return createEvents();
};

test('the newest value of each thing, in the order in which things last happened', t => {
  const events = start(t),
    client = connection();
  events.subscribe(client, { topics: ['jobs'], utterancesOf: [JOB_ID] });
  for (const event of [moved('a'), said(0), moved('b'), said(1), said(0, 'better'), moved('c')]) events.publish(event);
  t.mock.timers.tick(1);
  assert.equal(client.got.length, 1);
  assert.deepEqual(client.got[0]!.events, [said(1), said(0, 'better'), moved('c')]);
  assert.deepEqual([client.got[0]!.previous, client.got[0]!.seq], [0, 6]);
});

test('at most twenty batches a second, however much happens', t => {
  const events = start(t),
    client = connection();
  events.subscribe(client, { topics: ['jobs'], utterancesOf: [JOB_ID] });
  for (let ms = 0; ms < 1000; ms += 1) {
    events.publish(moved(String(ms)));
    events.publish(said(ms));
    t.mock.timers.tick(1);
  }
  t.mock.timers.tick(BATCH_MS);
  assert.ok(client.got.length <= 22 && client.got.length >= 15, String(client.got.length));
  const seen = client.got.flatMap(batch => batch.events);
  assert.equal(seen.filter(event => event.type === 'utterance').length, 1000, 'no utterance is lost');
  assert.equal((seen.findLast(event => event.type === 'job') as { job: { lastWords: string } }).job.lastWords, '999');
  for (let i = 1; i < client.got.length; i += 1)
    assert.equal(client.got[i]!.previous, client.got[i - 1]!.seq, 'each batch says what it follows');
});

test('only what was asked for', t => {
  const events = start(t),
    client = connection();
  events.subscribe(client, { topics: ['jobs'] });
  events.publish(said(0));
  events.publish({ type: 'instanceGone', id: 'x' });
  t.mock.timers.tick(BATCH_MS);
  assert.equal(client.got.length, 0);
  events.publish({ type: 'queue', paused: true });
  events.publish({ type: 'notice', failure: { code: 'deviceLost', args: {} } });
  events.publish({ type: 'notice', failure: { code: 'deviceBack', args: {} } });
  t.mock.timers.tick(BATCH_MS);
  assert.deepEqual(
    client.got.map(batch => batch.events.map(event => event.type)),
    [['queue', 'notice', 'notice']],
  );
  assert.equal(client.got[0]!.previous, 0, 'events that it does not want leave no gap');
  events.unsubscribe(client);
  events.publish({ type: 'queue', paused: false });
  t.mock.timers.tick(BATCH_MS);
  assert.equal(client.got.length, 1);
});

test('a new subscription begins at its snapshot', t => {
  const events = start(t),
    client = connection();
  events.subscribe(client, { topics: ['jobs'] });
  events.publish(moved('old'));
  const seq = events.subscribe(client, { topics: ['jobs'] });
  assert.equal(seq, 1);
  t.mock.timers.tick(BATCH_MS);
  assert.equal(client.got.length, 0, 'the snapshot has it already');
  events.publish(moved('new'));
  t.mock.timers.tick(BATCH_MS);
  assert.deepEqual([client.got[0]!.previous, client.got[0]!.seq], [1, 2]);
});

test('a slow client gets fewer, larger batches and nothing twice', t => {
  const events = start(t),
    client = connection();
  events.subscribe(client, { topics: ['jobs'], utterancesOf: [JOB_ID] });
  client.full = true;
  for (let i = 0; i < 500; i += 1) {
    events.publish(moved(String(i)));
    events.publish(said(i % 100, `try ${i}`));
    t.mock.timers.tick(10);
  }
  assert.equal(client.got.length, 0);
  client.drained();
  t.mock.timers.tick(BATCH_MS);
  assert.equal(client.got.length, 1);
  assert.equal(client.got[0]!.events.length, 101);
});

test('a client that never reads is given up, and one that has gone is forgotten', t => {
  const events = start(t),
    client = connection();
  events.subscribe(client, { topics: ['jobs'] });
  client.full = true;
  for (let i = 0; i < 100_001; i += 1) events.publish({ type: 'notice', failure: { code: 'deviceLost', args: {} } });
  assert.equal(client.dropped.length, 1);
  client.close();
  events.publish(moved('x'));
  t.mock.timers.tick(BATCH_MS);
  assert.equal(client.got.length, 0);
  assert.equal(client.subscription, null);
});

test('publishing is cheap', () => {
  const events = createEvents(),
    clients = Array.from({ length: 3 }, connection);
  for (const client of clients) {
    client.full = true;
    events.subscribe(client, { topics: ['jobs'], utterancesOf: [JOB_ID] });
  }
  const event = said(0),
    begun = performance.now();
  for (let i = 0; i < 100_000; i += 1) events.publish(event);
  const each = (performance.now() - begun) / 100_000;
  assert.ok(each < 0.02, `${each} ms for one event to three clients`);
});
