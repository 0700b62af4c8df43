/**
 * Everything that can go wrong around a daemon, with jobs in flight. Each fault is a story that ends with what was
 * seen; the laws (laws.ts) and "every job completed, or says clearly why not" are asserted for all of them. `npm run
 * test:faults` tells all, the tests the short ones.
 */
import { frame as rawFrame, rawClient } from '../daemon/raw-client.ts';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from '../../daemon/contracts/store.ts';
import { home as homeOf } from '../../daemon/auth/home.ts';
import { backUp, openSafely, type Restored } from '../../daemon/store/sqlite/backups.ts';
import { openStore } from '../../daemon/store/sqlite/store.ts';
import { nvmlReader } from '../../daemon/devices/nvml.ts';
import { gpuReader } from '../../daemon/devices/readers.ts';
import { startMonitor } from '../../daemon/devices/monitor.ts';
import { connect } from '../../client/client.ts';
import { toFailure } from '../../schemas/errors.ts';
import type { Job } from '../../schemas/job.ts';
import { STAGES } from '../../schemas/words.ts';
import { row } from '../contract/store.ts';
import { fakeModel, Harness } from '../daemon/harness.ts';
import { RealDaemon, SAMPLES } from '../daemon/real.ts';
import { ffmpeg, modelFolder, python, sherpa } from '../engines/place.ts';
import { virtual } from '../gpu/engine/engine.ts';
import { random } from '../random.ts';
import { build as buildGpus, virtualGpus } from '../gpu/virtual/gpus.ts';
import { powerCut } from './powercut.ts';
import { buildShim } from './shim.ts';
import {
  allBelow,
  below,
  busy,
  ended,
  heard,
  journal,
  listen,
  mount,
  mountsRefused,
  remount,
  says,
  signal,
  until,
  world,
} from './world.ts';

export interface Fault {
  group: string;
  name: string;
  /** Only in the long form. */
  long?: boolean;
  /** Why it cannot be tried here. */
  refused?: string | null;
  run(): Promise<string>;
}

const shim = buildShim(),
  library = 'library' in shim ? shim.library : '',
  shimRefused = 'reason' in shim ? shim.reason : null;
const gpus = buildGpus(),
  gpusRefused = 'reason' in gpus ? gpus.reason : null;
const tmpfs = mountsRefused();
const seed = Number(process.env.EARSHOT_SEED ?? 20_260_701);

// — processes —

const killedWorkers = (): Promise<string> =>
  world({ jobs: 2, ms: 80 }, async ({ daemon }) => {
    const killed: string[] = [];
    for (const stage of STAGES) {
      signal((await busy(daemon, stage)).pid, 'SIGKILL');
      killed.push(stage);
    }
    return `the worker of each stage (${killed.join(', ')}) was ended once; its step ran again`;
  });

const stoppedWorker = (): Promise<string> =>
  world({ ms: 80 }, async ({ daemon, jobs }) => {
    const { pid } = await busy(daemon, 'nmt'),
      at = performance.now();
    signal(pid, 'SIGSTOP');
    await until('its end', () => !existsSync(`/proc/${pid}`));
    const seconds = Math.round((performance.now() - at) / 1000);
    const given = await until("the attempt's return", async () =>
      (await Promise.all(jobs.map(job => journal(daemon, job, 'attempt.failed'))))
        .flat()
        .find(entry => JSON.stringify(entry.data).includes('workerSilent')),
    );
    return `given up after ${seconds} s: ${says(given.data.failure as never, 'workerSilent')}`;
  });

const killedDaemon = (): Promise<string> =>
  world({}, async here => {
    await heard(here.daemon, here.jobs, 'nmt');
    await here.daemon.kill();
    await here.daemon.start();
    await listen(here);
    return 'started again, it took up what the database knew';
  });

const stoppedDaemon = (seconds: number) => (): Promise<string> =>
  world({ ms: 60 }, async ({ daemon, jobs }) => {
    await heard(daemon, jobs, 'asr');
    const { instances } = await daemon.client.call('device/list', {}),
      pids = instances.map(instance => instance.pid!);
    signal(daemon.pid, 'SIGSTOP');
    await sleep(seconds * 1000);
    signal(daemon.pid, 'SIGCONT');
    await daemon.client.call('daemon/status', {});
    assert.deepEqual(
      pids.filter(pid => !existsSync(`/proc/${pid}`)),
      [],
      'no worker was held silent that had spoken all along',
    );
    return `stood still for ${seconds} s; its ${pids.length} workers were kept`;
  });

