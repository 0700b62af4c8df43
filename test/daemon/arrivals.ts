/**
 * Recordings arrive in a watched folder in every way that files arrive, while the daemon is killed: each must become
 * one job, whole, and what the jobs write must not. `npm run test:watch` does it with 2,000 files; the tests with a
 * few. EARSHOT_SEED repeats the order.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { copyFile, mkdir, open, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from '../../schemas/job.ts';
import { random } from '../random.ts';
import { wav } from '../zoo/signal.ts';
import { fakeModel } from './harness.ts';
import { RealDaemon } from './real.ts';
import { wrapped } from '../../scripts/wrap.ts';

export interface ArrivalsReport {
  files: number;
  copies: number;
  kills: number;
  jobs: number;
  outputs: number;
  ways: Record<string, number>;
  mostWaiting: number;
  seconds: number;
}

/** A quarter of a second of noise, unlike every other. */
function tinyWav(next: () => number): Buffer {
  const samples = Int16Array.from({ length: 4000 }, () => Math.floor((next() - 0.5) * 2000));
  return wav(samples);
}

const sum = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

export async function arrivals({
  files,
  kills,
  seed,
  settleSeconds,
}: {
  files: number;
  kills: number;
  seed: number;
  settleSeconds: number;
}): Promise<ArrivalsReport> {
  const next = random(seed),
    began = Date.now();
  const models = [fakeModel('fake-asr', 'asr'), fakeModel('fake-nmt', 'nmt'), fakeModel('fake-tts', 'tts')];
  const daemon = await new RealDaemon({
    models,
    settings: {
      cpuThreads: 8,
      othersOnCpu: true,
      memoryReserveBytes: 0,
      watchSettleSeconds: settleSeconds,
      watchAhead: 32,
    },
  }).start();
  const folder = realpathSync(daemon.recordings),
    report: ArrivalsReport = { files, copies: 0, kills: 0, jobs: 0, outputs: 0, ways: {}, mostWaiting: 0, seconds: 0 };
  /** What each file holds when it is whole, by its sum. */
  const whole = new Map<string, { bytes: number }>();
  const pause = (most: number): Promise<void> => sleep(next() * most);

  /** The ways in which files arrive. Each ends with the file whole, somewhere in the folder. */
  const ways: Record<string, (path: string, data: Buffer) => Promise<void>> = {
    'at once': (path, data) => writeFile(path, data),
    'slowly, with rests longer than the settle time': async (path, data) => {
      const file = await open(path, 'w');
      for (let at = 0; at < data.length; at += 2000) {
        await file.write(data.subarray(at, at + 2000));
        await pause(next() < 0.2 ? settleSeconds * 2500 : 100);
      }
      await file.close();
    },
    'under a temporary name': async (path, data) => {
      await writeFile(`${path}.part`, data.subarray(0, 3000));
      await pause(300);
      await writeFile(`${path}.part`, data);
      await rename(`${path}.part`, path);
    },
    'renamed while it is written': async (path, data) => {
      const other = path.replace(/\.wav$/, ' (renamed).wav'),
        file = await open(path, 'w');
      await file.write(data.subarray(0, 5000));
      await pause(settleSeconds * 1500);
      await rename(path, other);
      await pause(200);
      await file.write(data.subarray(5000));
      await file.close();
    },
    'renamed and moved when it is whole': async (path, data) => {
      await writeFile(path, data);
      await pause(settleSeconds * 4000);
      const place = join(dirname(path), 'sorted');
      await mkdir(place, { recursive: true });
      await rename(path, join(place, `moved ${path.split('/').at(-1)!}`));
    },
    'from elsewhere': async (path, data) => {
      const outside = join(daemon.root, `outside-${sum(data).slice(0, 12)}`);
      await writeFile(outside, data);
      await rename(outside, path);
    },
    'with a copy beside it': async (path, data) => {
      await writeFile(path, data);
      await pause(settleSeconds * 3000);
      report.copies++;
      if (existsSync(path)) await copyFile(path, path.replace(/\.wav$/, ' - copy.wav'));
    },
  };
  const names = Object.keys(ways);

  try {
    const options = {
      repair: false,
      language: 'en',
      translateTo: 'es',
      speak: true,
      outputs: { formats: ['txt' as const] },
    };
    await daemon.client.call('watch/add', { folder: { path: folder, options } });
    const arrive = async (i: number): Promise<void> => {
      const data = tinyWav(next),
        way = names[Math.floor(next() * names.length)]!,
        place = join(folder, ['', 'calls', 'calls/late', 'talks'][Math.floor(next() * 4)]!);
      whole.set(sum(data), { bytes: data.length });
      report.ways[way] = (report.ways[way] ?? 0) + 1;
      await mkdir(place, { recursive: true });
      await ways[way]!(join(place, `rec ${i}.wav`), data);
    };
    // Bursts of up to a tenth of all, some at the same time, with rests between them.
    const copying = (async () => {
      let i = 0;
      const killAt = Array.from({ length: kills }, (_, k) => Math.floor((files * (k + 1)) / (kills + 1)));
      while (i < files) {
        const burst = Math.min(files - i, 1 + Math.floor(next() * Math.max(4, files / 10)));
        const under = Array.from({ length: burst }, () => arrive(i++));
        if (report.kills < kills && i >= killAt[report.kills]!) {
          await pause(settleSeconds * 1500);
          report.kills++;
          await daemon.kill();
          await pause(1000);
          await daemon.start();
        }
        await Promise.all(under);
        await noteWaiting(daemon, report);
        await pause(settleSeconds * 2000);
      }
    })();
    await copying;
    await done(daemon, files, report);

    const first = await everyJob(daemon);
    check(first, whole, report);
    // Seen anew from the beginning, nothing is new.
    await daemon.stop();
    await daemon.start();
    await settled(daemon);
    const jobs = await everyJob(daemon);
    assert.deepEqual(
      jobs.map(job => job.id),
      first.map(job => job.id),
      'a start finds nothing new',
    );
    report.jobs = jobs.length;
    const { files: decided } = await daemon.client.call('watch/files', { path: folder, limit: 10_000 });
    assert.deepEqual(
      [...new Set(decided.map(file => file.decision.code))].filter(
        code => !['taken', 'renamed', 'duplicate', 'output'].includes(code),
      ),
      [],
    );
  } finally {
    await daemon.close();
  }
  report.seconds = (Date.now() - began) / 1000;
  return report;
}

