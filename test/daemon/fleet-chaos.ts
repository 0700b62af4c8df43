/**
 * Kills and freezes the daemons of a fleet at random moments while they work, then looks at what is left: nothing lost,
 * nothing finished twice, order kept. `npm run test:fleet` does it 200 times; the tests a few.
 */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from '../../schemas/job.ts';
import { isFinal } from '../../schemas/words.ts';
import { lawsHold } from '../faults/laws.ts';
import type { TestPostgres } from '../fixtures/postgres.ts';
import { random } from '../random.ts';
import { SAMPLES, type RealDaemon } from './real.ts';

export interface FleetChaos {
  server: TestPostgres;
  home: RealDaemon;
  machines: readonly RealDaemon[];
  faults: number;
  seed: number;
  /** Jobs that are kept at work while faults come. */
  jobs: number;
  model: string;
  /** The recording that each is a copy of; a sample, unless it is said. */
  source?: string;
  /** The longest that a machine stays frozen; beyond the lease it is taken over. */
  frozenMs: number;
  /** How long all may take to end afterwards. */
  settleMs: number;
  /** Called now and then while they end. */
  meanwhile?: () => Promise<unknown>;
}
export interface FleetChaosReport {
  jobs: number;
  kills: { machines: number; home: number };
  freezes: { machines: number; home: number };
  /** Attempts beyond each job's first. */
  takeovers: number;
  /** Writes of machines that were late. */
  refused: number;
  steps: number;
  /** Jobs that went to several machines in parts. */
  parts: number;
}

const logOf = (daemon: RealDaemon): string =>
  existsSync(daemon.home.logs)
    ? readdirSync(daemon.home.logs)
        .map(name => readFileSync(join(daemon.home.logs, name), 'utf8'))
        .join('\n')
    : '';
const refusals = (daemon: RealDaemon): number => logOf(daemon).split('fleet: refused').length - 1;