const failedIngests = (daemon: RealDaemon, jobs: readonly Job[], count: number, timeoutMs?: number): Promise<unknown> =>
  until(
    `${count} to be tried again`,
    async () => (await Promise.all(jobs.map(job => journal(daemon, job, 'ingest.failed')))).flat().length >= count,
    timeoutMs,
  );

const killedIngest = (): Promise<string> =>
  world({ jobs: 2, prepare: waitingFfmpeg }, async ({ daemon, jobs }) => {
    await below(daemon, WAITING);
    signal(await below(daemon, 'ingest/child'), 'SIGKILL');
    await failedIngests(daemon, jobs, 1);
    signal(await below(daemon, WAITING), 'SIGKILL');
    await failedIngests(daemon, jobs, 2);
    await letGo(daemon);
    return "the decoder's process and ffmpeg were ended once each; the recordings were decoded again";
  });

const stoppedFfmpeg = (): Promise<string> =>
  world({ jobs: 2, prepare: waitingFfmpeg }, async ({ daemon, jobs }) => {
    const at = performance.now(),
      stopped = await below(daemon, WAITING);
    signal(stopped, 'SIGSTOP');
    await letGo(daemon, stopped);
    await failedIngests(daemon, jobs, 1, 200_000);
    return `given up after ${Math.round((performance.now() - at) / 1000)} s without a word, and decoded again`;
  });

const WAITING = 'waiting-ffmpeg';

/**
 * An ffmpeg that stands still before it begins, until it is let go: however late the story comes, it is there. No
 * process of its own that one could meet instead.
 */
function waitingFfmpeg(daemon: RealDaemon): void {
  const path = join(daemon.root, WAITING);
  writeFileSync(path, `#!/bin/sh\n[ -e '${daemon.root}/go' ] || kill -STOP $$\nexec '${ffmpeg!}' "$@"\n`, {
    mode: 0o755,
  });
  writeFileSync(
    daemon.home.settings,
    JSON.stringify({ ...(JSON.parse(readFileSync(daemon.home.settings, 'utf8')) as object), ffmpegPath: path }),
  );
}

/** From now on it begins at once, and so do those that stand still by now, but for one. */
async function letGo(daemon: RealDaemon, except = 0): Promise<void> {
  writeFileSync(join(daemon.root, 'go'), '');
  // One that looked before that may stop only after it was woken.
  await until('those that wait', () => {
    const waiting = allBelow(daemon, WAITING).filter(pid => pid !== except);
    for (const pid of waiting) signal(pid, 'SIGCONT');
    return waiting.length === 0;
  });
}

const realEngines = async (): Promise<string> => {
  const daemon = await new RealDaemon({ settings: { formats: [] } }).start(),
    killed: string[] = [];
  try {
    const path = join(daemon.recordings, 'asterisk-es.flac');
    copyFileSync(join(SAMPLES, 'asterisk-es.flac'), path);
    const [job] = await daemon.submit([path], { language: 'es', translateTo: 'en', speak: true });
    for (const stage of ['asr', 'nmt', 'tts'] as const) {
      const worker = await busy(daemon, stage);
      signal(worker.pid, 'SIGKILL');
      killed.push(worker.engine);
    }
    const over = await ended(daemon, job!);
    assert.equal(over.state, 'completed', JSON.stringify(over.failure));
    return `the workers of ${killed.join(', ')} were ended once each in the middle of a run; the job completed`;
  } finally {
    await daemon.close();
  }
};

// — disks —

const fullState = (): Promise<string> =>
  world(
    {
      jobs: 3,
      ms: 120,
      prepare: daemon => {
        const settings = readFileSync(daemon.home.settings);
        const disk = mount(daemon.home.state, 'size=320m,mode=700');
        writeFileSync(daemon.home.settings, settings);
        return disk;
      },
    },
    async here => {
      const { daemon, jobs, notices } = here;
      await heard(daemon, jobs, 'asr');
      const filler = join(daemon.home.state, 'filler'),
        file = openSync(filler, 'w'),
        block = Buffer.alloc(64 * 1024);
      try {
        for (;;) writeSync(file, block);
      } catch {
        /* full */
      } finally {
        closeSync(file);
      }
      const notice = await until('the notice', () => notices.find(each => each.code === 'diskFull'));
      const refused = await daemon.client
        .call('job/submit', {
          jobs: [{ recording: jobs[0]!.recording.path, options: { repair: false }, onDuplicate: 'create' }],
        })
        .then(({ results }) => results[0]!, toFailure);
      assert.ok(
        'failure' in refused ? refused.failure.code === 'diskFull' : 'code' in refused && refused.code === 'diskFull',
        JSON.stringify(refused),
      );
      rmSync(filler);
      return `it waited, and went on when there was room: ${says(notice, 'diskFull')}`;
    },
  );

