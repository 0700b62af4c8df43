/**
 * Daemons that share one queue, over a PostgreSQL of the test's own: the home's text, files and states are those of a
 * local run, whatever happens to the machines that do the work.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once as event } from 'node:events';
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { FleetMachine } from '../../schemas/fleet.ts';
import { once } from '../../daemon/fleet/postgres.ts';
import { checksumOf } from '../../daemon/system/checksum.ts';
import type { Job, JobOptions, Utterance } from '../../schemas/job.ts';
import type { StateEvent } from '../../schemas/rpc.ts';
import { jobFraction } from '../../schemas/progress.ts';
import { isFinal } from '../../schemas/words.ts';
import { testsWithPostgres, type TestPostgres } from '../fixtures/postgres.ts';
import { SilentLine } from '../fixtures/silent-line.ts';
import { fleetChaos } from './fleet-chaos.ts';
import { member, prepareFleet } from './fleet-world.ts';
import { RealDaemon, SAMPLES } from './real.ts';

const { test, ...postgres } = testsWithPostgres();
let server: TestPostgres;

const CLI = join(import.meta.dirname, '..', '..', process.env.EARSHOT_BUILT ? 'dist/cli.mjs' : 'cli/main.ts');
const WAIT_MS = 90_000;
const LANGUAGES = { language: 'en', translateTo: 'es' } as const;

async function until<T>(what: string, look: () => Promise<T | null | undefined | false>): Promise<T> {
  for (const end = Date.now() + WAIT_MS; ;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`timed out: ${what}`);
    await sleep(50);
  }
}
const jobOf = async (daemon: RealDaemon, { id }: Job): Promise<Job> =>
  (await daemon.client.call('job/get', { id })).job;
const state = (daemon: RealDaemon, job: Job, wanted: Job['state']): Promise<Job> =>
  until(`${job.recording.name} to be ${wanted}`, async () => {
    const found = await jobOf(daemon, job);
    if (isFinal(found.state) && found.state !== wanted) throw new Error(JSON.stringify(found));
    return found.state === wanted && found;
  });
const rows = <T>(text: string, values: unknown[] = []): Promise<T[]> => server.asAdmin(query => query<T>(text, values));
const one = async <T>(text: string, values: unknown[] = []): Promise<T> => (await rows<T>(text, values))[0]!;
/** What the fleet knows a job by. */
const fleetId = (home: RealDaemon, job: Job): Promise<string> =>
  until('the job to be in the fleet', () =>
    home.withStore(store => {
      const fleet = store.job(job.id)?.fleet;
      return fleet ? fleet.id : null;
    }),
  );
/** As if time had passed since the first machine of each job was last heard of: leases are ten seconds at least. */
const silence = (): Promise<unknown> =>
  rows(
    `update boss.job b set heartbeat_on = now() - interval '1 hour' from fleet.job j
     where j.offer = b.id and j.attempt = 0 and b.state = 'active'`,
  );
/** Leases that were not renewed when they should have been, a third of their time ago, end now. */
const leasesEnd = (): Promise<unknown> =>
  rows(
    `update boss.job set heartbeat_on = now() - interval '1 hour'
     where state = 'active' and heartbeat_on < now() - interval '5 s'`,
  );

/** Says which modules each daemon loads, in a file of its own. */
const LOADED = pathToFileURL(join(import.meta.dirname, '..', 'fixtures', 'loaded.ts')).href;
const loadedBy = (daemon: RealDaemon): string[] => readFileSync(join(daemon.root, 'loaded'), 'utf8').split('\n');
const isPostgres = (url: string): boolean => /\/daemon\/fleet\/postgres\.|\/node_modules\/(pg|pg-boss)\//.test(url);
/** How many connections by TCP a process has; Linux says so. */
function connections({ pid }: RealDaemon): number {
  const inodes = ['tcp', 'tcp6'].flatMap(each =>
    readFileSync(`/proc/${pid}/net/${each}`, 'utf8')
      .split('\n')
      .slice(1)
      .map(line => line.trim().split(/\s+/)[9])
      .filter(inode => inode !== undefined),
  );
  const own = readdirSync(`/proc/${pid}/fd`).map(fd => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return ''; // closed meanwhile
    }
  });
  return own.filter(each => inodes.some(inode => each === `socket:[${inode}]`)).length;
}

function recording(daemon: RealDaemon, name: string, sample = 'sense-and-sensibility.flac'): string {
  const path = join(daemon.recordings, name);
  copyFileSync(join(SAMPLES, sample), path);
  return path;
}
async function submit(daemon: RealDaemon, path: string, options: Partial<JobOptions> = {}): Promise<Job> {
  const { results } = await daemon.client.call('job/submit', {
    jobs: [{ recording: path, options: { repair: true, ...LANGUAGES, ...options }, onDuplicate: 'create' }],
  });
  const [result] = results;
  assert.ok(result && 'job' in result, JSON.stringify(result));
  return result.job;
}
const written = (daemon: RealDaemon, stem: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(daemon.recordings)
      .filter(name => name.startsWith(`${stem}.`) && !name.endsWith('.flac'))
      .sort()
      .map(name => [name, readFileSync(join(daemon.recordings, name), 'utf8')]),
  );

