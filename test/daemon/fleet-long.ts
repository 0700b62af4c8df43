/**
 * What a fleet must stand, at length: `npm run test:fleet [-- WORDS…]`. Words choose among the trials; none: all of
 * them. What was seen is written into docs/reliability.md, where those that were not run stay as they were.
 * EARSHOT_FAULTS: how many kills and freezes (200); EARSHOT_SEED repeats their order.
 */
import assert from 'node:assert/strict';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Claims } from '../../daemon/fleet/claims.ts';
import { once, Pool } from '../../daemon/fleet/postgres.ts';
import type { StateEvent } from '../../schemas/rpc.ts';
import { rowsOf, section } from '../faults/report.ts';
import { SilentLine } from '../fixtures/silent-line.ts';
import { TestPostgres } from '../fixtures/postgres.ts';
import { fleetChaos, inRounds } from './fleet-chaos.ts';
import { orderTrials } from './fleet-orders.ts';
import { partTrials } from './fleet-parts.ts';
import {
  begun,
  change,
  completes,
  copy,
  machines,
  quantile,
  SETTLE_MS,
  SPANISH,
  world,
  type Trial,
} from './fleet-trial.ts';
import { member, prepareFleet } from './fleet-world.ts';

const started = await TestPostgres.start();
if ('why' in started) throw new Error(started.why);
const server = started;
const seed = Number(process.env.EARSHOT_SEED ?? Date.now() % 1_000_000),
  faults = Number(process.env.EARSHOT_FAULTS ?? 200),
  AWAY_MS = Number(process.env.EARSHOT_AWAY_MS ?? 60_000);

const takeovers = async (): Promise<number> => {
  const [row] = await server.asAdmin(query =>
    query<{ most: number }>('select coalesce(max(attempts), 1) - 1 as most from fleet.audit'),
  );
  return row!.most;
};