const fullAudio = (): Promise<string> =>
  world(
    {
      jobs: 2,
      prepare: daemon => {
        mkdirSync(daemon.home.audio, { recursive: true, mode: 0o700 });
        return mount(daemon.home.audio, 'size=256k,mode=700');
      },
    },
    async ({ daemon, notices }) => {
      const notice = await until('the notice', () => notices.find(each => each.code === 'diskFull'));
      remount(daemon.home.audio, 'size=512m');
      return `jobs waited for room, none failed: ${says(notice, 'diskFull')}`;
    },
  );

const badOutput = (bad: string, good: string, code: 'diskFull' | 'outputNotWritable') => async (): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-output-'));
  const disk = mount(folder, 'size=64m');
  remount(folder, bad);
  if (code === 'diskFull')
    try {
      writeFileSync(join(folder, 'filler'), Buffer.alloc(1024 * 1024));
    } catch {
      /* full */
    }
  try {
    return await world(
      { jobs: 1, ms: 5, options: { outputs: { formats: ['txt', 'json'], directory: folder } } },
      async ({ daemon, jobs }) => {
        const failed = await ended(daemon, jobs[0]!);
        assert.equal(failed.state, 'failed');
        const words = says(failed.failure, code);
        remount(folder, good);
        await daemon.client.call('job/retry', { ids: [failed.id] });
        const again = await ended(daemon, failed);
        assert.equal(again.state, 'completed', JSON.stringify(again.failure));
        for (const output of again.outputs) assert.equal(statSync(output.path).size, output.bytes);
        assert.ok(!readdirSync(folder).some(name => name.endsWith('.part')));
        return `failed with ${words} and kept everything; retry wrote the files`;
      },
    );
  } finally {
    disk[Symbol.dispose]();
    rmSync(folder, { recursive: true });
  }
};

const fullModels = async (): Promise<string> => {
  const id = 'piper-en-us-joe-medium',
    daemon = new RealDaemon({ settings: { modelFolders: [join(homeOf().models)], offline: true } });
  rmSync(join(daemon.home.models, id), { recursive: true, force: true });
  const disk = mount(daemon.home.models, 'size=32m');
  try {
    await daemon.start();
    const notice = new Promise<import('../../schemas/errors.ts').Failure>(resolve =>
      daemon.client.onEvents(({ events }) => {
        for (const event of events)
          if (event.type === 'model' && event.model.card.id === id && event.model.failure) resolve(event.model.failure);
      }),
    );
    await daemon.client.call('state/subscribe', { topics: ['models'] });
    await daemon.client.call('model/install', { ids: [id] });
    const words = says(await notice, 'diskFull');
    remount(daemon.home.models, 'size=1g');
    await daemon.client.call('model/install', { ids: [id] });
    await until('the model', async () =>
      (await daemon.client.call('model/list', {})).models.some(
        model => model.card.id === id && model.state === 'installed',
      ),
    );
    return `refused before anything was written: ${words}; installed once there was room`;
  } finally {
    await daemon.close().catch(() => undefined);
    disk[Symbol.dispose]();
    rmSync(daemon.root, { recursive: true, force: true });
  }
};

const slowDisk = (): Promise<string> =>
  world({ jobs: 2, env: { LD_PRELOAD: library, EARSHOT_DISK_SYNC_MS: '150' } }, async ({ daemon, jobs }) => {
    let worst = 0,
      over = false;
    const done = daemon.ended(jobs).then(() => {
      over = true;
    });
    while (!over) {
      const at = performance.now();
      await daemon.client.call('daemon/status', {});
      worst = Math.max(worst, performance.now() - at);
      await sleep(20);
    }
    await done;
    assert.ok(worst < 5_000, `an answer took ${worst} ms`);
    return `every sync took 150 ms longer; the slowest answer to a client took ${Math.round(worst)} ms`;
  });

// — recordings —

