/** The window's connection to a real server: its states, what it mirrors, and what comes and goes with the views. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { workspace } from '../../fixtures/vscode.ts';
import { createEvents, type Events } from '../../../daemon/api/rpc/events.ts';
import type { ConnectionState, Daemon as Connection } from '../../../extension/connection/connection.ts';
import type { Utterance } from '../../../schemas/job.ts';
import type { Topic } from '../../../schemas/rpc.ts';
import { startTestServer, type TestServer } from '../../daemon/test-server.ts';
const { Daemon } = await import('../../../extension/connection/connection.ts');

const ID = '01JD00000000000000000000AA';

interface Bench {
  daemon: Connection;
  server: TestServer;
  events: Events;
  states: ConnectionState['kind'][];
  /** What was asked for, by connection. */
  wanted: { topics: Topic[]; utterancesOf: string[] }[];
  until: (what: () => boolean) => Promise<void>;
  drop: () => void;
  /** Methods that reached the daemon. */
  asked: string[];
}

async function bench(t: TestContext): Promise<Bench> {
  const events = createEvents(),
    wanted: Bench['wanted'] = [],
    drops: (() => void)[] = [],
    asked: string[] = [];
  const server = await startTestServer({
    'state/subscribe': (params, connection) => {
      wanted.push({ topics: [...params.topics], utterancesOf: [...(params.utterancesOf ?? [])] });
      drops.push(() => connection.drop('a test'));
      const seq = events.subscribe(connection, params);
      return { seq, queuePaused: false, jobs: [], devices: [], instances: [], models: [], engines: [] };
    },
    'daemon/stop': () => ({}),
    'job/pause': () => (asked.push('job/pause'), {}),
    'job/retry': () => (asked.push('job/retry'), {}),
  });
  const daemon = new Daemon('1.2.3', async () => ({
    program: process.execPath,
    args: ['-e', 'process.exit(1)'],
    env: {},
    socket: server.home.socket,
    token: server.home.token,
    log: `${server.home.state}/start.log`,
  }));
  const states: ConnectionState['kind'][] = [];
  let wake = (): void => {};
  daemon.onConnection(({ kind }) => {
    if (states.at(-1) !== kind) states.push(kind);
    wake();
  });
  daemon.onChange(() => wake());
  daemon.onUtterance(() => wake());
  daemon.onSubscribed(() => wake());
  t.after(async () => {
    daemon.dispose();
    await server[Symbol.asyncDispose]();
  });
  return {
    asked,
    daemon,
    server,
    events,
    states,
    wanted,
    until: async what => {
      while (!what()) await new Promise<void>(resolve => (wake = resolve));
    },
    drop: () => drops.forEach(each => each()),
  };
}

test('it connects when something is asked for, and mirrors from then on', async t => {
  const { daemon, events, states, until } = await bench(t);
  assert.equal(daemon.connection.kind, 'off');
  await daemon.start();
  assert.deepEqual(states, ['starting', 'connected']);
  events.publish({ type: 'queue', paused: true });
  await until(() => daemon.state.queuePaused);
});

test('a lost connection comes back by itself', async t => {
  const { daemon, states, until, drop } = await bench(t);
  await daemon.start();
  drop();
  await until(() => states.filter(kind => kind === 'connected').length === 2);
  assert.deepEqual(states, ['starting', 'connected', 'lost', 'starting', 'connected']);
});

test('devices come while somebody looks, utterances while somebody streams; each once', async t => {
  const { daemon, events, wanted, until } = await bench(t);
  await daemon.start();
  const heard: string[] = [],
    subscribed: string[][] = [];
  daemon.onUtterance(({ utterance }) => heard.push(utterance.asr!.text));
  daemon.onSubscribed(jobs => subscribed.push([...jobs]));
  const devices = daemon.watchDevices(),
    again = daemon.watchDevices(),
    utterances = daemon.watchUtterances(ID);
  await until(() => subscribed.some(jobs => jobs.includes(ID)));
  const utterance: Utterance = {
    index: 0,
    startMs: 0,
    endMs: 900,
    asr: { text: 'One.', words: [], language: 'en', languageProbability: 1 },
  };
  events.publish({ type: 'utterance', job: ID, utterance });
  await until(() => heard.length > 0);
  assert.deepEqual(heard, ['One.']);
  utterances.dispose();
  again.dispose();
  await until(() => wanted.at(-1)!.utterancesOf.length === 0);
  assert.deepEqual(wanted.at(-1)!.topics, ['devices', 'instances'], 'somebody still looks');
  devices.dispose();
});

test('views that opened before there was a daemon get what they want once there is one', async t => {
  const { daemon, wanted, until } = await bench(t);
  const devices = daemon.watchDevices();
  await until(() => wanted.some(({ topics }) => topics.includes('devices')));
  await daemon.start();
  assert.ok(daemon.connection.kind === 'connected');
  devices.dispose();
});

test('in a workspace that is not trusted nothing starts, whoever asks; all else is as ever', async t => {
  const { daemon, asked } = await bench(t);
  workspace.isTrusted = false;
  try {
    for (const work of [
      () => daemon.call('job/submit', { jobs: [{ recording: '/w/a.wav', options: { repair: false } }] }),
      () => daemon.call('job/retry', { ids: [ID] }),
      () => daemon.call('job/summary', { of: ID }),
      () => daemon.call('live/open', { name: 'x', format: 'pcm', options: { repair: false } } as never),
      () => daemon.call('watch/add', { folder: { path: '/w' } } as never),
      () => daemon.call('watch/resume', { paths: ['/w'] }),
      () => daemon.call('job/combine', { ids: [ID] } as never),
    ])
      await assert.rejects(work, /untrustedWorkspace/);
    await daemon.call('job/pause', { ids: [ID] });
    assert.deepEqual(asked, ['job/pause']);
    workspace.isTrusted = true;
    await daemon.call('job/retry', { ids: [ID] });
    assert.deepEqual(asked, ['job/pause', 'job/retry']);
  } finally {
    workspace.isTrusted = true;
  }
});
