/** What the daemon does for its own folders: copies of the database, and what is too old or too much goes. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { DEFAULTS } from '../../schemas/settings.ts';
import { JOURNAL_DAYS, METRICS_DAYS, runHousekeeping, type HousekeepingDeps } from '../../daemon/housekeeping.ts';
import { openStore } from '../../daemon/store/sqlite/store.ts';
import type { Store } from '../../daemon/contracts/store.ts';

const DAY = 86_400_000,
  NOW = 1_700_000_000_000;

function place(t: TestContext, change: Partial<HousekeepingDeps> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-housekeeping-')),
    store = openStore(join(folder, 'earshot.db'));
  t.after(() => {
    store.dispose();
    rmSync(folder, { recursive: true, force: true });
  });
  const errors: string[] = [],
    pruned: [number, number][] = [];
  const backups = join(folder, 'backups');
  const deps: HousekeepingDeps = {
    home: { backups, models: join(folder, 'models'), runtimes: join(folder, 'runtimes') },
    store,
    queue: {
      prune: (before, keep) => {
        pruned.push([before, keep]);
        return pruned.length < 3 ? 1 : 0;
      },
    },
    settings: () => ({ ...DEFAULTS, historyDays: 7, historyJobs: 50 }),
    clock: () => NOW,
    log: { error: (_error: unknown, part: string) => errors.push(part) } as unknown as HousekeepingDeps['log'],
    ...change,
  };
  return { deps, store, backups, errors, pruned };
}
test('models that no version uses any more go, with what was made of them; those that somebody imported stay', async t => {
  const { deps, errors } = place(t),
    { models, runtimes } = deps.home,
    stamp = { installedAt: '', files: [] },
    card = { id: 'x', name: '', family: '', engine: '', stages: [], languages: [], licence: '', homepage: '' };
  const old = join(models, 'resemblyzer'),
    made = join(runtimes, 'sherpa-1', 'prepared', 'resemblyzer-1');
  for (const folder of [old, made]) mkdirSync(folder, { recursive: true });
  const state = (): boolean[] => [existsSync(old), existsSync(made)];
  writeFileSync(
    join(old, 'earshot-model.json'),
    JSON.stringify({ ...stamp, card: { ...card, files: [], memory: {}, precision: {}, size: 0 } }),
  );
  await runHousekeeping(deps, DAY, going());
  assert.deepEqual(state(), [true, false]);
  writeFileSync(join(old, 'earshot-model.json'), JSON.stringify(stamp));
  await runHousekeeping(deps, DAY, going());
  assert.deepEqual([state(), errors], [[false, false], []]);
});

const going = (): AbortSignal => new AbortController().signal;

test('one round: a copy, the history by days and number piece by piece, and records by their age', async t => {
  const { deps, store, backups, errors, pruned } = place(t);
  store.journal([{ kind: 'queue.paused' }], NOW - JOURNAL_DAYS * DAY - 1);
  store.journal([{ kind: 'queue.resumed' }], NOW - JOURNAL_DAYS * DAY + 1);
  const row = (at: number) => ({ at, name: 'done', labels: 'asr', value: 1 });
  store.minute([row(NOW - METRICS_DAYS * DAY - 60_000), row(NOW - METRICS_DAYS * DAY + 60_000)]);
  await runHousekeeping(deps, DAY, going());
  assert.deepEqual(errors, []);
  assert.equal(readdirSync(backups).filter(name => name.endsWith('.db')).length, 1);
  assert.deepEqual(pruned, Array(3).fill([NOW - 7 * DAY, 50]));
  assert.deepEqual(
    (['queue.paused', 'queue.resumed'] as const).map(kind => store.log({ kind, limit: 9 }).length),
    [0, 1],
  );
  assert.deepEqual(
    store.minutes({ since: 0 }).map(({ at }) => at),
    [NOW - METRICS_DAYS * DAY + 60_000],
  );
});

test('a copy that is young enough is enough', async t => {
  // How old a copy is the file system says.
  const begun = Date.now(),
    { deps, backups } = place(t, { clock: () => begun });
  await runHousekeeping(deps, DAY, going());
  await runHousekeeping({ ...deps, clock: () => begun + DAY / 2 }, DAY, going());
  assert.equal(readdirSync(backups).length, 1);
  await runHousekeeping({ ...deps, clock: () => begun + DAY + 60_000 }, DAY, going());
  assert.equal(readdirSync(backups).length, 2);
});

test('a disk that takes no copy keeps nothing old from going, and what failed is said', async t => {
  const { deps, backups, errors, pruned } = place(t);
  writeFileSync(backups, 'a file where the folder should be');
  let records = 0;
  const store = new Proxy(deps.store, {
    get: (of, name) =>
      name === 'pruneRecords' ? () => (records++ === 0 ? 5 : 0) : (Reflect.get(of, name) as Store[keyof Store]),
  });
  await runHousekeeping({ ...deps, store }, DAY, going());
  assert.deepEqual([errors, pruned.length, records], [['backup'], 3, 2]);
});

test('a daemon that leaves does not wait for the rest', async t => {
  const stop = new AbortController(),
    { deps, pruned } = place(t);
  const queue = {
    prune: (before: number, keep: number) => {
      stop.abort();
      pruned.push([before, keep]);
      return 1;
    },
  };
  let records = 0;
  const store = new Proxy(deps.store, {
    get: (of, name) => (name === 'pruneRecords' ? () => records++ : (Reflect.get(of, name) as Store[keyof Store])),
  });
  await runHousekeeping({ ...deps, queue, store }, DAY, stop.signal);
  assert.deepEqual([pruned.length, records], [1, 0]);
});