const changedRecording =
  (how: string, change: (path: string) => void, code: 'noSuchFile' | 'recordingChanged') => (): Promise<string> =>
    world({ jobs: 2, failing: true, prepare: waitingFfmpeg }, async ({ daemon, jobs }) => {
      await until('its decoding', async () => (await journal(daemon, jobs[0]!, 'ingest.started')).length);
      await below(daemon, WAITING);
      change(jobs[0]!.recording.path);
      await letGo(daemon);
      const [over, other] = await daemon.ended(jobs);
      assert.equal(over!.state, 'failed');
      assert.equal(other!.state, 'completed');
      return `${how}: ${says(over!.failure, code)}; the other job completed`;
    });

// — the database —

const randomBytes = (rounds: number) => async (): Promise<string> => {
  const next = random(seed);
  let kept = 0,
    restoredTimes = 0;
  for (let round = 0; round < rounds; round++) {
    const root = mkdtempSync(join(tmpdir(), 'earshot-bytes-')),
      places = { database: join(root, 'earshot.db'), backups: join(root, 'backups') };
    try {
      const store = openStore(places.database),
        rows = Array.from({ length: 60 }, (_, i) =>
          row({ name: `job ${i}.wav`, path: `/r/job ${i}.wav`, state: i % 3 ? 'processing' : 'completed' }),
        );
      store.submit(rows);
      store.batch(() => {
        for (const each of rows.slice(0, 20)) fill(store, each.id);
      });
      await backUp(store, places.backups, Date.now(), 0);
      store.dispose();
      const file = openSync(places.database, 'r+'),
        { size } = statSync(places.database);
      for (let n = 0; n < 1 + (round % 20); n++)
        writeSync(file, Buffer.from([Math.floor(next() * 256)]), 0, 1, Math.floor(next() * size));
      closeSync(file);
      const opened: { store: Store; restored: Restored | null } = openSafely(places, Date.now() + 1000);
      const { store: again, restored } = opened;
      try {
        if (restored) restoredTimes++;
        else kept++;
        // What it lets through can be worked with.
        const names = new Set(again.activeJobs().map(job => job.name));
        for (const job of again.activeJobs()) {
          again.utterances(job.id);
          again.steps(job.id);
        }
        if (restored)
          for (const each of rows)
            if (each.state === 'processing') assert.ok(names.has(each.name), `${each.name} is named`);
        if (!restored) assert.equal(names.size, 40, 'no job is lost without a word');
      } finally {
        again.dispose();
      }
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  }
  assert.ok(restoredTimes > 0);
  return (
    `${rounds} databases with 1 to 20 bytes overwritten: ${restoredTimes} found damaged, set aside and replaced ` +
    `by the copy, ${kept} with all their jobs`
  );
};
function fill(store: Store, job: string): void {
  store.addUtterances(
    job,
    Array.from({ length: 5 }, (_, index) => ({ index, startMs: index * 1000, endMs: index * 1000 + 900 })),
  );
  const { token } = store.claim({ job, stage: 'asr', from: 0, to: 5, instance: 'i', at: 1 });
  for (let index = 0; index < 5; index++)
    store.finish<'asr'>(
      token,
      index,
      { text: 'words that were said '.repeat(5), words: [], language: 'en', languageProbability: 1 },
      2,
    );
  store.close(token, 3);
}

const lockedDatabase = (): Promise<string> =>
  world({ ms: 150 }, async ({ daemon, jobs, notices }) => {
    await heard(daemon, jobs, 'asr');
    const holder = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `
    import Database from ${JSON.stringify(import.meta.resolve('better-sqlite3'))};
    const db = new Database(process.argv[1], { timeout: 20_000 });
    db.exec('BEGIN IMMEDIATE');
    setTimeout(() => { db.exec('ROLLBACK'); db.close(); }, 8_000);`,
        daemon.home.database,
      ],
      { stdio: 'inherit' },
    );
    await once(holder, 'exit');
    const notice = await until('the notice', () => notices.find(each => each.code === 'storeBusy'));
    return `held for 8 s: ${says(notice, 'storeBusy')}; then it went on by itself`;
  });

// — time —