const TRIALS: Readonly<Record<string, Trial>> = {
  chaos: {
    title: 'machines and home killed and frozen at random moments',
    run: () =>
      inRounds(faults, seed, (some, from) =>
        world(
          server,
          () => [member(server, { person: 'ann' }), ...machines(server, 'm1', 'm2', 'm3', 'm4')],
          ([home, ...others]) =>
            fleetChaos({
              server,
              home: home!,
              machines: others,
              faults: some,
              seed: from,
              jobs: 6,
              model: 'fake-slow',
              frozenMs: 16_000,
              settleMs: SETTLE_MS,
            }),
        ),
      ),
  },
  outage: {
    title: `the database away for ${AWAY_MS / 1000} s in the middle of the work`,
    run: () =>
      world(
        server,
        () => [member(server, { person: 'ann' }), ...machines(server, 'm1', 'm2')],
        async ([home]) => {
          const paths = Array.from({ length: 4 }, (_, i) => copy(home!, `outage ${i}.flac`)),
            jobs = await home!.submit(paths, { ...SPANISH, models: { asr: 'fake-slow' } });
          await begun(home!, jobs[0]!.id);
          await server.kill();
          await sleep(AWAY_MS);
          const back = Date.now();
          await server.begin();
          await completes(
            home!,
            jobs.map(({ id }) => id),
          );
          assert.ok((await takeovers()) <= 1, 'each taken over once at most');
          return `all of ${jobs.length} jobs, the last ${((Date.now() - back) / 1000).toFixed(1)} s after it was back`;
        },
      ),
  },
  silence: {
    title: `a line that says nothing for ${AWAY_MS / 1000} s, to a machine and to the home`,
    run: async () => {
      const [toHome, toMachine] = [await SilentLine.to(server.port), await SilentLine.to(server.port)],
        url = ({ port }: SilentLine): string => `postgres://127.0.0.1:${port}/fleet`;
      try {
        return await world(
          server,
          () => [
            member(server, { person: 'ann', url: url(toHome) }),
            member(server, { machine: 'm1', url: url(toMachine) }),
            member(server, { machine: 'm2', share: 'never' }),
          ],
          async ([home, , other]) => {
            const [job] = await home!.submit([copy(home!, 'machine.flac')], {
              ...SPANISH,
              models: { asr: 'fake-slow' },
            });
            await begun(home!, job!.id);
            toMachine.isSilent = true;
            const silent = Date.now();
            await other!.client.call('fleet/work', { on: true });
            await completes(home!, [job!.id]);
            const over = Date.now() - silent;
            await sleep(Math.max(0, AWAY_MS - over));
            toMachine.isSilent = false;
            assert.ok((await takeovers()) <= 1, 'taken over once at most');

            const [later] = await home!.submit([copy(home!, 'home.flac')], {
              ...SPANISH,
              models: { asr: 'fake-slow' },
            });
            await begun(home!, later!.id);
            toHome.isSilent = true;
            await sleep(AWAY_MS);
            toHome.isSilent = false;
            const back = Date.now();
            await completes(home!, [later!.id]);
            return (
              `another machine had ended it ${(over / 1000).toFixed(1)} s later; the home had the rest ` +
              `${((Date.now() - back) / 1000).toFixed(1)} s after it was heard again`
            );
          },
        );
      } finally {
        toHome.close();
        toMachine.close();
      }
    },
  },
  depth: {
    title: '10,000 jobs that wait',
    run: async () => {
      await prepareFleet(server);
      await once(server.access('ann'), query =>
        query(
          `select count(fleet.submit('d' || n, 'home1', 'a name', '{"options":{},"models":{}}',
             array['asr:base', 'nmt:' || n % 5], '{"kind":"root"}', 60, 1)) from generate_series(1, 10000) n`,
        ),
      );
      const pool = new Pool({ access: server.access('m1'), leaseSeconds: 10, failed: () => {} });
      await pool.start();
      try {
        const claims = new Claims(pool, 'm1', null),
          can = ['asr:base', ...[0, 1, 2, 3, 4].map(n => `nmt:${n}`)],
          offering = performance.now();
        await claims.offer();
        const offered = performance.now() - offering,
          took: number[] = [];
        for (let i = 0; i < 500; i++) {
          const began = performance.now(),
            taken = await claims.claim(can, ['asr:base', 'nmt:1']);
          took.push(performance.now() - began);
          assert.ok(taken && (await claims.finish(taken, { failure: { code: 'cancelled', args: {} } })));
        }
        const p99 = quantile(took, 0.99);
        assert.ok(p99 < 50, `a claim takes up to ${p99.toFixed(0)} ms`);
        return (
          `offered in ${(offered / 1000).toFixed(1)} s; a claim takes ${quantile(took, 0.5).toFixed(1)} ms, ` +
          `p99 ${p99.toFixed(1)} ms`
        );
      } finally {
        await pool.stop();
      }
    },
  },
  idle: {
    title: 'a machine that has nothing to do',
    run: () =>
      world(
        server,
        () => machines(server, 'm1'),
        async () => {
          await sleep(5_000);
          const commits = async (): Promise<number> => {
            const [row] = await server.asAdmin(
              query =>
                query<{ n: string }>(
                  `select xact_commit + xact_rollback as n from pg_stat_database where datname = 'fleet'`,
                ),
              'postgres',
            );
            return Number(row!.n);
          };
          const first = await commits(),
            SECONDS = 30;
          await sleep(SECONDS * 1000);
          const rate = ((await commits()) - first) / SECONDS;
          assert.ok(rate <= 5, `${rate.toFixed(1)} transactions a second`);
          return `${rate.toFixed(1)} transactions a second (leases of 10 s; PostgreSQL’s own among them)`;
        },
      ),
  },
  first: {
    title: 'the first text of a small recording, from submitting to the home’s clients',
    run: () =>
      world(
        server,
        () => [member(server, { person: 'ann' }), ...machines(server, 'm1')],
        async ([home]) => {
          const heard = new Set<(event: StateEvent) => void>(),
            ms = { never: [] as number[], always: [] as number[] };
          home!.client.onEvents(({ events }) => {
            for (const event of events) for (const hear of heard) hear(event);
          });
          for (let i = 0; i < 2 * 16; i++) {
            const use = i % 2 === 0 ? 'never' : 'always',
              path = copy(home!, `first ${i}.flac`);
            await change(server, home!, { person: 'ann', use });
            // Whoever did the one before makes its next process ready.
            await sleep(500);
            const began = performance.now(),
              [job] = await home!.submit([path], SPANISH);
            const first = await new Promise<number>((resolve, reject) => {
              const hear = (event: StateEvent): void => {
                if (event.type !== 'utterance' || event.job !== job!.id || !event.utterance.asr) return;
                heard.delete(hear);
                resolve(performance.now() - began);
              };
              heard.add(hear);
              void home!.client.call('state/subscribe', { topics: ['jobs'], utterancesOf: [job!.id] }).catch(reject);
            });
            await completes(home!, [job!.id]);
            // The first of each starts models.
            if (i >= 4) ms[use].push(first);
          }
          const [here, there] = [quantile(ms.never, 0.5), quantile(ms.always, 0.5)];
          assert.ok(there <= here + 150, `${here.toFixed(0)} ms here, ${there.toFixed(0)} ms there`);
          return `${here.toFixed(0)} ms here, ${there.toFixed(0)} ms by another machine (medians of 14, in turn)`;
        },
      ),
  },
  ...orderTrials(server),
  ...partTrials(server, seed),
};

const words = process.argv.slice(2),
  wanted = Object.entries(TRIALS).filter(([name]) => words.length === 0 || words.includes(name));
console.log(`seed ${seed}`);
const made = new Map<string, string[]>(),
  today = new Date().toISOString().slice(0, 10);
let broken = 0;
for (const [name, { title, run }] of wanted) {
  const began = performance.now();
  try {
    const text = await run();
    made.set(title, [text, today]);
    console.log(`✓ ${name} (${((performance.now() - began) / 1000).toFixed(0)} s): ${text}`);
  } catch (error) {
    broken++;
    console.log(`✗ ${name}: ${(error as Error).stack ?? String(error)}`);
  }
}
await server.stop();
// Another run may have written some meanwhile.
const seen = new Map([...rowsOf('fleet'), ...made]);
const rows = Object.values(TRIALS).flatMap(({ title }) => {
  const cells = seen.get(title);
  return cells ? [`| ${[title, ...cells].join(' | ')} |`] : [];
});
section(
  'fleet',
  [
    '## A fleet',
    '',
    `Made by \`npm run test:fleet\` on ${cpus()[0]?.model ?? 'unknown'} (${cpus().length} cores, which others used ` +
      'at the same time): daemons, with fake models where nothing else is said and with leases of ten seconds, over ' +
      'a PostgreSQL on this machine. The zeros are asserted, and so is that texts are equal. The tests do the same ' +
      'with a few kills (`test/daemon/fleet.test.ts`).',
    '',
    '| what | what was seen | when |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ].join('\n'),
);
process.exit(broken > 0 ? 1 : 0);
