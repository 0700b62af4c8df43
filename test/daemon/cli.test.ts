/** The command line as people and programs use it: against a daemon of the test that says what it is told to say. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createEvents } from '../../daemon/api/rpc/events.ts';
import type { Handlers } from '../../daemon/api/rpc/server.ts';
import { EarshotError, failure } from '../../schemas/errors.ts';
import { reason } from '../../schemas/reasons.ts';
import { Job, Utterance } from '../../schemas/job.ts';
import type { Model } from '../../schemas/model.ts';
import type { Params, StateEvent } from '../../schemas/rpc.ts';
import { DEFAULTS, type Settings } from '../../schemas/settings.ts';
import type { WatchedFolder } from '../../schemas/watch.ts';
import { newer } from '../fixtures/newer.ts';
import { posixOnly } from '../only.ts';
import { job, JOB_ID, utterance } from '../unit/cli/jobs.ts';
import { startTestServer, type TestServer } from './test-server.ts';
import type { Home } from '../../daemon/auth/home.ts';
import { RealDaemon } from './real.ts';

/** `npm test` has just built the bundle, which starts five times as fast as the sources. */
const CLI = join(import.meta.dirname, '..', '..', process.env.EARSHOT_BUILT ? 'dist/cli.mjs' : 'cli/main.ts');
const python = ['python3', 'python'].find(name => spawnSync(name, ['-c', 'import pty']).status === 0);

interface Ended {
  code: number | null;
  out: string;
  err: string;
}
interface Running {
  child: ChildProcess;
  out: () => string;
  until: (pattern: RegExp) => Promise<void>;
  ended: Promise<Ended>;
}

/** Starts `earshot` with arguments; `terminal`: in a terminal of its own. */
function earshot(
  server: { home: Home },
  args: string[],
  options: { terminal?: [rows: number, columns: number]; env?: NodeJS.ProcessEnv } = {},
): Running {
  const command = [process.execPath, '--disable-warning=ExperimentalWarning', CLI, ...args];
  const [program, ...rest] = options.terminal
    ? [python!, join(import.meta.dirname, 'terminal.py'), ...options.terminal.map(String), ...command]
    : command;
  const child = spawn(program!, rest, {
    env: {
      ...process.env,
      LANG: 'C.UTF-8',
      LC_ALL: '',
      LC_MESSAGES: '',
      TERM: 'xterm-256color',
      NO_COLOR: '',
      FORCE_COLOR: undefined,
      EARSHOT_STATE: server.home.state,
      EARSHOT_DATA: server.home.data,
      ...options.env,
    },
    cwd: server.home.state,
  });
  let out = '',
    err = '';
  const waiting = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    for (const look of waiting) look();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const ended = new Promise<Ended>(resolve => {
    child.on('close', code => {
      resolve({ code, out, err });
      for (const look of waiting) look();
    });
  });
  return {
    child,
    out: () => out,
    ended,
    until: pattern =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (pattern.test(plain(out))) {
            waiting.delete(look);
            resolve();
          } else if (child.exitCode !== null) reject(new Error(`ended without ${String(pattern)}:\n${out}\n${err}`));
        };
        waiting.add(look);
        look();
      }),
  };
}
/** Text without the terminal's own sequences. */
const plain = (text: string): string => text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '');

/** A scripted queue of one job: handlers over a job and its utterances that the test changes. */
function script(first: Job) {
  const events = createEvents();
  const state = {
    job: first,
    utterances: [] as Utterance[],
    submitted: null as Params<'job/submit'> | null,
    cancelled: [] as string[],
    subscribed: Promise.withResolvers<void>(),
    drop: (): void => {},
  };
  const publish = (event: StateEvent): void => {
    if (event.type === 'job') state.job = event.job;
    if (event.type === 'utterance') state.utterances[event.utterance.index] = event.utterance;
    events.publish(event);
  };
  const handlers: Partial<Handlers> = {
    'job/submit': params => {
      state.submitted = params;
      return {
        results: params.jobs.map(({ recording }) =>
          recording.endsWith('bad.wav')
            ? { failure: { code: 'notMedia' as const, args: {} } }
            : { job: state.job, existing: false },
        ),
      };
    },
    'device/list': () => ({ devices: [], instances: [], estimates: [] }),
    'state/subscribe': (params, connection) => {
      state.drop = () => connection.drop('as in a crash');
      const seq = events.subscribe(connection, params);
      setImmediate(state.subscribed.resolve);
      return { seq, queuePaused: false, jobs: [state.job], devices: [], instances: [], models: [], engines: [] };
    },
    'job/get': () => ({ job: state.job }),
    'job/utterances': () => ({ utterances: state.utterances.filter(Boolean) }),
    'job/list': () => ({ jobs: [state.job], next: null, total: 1 }),
    'job/cancel': ({ ids }) => {
      state.cancelled.push(...ids);
      return {};
    },
    'job/render': ({ format }) => ({ text: `as ${format}\n` }),
    'settings/get': () => ({ settings: DEFAULTS, defaults: DEFAULTS }),
    'model/list': () => ({ models: [] }),
    'daemon/status': () => ({
      version: '99.0.0',
      pid: 1,
      startedAt: 1,
      rssBytes: 1,
      clients: 1,
      queuePaused: false,
      jobs: { active: 1, total: 1 },
      stateDirectory: '/s',
      dataDirectory: '/d',
      http: { url: 'http://127.0.0.1:8484/v1', failure: null },
    }),
  };
  return { state, publish, handlers };
}
const done = (first: Job): Job => ({
  ...first,
  state: 'completed',
  finishedAt: 12_000,
  outputs: [{ kind: 'txt', path: '/out/talk.txt', bytes: 3 }],
});
const server = (handlers: Partial<Handlers>): Promise<TestServer> => startTestServer(handlers, '99.0.0');