const clock = (hours: number) => (): Promise<string> => {
  const file = join(mkdtempSync(join(tmpdir(), 'earshot-clock-')), 'ahead'),
    set = (ms: number): void => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(BigInt(ms));
      const fd = openSync(file, 'r+');
      writeSync(fd, bytes, 0, 8, 0);
      closeSync(fd);
    };
  writeFileSync(file, Buffer.alloc(8));
  // Its second run fails, so that a pause is under way when the clock is set.
  return world(
    { ms: 60, script: 'fail@2', settings: { batchMaximum: 1 }, env: { LD_PRELOAD: library, EARSHOT_CLOCK: file } },
    async ({ daemon, jobs }) => {
      await until(
        'a step that waits to be tried again',
        async () => (await Promise.all(jobs.map(job => journal(daemon, job, 'attempt.failed')))).flat().length,
      );
      set(hours * 3_600_000);
      const at = performance.now();
      await daemon.ended(jobs);
      assert.ok(performance.now() - at < 40_000, 'nothing waits for the clock');
      return `set ${hours < 0 ? 'back' : 'forward'} by ${Math.abs(hours)} h in the middle: nothing waited for it`;
    },
  ).finally(() => rmSync(join(file, '..'), { recursive: true }));
};

// — devices —

const lostDriver = async (): Promise<string> => {
  const card = virtualGpus(gpus as { nvml: string; control: string }, 1, 8 * 1024 ** 3);
  const harness = await Harness.open({
    models: [
      fakeModel(
        'virtual-asr',
        'asr',
        { loadMs: 50, ms: 60, weightsMiB: 500, scratchMiB: 100, spread: 0, keptMs: 50, seed, crash: 0 },
        { engine: 'virtual', memory: { gpu: 900 * 1024 ** 2 } },
      ),
    ],
    engines: [virtual],
    readers: [gpuReader(nvmlReader({ names: [(gpus as { nvml: string }).nvml], rescanMs: 100 }))],
    utterances: () => [1000, 1000, 1000, 1000],
    settings: { othersOnCpu: false, batchMaximum: 1 },
  });
  const monitor = startMonitor({
    pool: harness.pool,
    idleSeconds: () => 1,
    watched: () => true,
    onRead: () => harness.pipeline.wake(),
  });
  try {
    const jobs = await harness.submit(['a.wav', 'b.wav', 'c.wav'], { repair: false, translateTo: undefined });
    await harness.until('the first text', () => harness.events.some(event => event.type === 'utterance'));
    card.set(0, 'lost', 1);
    monitor.wake();
    await harness.until('its loss', () => harness.pool.devices().some(device => device.health === 'lost'));
    await harness.until("its workers' end", () => harness.pipeline.instances.size === 0);
    card.clear(0);
    card.set(0, 'lost', 0);
    monitor.wake();
    const over = await harness.ended(jobs);
    assert.deepEqual(
      over.map(job => job.state),
      ['completed', 'completed', 'completed'],
      JSON.stringify(over.map(job => job.failure)),
    );
    // It is published once it is on the disk, a moment after the store knows.
    await harness.until('the events', () => jobs.every(job => harness.delivered(job, 'asr').length === 4));
    for (const job of jobs) assert.deepEqual(harness.delivered(job, 'asr'), [0, 1, 2, 3]);
    return 'the only GPU fell off with three jobs in work and came back: they waited for it, no try was counted';
  } finally {
    monitor.dispose();
    await harness.close();
    card.dispose();
  }
};

// — engines —

const engine =
  (script: string, seen: string, options: { ms?: number } = {}) =>
  (): Promise<string> =>
    world({ jobs: 2, script, ms: options.ms ?? 20, settings: { batchMaximum: 1 } }, async () => seen);

// — clients —

const rudeClients = (): Promise<string> =>
  world({ jobs: 4, ms: 100 }, async ({ daemon, jobs }) => {
    const frame = (message: object): Buffer => rawFrame({ jsonrpc: '2.0', ...message });
    const fds = (): number => readdirSync(`/proc/${daemon.pid}/fd`).length;
    const before = { rss: (await daemon.client.call('daemon/status', {})).rssBytes, fds: fds() };
    const flood = Buffer.concat(
      Array.from({ length: 2000 }, (_, id) =>
        frame({
          id: id + 1,
          method: 'state/subscribe',
          params: {
            topics: ['jobs', 'devices', 'instances', 'models', 'engines'],
            utterancesOf: jobs.map(job => job.id),
          },
        }),
      ),
    );
    let most = 0;
    for (let round = 0; round < 30; round++) {
      const { socket, hello } = await rawClient(daemon.home);
      await hello();
      if (round % 2) socket.pause();
      socket.write(flood);
      await sleep(round % 3 ? 10 : 60);
      most = Math.max(most, (await daemon.client.call('daemon/status', {})).rssBytes);
      socket.destroy();
    }
    await until('their end', async () => (await daemon.client.call('daemon/status', {})).clients === 1);
    // Its workers and their pipes come meanwhile; the sockets of thirty clients would be more.
    assert.ok(fds() <= before.fds + 24, `${before.fds} open files became ${fds()}`);
    assert.ok(most - before.rss < 400 * 1024 ** 2, `it grew by ${Math.round((most - before.rss) / 1024 ** 2)} MiB`);
    return (
      '30 clients with 2,000 requests each, half of them never reading: at most ' +
      `${Math.round((most - before.rss) / 1024 ** 2)} MiB more, no file left open`
    );
  });

