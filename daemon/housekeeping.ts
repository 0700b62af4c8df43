/**
 * What the daemon does for its own folders, once it serves and then every hour: copies of the database, and what is too
 * old or too much goes.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Settings } from '../schemas/settings.ts';
import type { Home } from './auth/home.ts';
import { removeRetired } from './models/retired.ts';
import type { Queue } from './pipeline/queue.ts';
import { backUp } from './store/sqlite/backups.ts';
import type { Store } from './contracts/store.ts';
import { SerialQueue } from './system/serial.ts';

const HOUR_MS = 3_600_000,
  DAY_MS = 24 * HOUR_MS;
export const METRICS_DAYS = 30,
  JOURNAL_DAYS = 90;

export interface HousekeepingDeps {
  home: Pick<Home, 'backups' | 'models' | 'runtimes'>;
  store: Store;
  queue: Pick<Queue, 'prune'>;
  settings: () => Settings;
  clock: () => number;
  log: Logger;
}

/** One round. Each part by itself: a full disk must not keep old things from going. */
export async function runHousekeeping(
  { home, store, queue, settings, clock, log }: HousekeepingDeps,
  backupAgeMs: number,
  stop: AbortSignal,
): Promise<void> {
  const parts: [string, () => unknown][] = [
    ['backup', () => backUp(store, home.backups, clock(), backupAgeMs)],
    ['history', () => byAndBy(() => queue.prune(clock() - settings().historyDays * DAY_MS, settings().historyJobs))],
    ['retired models', () => removeRetired(home)],
    [
      'records',
      () =>
        byAndBy(() =>
          store.pruneRecords({
            journalBefore: clock() - JOURNAL_DAYS * DAY_MS,
            minutesBefore: clock() - METRICS_DAYS * DAY_MS,
          }),
        ),
    ],
  ];
  for (const [name, work] of parts) {
    if (stop.aborted) return;
    try {
      await work();
    } catch (error) {
      log.error(error, name);
    }
  }

  /** Piece by piece until nothing is left, so that the loop goes on in between. */
  async function byAndBy(piece: () => number): Promise<void> {
    while (!stop.aborted && piece() > 0) await turn();
  }
}

/** Begins at once. `dispose` resolves when nothing of it runs any more. */
export function startHousekeeping(deps: HousekeepingDeps): { dispose(): Promise<void> } {
  const stop = new AbortController();
  const rounds = new SerialQueue();
  const round = (backupAgeMs: number): Promise<void> =>
    rounds.run(() => runHousekeeping(deps, backupAgeMs, stop.signal));
  void round(HOUR_MS);
  const timer = setInterval(() => void round(DAY_MS), HOUR_MS);
  timer.unref();
  return {
    dispose: () => {
      clearInterval(timer);
      stop.abort();
      return rounds.run(() => {});
    },
  };
}