describe('a fleet', { timeout: 450_000 }, () => {
  let home: RealDaemon, big: RealDaemon, going: RealDaemon;
  const events: StateEvent[] = [];
  /** What the sample says, without another machine. */
  let here: Utterance[] = [];
  const all: RealDaemon[] = [];
  const begin = async (daemon: RealDaemon): Promise<RealDaemon> => {
    all.push(daemon);
    return daemon.start();
  };

  before(async () => {
    const found = await postgres.start();
    if (!found) return;
    server = found;
    await prepareFleet(server);
    home = member(server, { person: 'ann' }, { nodeArgs: ['--import', LOADED] });
    home.env.EARSHOT_LOADED = join(home.root, 'loaded');
    [home, big] = await Promise.all([begin(home), begin(member(server, { machine: 'm1' }))]);
    home.client.onEvents(batch => events.push(...batch.events));
  });
  after(async () => {
    await Promise.all(all.map(daemon => daemon.close()));
    await postgres.stop();
  });

  test('without the setting nothing of it is loaded, and nothing is connected to', async () => {
    const alone = new RealDaemon({ nodeArgs: ['--import', LOADED] });
    alone.env.EARSHOT_LOADED = join(alone.root, 'loaded');
    await begin(alone);
    assert.equal((await alone.client.call('fleet/status', {})).settings, null);
    assert.ok(loadedBy(alone).some(url => url.includes('/daemon/fleet/fleet.ts')));
    assert.deepEqual(loadedBy(alone).filter(isPostgres), []);
    await until('the home to have loaded it', async () => loadedBy(home).some(isPostgres));
    if (process.platform === 'linux') {
      await until('the home to be connected', async () => connections(home) > 0);
      assert.equal(connections(alone), 0);
    }
    await alone.stop();
  });

  test('text streams from another machine, and the files are those of a local run', async () => {
    const path = recording(home, 'talk.flac');
    await home.client.call('settings/set', { values: { fleet: fleetWith(home, { use: 'never' }) } });
    const local = await state(home, await submit(home, path), 'completed');
    assert.equal(local.machine, undefined);
    const expected = written(home, 'talk');
    assert.ok(Object.keys(expected).length >= 7);
    for (const name of Object.keys(expected)) rmSync(join(home.recordings, name));

    await home.client.call('settings/set', { values: { fleet: fleetWith(home, { use: 'always' }) } });
    const job = await submit(home, path);
    assert.equal(job.machine, null);
    await home.client.call('state/subscribe', { topics: ['jobs'], utterancesOf: [job.id] });
    const done = await state(home, job, 'completed');
    assert.equal(done.machine, await hostOf());
    assert.deepEqual(written(home, 'talk'), expected);
    const now = await said(job);
    assert.deepEqual(now, (here = await said(local)));

    // What is newer about an utterance takes the place of what waited: which of them comes first is not promised.
    const heard = (): number[] => [
      ...new Set(
        events.flatMap(event => (event.type === 'utterance' && event.job === job.id ? [event.utterance.index] : [])),
      ),
    ];
    await until('news of each', async () => heard().length === now.length);
    assert.deepEqual(
      heard().sort((a, b) => a - b),
      now.map(({ index }) => index),
    );
    const over = events.findIndex(event => event.type === 'job' && event.job.id === job.id && isFinal(event.job.state));
    const first = events.findIndex(event => event.type === 'utterance' && event.job === job.id);
    assert.ok(first >= 0 && (over === -1 || first < over), 'before the end');

    // Nothing of it stays elsewhere, but a line for the books.
    await until('the fleet to forget it', async () => (await rows('select id from fleet.job')).length === 0);
    assert.deepEqual(await rows('select * from fleet.chunk'), []);
    const { attempts, ...line } = await one<Record<string, unknown>>(
      'select owner, machine, state, recording_s, sent_bytes, attempts from fleet.audit',
    );
    // A machine that is late for its lease among busy neighbors takes it anew.
    assert.ok(Number(attempts) >= 1);
    assert.deepEqual(line, {
      owner: 'ann',
      machine: await hostOf(),
      state: 'completed',
      recording_s: Math.ceil(local.recording.durationMs! / 1000),
      sent_bytes: String(readFileSync(path).length),
    });
    const { figures, machines, everybody } = await home.client.call('fleet/stats', {});
    assert.deepEqual(
      figures.map(({ machine, completed, failed, sentBytes }) => ({ machine, completed, failed, sentBytes })),
      [{ machine: await hostOf(), completed: 1, failed: 0, sentBytes: readFileSync(path).length }],
    );
    assert.equal(everybody, false);
    assert.ok(machines.length === 1 && machines[0]!.live);
    await until('the machine to forget it', async () => (await big.client.call('job/list', {})).total === 0);
  });

  test('a shared folder moves no bytes, and a file that changed is refused', async () => {
    const roots = { nas: home.recordings };
    await home.client.call('settings/set', { values: { fleet: fleetWith(home, { roots }) } });
    await big.client.call('settings/set', { values: { fleet: fleetWith(big, { roots }) } });
    const job = await submit(home, recording(home, 'shared.flac'));
    await state(home, job, 'completed');
    assert.deepEqual(await said(job), here);
    const line = await one<{ sent_bytes: string }>('select sent_bytes from fleet.audit order by ended_at desc limit 1');
    assert.equal(line.sent_bytes, '0');

    await big.client.call('fleet/drain', { draining: true });
    const changed = await submit(home, recording(home, 'changed.flac'));
    const id = await fleetId(home, changed);
    await until('it to wait', async () => (await rows(`select id from fleet.job where id = $1`, [id])).length === 1);
    writeFileSync(join(home.recordings, 'changed.flac'), 'something else');
    await big.client.call('fleet/drain', { draining: false });
    const failed = await state(home, changed, 'failed');
    assert.equal(failed.failure?.code, 'recordingChanged');
    for (const daemon of [home, big])
      await daemon.client.call('settings/set', { values: { fleet: fleetWith(daemon, { roots: undefined }) } });
  });

  test('what somebody writes into the database past a daemon harms no machine, and opens no file of it', async () => {
    const roots = { nas: home.recordings },
      secret = join(big.root, 'secret.wav');
    copyFileSync(join(SAMPLES, 'sense-and-sensibility.flac'), secret);
    await big.client.call('settings/set', { values: { fleet: fleetWith(big, { roots }) } });
    const can = await until('the machine to have the folder', async () => {
      const [found] = await rows<{ can: string[] }>('select can from fleet.machine where role = $1', ['m1']);
      return found?.can.includes('root:nas') && found.can;
    });
    const need = can.find(each => each.startsWith('asr:fake-asr@'))!;
    const path = recording(home, 'given.flac'),
      { size, mtimeMs } = statSync(path),
      checksum = await checksumOf(path, size),
      sound = { kind: 'root', root: 'nas', path: 'given.flac', bytes: size, modifiedAt: mtimeMs, checksum },
      request = { options: { repair: false, language: 'en' }, models: { asr: 'fake-asr' } };
    const submitted = async (id: string, asked: unknown, where: unknown, made: unknown[] = []): Promise<string> => {
      await once(server.access('ann'), async query => {
        await query('begin');
        await query('select fleet.submit($1, $2, $3, $4, $5, $6, 60, 1)', [
          id,
          'elsewhere',
          'a name',
          JSON.stringify(asked),
          [need],
          JSON.stringify(where),
        ]);
        if (made.length) await query('select fleet.seed($1, $2)', [id, JSON.stringify(made)]);
        await query('commit');
      });
      return id;
    };
    const at = { startMs: 0, endMs: 1000 },
      asr = { text: 'x', words: [], language: 'en', languageProbability: 1 },
      spoken = { path: secret, sampleRate: 16_000, durationMs: 1000 };
    const ends: [Promise<string>, string, string?][] = [
      [submitted('a', { options: { repair: {} }, models: {} }, sound), 'failed', 'badAnswer'],
      [submitted('b', { ...request, options: { ...request.options, source: 'text' } }, sound), 'failed', 'badAnswer'],
      [submitted('c', null, sound), 'failed', 'badAnswer'],
      [submitted('d', { ...request, more: 'x'.repeat(5_000_000) }, sound), 'failed', 'badAnswer'],
      [submitted('e', request, { ...sound, path: `../${'../'.repeat(20)}${secret}` }), 'failed', 'noSuchFile'],
      [submitted('f', request, { ...sound, root: '__proto__' }), 'failed', 'noSuchFile'],
      [submitted('g', request, { kind: 'root', path: 7 }), 'failed', 'badAnswer'],
      [
        submitted('h', request, sound, [
          { index: -1, stage: 'asr', output: { ...at, output: asr } },
          { index: 0, stage: 'asr', output: {} },
          { index: 7, stage: 'asr', output: { ...at, output: asr } },
          { index: 0, stage: 'tts', output: { ...at, output: spoken } },
          { index: 0, stage: 'nothing', output: null },
        ]),
        'completed',
      ],
    ];
    for (const [submission, wanted, code] of ends) {
      const id = await submission;
      const found = await until(`${id} to end`, async () => {
        const job = await one<{ state: string; failure: { code: string } | null }>(
          'select state, failure from fleet.job where id = $1',
          [id],
        );
        return isFinal(job.state as 'failed') && job;
      });
      assert.deepEqual([found.state, found.failure?.code], [wanted, code], id);
    }
    assert.deepEqual(await rows('select job from fleet.result where blob is not null'), []);
    assert.ok((await big.client.call('state/subscribe', { topics: ['jobs'] })).jobs);
    // Nothing of theirs is left behind.
    await once(server.access('ann'), query => query('select fleet.forget(id) from fleet.job'));
    await big.client.call('settings/set', { values: { fleet: fleetWith(big, { roots: undefined }) } });
  });

  test('what a machine makes up is refused by the home, and reaches no file of it', async () => {
    await big.client.call('fleet/drain', { draining: true });
    const secret = join(home.root, 'secret.wav');
    writeFileSync(secret, 'private');
    const path = recording(home, 'hostile.flac'),
      at = { startMs: 0, endMs: 1000 };
    const result = (index: number, stage: string, output: unknown) => ({ index, stage, output, state: 'running' }),
      whole = { durationMs: 1, language: 'en', models: {}, warnings: [], failed: [] };
    const made: { index?: number; stage?: string; output?: unknown; state: string; facts?: unknown }[] = [
      result(0, 'tts', { ...at, output: { path: secret, sampleRate: 16_000, durationMs: 1000 } }),
      result(0, 'asr', { ...at, output: {} }),
      result(0, 'nothing', { ...at, output: {} }),
      result(-1, 'asr', null),
      result(0, 'asr', { ...at, output: 'x'.repeat(400_000) }),
      { state: 'completed', facts: 'nonsense' },
      { state: 'completed', facts: { ...whole, speakers: [{}] } },
      { state: 'failed' },
    ];
    const jobs: Job[] = [];
    for (const _ of made) jobs.push(await submit(home, path));
    const ids = await Promise.all(jobs.map(job => fleetId(home, job)));
    await until('all to wait', async () => {
      const { n } = await one<{ n: string }>(`select count(*) as n from fleet.job where state = 'waiting'`);
      return Number(n) === made.length;
    });
    await once(server.access('m2'), async query => {
      for (const [i, { index, stage, output, state: to, facts = {} }] of made.entries()) {
        await query(`update fleet.job set state = 'running' where id = $1`, [ids[i]]);
        if (stage)
          await query(`insert into fleet.result (job, index, stage, output, machine) values ($1, $2, $3, $4, 'm2')`, [
            ids[i],
            index,
            stage,
            JSON.stringify(output),
          ]);
        await query(`update fleet.job set state = $2, facts = $3, failure = $4, ended_at = $5 where id = $1`, [
          ids[i],
          to,
          JSON.stringify(facts),
          JSON.stringify({ code: 7 }),
          isFinal(to as 'failed') ? new Date() : null,
        ]);
        await query('select fleet.notify_home(j) from fleet.job j where id = $1', [ids[i]]);
      }
    });
    for (const [i, job] of jobs.entries()) {
      const { failure } = await state(home, job, 'failed');
      assert.equal(failure?.code, 'badAnswer', JSON.stringify(made[i]).slice(0, 100));
      const { utterances } = await home.client.call('job/utterances', { id: job.id });
      assert.ok(!JSON.stringify(utterances).includes('secret'));
    }
    assert.equal(readFileSync(secret, 'utf8'), 'private');
    await once(server.access('m2'), query =>
      query(
        `insert into fleet.machine (id, name, version, can, share, devices)
         values ('x', 'x', '1', '{}', 'always', '7')`,
      ),
    );
    assert.ok(!(await home.client.call('fleet/status', {})).machines.some(({ id }) => id === 'x'));
    await rows(`delete from fleet.machine where id = 'x'`);
    await until('the fleet to forget them', async () => (await rows('select id from fleet.job')).length === 0);
    await big.client.call('fleet/drain', { draining: false });
  });

  test('a machine stops for the database alone, not for whoever says so', async () => {
    const job = await submit(home, recording(home, 'goes-on.flac'), { models: { asr: 'fake-slow' } }),
      id = await fleetId(home, job);
    await until(
      'its first result',
      async () => (await rows('select id from fleet.job where id = $1 and done > 0', [id])).length,
    );
    await once(server.access('bob'), async query => {
      for (let n = 0; n < 200; n++) await query(`select pg_notify('fleet_stop', $1)`, [n % 2 ? id : `${n}`]);
    });
    await state(home, job, 'completed');
    const { attempts } = await one<{ attempts: number }>('select attempts from fleet.audit where job = $1', [id]);
    assert.equal(attempts, 1, 'nobody had to take it over');
  });

  test('what no model could hear keeps its place, and what was said behind it comes too', async () => {
    const job = await submit(home, recording(home, 'deaf.flac'), { models: { asr: 'fake-deaf' } });
    await state(home, job, 'failed');
    const { utterances } = await home.client.call('job/utterances', { id: job.id });
    assert.ok(utterances.length > 2);
    assert.deepEqual(
      utterances.map(({ asr, nmt, failed }) => [asr !== undefined, nmt !== undefined, failed?.stage]),
      utterances.map((_, index) => (index === 1 ? [false, false, 'asr'] : [true, true, undefined])),
    );
  });

  test('what no machine can do waits, says what is missing and holds nobody up; it can be done here', async () => {
    await big.client.call('settings/set', { values: { ramCapBytes: 600 * 1024 ** 2 } });
    await until('the machine to say that it has less memory', async () => {
      const [{ can, draining }] = (await rows(`select can, draining from fleet.machine`)) as [FleetMachine];
      return !draining && !can.some(need => need.includes('fake-large'));
    });
    const large = await submit(home, recording(home, 'large.flac'), { models: { asr: 'fake-large' } });
    const small = await submit(home, recording(home, 'small.flac'));
    await state(home, small, 'completed');
    const { waiting } = await until('a reason', async () => {
      const found = await jobOf(home, large);
      return found.waiting?.code === 'noMachineFits' && found.waiting.args.lacks !== undefined && found;
    });
    assert.deepEqual(waiting!.args, { lacks: 'fake-large' });
    await home.client.call('job/here', { ids: [large.id] });
    assert.equal((await state(home, large, 'completed')).machine, undefined);
    await until('the fleet to forget it', async () => (await rows('select id from fleet.job')).length === 0);
    await big.client.call('settings/set', { values: { ramCapBytes: null } });
  });

  test('people move, pause and cancel their jobs from home', async () => {
    await big.client.call('fleet/drain', { draining: true });
    const job = await submit(home, recording(home, 'moved.flac'));
    const id = await fleetId(home, job);
    const there = (wanted: string, rank: number): Promise<unknown> =>
      until(
        `${wanted} there`,
        async () =>
          (await rows('select id from fleet.job where id = $1 and state = $2 and rank = $3', [id, wanted, rank]))
            .length,
      );
    await there('waiting', 1);
    // As if a machine had taken it, and had said nothing yet.
    await rows(`update fleet.job set state = 'running', machine = (select id from fleet.machine limit 1)`);
    await rows('select fleet.notify_home(j) from fleet.job j');
    const begun = await until('it to be begun', async () => {
      const { waiting } = await jobOf(home, job);
      return waiting?.code === 'fleetStarting' && waiting;
    });
    assert.deepEqual(begun.args, { machine: await hostOf() });
    await rows(`update fleet.job set state = 'waiting', machine = null`);
    await home.client.call('job/move', { id: job.id, priority: 'high' });
    await there('waiting', 2);
    await home.client.call('job/pause', { ids: [job.id] });
    await there('paused', 2);
    await big.client.call('fleet/drain', { draining: false });
    const other = await submit(home, recording(home, 'other.flac'));
    await state(home, other, 'completed');
    assert.equal((await jobOf(home, job)).state, 'paused');
    await home.client.call('job/resume', { ids: [job.id] });
    await state(home, job, 'completed');

    await big.client.call('fleet/drain', { draining: true });
    const unwanted = await submit(home, recording(home, 'unwanted.flac'));
    const gone = await fleetId(home, unwanted);
    await until(
      'it to wait',
      async () => (await rows(`select id from fleet.job where id = $1 and state = 'waiting'`, [gone])).length,
    );
    await home.client.call('job/cancel', { ids: [unwanted.id] });
    await until('it to be gone', async () => (await rows('select id from fleet.job')).length === 0);
    assert.deepEqual(await rows('select * from fleet.chunk'), []);
    await big.client.call('fleet/drain', { draining: false });
    // A job that was canceled is retried there.
    await home.client.call('job/retry', { ids: [unwanted.id] });
    assert.equal((await state(home, unwanted, 'completed')).machine, await hostOf());
  });

  const letsGo = (daemon: RealDaemon): Promise<unknown> =>
    until('the machine to let go', async () => (await daemon.client.call('job/list', {})).total === 0);
  test('a machine stops what is paused or canceled at home; over a line that was silent, once it is heard again', async () => {
    const line = await SilentLine.to(server.port);
    try {
      const url = `postgres://127.0.0.1:${line.port}/fleet`;
      await home.client.call('settings/set', { values: { fleet: fleetWith(home, { url }) } });
      const slow = { models: { asr: 'fake-slow' } },
        running = async (name: string): Promise<Job> => {
          const job = await submit(home, recording(home, name), slow),
            begun = await until('its first words', async () => {
              const found = await jobOf(home, job);
              return (found.progress.stages.asr?.done ?? 0) > 0 && found;
            }),
            fraction = jobFraction(begun);
          assert.ok(fraction && fraction < 1, `it is at ${fraction} of ${JSON.stringify(begun.recording)}`);
          return job;
        };
      const paused = await running('paused.flac');
      await home.client.call('job/pause', { ids: [paused.id] });
      await letsGo(big);
      assert.equal((await jobOf(home, paused)).state, 'paused');
      await home.client.call('job/resume', { ids: [paused.id] });
      await until(
        'another try',
        async () => (await rows(`select from fleet.job where state = 'running'`)).length === 1,
      );

      // Nobody hears the home; the machine goes on with what it has.
      const unwanted = await running('unheard.flac');
      line.isSilent = true;
      await home.client.call('job/cancel', { ids: [unwanted.id] });
      await until(
        'the first to be done there',
        async () => (await rows(`select from fleet.audit where job = $1`, [await fleetId(home, paused)])).length === 1,
      );
      line.isSilent = false;
      await state(home, paused, 'completed');
      await letsGo(big);
      await until('the fleet to forget both', async () => (await rows('select id from fleet.job')).length === 0);
      assert.deepEqual(await rows('select job from fleet.chunk'), []);
      assert.deepEqual(await steps(home, paused), { once: true, ends: 1 });

      // Tried again, it begins anew, but what was made of it before is not done again.
      await big.client.call('fleet/drain', { draining: true });
      await home.client.call('job/retry', { ids: [unwanted.id] });
      await home.kill();
      await home.start();
      await big.client.call('fleet/drain', { draining: false });
      await state(home, unwanted, 'completed');
      assert.deepEqual(await steps(home, unwanted), { once: true, ends: 1 });
      const { entries } = await home.client.call('job/log', { id: unwanted.id, limit: 1000 });
      assert.equal(entries.filter(({ kind }) => kind === 'job.started').length, 2);
    } finally {
      const url = `postgres://127.0.0.1:${server.port}/fleet`;
      await home.client.call('settings/set', { values: { fleet: fleetWith(home, { url }) } });
      line.close();
    }
  });

  test('a home that is killed while it sends a recording, or is brought its text, has the job once', async () => {
    // The second piece waits for a lock of ours.
    await rows(`create function fleet.hold() returns trigger language plpgsql as
      'begin perform pg_advisory_xact_lock(16); return new; end'`);
    await rows(
      `create trigger hold before insert on fleet.chunk for each row when (new.n = 1) execute function fleet.hold()`,
    );
    const path = recording(home, 'killed.flac');
    let job: Job, id: string;
    try {
      ({ job, id } = await server.asAdmin(async query => {
        await query('select pg_advisory_lock(16)');
        const job = await submit(home, path, { models: { asr: 'fake-steady' } }),
          id = await fleetId(home, job);
        await until(
          'it to be on the way',
          async () => (await query(`select from pg_locks where locktype = 'advisory' and not granted`)).length === 1,
        );
        await home.kill();
        return { job, id };
      }));
    } finally {
      await rows('drop function fleet.hold cascade');
    }
    await home.start();
    await until(
      'its first words',
      async () => (await rows('select from fleet.job where id = $1 and done > 0', [id])).length,
    );
    // It is brought nothing more until it dies.
    home.process.kill('SIGSTOP');
    await until('its end', async () => (await rows('select from fleet.audit where job = $1', [id])).length);
    await home.kill();
    await home.start();
    await state(home, job, 'completed');
    assert.deepEqual(await steps(home, job), { once: true, ends: 1 });
    assert.ok(existsSync(join(home.recordings, 'killed.srt')));
    const { sent_bytes: sent } = await one<{ sent_bytes: string }>(
      'select sent_bytes from fleet.audit where job = $1',
      [id],
    );
    assert.equal(sent, String(statSync(path).size), 'what was there was not sent again');
  });

  test('a long recording goes in parts to idle machines, and reads as one machine would have it', async () => {
    const path = recording(home, 'parts.flac', 'asterisk-es.flac'),
      spanish = { language: 'es', translateTo: 'en' } as const,
      slow = { ...spanish, models: { asr: 'fake-slow' } };
    const whole = async () => said(await state(home, await submit(home, path, spanish), 'completed'));
    going = member(server, { machine: 'm2' });
    const [expected] = await Promise.all([whole(), begin(going)]);
    assert.ok(expected.length >= 4, 'two for each of two');
    await home.client.call('settings/set', { values: { fleet: fleetWith(home, { partMinutes: 0.05 }) } });
    const bothIdle = (): Promise<unknown> =>
      until('both machines to be idle', async () => {
        const { n } = await one<{ n: string }>(
          `select count(*) as n from fleet.idle(array['part'] || (
           select array_agg(distinct need) from fleet.machine, unnest(can) need
           where need ~ ':fake-(slow|repair|nmt)@'))`,
        );
        return Number(n) === 2;
      });

    const begun = (part: string): Promise<string> =>
      until('text of a part', async () => {
        const [found] = await rows<{ machine: string }>(
          `select machine from fleet.job where whole = $1 and state = 'running' and done > 0`,
          [part],
        );
        return found?.machine;
      });
    // Canceled: none of its parts is left, at any machine.
    await bothIdle();
    const unwanted = await submit(home, path, slow);
    await begun(await fleetId(home, unwanted));
    await home.client.call('job/cancel', { ids: [unwanted.id] });
    await until('the fleet to forget it', async () => (await rows('select id from fleet.job')).length === 0);
    for (const daemon of [big, going])
      await until('its machines to let go', async () => (await daemon.client.call('job/list', {})).total === 0);

    await bothIdle();
    const job = await submit(home, path, slow),
      id = await fleetId(home, job),
      ids = [id, `${id}.1`];
    // The first that has text of its part stops until another has the other part, and dies.
    const machine = await begun(id),
      dead = (await big.withStore(store => store.meta('fleet.home'))) === machine ? big : going;
    dead.process.kill('SIGSTOP');
    await until('another to have a part', async () => {
      const parts = await rows<{ machine: string | null }>('select machine from fleet.job where whole = $1', [id]);
      return new Set(parts.flatMap(part => part.machine ?? [])).size > 1;
    });
    const lost = (
      await rows<{ id: string }>(`select id from fleet.job where machine = $1 and state = 'running'`, [machine])
    ).map(part => part.id);
    await dead.kill();
    await until('another to have what it was at', async () => {
      await rows(
        `update boss.job b set heartbeat_on = now() - interval '1 hour' from fleet.job j
         where j.offer = b.id and j.machine = $1 and b.state = 'active'`,
        [machine],
      );
      return (await rows(`select id from fleet.job where machine = $1 and state = 'running'`, [machine])).length === 0;
    });
    const revived = dead.start();
    await state(home, job, 'completed');
    assert.deepEqual(await said(job), expected);
    const { entries } = await home.client.call('job/log', { id: job.id, limit: 1000 });
    assert.deepEqual(
      entries.filter(({ kind, stage }) => kind === 'step.finished' && stage === 'asr').map(({ index }) => index),
      expected.map(({ index }) => index),
      'each once, in order',
    );
    assert.equal(entries.filter(({ kind }) => kind === 'job.completed').length, 1);
    await until('the fleet to forget it', async () => (await rows('select id from fleet.job')).length === 0);
    assert.deepEqual(await rows('select job from fleet.chunk'), []);
    const books = await rows<{ job: string; state: string; sent_bytes: string; attempts: number }>(
      'select job, state, sent_bytes, attempts from fleet.audit where job = any($1) order by job',
      [ids],
    );
    // The sound was sent once, for both.
    assert.deepEqual(
      books.map(line => [line.job, line.state, line.sent_bytes]),
      ids.map((each, i) => [each, 'completed', i === 0 ? String(statSync(path).size) : '0']),
    );
    for (const { job: part, attempts } of books) if (lost.includes(part)) assert.ok(attempts > 1, part);

    await revived;
    await home.client.call('settings/set', { values: { fleet: fleetWith(home, { partMinutes: 0 }) } });
    await going.client.call('settings/set', { values: { fleet: fleetWith(going, { share: 'never' }) } });
  });

  test('a machine that dies in the middle is taken over where it was; one that wakes up late is refused', async () => {
    // One that freezes, and another that goes on.
    const freezing = big,
      ann = home;
    const slow = { models: { asr: 'fake-slow' } };
    const job = await submit(ann, recording(ann, 'long.flac'), slow),
      longId = await fleetId(ann, job);
    await until('its first words', async () => (await jobOf(ann, job)).progress.stages.asr?.done);
    freezing.process.kill('SIGSTOP');
    await silence();
    await going.client.call('fleet/work', { on: true });
    await until('another to take it', async () => {
      await silence();
      return (
        (await rows(`select id from fleet.job where state = 'running' and attempt >= 1`)).length === 1 ||
        // Among busy neighbors it may have ended before it was frozen.
        isFinal((await jobOf(ann, job)).state)
      );
    });
    freezing.process.kill('SIGCONT');
    const seen = await attemptsBy(going, ann, job, longId);
    await state(ann, job, 'completed');
    const late = await freezing.withStore(store => store.meta('fleet.home'));
    for (const { index, stage } of seen.made.filter(({ machine }) => machine === late))
      assert.ok(!seen.begun.has(`${index} ${stage}`), `${stage} of ${index} was done again`);
    // Nothing that was stored was done again by the one that went on.
    const { utterances } = await ann.client.call('job/utterances', { id: job.id });
    const entries = (await ann.client.call('job/log', { id: job.id, limit: 1000 })).entries;
    const finished = entries
      .filter(({ kind }) => kind === 'step.finished')
      .map(({ index, stage }) => `${index} ${stage}`);
    assert.equal(new Set(finished).size, finished.length, 'each step once');
    assert.equal(finished.length, utterances.length * 3);
    // The late one lets go by itself.
    await until('the late one to let go', async () => (await freezing.client.call('job/list', {})).total === 0);

    // The home is killed, and the machine told to leave: what it has goes back at once, and the job ends once.
    const next = await submit(ann, recording(ann, 'next.flac'), slow),
      nextId = await fleetId(ann, next);
    await until('its first words', async () => (await jobOf(ann, next)).progress.stages.asr?.done);
    await ann.kill();
    const leaver = (await freezing.client.call('fleet/status', {})).taken > 0 ? freezing : going,
      { taken } = await leaver.client.call('fleet/status', {}),
      gone = event(leaver.process, 'exit');
    leaver.process.kill('SIGTERM');
    await gone;
    const [ended] = await rows(`select job from fleet.audit where job = $1`, [nextId]);
    await ann.start();
    await state(ann, next, 'completed');
    const log = (await ann.client.call('job/log', { id: next.id, limit: 1000 })).entries;
    const steps = log.filter(({ kind }) => kind === 'step.finished').map(({ index, stage }) => `${index} ${stage}`);
    assert.equal(new Set(steps).size, steps.length, 'each step once');
    assert.deepEqual(log.filter(({ kind }) => kind === 'job.completed').length, 1);
    const { attempts } = await one<{ attempts: number }>(`select attempts from fleet.audit where job = $1`, [nextId]);
    assert.ok(ended || attempts > taken, 'another went on');
    // The one that is left does what follows.
    if (leaver === freezing) {
      big = going;
      await big.client.call('settings/set', { values: { fleet: fleetWith(big, { share: 'always' }) } });
    } else await going.stop();
  });

  /** What was begun by a machine's own workers, and what there was by whom, until the job has ended. */
  async function attemptsBy(
    machine: RealDaemon,
    ann: RealDaemon,
    job: Job,
    id: string,
  ): Promise<{ begun: Set<string>; made: { index: number; stage: string; machine: string }[] }> {
    const begun = new Set<string>();
    let made: { index: number; stage: string; machine: string }[] = [];
    await until('its end', async () => {
      const found = await rows<(typeof made)[0]>('select index, stage, machine from fleet.result where job = $1', [id]);
      if (found.length > 0) made = found;
      for (const { id: local } of (await machine.client.call('job/list', {})).jobs) {
        const { entries } = await machine.client
          .call('job/log', { id: local, limit: 1000 })
          .catch(() => ({ entries: [] }));
        for (const { kind, index, stage, instance, data } of entries)
          if (kind === 'attempt.started' && instance !== 'fleet')
            for (let i = index!; i < Number(data.to); i++) begun.add(`${i} ${stage}`);
      }
      return isFinal((await jobOf(ann, job)).state);
    });
    return { begun, made };
  }

  test('what the database lost of a job that is at work, it gets again', async () => {
    const job = await submit(home, recording(home, 'lost.flac'), { models: { asr: 'fake-slow' } }),
      id = await fleetId(home, job);
    await until('it to be at work', async () => (await jobOf(home, job)).progress.stages.asr?.done);
    // The home has not read what comes next.
    home.process.kill('SIGSTOP');
    try {
      const [read] = await rows<{ n: string }>('select max(seq) as n from fleet.result where job = $1', [id]);
      await until('more of it', async () => {
        const lost = await rows('delete from fleet.result where job = $1 and seq > $2 returning seq', [id, read!.n]);
        // Among busy neighbors it may have ended before.
        return lost.length > 0 || (await rows('select job from fleet.audit where job = $1', [id])).length > 0;
      });
    } finally {
      home.process.kill('SIGCONT');
    }
    await state(home, job, 'completed');
  });

  test('the database goes away and comes back: nothing is lost', async () => {
    const job = await submit(home, recording(home, 'outage.flac', 'asterisk-es.flac'), {
      language: 'es',
      translateTo: 'en',
    });
    await until('its first words', async () => (await jobOf(home, job)).progress.stages.asr?.done);
    await server.kill();
    const waits = await submit(home, recording(home, 'meanwhile.flac'));
    assert.equal(waits.machine, null);
    await until('home to say so', async () =>
      (await home.client.call('fleet/status', {})).problems.some(({ code }) => code === 'fleetUnreachable'),
    );
    // Local work goes on.
    const here = await submit(home, recording(home, 'here.flac'));
    await home.client.call('job/here', { ids: [here.id] });
    await state(home, here, 'completed');
    await server.begin();
    await state(home, job, 'completed');
    await state(home, waits, 'completed');
    const lines = await rows<{ attempts: number }>('select attempts from fleet.audit order by ended_at desc limit 2');
    assert.ok(
      lines.every(({ attempts }) => attempts <= 2),
      'at most one takeover, where it was away for longer than a lease',
    );
  });

  test('a machine leaves newer tables alone, and says so', async () => {
    const reconnect = (): Promise<unknown> =>
      rows(`select pg_terminate_backend(pid) from pg_stat_activity where usename in ('m1', 'm2')`);
    await rows('update fleet.version set v = v + 1');
    let job: Job;
    try {
      await reconnect();
      await until('it to say so', async () =>
        (await big.client.call('fleet/status', {})).problems.some(({ code }) => code === 'fleetNewer'),
      );
      job = await submit(home, recording(home, 'newer.flac'));
      const id = await fleetId(home, job);
      await until(
        'it to wait',
        async () => (await rows(`select from fleet.job where id = $1 and state = 'waiting'`, [id])).length === 1,
      );
      assert.equal((await big.client.call('fleet/status', {})).taken, 0);
    } finally {
      await rows('update fleet.version set v = v - 1');
    }
    // Nobody has to start it anew.
    await reconnect();
    await state(home, job, 'completed');
  });

  test('nothing is lost or done twice, whoever is killed or frozen while there is work', async () => {
    const seed = 16;
    const report = await fleetChaos({
      server,
      home,
      machines: [big],
      faults: 2,
      seed,
      jobs: 2,
      model: 'fake-steady',
      frozenMs: 1000,
      settleMs: WAIT_MS,
      meanwhile: leasesEnd,
    });
    console.log(`seed ${seed}`, JSON.stringify(report));
    await home.start();
  });

  test('a pilot that is told to end gives back what it is at; who leaves does here what others were to do', async () => {
    await big.client.call('settings/set', { values: { fleet: fleetWith(big, { share: 'never' }) } });
    const pilot = spawn(process.execPath, [CLI, 'fleet', 'work', '--json'], { env: big.env, stdio: 'ignore' }),
      gone = event(pilot, 'exit', { signal: AbortSignal.timeout(WAIT_MS) });
    const job = await submit(home, recording(home, 'leaving.flac'), { models: { asr: 'fake-slow' } }),
      id = await fleetId(home, job);
    await until('its first words', async () => {
      assert.equal(pilot.exitCode, null, 'the pilot works');
      return (await jobOf(home, job)).progress.stages.asr?.done;
    });
    pilot.kill('SIGTERM');
    assert.deepEqual(await gone, [0, null]);
    // Among busy neighbors it may have ended before.
    const left = await rows<{ state: string; machine: string | null }>(
      `select state, machine from fleet.job where id = $1 and state <> 'completed'`,
      [id],
    );
    for (const each of left) assert.deepEqual(each, { state: 'waiting', machine: null });
    await home.client.call('fleet/leave', {});
    const { machine } = await state(home, job, 'completed');
    if (left.length > 0) assert.equal(machine, undefined);
    assert.deepEqual(await steps(home, job), { once: true, ends: 1 });
    assert.equal((await home.client.call('fleet/status', {})).settings, null);
    assert.ok(!existsSync(join(home.home.state, 'fleet-secrets.json')), 'its password is gone too');
  });

  const said = async ({ id }: Job): Promise<Utterance[]> =>
    (await home.client.call('job/utterances', { id })).utterances;
  const steps = async (daemon: RealDaemon, { id }: Job): Promise<{ once: boolean; ends: number }> => {
    const { entries } = await daemon.client.call('job/log', { id, limit: 1000 }),
      finished = entries.filter(({ kind }) => kind === 'step.finished').map(({ index, stage }) => `${index} ${stage}`);
    return {
      once: finished.length > 0 && new Set(finished).size === finished.length,
      ends: entries.filter(({ kind }) => kind === 'job.completed').length,
    };
  };
  function fleetWith(daemon: RealDaemon, change: object): unknown {
    const { fleet } = JSON.parse(readFileSync(daemon.home.settings, 'utf8')) as { fleet: object };
    return JSON.parse(JSON.stringify({ ...fleet, ...change }));
  }
  const hostOf = async (): Promise<string> =>
    (await one<{ name: string }>('select name from fleet.machine limit 1')).name;
});
