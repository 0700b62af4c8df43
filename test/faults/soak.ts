/**
 * A daemon that works for a long time while something goes wrong every half second. `npm run test:soak` does it for 30
 * minutes (EARSHOT_MINUTES), the tests for 20 seconds. At its end every job is accounted for, and memory and open files
 * are where they were. EARSHOT_SEED repeats the order of faults.
 */
import { frame as rawFrame, rawClient } from '../daemon/raw-client.ts';
import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from '../../schemas/job.ts';
import { isFinal, STAGES } from '../../schemas/words.ts';
import { processes } from '../../daemon/devices/processes.ts';
import { fakeModel } from '../daemon/harness.ts';
import { RealDaemon, SAMPLES } from '../daemon/real.ts';
import { random } from '../random.ts';
import { lawsHold } from './laws.ts';
import { section } from './report.ts';
import { lastWords, signal, until } from './world.ts';

const treeOf = (pid: number): number[] => [...processes().withChildren([pid]).get(pid)!];

interface Sample {
  second: number;
  rss: number;
  files: number;
  database: number;
  ended: number;
}
export interface SoakReport {
  seed: number;
  seconds: number;
  faults: Record<string, number>;
  jobs: Record<string, number>;
  steps: number;
  samples: Sample[];
}

const AT_ONCE = 4;
const MiB = 1024 ** 2;