/** Ends with `home` stopped. */
export async function fleetChaos({
  server,
  home,
  machines,
  faults,
  seed,
  jobs: atOnce,
  model,
  source = join(SAMPLES, 'sense-and-sensibility.flac'),
  frozenMs,
  settleMs,
  meanwhile = async () => {},
}: FleetChaos): Promise<FleetChaosReport> {
  const next = random(seed),
    report = nothingYet(),
    before = machines.reduce((sum, machine) => sum + refusals(machine), 0),
    jobs: Job[] = [],
    /** Machines that something is being done to, until it is over. */
    struck = new Map<RealDaemon, Promise<void>>();
  const unfinished = async (): Promise<Job[]> => {
    const now = await Promise.all(jobs.map(({ id }) => home.client.call('job/get', { id })));
    return now.map(({ job }) => job).filter(({ state }) => !isFinal(state));
  };
  const submit = async (): Promise<void> => {
    const path = join(home.recordings, `chaos ${jobs.length}.flac`);
    copyFileSync(source, path);
    const [job] = await home.submit([path], { language: 'en', translateTo: 'es', models: { asr: model } });
    jobs.push(job!);
  };
  const freeze = async (daemon: RealDaemon, ms: number): Promise<void> => {
    daemon.process.kill('SIGSTOP');
    await sleep(ms);
    daemon.process.kill('SIGCONT');
  };
  const restart = async (daemon: RealDaemon, ms: number): Promise<void> => {
    await daemon.kill();
    await sleep(ms);
    await daemon.start(settleMs);
  };

  for (let i = 0; i < faults; i++) {
    for (let missing = atOnce - (await unfinished()).length; missing > 0; missing--) await submit();
    await sleep(100 + next() * 900);
    const kills = next() < 0.6,
      free = machines.filter(machine => !struck.has(machine)),
      victim = next() < 0.2 || free.length === 0 ? home : free[Math.floor(next() * free.length)]!,
      ms = next() * (kills ? 1000 : victim === home ? 2000 : frozenMs);
    report[kills ? 'kills' : 'freezes'][victim === home ? 'home' : 'machines']++;
    const over = kills ? restart(victim, ms) : freeze(victim, ms);
    if (victim === home) await over;
    else {
      const settled = over.then(() => void struck.delete(victim));
      settled.catch(() => {}); // waited for below
      struck.set(victim, settled);
    }
  }
  await Promise.all(struck.values());

  for (const end = Date.now() + settleMs; ;) {
    const open = await unfinished();
    if (open.length === 0) break;
    if (Date.now() > end) {
      const there = await server.asAdmin(query =>
        query('select id, state, machine, attempt, offer is null as unoffered, done from fleet.job'),
      );
      assert.fail(
        `${open.length} of ${jobs.length} jobs did not end: ` +
          JSON.stringify([open.map(({ id, state, waiting, progress }) => ({ id, state, waiting, progress })), there]),
      );
    }
    await meanwhile();
    await sleep(200);
  }
  const ended = await Promise.all(jobs.map(async ({ id }) => (await home.client.call('job/get', { id })).job));
  assert.deepEqual(
    ended.filter(({ state }) => state !== 'completed').map(({ id, state, failure }) => ({ id, state, failure })),
    [],
    'every job is completed',
  );
  for (const end = Date.now() + settleMs; ;) {
    const left = await server.asAdmin(query => query('select id, state from fleet.job'));
    if (left.length === 0) break;
    assert.ok(Date.now() < end, `the fleet did not forget ${JSON.stringify(left)}`);
    await sleep(200);
  }
  assert.deepEqual(await server.asAdmin(query => query('select job, n from fleet.chunk')), [], 'no sound is left');
  await home.stop();
  const ids = await home.withStore(store => {
    report.steps = lawsHold(store, ended).steps;
    for (const { id } of ended)
      assert.equal(
        store.log({ job: id, limit: 1_000_000 }).filter(({ kind }) => kind === 'job.completed').length,
        1,
        'each ends once',
      );
    return ended.length;
  });
  report.jobs = ids;
  const [row] = await server.asAdmin(query =>
    query<{ takeovers: string; parts: string }>(
      `select coalesce(sum(greatest(attempts - 1, 0)), 0) as takeovers, count(*) filter (where job like '%.1') as parts
       from fleet.audit`,
    ),
  );
  report.takeovers = Number(row!.takeovers);
  report.parts = Number(row!.parts);
  report.refused = machines.reduce((sum, machine) => sum + refusals(machine), 0) - before;
  return report;
}

const nothingYet = (): FleetChaosReport => ({
  jobs: 0,
  kills: { machines: 0, home: 0 },
  freezes: { machines: 0, home: 0 },
  takeovers: 0,
  refused: 0,
  steps: 0,
  parts: 0,
});

const ROUND = 50;
/** So many faults in rounds, each with a fleet of its own that is looked through at its end; what was seen in all. */
export async function inRounds(
  faults: number,
  seed: number,
  round: (faults: number, seed: number) => Promise<FleetChaosReport>,
): Promise<string> {
  const sum = nothingYet();
  for (let done = 0; done < faults; done += ROUND) {
    const report = await round(Math.min(ROUND, faults - done), seed + done);
    console.log(`  seed ${seed + done}: ${JSON.stringify(report)}`);
    for (const who of ['machines', 'home'] as const) {
      sum.kills[who] += report.kills[who];
      sum.freezes[who] += report.freezes[who];
    }
    for (const count of ['jobs', 'takeovers', 'refused', 'steps', 'parts'] as const) sum[count] += report[count];
  }
  const { jobs, kills, freezes, takeovers, refused, steps, parts } = sum;
  // Of so many some wake up late.
  if (faults >= 4 * ROUND) assert.ok(takeovers > 0 && refused > 0, JSON.stringify(sum));
  return (
    `${kills.machines + freezes.machines} of machines, ${kills.home + freezes.home} of the home ` +
    `(${kills.machines + kills.home} SIGKILL, ${freezes.machines + freezes.home} SIGSTOP, seed ${seed}): ` +
    `${jobs} jobs, ${parts > 0 ? `${parts} of them in parts, ` : ''}${steps} steps; ` +
    `${takeovers} takeovers, ${refused} late writes ` +
    'refused; 0 lost, 0 twice, 0 disorder, every text the same'
  );
}
