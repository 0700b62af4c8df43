/** One recording over several machines, and real models over two: at length. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Job, Utterance } from '../../schemas/job.ts';
import type { TestPostgres } from '../fixtures/postgres.ts';
import { fleetChaos, inRounds } from './fleet-chaos.ts';
import { fakeModel } from './harness.ts';
import {
  change,
  completes,
  copy,
  looped,
  machines,
  SETTLE_MS,
  SPANISH,
  until,
  world,
  type Trial,
} from './fleet-trial.ts';
import { member, models } from './fleet-world.ts';
import type { RealDaemon } from './real.ts';

const WHISPER = 'whisper-base';
/** As they are in a test: of a recording of some minutes each machine has enough. */
const PART_MINUTES = 0.1;
const seconds = (ms: number): string => (ms / 1000).toFixed(1);

/** What is the same wherever it is made: neither when, nor in which file sound lies. */
async function said(home: RealDaemon, { id }: Job): Promise<unknown[]> {
  const { utterances } = await home.client.call('job/utterances', { id });
  return utterances.map(({ tts, ...rest }: Utterance) => ({ ...rest, spokenMs: tts?.durationMs }));
}
const files = (home: RealDaemon, stem: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(home.recordings)
      .filter(name => name.startsWith(`${stem}.`) && !/\.(flac|wav|mp3|opus|m4a)$/.test(name))
      .sort()
      .map(name => [name, readFileSync(join(home.recordings, name), 'utf8')]),
  );