test('transcribe in a pipe: each utterance as it settles, the end beside it, options as they were given', async () => {
  const { state, publish, handlers } = script(job());
  await using place = await server(handlers);
  writeFileSync(join(place.home.state, 'terms.txt'), 'Asterisk = asterisco\n');
  const run = earshot(place, [
    'transcribe',
    'a talk.wav',
    '-l',
    'en',
    '-t',
    'de',
    '--speak',
    '--format',
    'srt,txt',
    '-o',
    'out',
    '--priority',
    'high',
    '--glossary',
    'terms.txt',
    '--prompt',
    'x',
    '--track',
    '1',
    '--model',
    'asr=tiny',
    '--mux',
  ]);
  await state.subscribed.promise;
  publish({ type: 'utterance', job: JOB_ID, utterance: utterance(0) });
  await run.until(/0:00\tWords 0\./);
  publish({ type: 'utterance', job: JOB_ID, utterance: utterance(1) });
  publish({ type: 'job', job: done(state.job) });
  const { code, out, err } = await run.ended;
  assert.equal(code, 0, err);
  assert.equal(out, '0:00\tWords 0.\n0:10\tWords 1.\n');
  assert.match(err, /✓ talk\.wav {2}completed · English\n {2}Wrote \/out\/talk\.txt/);
  assert.deepEqual(state.submitted, {
    jobs: [
      {
        recording: join(place.home.state, 'a talk.wav'),
        priority: 'high',
        options: {
          repair: true,
          language: 'en',
          translateTo: 'de',
          speak: true,
          prompt: 'x',
          audioTrack: 1,
          glossary: [{ term: 'Asterisk', translation: 'asterisco' }],
          models: { asr: 'tiny' },
          outputs: { formats: ['srt', 'txt'], directory: join(place.home.state, 'out'), mux: true },
        },
      },
    ],
  });
});

test('--json gives events, --detach jobs, --output - the text alone', async () => {
  const { state, publish, handlers } = script(job());
  await using place = await server(handlers);
  const run = earshot(place, ['transcribe', 'x.wav', '--json']);
  await state.subscribed.promise;
  publish({ type: 'utterance', job: JOB_ID, utterance: utterance(0) });
  publish({ type: 'job', job: done(state.job) });
  const lines = (await run.ended).out
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as StateEvent);
  assert.ok(lines.some(event => event.type === 'utterance' && event.utterance.repair?.text === 'Words 0.'));
  assert.equal(lines.findLast(event => event.type === 'job')!.job.state, 'completed');

  const detached = await earshot(place, ['transcribe', 'x.wav', '--detach']).ended;
  assert.deepEqual([detached.code, detached.out], [0, `${JOB_ID}  talk.wav\n`]);
  const text = await earshot(place, ['transcribe', 'x.wav', '-o', '-', '--format', 'srt']).ended;
  assert.deepEqual([text.code, text.out], [0, 'as srt\n']);
  assert.deepEqual(state.submitted!.jobs[0]!.options.outputs, { formats: [] });
});