const tenThousand = (count: number) => async (): Promise<string> => {
  const daemon = await new RealDaemon({
    models: [fakeModel('fake-asr', 'asr')],
    settings: { memoryReserveBytes: 0 },
  }).start();
  try {
    await daemon.client.call('queue/pause', {});
    const paths = Array.from({ length: count }, (_, i) => {
      const path = join(daemon.recordings, `${i}.wav`);
      writeFileSync(path, 'x');
      return path;
    });
    const at = performance.now(),
      jobs = await daemon.submit(paths, { language: 'en', repair: false }),
      ms = performance.now() - at;
    await daemon.kill();
    await daemon.start();
    const { jobs: now } = await daemon.client.call('state/subscribe', { topics: ['jobs'] });
    assert.deepEqual(
      now.map(job => job.id),
      jobs.map(job => job.id),
      'all are there, in their order',
    );
    await daemon.client.call('job/cancel', { ids: now.map(job => job.id) });
    assert.equal((await daemon.client.call('daemon/status', {})).jobs.active, 0);
    return (
      `${count.toLocaleString('en')} jobs in one request (${(ms / count).toFixed(2)} ms each), the daemon ended ` +
      'right after: all there, in order'
    );
  } finally {
    await daemon.close();
  }
};

const lateStart = async (): Promise<string> => {
  const daemon = await new RealDaemon({ models: [fakeModel('fake-asr', 'asr')] }).start();
  try {
    await assert.rejects(
      connect({ socket: daemon.home.socket, token: 'f'.repeat(64), client: 'x', version: '1' }),
      error => toFailure(error).code === 'wrongToken',
    );
    return 'turned away; the others were served on';
  } finally {
    await daemon.close();
  }
};

const decoding = ffmpeg && sherpa ? null : 'ffmpeg or the voice detector is not installed';
const real =
  decoding ??
  (python &&
  modelFolder('whisper-base') &&
  modelFolder('qwen2.5-coder-1.5b-instruct') &&
  modelFolder('piper-en-us-joe-medium')
    ? null
    : 'the engines or their models are not installed');