function check(jobs: readonly Job[], whole: ReadonlyMap<string, { bytes: number }>, report: ArrivalsReport): void {
  assert.deepEqual(
    [...new Set(jobs.map(job => job.state))],
    ['completed'],
    jobs
      .filter(job => job.state !== 'completed')
      .map(job => `${job.recording.path} ${job.state} ${JSON.stringify(job.failure)}`)
      .join('\n'),
  );
  const outputs = jobs.flatMap(job => job.outputs.map(output => output.path));
  assert.equal(new Set(outputs).size, outputs.length, 'every output belongs to one job');
  for (const path of outputs) assert.ok(existsSync(path), path);
  assert.deepEqual(
    jobs.filter(job => outputs.includes(job.recording.path)).map(job => job.recording.path),
    [],
    'no output was taken',
  );
  const sums = jobs.map(job => {
    const data = readFileSync(job.recording.path);
    assert.equal(job.recording.bytes, data.length, `${job.recording.path} was taken whole`);
    return sum(data);
  });
  assert.equal(new Set(sums).size, sums.length, 'no recording was taken twice');
  assert.deepEqual(
    sums.filter(each => !whole.has(each)),
    [],
    'nothing but the recordings was taken',
  );
  assert.equal(sums.length, whole.size, 'none was left');
  report.outputs = outputs.length;
}