test('what goes wrong has a sentence and an exit code', async () => {
  const { handlers } = script(done(job({ state: 'completed' })));
  await using place = await server({
    ...handlers,
    'job/get': () => {
      throw new EarshotError('unknownJob', { id: JOB_ID });
    },
    'job/pause': () => {
      throw new EarshotError('wrongState', { id: JOB_ID, state: 'completed' });
    },
  });
  mkdirSync(join(place.home.state, 'empty'));
  const cases: [args: string[], code: number, said: RegExp][] = [
    [['transcribe', 'empty'], 4, /No recordings found in/],
    [['transcribe', 'bad.wav'], 4, /bad\.wav is not an audio or video file/],
    [['transcribe', 'x.wav', '--model', 'nonesuch'], 2, /no model “nonesuch”/],
    [['transcribe', 'x.wav', '--format', 'doc'], 2, /--format doc/],
    [['transcribe'], 2, /name a recording/],
    [['transcribe', '--speak', 'bad.wav'], 4, /bad\.wav is not an audio/],
    [['transcribe', '--speak', 'joe'], 2, /name a recording/],
    [['transcribe', 'x.wav', '--priority', 'soon'], 2, /urgent, high, normal, low/],
    [['show', JOB_ID], 2, /There is no job/],
    [['show', 'nothing-like-it'], 2, /There is no job nothing-like-it/],
    [['pause'], 2, /name a job, or use --all to pause the queue/],
    [['queue', '--state', 'gone'], 2, /pending, loading, .*canceled/],
    [['frobnicate'], 2, /unknown command/],
  ];
  const ended = await Promise.all(cases.map(([args]) => earshot(place, args).ended));
  for (const [i, [args, code, said]] of cases.entries()) {
    assert.match(ended[i]!.err, said, args.join(' '));
    assert.equal(ended[i]!.code, code, `${args.join(' ')}: ${ended[i]!.err}`);
    assert.doesNotMatch(ended[i]!.err, /^\s+at /m, 'no stack');
  }
  const chinese = await earshot(place, ['transcribe', 'bad.wav'], { env: { LANG: 'zh_CN.UTF-8' } }).ended;
  assert.match(chinese.err, /bad\.wav 不是 ffmpeg 能读取的音频或视频文件/);
  const program = await earshot(place, ['show', JOB_ID, '--json']).ended;
  assert.deepEqual(JSON.parse(program.out), { type: 'failure', failure: { code: 'unknownJob', args: { id: JOB_ID } } });
});

test('a model that has the name of its engine is installed when it is, not when the engine is', async () => {
  const daemon = await new RealDaemon({ settings: { offline: true } }).start();
  try {
    const { code, out, err } = await earshot(daemon, ['models', 'install', 'kokoro']).ended;
    assert.notEqual(code, 0);
    assert.doesNotMatch(out, /installed/);
    assert.match(err, /offline/i);
  } finally {
    await daemon.close();
  }
});

test('a daemon that crashes is met again; one that is stopped is not started anew', async () => {
  const { state, publish, handlers } = script(job());
  await using place = await server(handlers);
  const run = earshot(place, ['transcribe', 'x.wav']);
  await state.subscribed.promise;
  publish({ type: 'utterance', job: JOB_ID, utterance: utterance(0) });
  await run.until(/Words 0\./);
  state.subscribed = Promise.withResolvers();
  state.drop();
  publish({ type: 'utterance', job: JOB_ID, utterance: utterance(1) });
  await state.subscribed.promise;
  await run.until(/Words 1\./);
  const closed = place.server.close();
  const { code, out, err } = await run.ended;
  await closed;
  assert.equal(code, 0);
  assert.equal(out, '0:00\tWords 0.\n0:10\tWords 1.\n', 'nothing twice');
  assert.match(err, /The daemon was stopped; the job continues when it starts again/);
});

test('a job that failed is exit code 1 and shows what it has', async () => {
  const failed = job({
    state: 'failed',
    finishedAt: 3_000,
    failure: failure('workerCrashed', { engine: 'whisper', exit: 'SIGSEGV' }),
  });
  const { state, handlers } = script(failed);
  state.utterances = [utterance(0), { ...utterance(1, 'asr'), failed: { stage: 'repair', failure: failed.failure! } }];
  await using place = await server(handlers);
  const { code, out, err } = await earshot(place, ['transcribe', 'x.wav']).ended;
  assert.equal(code, 1);
  assert.equal(out, '0:00\tWords 0.\n0:10\twords 1\n\t[Repair: could not be done]\n');
  assert.match(err, /The whisper worker crashed \(SIGSEGV\)\./);
});

test('what a newer daemon says in names that this version lacks is shown as it is', async () => {
  const stranger = newer(
    Job,
    job({
      state: 'failed',
      failure: { code: 'fromTheFuture', args: { depth: 3 } },
      waiting: { code: 'alsoFromTheFuture', args: {} },
      warnings: [{ code: 'workerCrashed', args: { engine: 'whisper', signal: 9 } }],
    }),
  );
  const { state, handlers } = script(stranger);
  const failed = { stage: 'repair' as const, failure: stranger.failure! };
  state.utterances = [newer(Utterance, { ...utterance(0, 'asr'), failed })];
  await using place = await server(handlers);
  const [queue, coloured, shown, why] = await Promise.all(
    [['queue'], ['queue'], ['show', JOB_ID], ['why', JOB_ID]].map(
      (args, i) => earshot(place, args, i === 1 ? { env: { FORCE_COLOR: '1' } } : {}).ended,
    ),
  );
  for (const { code, err } of [queue!, coloured!, shown!]) assert.equal(code, 0, err);
  assert.match(queue!.out, /talk\.wav +fromTheFuture +fromTheFuture .* “fromTheFuture” \(depth 3\)/);
  assert.equal(plain(coloured!.out), queue!.out);
  assert.match(shown!.out, /0:00\twords 0\n\t\[fromTheFuture: could not be done\]/);
  assert.match(
    shown!.out,
    /talk\.wav {2}fromTheFuture[\s\S]*“fromTheFuture”[\s\S]*“workerCrashed”[\s\S]*\n {2}alsoFromTheFuture/,
  );
  assert.match(why!.err, /“fromTheFuture” \(depth 3\)/);
});