export const partTrials = (server: TestPostgres, seed: number): Readonly<Record<string, Trial>> => {
  const live = (many: number): Promise<unknown> =>
    until('all machines to be idle', () =>
      server.asAdmin(async query => (await query(`select from fleet.live_machine where running = 0`)).length === many),
    );
  /** Submits it, waits for its end; how long that took, by how many machines. */
  const timed = async (
    home: RealDaemon,
    path: string,
    options: Partial<Job['options']>,
  ): Promise<{ job: Job; ms: number; parts: number; bytes: number }> => {
    const began = performance.now(),
      { results } = await home.client.call('job/submit', {
        jobs: [{ recording: path, options: { repair: true, ...options }, onDuplicate: 'create' }],
      }),
      [found] = results;
    assert.ok(found && 'job' in found, JSON.stringify(found));
    await completes(home, [found.job.id]);
    const ms = performance.now() - began;
    const rows = await server.asAdmin(query =>
      query<{ sent_bytes: string }>(
        `select sent_bytes from fleet.audit where split_part(job, '.', 1) = (
           select split_part(job, '.', 1) from fleet.audit order by ended_at desc limit 1)`,
      ),
    );
    return {
      job: found.job,
      ms,
      parts: rows.length,
      bytes: rows.reduce((sum, row) => sum + Number(row.sent_bytes), 0),
    };
  };

  return {
    parts: {
      title: 'a recording of four minutes over one, two and three machines (2 s of sleep an utterance)',
      run: () =>
        world(
          server,
          () => {
            const cards = [...models(), fakeModel('fake-sleep', 'asr', { ms: 2000 }), fakeModel('fake-tts', 'tts', {})];
            return [
              member(server, { person: 'ann', use: 'never', partMinutes: PART_MINUTES }, { cards }),
              ...['m1', 'm2', 'm3'].map(machine => member(server, { machine }, { cards })),
            ];
          },
          async ([home, ...others]) => {
            const path = await looped(home!, 'parts.flac', 8),
              options = { ...SPANISH, models: { asr: 'fake-sleep', tts: 'fake-tts' }, speak: true },
              lend = (how: object) => change(server, home!, { person: 'ann', partMinutes: PART_MINUTES, ...how });
            const local = await timed(home!, path, options),
              expected = await said(home!, local.job);
            assert.ok(expected.length >= 12);
            await lend({ use: 'always' });
            await live(3);
            // Models are loaded with the first.
            await timed(home!, path, options);
            const took: string[] = [];
            for (const many of [3, 2, 1]) {
              for (const [i, each] of others.entries()) await each.client.call('fleet/drain', { draining: i >= many });
              await live(many);
              const run = await timed(home!, path, options);
              assert.equal(run.parts, many);
              assert.deepEqual(await said(home!, run.job), expected);
              took.unshift(seconds(run.ms));
            }
            // A shared folder: its parts move no bytes.
            for (const each of others) await each.client.call('fleet/drain', { draining: false });
            const roots = { nas: home!.recordings };
            await lend({ use: 'always', roots });
            for (const [i, each] of others.entries()) await change(server, each, { machine: `m${i + 1}`, roots });
            await until('them to have the folder', () =>
              server.asAdmin(
                async query => (await query(`select from fleet.live_machine where 'root:nas' = any(can)`)).length === 3,
              ),
            );
            await live(3);
            const shared = await timed(home!, path, options);
            assert.deepEqual([shared.parts, shared.bytes], [3, 0]);
            assert.deepEqual(await said(home!, shared.job), expected);
            return (
              `${expected.length} utterances, recognized, repaired, translated and spoken: ` +
              `${seconds(local.ms)} s here; ${took.join(', ')} s; with a shared folder three parts ` +
              `and no bytes, ${seconds(shared.ms)} s; same text`
            );
          },
        ),
    },
    whisper: {
      title: 'Whisper base, on two machines',
      run: () =>
        world(
          server,
          () => [member(server, { person: 'ann', use: 'never', partMinutes: 0 }), ...machines(server, 'm1', 'm2')],
          async ([home]) => {
            if (!existsSync(join(home!.home.models, WHISPER))) throw new Error(`${WHISPER} is not installed`);
            const options = { repair: false, language: 'en', models: { asr: WHISPER } } as const,
              paths = { short: copy(home!, 'short.flac'), long: await looped(home!, 'long.flac', 6) },
              seen: string[] = [];
            for (const [stem, path] of Object.entries(paths)) {
              await change(server, home!, { person: 'ann', use: 'never' });
              const local = await timed(home!, path, options),
                [expected, written] = [await said(home!, local.job), files(home!, stem)];
              for (const name of Object.keys(written)) rmSync(join(home!.recordings, name));
              await change(server, home!, { person: 'ann', use: 'always', partMinutes: stem === 'long' ? 0.2 : 0 });
              await live(2);
              const there = await timed(home!, path, options);
              assert.equal(there.parts, stem === 'long' ? 2 : 1);
              assert.deepEqual(await said(home!, there.job), expected);
              assert.ok(Object.keys(written).length >= 3);
              assert.deepEqual(files(home!, stem), written);
              seen.push(
                `${expected.length} utterances in ${there.parts === 1 ? 'one part' : `${there.parts} parts`}: ` +
                  `${seconds(local.ms)} s here, ${seconds(there.ms)} s there`,
              );
            }
            return `${seen.join('; ')}; text and files equal to the byte`;
          },
        ),
    },
    partsChaos: {
      title: 'recordings in parts, while machines and home are killed and frozen',
      run: () =>
        inRounds(Number(process.env.EARSHOT_FAULTS ?? 50), seed, (faults, from) =>
          world(
            server,
            () => [
              member(server, { person: 'ann', partMinutes: PART_MINUTES }),
              ...machines(server, 'm1', 'm2', 'm3', 'm4'),
            ],
            async ([home, ...others]) => {
              const report = await fleetChaos({
                server,
                home: home!,
                machines: others,
                faults,
                seed: from,
                jobs: 1,
                model: 'fake-steady',
                source: await looped(home!, 'source.flac', 4),
                frozenMs: 14_000,
                settleMs: SETTLE_MS,
              });
              assert.ok(report.parts > 0, 'some went in parts');
              return report;
            },
          ),
        ),
    },
  };
};