async function everyJob(daemon: RealDaemon): Promise<Job[]> {
  const jobs: Job[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await daemon.client.call('job/list', { limit: 1000, ...(cursor ? { cursor } : {}) });
    jobs.push(...page.jobs);
    if (page.next === null) return jobs;
    cursor = page.next;
  }
}

/** Looks whenever something happens; when nothing happens any more and it is not there, it never will be. */
async function until(daemon: RealDaemon, look: () => Promise<boolean>, lull: number): Promise<void> {
  let wake = (): void => {};
  const stop = daemon.client.onEvents(() => wake());
  try {
    await daemon.client.call('state/subscribe', { topics: ['jobs', 'watch'] });
    while (!(await look())) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const late = setTimeout(() => reject(new Error(`nothing has happened for ${lull} ms`)), lull);
      wake = () => {
        clearTimeout(late);
        resolve();
      };
      await promise;
      await sleep(200);
    }
  } finally {
    stop();
  }
}

/** Answers how many jobs are not over. */
async function noteWaiting(daemon: RealDaemon, report: ArrivalsReport): Promise<number> {
  const { jobs } = await daemon.client.call('job/list', { filter: { active: true }, limit: 1000 });
  report.mostWaiting = Math.max(report.mostWaiting, jobs.filter(job => job.startedAt === null).length);
  return jobs.length;
}

async function done(daemon: RealDaemon, files: number, report: ArrivalsReport): Promise<void> {
  await until(
    daemon,
    async () => {
      const [{ total }, active, { folders }] = await Promise.all([
        daemon.client.call('job/list', { filter: { states: ['completed'] }, limit: 1 }),
        noteWaiting(daemon, report),
        daemon.client.call('watch/list', {}),
      ]);
      return total >= files && active === 0 && folders.every(({ counts }) => counts.waiting + counts.writing === 0);
    },
    60_000,
  );
}

/** Everything was looked at after a start. */
async function settled(daemon: RealDaemon): Promise<void> {
  await until(
    daemon,
    async () =>
      (await daemon.client.call('watch/list', {})).folders.every(
        ({ state, counts }) => state === 'watching' && counts.waiting + counts.writing === 0,
      ),
    30_000,
  );
}

if (import.meta.main) {
  const seed = Number(process.env.EARSHOT_SEED ?? Date.now() % 1_000_000),
    files = Number(process.argv[2] ?? 2000);
  console.log(`seed ${seed}`);
  const report = await arrivals({ files, kills: 2, seed, settleSeconds: 1 });
  console.log(JSON.stringify(report));
  writeFileSync(join(import.meta.dirname, '..', '..', 'docs', 'arrivals.md'), wrapped(markdown(report, seed)));
}

function markdown(
  { files, copies, kills, jobs, outputs, ways, mostWaiting, seconds }: ArrivalsReport,
  seed: number,
): string {
  return `# Files that arrive while the daemon is killed

Made by \`npm run test:watch\` (seed ${seed}; \`EARSHOT_SEED=${seed}\` repeats the order).
${files} recordings arrive in bursts in a watched folder and its subfolders, each in one of
${Object.keys(ways).length} ways,
while the daemon is killed with SIGKILL ${kills} times and started again. Their jobs write texts and
spoken tracks, which are WAV files, into the same folders.

| | |
| --- | ---: |
${Object.entries(ways)
  .map(([way, count]) => `| ${way} | ${count} |`)
  .join('\n')}
| copies of recordings among them | ${copies} |
| jobs | ${jobs} |
| recordings taken twice, missed, or taken before they were complete | 0 |
| files that the jobs wrote beside them | ${outputs} |
| of these taken for recordings | 0 |
| jobs after one more start | ${jobs} |
| the most jobs waiting in the queue at once (\`watchAhead\` is 32) | ${mostWaiting} |
| time | ${Math.round(seconds)} s |

The zeros are asserted: this page is written only if all of them hold. The tests do the same with a few files
(\`test/daemon/arrivals.test.ts\`).
`;
}
