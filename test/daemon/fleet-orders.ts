/** How fast machines hear what homes want, and how fast another goes on where one leaves: at length. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { SilentLine } from '../fixtures/silent-line.ts';
import type { TestPostgres } from '../fixtures/postgres.ts';
import { begun, completes, copy, machines, quantile, until, world, SPANISH, type Trial } from './fleet-trial.ts';
import { member } from './fleet-world.ts';
import type { RealDaemon } from './real.ts';

const TIMES = 8,
  SLOW = { ...SPANISH, models: { asr: 'fake-slow' } };
const median = (values: readonly number[]): string => quantile(values, 0.5).toFixed(0);
const most = (values: readonly number[]): string => Math.max(...values).toFixed(0);

export const orderTrials = (server: TestPostgres): Readonly<Record<string, Trial>> => ({
  cancel: {
    title: 'work that is canceled or paused at home',
    run: async () => {
      const line = await SilentLine.to(server.port);
      try {
        return await world(
          server,
          () => [
            member(server, { person: 'ann', url: `postgres://127.0.0.1:${line.port}/fleet` }),
            ...machines(server, 'm1'),
          ],
          async ([home, machine]) => {
            const idle = (): Promise<unknown> =>
              until('the machine to let go', async () => (await machine!.client.call('job/list', {})).total === 0, 2);
            const submit = async (name: string): Promise<string> => {
              const [job] = await home!.submit([copy(home!, name)], SLOW);
              await begun(home!, job!.id);
              return job!.id;
            };
            const ms = { cancel: [] as number[], pause: [] as number[] };
            for (let i = 0; i < TIMES; i++)
              for (const what of ['cancel', 'pause'] as const) {
                const id = await submit(`${what} ${i}.flac`),
                  began = performance.now();
                await home!.client.call(`job/${what}`, { ids: [id] });
                await idle();
                ms[what].push(performance.now() - began);
                if (what === 'pause') await home!.client.call('job/cancel', { ids: [id] });
              }
            const all = [...ms.cancel, ...ms.pause];
            assert.ok(Math.max(...all) < 2000, `it took up to ${most(all)} ms`);

            // What waits: nobody begins it.
            await machine!.client.call('fleet/drain', { draining: true });
            const [waits] = await home!.submit([copy(home!, 'waits.flac')], SLOW);
            await until('it to wait', async () =>
              server.asAdmin(
                async query => (await query(`select from fleet.job where state = 'waiting'`)).length === 1,
              ),
            );
            const asking = performance.now();
            await home!.client.call('job/cancel', { ids: [waits!.id] });
            await until('it to be gone', () =>
              server.asAdmin(async query => (await query('select from fleet.job')).length === 0),
            );
            const waited = performance.now() - asking;
            await machine!.client.call('fleet/drain', { draining: false });

            // Nobody hears the home: the work goes on until its line is there again.
            const unheard = await submit('unheard.flac');
            line.isSilent = true;
            await home!.client.call('job/cancel', { ids: [unheard] });
            await sleep(1000);
            assert.equal((await machine!.client.call('job/list', {})).total, 1, 'it has not heard');
            line.isSilent = false;
            const back = performance.now();
            await idle();
            return (
              `a machine stops ${median(ms.cancel)} ms after canceling, ${median(ms.pause)} ms after pausing ` +
              `(medians of ${TIMES}, at most ${most(all)} ms); what waited is gone after ${waited.toFixed(0)} ms; ` +
              `over a line that said nothing, ${(performance.now() - back).toFixed(0)} ms after it was heard again`
            );
          },
        );
      } finally {
        line.close();
      }
    },
  },
  leave: {
    title: 'a machine that gets SIGTERM in the middle of a job',
    run: () =>
      world(
        server,
        () => [member(server, { person: 'ann' }), ...machines(server, 'm1', 'm2')],
        async ([home, ...others]) => {
          const ids = new Map<string, RealDaemon>();
          for (const each of others) ids.set((await each.withStore(store => store.meta('fleet.home')))!, each);
          const ms: number[] = [];
          for (let i = 0; i < TIMES; i++) {
            const [job] = await home!.submit([copy(home!, `leave ${i}.flac`)], SLOW);
            await begun(home!, job!.id);
            const at = (): Promise<string | null> =>
              server.asAdmin(
                async query =>
                  (
                    await query<{ machine: string | null }>(
                      `select machine from fleet.job where state = 'running' order by created_at desc limit 1`,
                    )
                  )[0]?.machine ?? null,
              );
            const first = await until('a machine', at, 2),
              leaver = ids.get(first)!,
              gone = once(leaver.process, 'exit'),
              began = performance.now();
            leaver.process.kill('SIGTERM');
            await until(
              'another machine',
              async () => {
                const machine = await at();
                return machine && machine !== first;
              },
              2,
            );
            ms.push(performance.now() - began);
            await gone;
            await completes(home!, [job!.id]);
            await leaver.start();
            await until('it to be back', () =>
              server.asAdmin(async query => (await query('select from fleet.live_machine')).length === others.length),
            );
          }
          const { attempts } = await server.asAdmin(
            async query => (await query<{ attempts: number }>('select max(attempts) as attempts from fleet.audit'))[0]!,
          );
          assert.equal(attempts, 2, 'each went to one other machine');
          assert.ok(quantile(ms, 0.5) < 1000, `it took ${median(ms)} ms`);
          return `another has it after ${median(ms)} ms (median of ${TIMES}, at most ${most(ms)} ms)`;
        },
      ),
  },
});
