/**
 * Daemons that share one queue, over a PostgreSQL of the test's own: the home's text, files and states are those of a
 * local run, whatever happens to the machines that do the work.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FleetMachine } from '../../schemas/fleet.ts';
import type { Job, JobOptions } from '../../schemas/job.ts';
import type { StateEvent } from '../../schemas/rpc.ts';
import { isFinal } from '../../schemas/words.ts';
import { TestPostgres } from '../fixtures/postgres.ts';
import { member, prepareFleet } from './fleet-world.ts';
import { SAMPLES, type RealDaemon } from './real.ts';

const started = await TestPostgres.start();
const why = 'why' in started ? started.why : false;
if (why) console.log(`the fleet is not tried: ${why}`);
const server = started as TestPostgres;

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

describe('a fleet', { skip: why, timeout: 300_000 }, () => {
  let home: RealDaemon, big: RealDaemon;
  const events: StateEvent[] = [];
  const all: RealDaemon[] = [];
  const begin = async (daemon: RealDaemon): Promise<RealDaemon> => {
    all.push(daemon);
    return daemon.start();
  };

  before(async () => {
    await prepareFleet(server);
    [home, big] = await Promise.all([
      begin(member(server, { person: 'ann' })),
      begin(member(server, { machine: 'm1' })),
    ]);
    home.client.onEvents(batch => events.push(...batch.events));
  });
  after(async () => {
    await Promise.all(all.map(daemon => daemon.close()));
    await server.stop();
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
    const said = async ({ id }: Job) => (await home.client.call('job/utterances', { id })).utterances;
    const [before, now] = [await said(local), await said(job)];
    assert.deepEqual(now, before);

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
      'select owner, machine, state, sent_bytes, attempts from fleet.audit',
    );
    // A machine that is late for its lease among busy neighbors takes it anew.
    assert.ok(Number(attempts) >= 1);
    assert.deepEqual(line, {
      owner: 'ann',
      machine: await hostOf(),
      state: 'completed',
      sent_bytes: String(readFileSync(path).length),
    });
    await until('the machine to forget it', async () => (await big.client.call('job/list', {})).total === 0);
  });

  test('a shared folder moves no bytes, and a file that changed is refused', async () => {
    const roots = { nas: home.recordings };
    await home.client.call('settings/set', { values: { fleet: fleetWith(home, { roots }) } });
    await big.client.call('settings/set', { values: { fleet: fleetWith(big, { roots }) } });
    const job = await submit(home, recording(home, 'shared.flac'));
    await state(home, job, 'completed');
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

  test('a machine that dies in the middle is taken over where it was; one that wakes up late is refused', async () => {
    // One that freezes, and another that goes on.
    const freezing = big,
      ann = home,
      going = await begin(member(server, { machine: 'm2', share: 'never' }));
    const slow = { models: { asr: 'fake-slow' } };
    const job = await submit(ann, recording(ann, 'long.flac'), slow);
    await until('its first words', async () => (await jobOf(ann, job)).progress.stages.asr?.done);
    freezing.process.kill('SIGSTOP');
    await silence();
    await going.client.call('fleet/work', { on: true });
    await until('another to take it', async () => {
      await silence();
      return (await rows(`select id from fleet.job where state = 'running' and attempt >= 1`)).length === 1;
    });
    freezing.process.kill('SIGCONT');
    await state(ann, job, 'completed');
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

    // Killed for good; and the home too, while nobody works: each job ends once.
    const next = await submit(ann, recording(ann, 'next.flac'), slow);
    await until('its first words', async () => (await jobOf(ann, next)).progress.stages.asr?.done);
    await ann.kill();
    await ann.start();
    await state(ann, next, 'completed');
    const log = (await ann.client.call('job/log', { id: next.id, limit: 1000 })).entries;
    const steps = log.filter(({ kind }) => kind === 'step.finished').map(({ index, stage }) => `${index} ${stage}`);
    assert.equal(new Set(steps).size, steps.length, 'each step once');
    assert.deepEqual(log.filter(({ kind }) => kind === 'job.completed').length, 1);

    // A machine that is told to leave gives back what it has, and costs no try.
    const last = await submit(ann, recording(ann, 'last.flac'), slow);
    await until('its first words', async () => (await jobOf(ann, last)).progress.stages.asr?.done);
    const leaver = (await freezing.client.call('fleet/status', {})).taken > 0 ? freezing : going,
      { taken } = await leaver.client.call('fleet/status', {}),
      gone = once(leaver.process, 'exit');
    leaver.process.kill('SIGTERM');
    await gone;
    await state(ann, last, 'completed');
    const attempts = await rows<{ attempts: number }>(
      `select attempts from fleet.audit order by ended_at desc limit 1`,
    );
    assert.ok(attempts[0]!.attempts > taken, 'another went on');
    if (leaver === big) await big.start();
    await going.stop();
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
    await rows('update fleet.version set v = v + 1');
    try {
      await big.stop();
      await big.start();
      const [problem] = await until('it to say so', async () => {
        const { problems } = await big.client.call('fleet/status', {});
        return problems.length > 0 && problems;
      });
      assert.equal(problem!.code, 'fleetNewer');
    } finally {
      await rows('update fleet.version set v = v - 1');
    }
    const { machines } = await home.client.call('fleet/status', {});
    assert.ok(machines.every(machine => machine.running === 0));
  });

  test('who leaves does here what others were to do', async () => {
    await big.stop();
    const job = await submit(home, recording(home, 'leaving.flac'));
    await home.client.call('fleet/leave', {});
    assert.equal((await state(home, job, 'completed')).machine, undefined);
    assert.equal((await home.client.call('fleet/status', {})).settings, null);
  });

  function fleetWith(daemon: RealDaemon, change: object): unknown {
    const { fleet } = JSON.parse(readFileSync(daemon.home.settings, 'utf8')) as { fleet: object };
    return JSON.parse(JSON.stringify({ ...fleet, ...change }));
  }
  const hostOf = async (): Promise<string> =>
    (await one<{ name: string }>('select name from fleet.machine limit 1')).name;
});
