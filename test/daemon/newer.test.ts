/**
 * A client of today and a daemon of tomorrow: whatever it adds to its answers and events, at any depth, passes, and its
 * new names are shown as they are. What it says goes through the real server and the real client.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Value } from 'typebox/value';
import type { ClientConnection, Handlers } from '../../daemon/api/rpc/server.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { openOf } from '../../schemas/open.ts';
import { METHODS, StateEvent, type Handshake, type Method, type StateEvents } from '../../schemas/rpc.ts';
import { newer, samples } from '../fixtures/newer.ts';
import { startTestServer } from './test-server.ts';

const HANDSHAKE: ReadonlySet<string> = new Set<Handshake>(['session/hello', 'session/prove']);
type Call = Exclude<Method, Handshake>;
const CALLS = (Object.keys(METHODS) as Method[]).filter((name): name is Call => !HANDSHAKE.has(name));

test('answers of every method with fields and names that this client does not know', async () => {
  let answer: unknown;
  const handlers = Object.fromEntries(CALLS.map(name => [name, () => answer])) as Partial<Handlers>;
  await using server = await startTestServer(handlers);
  const client = await server.connect();
  for (const name of CALLS) {
    const params = samples(METHODS[name].params, 1)[0] as never;
    for (const value of samples(METHODS[name].result, 5)) {
      answer = newer(METHODS[name].result, value);
      assert.deepEqual(await client.call(name, params), JSON.parse(JSON.stringify(answer)), name);
    }
  }
  for (const name of HANDSHAKE as Set<Handshake>)
    for (const value of samples(METHODS[name].result, 5))
      assert.ok(Value.Check(openOf(METHODS[name].result), newer(METHODS[name].result, value)), name);
});

test('a required field that is missing is still no answer', async () => {
  await using server = await startTestServer({ 'job/get': () => ({ job: { id: 'x' } }) as never });
  await assert.rejects((await server.connect()).call('job/get', { id: '0'.repeat(26) }), (error: unknown) => {
    assert.ok(error instanceof EarshotError && error.failure.code === 'badAnswer');
    return true;
  });
});

test('events of every type, and of a type that this client does not know', async () => {
  let connection: ClientConnection | undefined;
  await using server = await startTestServer({
    'state/subscribe': (_, from) => {
      connection = from;
      return { seq: 0, queuePaused: false, jobs: [], devices: [], instances: [], models: [], engines: [] };
    },
  });
  const client = await server.connect();
  let gaps = 0,
    arrived: (batch: StateEvents) => void = () => {};
  client.onEvents(
    batch => arrived(batch),
    () => (gaps += 1),
  );
  await client.call('state/subscribe', { topics: ['jobs'] });
  let seq = 0;
  for (const schema of StateEvent.anyOf) {
    const batch = samples(schema, 5).map(value => newer(schema, value) as StateEvent),
      stranger = { type: 'fromTheFuture', of: [{ x: 1 }] } as unknown as StateEvent;
    const { promise, resolve } = Promise.withResolvers<StateEvents>();
    arrived = resolve;
    connection!.send({ seq: seq + 1, previous: seq, events: [stranger, ...batch] });
    seq += 1;
    assert.deepEqual((await promise).events, JSON.parse(JSON.stringify(batch)), schema.properties.type.const);
  }
  assert.equal(gaps, 0, 'nothing of it was taken for damage');
});