export const FAULTS: readonly Fault[] = [
  { group: 'Processes', name: 'SIGKILL: the daemon', long: true, refused: decoding, run: killedDaemon },
  { group: 'Processes', name: 'SIGSTOP: the daemon, 2 s', long: true, refused: decoding, run: stoppedDaemon(2) },
  { group: 'Processes', name: 'SIGSTOP: the daemon, 30 s', long: true, refused: decoding, run: stoppedDaemon(30) },
  { group: 'Processes', name: 'SIGKILL: each kind of worker', refused: decoding, run: killedWorkers },
  { group: 'Processes', name: 'SIGKILL: real engines', long: true, refused: real, run: realEngines },
  { group: 'Processes', name: 'SIGSTOP: a worker', long: true, refused: decoding, run: stoppedWorker },
  { group: 'Processes', name: 'SIGKILL: ingest and ffmpeg', refused: decoding, run: killedIngest },
  { group: 'Processes', name: 'SIGSTOP: ffmpeg', long: true, refused: decoding, run: stoppedFfmpeg },
  { group: 'Disks', name: 'full: database', refused: decoding ?? tmpfs, run: fullState },
  { group: 'Disks', name: 'full: sound in work', long: true, refused: decoding ?? tmpfs, run: fullAudio },
  {
    group: 'Disks',
    name: 'full: output',
    long: true,
    refused: decoding ?? tmpfs,
    run: badOutput('size=4k', 'size=64m', 'diskFull'),
  },
  {
    group: 'Disks',
    name: 'read-only: output',
    refused: decoding ?? tmpfs,
    run: badOutput('ro', 'rw', 'outputNotWritable'),
  },
  {
    group: 'Disks',
    name: 'full: models',
    long: true,
    refused: tmpfs ?? (modelFolder('piper-en-us-joe-medium') ? null : 'the voice is not installed'),
    run: fullModels,
  },
  { group: 'Disks', name: 'slow', long: true, refused: decoding ?? shimRefused, run: slowDisk },
  {
    group: 'Disks',
    name: 'the power goes',
    long: true,
    refused: decoding ?? shimRefused,
    run: async () => {
      const { cuts, facts, syncs, reopened } = await powerCut({ library, jobs: 4, cuts: 150, reopen: 4, seed });
      return (
        `the disk as of ${cuts} moments, with nothing or any half of what was not synced: the database was whole ` +
        `each time, and all ${facts.toLocaleString('en')} things that had been published by then were there ` +
        `(${syncs} syncs); ${reopened} were worked to the end`
      );
    },
  },
  {
    group: 'Recordings in work',
    name: 'deleted',
    refused: decoding,
    run: changedRecording('deleted', path => rmSync(path), 'noSuchFile'),
  },
  {
    group: 'Recordings in work',
    name: 'replaced',
    long: true,
    refused: decoding,
    run: changedRecording(
      'replaced',
      path => {
        copyFileSync(join(SAMPLES, 'asterisk-es.flac'), `${path}.new`);
        renameSync(`${path}.new`, path);
      },
      'recordingChanged',
    ),
  },
  {
    group: 'Recordings in work',
    name: 'growing',
    long: true,
    refused: decoding,
    run: changedRecording('grew', path => appendFileSync(path, Buffer.alloc(1000)), 'recordingChanged'),
  },
  {
    group: 'Recordings in work',
    name: 'truncated',
    long: true,
    refused: decoding,
    run: changedRecording('was cut', path => truncateSync(path, 60_000), 'recordingChanged'),
  },
  { group: 'Database', name: 'random bytes', run: randomBytes(10) },
  { group: 'Database', name: 'random bytes, many', long: true, run: randomBytes(300) },
  { group: 'Database', name: 'locked by another program', long: true, refused: decoding, run: lockedDatabase },
  { group: 'Time', name: 'clock set back', refused: decoding ?? shimRefused, run: clock(-2) },
  { group: 'Time', name: 'clock set forward', refused: decoding ?? shimRefused, run: clock(24 * 30) },
  { group: 'Devices', name: 'a GPU lost, and back', refused: gpusRefused, run: lostDriver },
  {
    group: 'Engines',
    name: 'flood stderr',
    long: true,
    refused: decoding,
    run: engine('flood@2', '64 MB on stderr: the log stayed small, the work went on'),
  },
  {
    group: 'Engines',
    name: 'print among their frames',
    long: true,
    refused: decoding,
    run: engine('noise@1 noise@3', 'what is no frame went to the log'),
  },
  {
    group: 'Engines',
    name: 'answer nonsense',
    refused: decoding,
    run: engine(
      'nonsense@2 badOutput@4 missing@6',
      'a frame of no type, a result of the wrong shape, no result: ended or tried again',
    ),
  },
  {
    group: 'Engines',
    name: 'a line without an end',
    long: true,
    refused: decoding,
    run: engine('oversize@2', 'cut off at 16 MiB, the worker ended, the step ran again'),
  },
  {
    group: 'Engines',
    name: 'answer late',
    long: true,
    refused: decoding,
    run: engine('late@1 late@2', 'a second answer after the first was not heard'),
  },
  {
    group: 'Engines',
    name: 'freeze',
    long: true,
    refused: decoding,
    run: engine('freeze@3', 'silent for 20 s, ended, the step ran again'),
  },
  {
    group: 'Engines',
    name: 'hang',
    long: true,
    refused: decoding,
    run: engine('hang@3', 'ended when its time was over, the step ran again'),
  },
  {
    group: 'Engines',
    name: 'run out of memory',
    refused: decoding,
    run: engine('oom@2', 'the estimate was raised, no try was counted'),
  },
  { group: 'Clients', name: 'ask and go away, or read nothing', refused: decoding, run: rudeClients },
  { group: 'Clients', name: 'a wrong token', long: true, run: lateStart },
  { group: 'Clients', name: '10,000 jobs at once', long: true, run: tenThousand(10_000) },
];
