/** What the long trials of a fleet share: `npm run test:fleet` (fleet-long.ts) runs them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFinal } from '../../schemas/words.ts';
import type { Settings } from '../../schemas/settings.ts';
import type { TestPostgres } from '../fixtures/postgres.ts';
import { member, prepareFleet } from './fleet-world.ts';
import { SAMPLES, type RealDaemon } from './real.ts';

export interface Trial {
  title: string;
  /** What was seen, for docs/reliability.md. */
  run(): Promise<string>;
}

export const SETTLE_MS = 180_000,
  SPANISH = { language: 'en', translateTo: 'es' } as const;

/** Its daemons are closed whatever happens. */
export async function world<T>(
  server: TestPostgres,
  make: () => readonly RealDaemon[],
  work: (daemons: readonly RealDaemon[]) => Promise<T>,
): Promise<T> {
  await prepareFleet(server);
  const daemons = make();
  try {
    await Promise.all(daemons.map(daemon => daemon.start()));
    return await work(daemons);
  } finally {
    await Promise.all(daemons.map(daemon => daemon.close().catch(() => {})));
  }
}
export const machines = (server: TestPostgres, ...logins: string[]): RealDaemon[] =>
  logins.map(machine => member(server, { machine }));

export function copy(home: RealDaemon, name: string): string {
  const path = join(home.recordings, name);
  copyFileSync(join(SAMPLES, 'sense-and-sensibility.flac'), path);
  return path;
}
/** A sample so many times over. */
export async function looped(home: RealDaemon, name: string, times: number): Promise<string> {
  const { ffmpeg } = await home.client.call('live/recorder', {}),
    path = join(home.recordings, name),
    sample = join(SAMPLES, 'sense-and-sensibility.flac');
  const { status, stderr } = spawnSync(
    ffmpeg,
    ['-v', 'error', '-stream_loop', String(times - 1), '-i', sample, '-c:a', 'flac', path],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  return path;
}

export const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))]!;

export async function until<T>(what: string, look: () => Promise<T | null | undefined | false>, ms = 20): Promise<T> {
  for (const end = Date.now() + SETTLE_MS; ; await sleep(ms)) {
    const found = await look();
    if (found) return found;
    assert.ok(Date.now() < end, `timed out: ${what}`);
  }
}
export const asked = (home: RealDaemon, id: string) => home.client.call('job/get', { id });
export const completes = (home: RealDaemon, ids: readonly string[]): Promise<unknown> =>
  until(
    'all to be completed',
    async () => {
      const jobs = (await Promise.all(ids.map(id => asked(home, id)))).map(({ job }) => job);
      assert.ok(
        jobs.every(({ state }) => state === 'completed' || !isFinal(state)),
        JSON.stringify(jobs),
      );
      return jobs.every(({ state }) => state === 'completed');
    },
    50,
  );
export const begun = (home: RealDaemon, id: string): Promise<unknown> =>
  until('it to begin', async () => (await asked(home, id)).job.progress.stages.asr?.done);

/** Other settings of the fleet than a daemon began with. */
export async function change(
  server: TestPostgres,
  daemon: RealDaemon,
  fleet: Partial<NonNullable<Settings['fleet']>>,
): Promise<void> {
  const url = `postgres://127.0.0.1:${server.port}/fleet`;
  await daemon.client.call('settings/set', { values: { fleet: { url, ...fleet } as Settings['fleet'] } });
}