test('the queue, found by the end of an id or a name', async () => {
  const { handlers } = script(
    job({
      recording: { path: '/x', name: 'ev\u001b[31mil 会议.wav', bytes: 1, modifiedAt: 1, durationMs: 60_000 },
      waiting: reason('behind', { count: 2 }),
    }),
  );
  await using place = await server(handlers);
  const [table, lines, shown, why, other] = await Promise.all(
    [['queue'], ['queue', '--json'], ['show', 'aa'], ['why', '会议'], ['log', 'last']].map(
      args => earshot(place, args).ended,
    ),
  );
  assert.match(table!.out, /0000AA {2}ev�\[31mil 会议\.wav {2}processing {2}normal\s+0%\s+1:00 {2}2 jobs ahead\n/);
  assert.equal((JSON.parse(lines!.out) as Job).id, JOB_ID);
  assert.match(shown!.out, /ev�\[31mil 会议\.wav {2}processing/);
  assert.equal(why!.out, 'processing: 2 jobs ahead\n');
  assert.match(other!.err, /internal error/);
});

const readers = { skip: posixOnly('Windows has no signal for a pipe that nobody reads') };
test('a reader that goes away is no error', readers, async () => {
  await using place = await server({});
  for (const args of [['--help'], ['mcp', '--help']]) {
    const run = earshot(place, args);
    run.child.stdout!.destroy();
    const { code, err } = await run.ended;
    assert.equal(code, 0, err);
    assert.equal(err, '');
  }
});

test('without a daemon: status says so and starts none', async () => {
  await using place = await server({});
  await place.server.close();
  const { code, out } = await earshot(place, ['daemon', 'status']).ended;
  assert.equal(code, 3);
  assert.match(out, /not running/);
  assert.match((await earshot(place, ['daemon', 'stop']).ended).out, /not running/);
});

test(
  'in a terminal: live text and stages; Ctrl-C asks; d leaves it running',
  { skip: python ? false : 'no Python with pty on this machine' },
  async () => {
    const { state, publish, handlers } = script(job());
    await using place = await server(handlers);
    const run = earshot(place, ['transcribe', 'x.wav'], { terminal: [24, 90] });
    await run.until(/Recognition ░+ 0\/4/);
    publish({ type: 'utterance', job: JOB_ID, utterance: utterance(0, 'asr', 'first \u001b]0;owned\u0007words') });
    await run.until(/0:00\s+first �\]0;owned�words/);
    assert.ok(!run.out().includes('\u001b]0;owned'), 'speech cannot steer the terminal');
    publish({
      type: 'job',
      job: {
        ...state.job,
        progress: {
          ...state.job.progress,
          stages: { asr: { done: 2, failed: 0, running: 1 }, repair: { done: 1, failed: 0, running: 0 } },
        },
      },
    });
    await run.until(/Recognition █+░+ 2\/4/);
    run.child.stdin!.write('\u0003');
    await run.until(/Leave it running \[d\], cancel it \[c\], or keep watching \[Enter\]\?/);
    run.child.stdin!.write('\r');
    publish({ type: 'utterance', job: JOB_ID, utterance: utterance(0, 'repair', 'repaired words') });
    await run.until(/0:00\s+Repaired words\./);
    run.child.stdin!.write('\u0003');
    await run.until(/Repaired words\.[\s\S]*Leave it running/);
    run.child.stdin!.write('d');
    const { code, out } = await run.ended;
    assert.equal(code, 0);
    assert.match(plain(out), /continues in the background/);
    assert.deepEqual(state.cancelled, []);
    assert.ok(out.includes('\u001b[?25h'), 'the cursor is shown again');
  },
);

test(
  'in a terminal: a second Ctrl-C cancels',
  { skip: python ? false : 'no Python with pty on this machine' },
  async () => {
    const { state, handlers } = script(job());
    await using place = await server(handlers);
    const run = earshot(place, ['transcribe', 'x.wav'], { terminal: [24, 60] });
    await run.until(/Recognition/);
    run.child.stdin!.write('\u0003');
    await run.until(/Leave it running/);
    run.child.stdin!.write('\u0003');
    const { code } = await run.ended;
    assert.equal(code, 130);
    assert.deepEqual(state.cancelled, [JOB_ID]);
  },
);

test(
  'in a terminal: keys that arrive together are all taken',
  { skip: python ? false : 'no Python with pty on this machine' },
  async () => {
    const { state, handlers } = script(job());
    await using place = await server(handlers);
    const run = earshot(place, ['transcribe', 'x.wav'], { terminal: [24, 60] });
    await run.until(/Recognition/);
    run.child.stdin!.write('\u0003');
    await run.until(/Leave it running/);
    // Go on, be asked again, cancel.
    run.child.stdin!.write('\r\u0003\u0003');
    const { code } = await run.ended;
    assert.equal(code, 130);
    assert.deepEqual(state.cancelled, [JOB_ID]);
  },
);

const signals = { skip: posixOnly('on Windows a signal ends a program at once') };
test('SIGINT without a terminal cancels, SIGTERM leaves it running', signals, async () => {
  const { state, handlers } = script(job());
  await using place = await server(handlers);
  const one = earshot(place, ['transcribe', 'x.wav']);
  await state.subscribed.promise;
  one.child.kill('SIGTERM');
  assert.equal((await one.ended).code, 0);
  assert.deepEqual(state.cancelled, []);
  state.subscribed = Promise.withResolvers();
  const two = earshot(place, ['transcribe', 'x.wav']);
  await state.subscribed.promise;
  two.child.kill('SIGINT');
  assert.equal((await two.ended).code, 130);
  assert.deepEqual(state.cancelled, [JOB_ID]);
});

test('watched folders: added with their recipe, listed, and why a file was left', async () => {
  const folders: WatchedFolder[] = [],
    asked: unknown[] = [];
  await using place = await server({
    'watch/add': params => {
      asked.push(params);
      folders.push({
        spec: params.folder,
        state: 'watching',
        failure: null,
        since: 1,
        counts: { taken: 3, refused: 0, waiting: 2, writing: 1 },
      });
      return { folder: folders[0]! };
    },
    'watch/list': () => ({ folders }),
    'watch/why': ({ path }) => ({
      file: {
        path,
        folder: folders[0]!.spec.path,
        bytes: 1,
        at: 1,
        job: null,
        decision: { code: 'duplicate', args: { of: '/in/first.wav' } },
      },
    }),
    'watch/files': ({ path }) => ({
      files: [
        {
          path: join(path, 'sub', 'a.wav'),
          folder: path,
          bytes: 1,
          at: 1,
          job: JOB_ID,
          decision: { code: 'taken', args: {} },
        },
      ],
    }),
    'watch/pause': () => {
      folders[0]!.state = 'paused';
      return {};
    },
    'watch/remove': params => {
      asked.push(params);
      return {};
    },
  });
  const incoming = join(place.home.state, 'in');
  const added = await earshot(place, [
    'watch',
    'add',
    'in',
    '-l',
    'en',
    '-t',
    'de',
    '-f',
    'srt',
    '-o',
    'out',
    '--no-repair',
    '--exclude',
    '*-draft.*',
    '--new-only',
    '--move-to',
    'done',
    '--poll',
    '5',
  ]).ended;
  assert.equal(added.code, 0, added.err);
  assert.deepEqual(asked[0], {
    existing: 'leave',
    folder: {
      path: incoming,
      owner: 'cli',
      exclude: ['*-draft.*'],
      moveTo: join(place.home.state, 'done'),
      pollSeconds: 5,
      options: {
        repair: false,
        language: 'en',
        translateTo: 'de',
        outputs: { formats: ['srt'], directory: join(place.home.state, 'out') },
      },
    },
  });
  const list = (await earshot(place, ['watch'], { env: { COLUMNS: '200' } }).ended).out;
  assert.match(list, /FOLDER .*\n.*in  watching +3 +3  English · → German · srt · into /);
  assert.equal((await earshot(place, ['watch', 'why', 'in/b.wav']).ended).out, 'same recording as /in/first.wav\n');
  assert.match(
    (await earshot(place, ['watch', 'files', 'in'], { env: { LANG: 'zh_CN.UTF-8' } }).ended).out,
    /sub[\\/]a\.wav {2}已加入队列/,
  );
  assert.match((await earshot(place, ['watch', 'pause', 'in']).ended).out, /in {2}paused\n$/);
  assert.deepEqual(JSON.parse((await earshot(place, ['watch', 'remove', 'in', '--forget', '--json']).ended).out), {
    removed: incoming,
  });
  assert.deepEqual(asked[1], { paths: [incoming], forget: true });
});

test('the settle time of a watched folder, also under the earlier name of its option, which no help shows', async () => {
  const asked: (number | undefined)[] = [];
  await using place = await server({
    'watch/add': ({ folder }) => {
      asked.push(folder.settleSeconds);
      return {
        folder: {
          spec: folder,
          state: 'watching',
          failure: null,
          since: 1,
          counts: { taken: 0, refused: 0, waiting: 0, writing: 0 },
        },
      };
    },
  });
  for (const option of ['--settle', '--quiet'])
    assert.equal((await earshot(place, ['watch', 'add', 'in', option, '2.5']).ended).code, 0, option);
  assert.deepEqual(asked, [2.5, 2.5]);
  const help = (await earshot(place, ['watch', 'add', '--help']).ended).out;
  assert.match(help, /--settle/);
  assert.doesNotMatch(help, /quiet/);
});

test('models: sizes and last use, those that nobody uses go when that is said, newer revisions come', async () => {
  const DAY = 86_400_000,
    now = Date.now(),
    removed: string[] = [];
  const model = (id: string, change: Partial<Model> = {}): Model => ({
    card: {
      id,
      name: id,
      family: id,
      engine: 'fake',
      stages: ['asr'],
      languages: [],
      licence: 'MIT',
      homepage: '',
      files: [{ name: 'a', bytes: 1e9, sha256: null, sources: [] }],
      memory: {},
      precision: {},
      size: 1,
    },
    state: 'installed',
    progress: null,
    outdated: false,
    installedAt: now - 90 * DAY,
    lastUsedAt: null,
    diskBytes: 1e9,
    imported: false,
    isDefault: [],
    failure: null,
    ...change,
  });
  const list = [
    model('used', { lastUsedAt: now - DAY }),
    model('old', { lastUsedAt: now - 40 * DAY, outdated: true }),
    model('never'),
    model('new', { installedAt: now - DAY }),
    model('default', { isDefault: ['asr'] }),
    model('mine', { imported: true }),
    model('absent', { state: 'absent', diskBytes: 0, installedAt: null }),
  ];
  const events = createEvents(),
    asked: unknown[] = [];
  await using place = await server({
    'model/list': () => ({ models: list.filter(each => !removed.includes(each.card.id)) }),
    'model/remove': ({ id }) => {
      removed.push(id);
      return {};
    },
    'state/subscribe': (params, connection) => ({
      seq: events.subscribe(connection, params),
      queuePaused: false,
      jobs: [],
      devices: [],
      instances: [],
      models: list,
      engines: [],
      watch: [],
    }),
    'model/install': params => {
      asked.push(params);
      setImmediate(() => events.publish({ type: 'model', model: { ...list[1]!, outdated: false } }));
      return { ids: params.ids };
    },
  });
  const shown = (await earshot(place, ['models'], { env: { COLUMNS: '200' } }).ended).out;
  assert.match(shown, /never +installed .* 1\.0 GB +never/);
  assert.match(shown, /6\.0 GB on disk\n$/);
  const refused = await earshot(place, ['models', 'prune', '--unused-for', '30d']).ended;
  assert.match(refused.out, /old +1\.0 GB[^]*never +1\.0 GB +never\n$/);
  assert.match(refused.err, /--yes/);
  assert.deepEqual(removed, []);
  assert.deepEqual(
    (await earshot(place, ['models', 'prune', '--unused-for', '8w', '--imported', '--dry-run', '--json']).ended).out
      .trim()
      .split('\n')
      .map(line => (JSON.parse(line) as { unused: string }).unused),
    ['never', 'mine'],
  );
  assert.match((await earshot(place, ['models', 'update']).ended).out, /✓ old/);
  assert.deepEqual(asked, [{ ids: ['old'], update: true }]);
  assert.match(
    (await earshot(place, ['models', 'prune', '--unused-for', '30d', '--yes']).ended).out,
    /2\.0 GB is free again/,
  );
  assert.deepEqual(removed, ['old', 'never']);
});

test('find: by recording, with times and marks, in words or as JSON', async () => {
  const { handlers } = script(job());
  const hit = (index: number, text: string, marks: [number, number][]) => ({
    job: JOB_ID,
    recording: { path: '/r/talk.wav', name: 'talk.wav' },
    createdAt: 1,
    language: 'en',
    index,
    startMs: index * 75_000,
    endMs: index * 75_000 + 900,
    atMs: index * 75_000,
    text: { text, marks },
    translation: null,
  });
  const asked: Params<'search/find'>[] = [];
  await using place = await server({
    ...handlers,
    'search/find': params => {
      asked.push(params);
      return {
        hits: [hit(1, 'a cat\tand \u001b[2J a cat', [[2, 5]]), hit(0, 'the cat', [[4, 7]])],
        next: null,
        total: 7,
        indexing: true,
      };
    },
  });
  const plainly = await earshot(place, [
    'find',
    'a',
    'cat',
    '--since',
    '2026-01-31',
    '-l',
    'en',
    '--path',
    'talk',
    '-n',
    '2',
  ]).ended;
  assert.equal(plainly.code, 0, plainly.err);
  assert.match(
    plainly.out,
    /^talk\.wav {2}\/r\/talk\.wav · .*\n {2}0:00 {2}the cat\n {2}1:15 {2}a cat and \ufffd\[2J a cat\n$/,
  );
  assert.match(plainly.err, /5 more[^]*still being/);
  assert.deepEqual(asked, [
    {
      words: 'a cat',
      language: 'en',
      path: 'talk',
      since: new Date('2026-01-31T00:00').getTime(),
      cursor: 0,
      limit: 2,
    },
  ]);
  assert.match(
    (await earshot(place, ['find', 'cat'], { env: { FORCE_COLOR: '1', NO_COLOR: undefined } }).ended).out,
    /the \u001b\[1m\u001b\[33mcat/,
  );
  const lines = (await earshot(place, ['find', 'cat', '--json']).ended).out.trim().split('\n');
  assert.equal((JSON.parse(lines[0]!) as { index: number }).index, 1);
  assert.equal((await earshot(place, ['find', 'cat', '--since', 'yesterday']).ended).code, 2);
});

test('transcribe with a table of all, one text and a table of all utterances', async () => {
  const { state, publish, handlers } = script(job());
  const combined: unknown[] = [];
  await using place = await server({
    ...handlers,
    'job/transcript': () => ({
      transcript: {
        earshot: 1,
        recording: { path: '/r/talk.wav', name: 'talk.wav', durationMs: 20_000 },
        language: 'en',
        translatedTo: null,
        models: {},
        utterances: [
          {
            index: 0,
            startMs: 0,
            endMs: 900,
            asr: { text: '=words', words: [], language: 'en', languageProbability: 1 },
          },
        ],
        warnings: [],
      },
    }),
    'job/combine': params => {
      combined.push(params);
      return { text: 'all of it\n' };
    },
  });
  const run = earshot(place, [
    'transcribe',
    'x.wav',
    '--index',
    'out/index.md',
    '--combined',
    'out/all.srt',
    '--csv',
    'out/all.csv',
  ]);
  await state.subscribed.promise;
  publish({ type: 'job', job: done(state.job) });
  const { code, err } = await run.ended;
  assert.equal(code, 0, err);
  const read = (name: string): string => readFileSync(join(place.home.state, 'out', name), 'utf8');
  assert.match(read('index.md'), /\| \[talk\.wav\]\(<.*talk\.wav>\) \|.*=words \| \[txt\]\(/);
  assert.match(read('all.csv'), /talk\.wav,\/r\/talk\.wav,0,0\.000,0\.900,en,"'=words",,/);
  assert.equal(read('all.srt'), 'all of it\n');
  if (process.platform !== 'win32')
    // Nobody can read the recording: it is gone.
    for (const name of ['index.md', 'all.csv', 'all.srt'])
      assert.equal(statSync(join(place.home.state, 'out', name)).mode & 0o777, 0o600, name);
  assert.deepEqual(combined, [{ ids: [JOB_ID], format: 'srt' }]);
  for (const wrong of [
    ['--index', 'x.wav'],
    ['--combined', 'all.docx'],
    ['--csv', 'all.csv', '--detach'],
  ])
    assert.equal((await earshot(place, ['transcribe', 'x.wav', ...wrong]).ended).code, 2, wrong.join(' '));
});

test('export: formats by name or by ending, what became of each file, and nothing for an ending that is none', async () => {
  const asked: Params<'transcript/export'>[] = [];
  const { handlers } = script(job());
  await using place = await server({
    ...handlers,
    'job/write': () => ({ path: '/out/talk.earshot.json' }),
    'transcript/export': params => {
      asked.push(params);
      const said = { format: 'srt' as const, bytes: null, canMerge: true };
      return {
        files: params.to
          ? [{ ...said, path: params.to.path, format: params.to.format, state: 'written', bytes: 3 }]
          : [
              { ...said, path: '/out/talk.srt', state: 'edited' },
              { ...said, path: '/out/talk.md', state: 'written', bytes: 5, conflicts: 2 },
            ],
      };
    },
  });
  const file = join(place.home.state, 'talk.earshot.json');
  const both = await earshot(place, ['export', file, '--to', 'docx', 'pdf', '--no-times', '--fps', '24']).ended;
  assert.equal(both.code, 0, both.err);
  assert.deepEqual(
    asked.map(({ path, to }) => [path, to]),
    (['docx', 'pdf'] as const).map(format => [
      file,
      { path: join(place.home.state, `talk.${format}`), format, options: { times: false, fps: 24 } },
    ]),
  );
  const one = await earshot(place, ['export', 'talk', '-o', 'a/minutes.md', '--once', '--json']).ended;
  assert.equal((JSON.parse(one.out) as { state: string }).state, 'written');
  assert.deepEqual(asked.at(-1), {
    path: '/out/talk.earshot.json',
    to: { path: join(place.home.state, 'a/minutes.md'), format: 'md', follow: false },
  });
  const all = await earshot(place, ['export', file]).ended;
  assert.match(all.out, /! \/out\/talk\.srt {2}edited by hand[^]*✓ Wrote \/out\/talk\.md {2}2 places/);
  assert.equal((await earshot(place, ['export', file, '-o', 'minutes.xyz']).ended).code, 2);
  assert.equal(asked.length, 4);
});

test('speakers: in a repository voices are remembered only when somebody says so', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-repository-')),
    voices = join(folder, '.earshot/speakers.json'),
    first = done(job());
  try {
    const { handlers } = script({ ...first, recording: { ...first.recording, path: join(folder, 'talk.wav') } });
    const names: unknown[] = [];
    await using place = await server({
      ...handlers,
      'job/speakers': given => {
        names.push(given.names);
        return { speakers: { Anna: 'AAAA' } };
      },
    });
    mkdirSync(join(folder, '.git'));
    const asked = await earshot(place, ['speakers', 'last', 'S1=Anna']).ended;
    assert.equal(asked.code, 0, asked.err);
    assert.match(asked.err, /not remembered.*personal data.*--remember/);
    assert.ok(!existsSync(voices));
    // As it stands in every document.
    await earshot(place, ['speakers', 'last', 'Speaker 1=Anna', '--remember']).ended;
    assert.deepEqual(names, [{ S1: 'Anna' }, { S1: 'Anna' }]);
    assert.deepEqual(JSON.parse(readFileSync(voices, 'utf8')), { speakers: { Anna: 'AAAA' } });
    rmSync(join(folder, '.earshot'), { recursive: true });
    writeFileSync(join(folder, '.gitignore'), '.earshot/speakers.json\n');
    await earshot(place, ['speakers', 'last', 'S1=Anna']).ended;
    assert.ok(existsSync(voices), 'it is left out of the repository already');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('fleet: who joins is told when jobs go there, and when those of others are done here', async () => {
  const { handlers } = script(job());
  let fleet: Settings['fleet'] = null;
  await using place = await server({
    ...handlers,
    'fleet/join': ({ use, share }) => {
      fleet = { url: 'postgres://lab/earshot', ...(use ? { use } : {}), ...(share ? { share } : {}) };
      return { as: ['person', 'machine'] };
    },
    'fleet/drain': () => ({}),
    'fleet/init': ({ people = [], machines = [] }) => ({
      version: 1,
      before: 0,
      logins: [
        ...people.map(name => ({ name, kind: 'person' as const, url: `postgres://${name}@lab/earshot` })),
        ...machines.map(name => ({ name, kind: 'machine' as const, url: `postgres://${name}@lab/earshot` })),
      ],
    }),
    'fleet/status': () => ({
      settings: { url: 'postgres://lab/earshot', person: 'ann' },
      problems: [],
      draining: false,
      lent: 1,
      taken: 0,
      machines: [],
      jobs: [
        { owner: 'ann', yours: true, state: 'running', jobs: 1, recordingSeconds: 61 },
        { owner: null, yours: false, state: 'fromTheFuture', jobs: 2, recordingSeconds: 60 },
      ],
    }),
    'job/here': () => ({}),
    'settings/get': () => ({ settings: { ...DEFAULTS, fleet }, defaults: DEFAULTS }),
  });
  const join = (...how: string[]): Promise<Ended> =>
    earshot(place, ['fleet', 'join', 'postgres://ann:x@lab/earshot', ...how]).ended;
  const [plain, pilot, again, here] = [
    await join(),
    await join('--use', 'busy', '--share', 'never'),
    await earshot(place, ['fleet', 'drain', '--off']).ended,
    await earshot(place, ['fleet', 'here', 'last']).ended,
  ];
  assert.equal(plain.code, 0, plain.err);
  assert.equal(
    plain.out,
    'Joined: jobs that are submitted here go to the fleet.\nJoined: this machine does jobs of the fleet.\n',
  );
  assert.match(
    pilot.out,
    /go to the fleet while this machine is busy .*\n.*jobs of the fleet while `earshot fleet work` runs\.\n$/,
  );
  assert.match(again.out, /takes jobs of the fleet again while `earshot fleet work` runs/);
  assert.match(here.out, /talk\.wav/);

  const [init, status] = await Promise.all([
    earshot(place, ['fleet', 'init', 'postgres://a:x@lab/earshot', '--machine', 'gpu1', '--person', 'ann']).ended,
    earshot(place, ['fleet'], { env: { LANG: 'zh_CN.UTF-8' } }).ended,
  ]);
  assert.match(
    init.out,
    /person, .*\n  earshot .*ann@lab\/earshot'\nEach machine .*\n  earshot .*gpu1@lab\/earshot'\n$/,
  );
  assert.match(status.out, /ann {2,}处理中 +1 +2 min\n其他人 +fromTheFuture +2 +1 min/);
});