export async function soak({ seconds, seed }: { seconds: number; seed: number }): Promise<SoakReport> {
  const next = random(seed),
    pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(next() * items.length)];
  const daemon = await new RealDaemon({
    models: STAGES.map(stage => fakeModel(`fake-${stage}`, stage, { ms: 30 })),
    settings: { cpuThreads: 8, othersOnCpu: true, formats: ['txt'], memoryReserveBytes: 0, keepAliveSeconds: 2 },
  }).start();
  const jobs = new Map<string, Job>(),
    all: Job[] = [],
    faults: Record<string, number> = {},
    samples: Sample[] = [];
  let made = 0,
    ended = 0,
    over = false;
  const began = performance.now(),
    elapsed = (): number => (performance.now() - began) / 1000;

  const follow = async (): Promise<void> => {
    daemon.client.onEvents(({ events }) => {
      for (const event of events)
        if (event.type === 'job' && jobs.has(event.job.id)) {
          jobs.set(event.job.id, event.job);
          if (isFinal(event.job.state)) {
            jobs.delete(event.job.id);
            ended++;
            clear(event.job);
          }
        }
    });
    const { jobs: now } = await daemon.client.call('state/subscribe', { topics: ['jobs', 'instances', 'devices'] });
    for (const job of now)
      if (jobs.has(job.id) && isFinal(job.state)) {
        jobs.delete(job.id);
        ended++;
        clear(job);
      }
  };
  const clear = (job: Job): void => {
    for (const path of [job.recording.path, ...job.outputs.map(output => output.path)]) rmSync(path, { force: true });
  };
  const feed = async (): Promise<void> => {
    while (jobs.size < AT_ONCE) {
      const path = join(daemon.recordings, `talk ${made++}.flac`);
      copyFileSync(join(SAMPLES, 'sense-and-sensibility.flac'), path);
      const [job] = await daemon.submit([path], { language: 'en', translateTo: 'es', speak: next() < 0.3 });
      jobs.set(job!.id, job!);
      all.push(job!);
    }
  };
  const frame = (message: object): Buffer => rawFrame({ jsonrpc: '2.0', ...message });
  const rude = async (reads: boolean): Promise<void> => {
    const { socket, hello } = await rawClient(daemon.home);
    await hello();
    if (!reads) socket.pause();
    for (let id = 1; id <= 200; id++)
      socket.write(
        frame({
          id,
          method: pick(['state/subscribe', 'job/list', 'model/list', 'nonsense'])!,
          params: id % 2 ? {} : { topics: ['jobs'] },
        }),
      );
    await sleep(50);
    socket.destroy();
  };
  const some = (): string[] => {
    const job = pick([...jobs.keys()]);
    return job ? [job] : [];
  };
  const worker = async (name: NodeJS.Signals): Promise<void> => {
    const pid = pick(treeOf(daemon.pid).slice(1));
    if (pid && signal(pid, name) && name === 'SIGSTOP') setTimeout(() => signal(pid, 'SIGCONT'), 700);
  };
  const actions: [name: string, weight: number, act: () => Promise<unknown>][] = [
    ['a worker, ingest or ffmpeg killed', 6, () => worker('SIGKILL')],
    ['one of them stopped for 0.7 s', 3, () => worker('SIGSTOP')],
    [
      'the daemon stopped for 0.5 s',
      1,
      async () => {
        signal(daemon.pid, 'SIGSTOP');
        await sleep(500);
        signal(daemon.pid, 'SIGCONT');
      },
    ],
    ['a job canceled', 2, () => daemon.client.call('job/cancel', { ids: some() })],
    [
      'a job paused and resumed',
      2,
      async () => {
        const ids = some();
        await daemon.client.call('job/pause', { ids });
        await sleep(200);
        await daemon.client.call('job/resume', { ids });
      },
    ],
    [
      'a job moved to the top',
      2,
      () =>
        daemon.client.call('job/move', {
          id: some()[0]!,
          to: 'top',
          priority: pick(['low', 'normal', 'high'] as const)!,
        }),
    ],
    [
      'a recording deleted',
      1,
      async () => {
        const job = pick([...jobs.values()]);
        if (job) rmSync(job.recording.path, { force: true });
      },
    ],
    [
      'a bad request',
      3,
      () =>
        daemon.client.call('job/submit', { jobs: [{ recording: '/nowhere/at all.wav', options: { repair: true } }] }),
    ],
    ['a client that asks and goes', 2, () => rude(true)],
    ['a client that reads nothing', 2, () => rude(false)],
    [
      'models unloaded',
      2,
      async () => {
        const { instances } = await daemon.client.call('device/list', {});
        const idle = instances.find(instance => instance.state === 'idle');
        if (idle) await daemon.client.call('instance/unload', { id: idle.id });
      },
    ],
    [
      'the queue paused and resumed',
      1,
      async () => {
        await daemon.client.call('queue/pause', {});
        await sleep(100);
        await daemon.client.call('queue/resume', {});
      },
    ],
    [
      'everything listed',
      2,
      () =>
        Promise.all([
          daemon.client.call('job/list', { limit: 1000 }),
          daemon.client.call('stats/get', {}),
          daemon.client.call('device/list', {}),
        ]),
    ],
  ];
  const weight = actions.reduce((sum, [, each]) => sum + each, 0);
  const draw = (): (typeof actions)[number] => {
    let at = next() * weight;
    return actions.find(([, each]) => (at -= each) < 0) ?? actions[0]!;
  };

  try {
    await follow();
    const look = (async () => {
      while (!over) {
        await sleep(1000);
        try {
          samples.push({
            second: Math.round(elapsed()),
            rss: Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.pid}/status`, 'utf8'))?.[1]) * 1024,
            files: readdirSync(`/proc/${daemon.pid}/fd`).length,
            database: statSync(daemon.home.database).size,
            ended,
          });
        } catch {
          /* it is being started again */
        }
      }
    })();
    // In the first fifth the daemon itself is killed as well; from then on one process must stay as it is.
    let killsAt = seconds / 20;
    while (elapsed() < seconds) {
      await feed();
      await sleep(100 + next() * 700);
      if (elapsed() > killsAt && elapsed() < seconds / 5) {
        killsAt += seconds / 20;
        faults['the daemon killed'] = (faults['the daemon killed'] ?? 0) + 1;
        await daemon.kill();
        await daemon.start();
        await follow();
        continue;
      }
      const [name, , act] = draw();
      faults[name] = (faults[name] ?? 0) + 1;
      // What it was about may just have ended.
      await act().catch(() => undefined);
    }
    // As the daemon knows them: the event of a pause may still be on its way.
    for (const { id, state } of (await daemon.client.call('job/list', { limit: 1000 })).jobs)
      if (state === 'paused') await daemon.client.call('job/resume', { ids: [id] }).catch(() => undefined);
    await daemon.client.call('queue/resume', {});
    await until('the last jobs to end', () => jobs.size === 0, 120_000).catch(async (error: unknown) => {
      const { jobs: now } = await daemon.client.call('job/list', { limit: 1000 }),
        left = now.filter(job => !isFinal(job.state));
      throw new Error(
        `seed ${seed}: waited for ${[...jobs.keys()].join(' ')}; left: ${JSON.stringify(left)}; ${lastWords(daemon)}`,
        { cause: error },
      );
    });
    over = true;
    await look;
    await daemon.stop();
    const states: Record<string, number> = {};
    const { steps } = await daemon.withStore(store => {
      for (const { id } of all) {
        const row = store.job(id)!;
        const name = row.state === 'failed' ? `failed: ${row.failure?.code}` : row.state;
        states[name] = (states[name] ?? 0) + 1;
      }
      return lawsHold(store, all, { alike: false });
    });
    // Only what the faults themselves decided may have ended otherwise.
    for (const name of Object.keys(states))
      assert.match(
        name,
        /^(completed|cancelled|failed: (noSuchFile|recordingChanged|unreadableFile))$/,
        JSON.stringify(states),
      );
    return { seed, seconds: Math.round(elapsed()), faults, jobs: states, steps, samples };
  } finally {
    over = true;
    await daemon.close();
  }
}

const middle = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** Of the last sixth against the second third: what a leak would part. */
export function isFlat({ samples }: SoakReport): { rss: [number, number]; files: [number, number] } {
  const part = (from: number, to: number): Sample[] =>
      samples.slice(Math.floor(samples.length * from), Math.ceil(samples.length * to)),
    early = part(1 / 3, 1 / 2),
    late = part(5 / 6, 1);
  const rss: [number, number] = [middle(early.map(sample => sample.rss)), middle(late.map(sample => sample.rss))],
    files: [number, number] = [middle(early.map(sample => sample.files)), middle(late.map(sample => sample.files))];
  assert.ok(
    rss[1] < rss[0] * 1.15 + 24 * MiB,
    `memory grew from ${Math.round(rss[0] / MiB)} to ${Math.round(rss[1] / MiB)} MiB`,
  );
  assert.ok(files[1] <= files[0] + 8, `open files grew from ${files[0]} to ${files[1]}`);
  return { rss, files };
}

if (import.meta.main) {
  const seed = Number(process.env.EARSHOT_SEED ?? Date.now() % 1_000_000),
    minutes = Number(process.env.EARSHOT_MINUTES ?? 30);
  console.log(`seed ${seed}, ${minutes} minutes`);
  const report = await soak({ seconds: minutes * 60, seed });
  const rows = Array.from(
    { length: 12 },
    (_, i) =>
      report.samples[Math.min(report.samples.length - 1, Math.round(((i + 1) * report.samples.length) / 12) - 1)]!,
  );
  const table = rows.map(
    ({ second, rss, files, database, ended }) =>
      `| ${(second / 60).toFixed(1)} | ${ended} | ${Math.round(rss / MiB)} | ${files} | ${(database / MiB).toFixed(1)} |`,
  );
  const text = [
    '## A long time with random faults',
    '',
    `Made by \`npm run test:soak\` (seed ${seed}; ${report.seconds} s) on ` +
      `${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model ?? ''} (${cpus().length} cores), Node ` +
      `${process.versions.node}.`,
    `A daemon with real worker processes works on an endless stream of recordings, ${AT_ONCE} at once, while ` +
      'something goes wrong every',
    'half second; in the first fifth the daemon itself is killed too. Asserted at the end: every job ' +
      'completed, or was canceled',
    'or lost its recording by a fault; no step was finished twice or started out of order; memory and open ' +
      'files are back where',
    'they were.',
    '',
    `Faults: ${Object.entries(report.faults)
      .sort((a, b) => b[1] - a[1])
      .map(([name, times]) => `${name} ${times} ×`)
      .join(', ')}.`,
    '',
    `Jobs: ${Object.entries(report.jobs)
      .map(([name, times]) => `${name} ${times}`)
      .join(', ')}. Steps finished: ${report.steps}.`,
    '',
    '| minute | jobs finished | memory of the daemon, MiB | its open files | database, MiB |',
    '| ---: | ---: | ---: | ---: | ---: |',
    ...table,
    '',
  ].join('\n');
  console.log(text);
  isFlat(report);
  if (minutes >= 30) section('soak', text);
  process.exit(0);
}
