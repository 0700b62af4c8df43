/**
 * The pool's arithmetic, its leases from beginning to end, and properties that hold whatever outsiders, workers and
 * devices do.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  admissibleBytes,
  everBytes,
  limits,
  notResidentBytes,
  pressedAfter,
  warningOf,
} from '../../daemon/devices/account.ts';
import { linuxRam, macRam } from '../../daemon/devices/cpu.ts';
import {
  calibratedEstimate,
  cardBytes,
  createEstimates,
  type CalibrationPort,
} from '../../daemon/devices/estimates.ts';
import { pace } from '../../daemon/devices/monitor.ts';
import { Pool, type Lease } from '../../daemon/devices/pool.ts';
import type { Failure } from '../../schemas/errors.ts';
import type { ProcessTable } from '../../daemon/devices/process-table.ts';
import { blankReading, type DeviceReading } from '../../daemon/devices/reading.ts';
import { isReleased, type ReleaseEvidence } from '../../daemon/devices/release.ts';
import { DEFAULTS, type Settings } from '../../schemas/settings.ts';
import { failsWith, reads } from '../fixtures/fails-with.ts';

const MiB = 1024 ** 2,
  GiB = 1024 ** 3;

function memoryCalibration(): CalibrationPort & {
  rows: { device: string; model: string; engine: string; precision: string; peaks: number[]; loadMs: number | null }[];
} {
  const rows: ReturnType<typeof memoryCalibration>['rows'] = [];
  return {
    rows,
    calibration: () => rows.map(row => ({ ...row, peaks: [...row.peaks] })),
    addPeak({ device, model, engine, precision }, bytes, loadMs, _at, keep) {
      let row = rows.find(
        r => r.device === device && r.model === model && r.engine === engine && r.precision === precision,
      );
      if (!row) rows.push((row = { device, model, engine, precision, peaks: [], loadMs: null }));
      row.peaks = [...row.peaks, bytes].slice(-keep);
      row.loadMs = loadMs ?? row.loadMs;
    },
  };
}

const outOfDescriptors = (): Error => Object.assign(new Error('too many open files'), { code: 'EMFILE' });

/** A device of this test's own making: processes with bytes, which may be shown or not. */
class World {
  total = 24 * GiB;
  held = new Map<number, number>();
  living = new Set<number>();
  named = new Map<number, string>();
  there = true;
  listing = true;
  now = 1_000_000;
  kind: 'gpu' | 'cpu' = 'gpu';
  degraded = false;
  settings: Settings = { ...DEFAULTS };
  notices: string[] = [];
  failures: Failure[] = [];
  credited: string[] = [];
  killed: number[] = [];
  fails: 'trees' | 'reader' | null = null;
  failed = 0;
  readonly calibration = memoryCalibration();
  get used(): number {
    return [...this.held.values()].reduce((a, b) => a + b, 0);
  }
  get id(): string {
    return this.kind === 'cpu' ? 'cpu' : 'GPU-0';
  }
  readonly table: ProcessTable = {
    withChildren: pids => {
      if (this.fails === 'trees') throw outOfDescriptors();
      return new Map([...pids].map(pid => [pid, new Set([pid])]));
    },
    memory: () => null,
    name: pid => this.named.get(pid) ?? null,
    alive: pid => this.living.has(pid),
  };
  pool(): Pool {
    return new Pool({
      settings: () => this.settings,
      calibration: this.calibration,
      clock: () => this.now,
      table: this.table,
      events: {
        notice: ({ failure }) => {
          this.notices.push(failure.code);
          this.failures.push(failure);
        },
        credited: lease => this.credited.push(lease.id),
        failed: () => this.failed++,
      },
      kill: pid => {
        this.killed.push(pid);
        this.living.delete(pid);
      },
      readers: [
        {
          read: async (): Promise<DeviceReading[]> => {
            if (this.fails === 'reader') throw outOfDescriptors();
            return this.there
              ? [
                  {
                    ...blankReading(this.id, this.kind, this.kind === 'cpu' ? 'os' : 'nvml'),
                    name: 'Test',
                    totalBytes: this.total,
                    freeBytes: Math.max(0, this.total - this.used),
                    cores: 4,
                    degraded: this.degraded,
                    processes: this.listing
                      ? [...this.held].map(([pid, bytes]) => ({ pid, name: null, bytes, peakBytes: null }))
                      : null,
                  },
                ]
              : [];
          },
          problem: () => null,
          dispose() {},
        },
      ],
    });
  }
  start(pid: number, bytes: number): void {
    this.held.set(pid, bytes);
    this.living.add(pid);
  }
  end(pid: number): void {
    this.living.delete(pid);
    this.held.delete(pid);
  }
}

describe('arithmetic', () => {
  it('takes the smaller of cap and free memory, and counts what is promised but not taken', () => {
    const lease = { state: 'active' as const, bytes: 4 * GiB, residentBytes: GiB };
    assert.equal(admissibleBytes({ capBytes: 20 * GiB, reserveBytes: GiB }, 22 * GiB, [lease]), 16 * GiB);
    assert.equal(admissibleBytes({ capBytes: 20 * GiB, reserveBytes: GiB }, 10 * GiB, [lease]), 6 * GiB);
    assert.equal(
      admissibleBytes({ capBytes: 20 * GiB, reserveBytes: GiB }, 10 * GiB, [{ ...lease, residentBytes: 6 * GiB }]),
      9 * GiB,
    );
    assert.equal(notResidentBytes({ ...lease, state: 'releasing' }), 0);
  });
  it('limits by share, by RAM cap, and with twice the reserve on a coarse reading', () => {
    assert.deepEqual(limits({ kind: 'gpu', totalBytes: 10 * GiB, degraded: false }, DEFAULTS), {
      capBytes: 9 * GiB,
      reserveBytes: GiB,
    });
    assert.deepEqual(
      limits({ kind: 'cpu', totalBytes: 10 * GiB, degraded: false }, { ...DEFAULTS, ramCapBytes: 2 * GiB }),
      { capBytes: 2 * GiB, reserveBytes: GiB },
    );
    assert.equal(
      limits({ kind: 'gpu', totalBytes: 10 * GiB, degraded: true }, { ...DEFAULTS, ramCapBytes: 2 * GiB }).reserveBytes,
      2 * GiB,
    );
    assert.equal(everBytes({ capBytes: 9 * GiB, reserveBytes: 2 * GiB }, 10 * GiB), 8 * GiB);
  });
  it('warns at 85 and 95 percent and clears lower', () => {
    const levels = [0.84, 0.85, 0.83, 0.95, 0.93, 0.91, 0.81].reduce<(string | null)[]>(
      (seen, share) => [...seen, warningOf((seen.at(-1) ?? null) as 'high' | null, share * 1000, 1000)],
      [],
    );
    assert.deepEqual(levels, [null, 'high', 'high', 'critical', 'critical', 'high', null]);
  });
  it('feels pressed when the reserve is eaten, until it is whole', () => {
    assert.deepEqual(
      [
        pressedAfter(false, 800, 1000),
        pressedAfter(false, 700, 1000),
        pressedAfter(true, 900, 1000),
        pressedAfter(true, 1000, 1000),
      ],
      [false, true, true, false],
    );
  });
  it('reads closely while memory moves', () => {
    assert.deepEqual(
      [
        pace({ releasing: true, leased: true, watched: true, idleSeconds: 30 }).ms,
        pace({ releasing: false, leased: true, watched: false, idleSeconds: 30 }).ms,
        pace({ releasing: false, leased: false, watched: true, idleSeconds: 30 }).ms,
        pace({ releasing: false, leased: false, watched: false, idleSeconds: 30 }).ms,
      ],
      [100, 500, 2000, 30_000],
    );
  });
});

describe('RAM', () => {
  const files =
    (entries: Record<string, string>) =>
    (path: string): string | null =>
      entries[path] ?? null;
  const meminfo = 'MemTotal:       16777216 kB\nMemFree:         1000000 kB\nMemAvailable:   12582912 kB\n';
  it("is the machine's without limits", () =>
    assert.deepEqual(linuxRam(files({ '/proc/meminfo': meminfo, '/proc/self/cgroup': '0::/user.slice\n' })), {
      totalBytes: 16 * GiB,
      freeBytes: 12 * GiB,
    }));
  it('is less under a limit of a group above (version 2)', () =>
    assert.deepEqual(
      linuxRam(
        files({
          '/proc/meminfo': meminfo,
          '/proc/self/cgroup': '0::/a/b\n',
          '/sys/fs/cgroup/a/b/memory.max': 'max\n',
          '/sys/fs/cgroup/a/memory.max': `${8 * GiB}\n`,
          '/sys/fs/cgroup/a/memory.current': `${5 * GiB}\n`,
          '/sys/fs/cgroup/a/memory.stat': `anon 1\ninactive_file ${GiB}\n`,
        }),
      ),
      { totalBytes: 8 * GiB, freeBytes: 4 * GiB },
    ));
  it('is less under a limit of version 1; an enormous limit is none', () => {
    const v1 = (limit: string) =>
      files({
        '/proc/meminfo': meminfo,
        '/proc/self/cgroup': '5:cpu,memory:/job\n0::/\n',
        '/sys/fs/cgroup/memory/job/memory.limit_in_bytes': limit,
        '/sys/fs/cgroup/memory/job/memory.usage_in_bytes': `${GiB}`,
        '/sys/fs/cgroup/memory/job/memory.stat': 'cache 5\ntotal_inactive_file 0\n',
      });
    assert.deepEqual(linuxRam(v1(`${4 * GiB}\n`)), { totalBytes: 4 * GiB, freeBytes: 3 * GiB });
    assert.deepEqual(linuxRam(v1('9223372036854771712\n')), { totalBytes: 16 * GiB, freeBytes: 12 * GiB });
  });
  it('counts what macOS can give back', () =>
    assert.equal(
      macRam(
        'Mach Virtual Memory Statistics: (page size of 16384 bytes)\nPages free:  10.\nPages active: 7.\nPages ' +
          'inactive: 5.\nPages speculative: 1.\nPages purgeable: 2.\n',
        GiB,
      ).freeBytes,
      18 * 16384,
    ));
  it('leaves out what macOS could only get back by compressing it', () => {
    // A Mac with 8 GB, under pressure: of 431,000 inactive pages most are other programs'.
    const vmStat = `Mach Virtual Memory Statistics: (page size of 4096 bytes)
Pages free:                                14233.
Pages active:                             440314.
Pages inactive:                           430905.
Pages speculative:                           878.
Pages throttled:                               0.
Pages wired down:                         398445.
Pages purgeable:                              69.
"Translation faults":                  508984629.
Pages copy-on-write:                     5668036.
File-backed pages:                         88747.
Anonymous pages:                          783350.
Pages stored in compressor:              1760568.
Pages occupied by compressor:             820444.
Swapouts:                                1017813.
`;
    assert.deepEqual(macRam(vmStat, 8 * GiB), { totalBytes: 8 * GiB, freeBytes: (14233 + 88747 + 69) * 4096 });
  });
});

describe('estimates', () => {
  const key = { device: 'GPU-0', model: 'whisper-large-v3', engine: 'e', precision: 'fp16' };
  const card = { id: key.model, memory: { gpu: 4 * GiB }, files: [] };
  const make = (calibration = memoryCalibration()) => ({
    calibration,
    estimates: createEstimates({ settings: () => DEFAULTS, calibration, clock: () => 1 }),
  });

  it('begins with the card, then with the name, then with the files', () => {
    assert.deepEqual(make().estimates.estimate(key, card, 'gpu'), {
      bytes: Math.ceil(4 * GiB * 1.2) + 64 * MiB,
      source: 'card',
    });
    assert.equal(cardBytes({ id: 'whisper-large-v3', memory: {}, files: [] }, 'gpu'), 10 * GiB);
    assert.equal(cardBytes({ id: 'whisper-large-v3-turbo', memory: {}, files: [] }, 'gpu'), 4.5 * GiB);
    assert.equal(
      cardBytes({ id: 'other', memory: {}, files: [{ name: 'a', bytes: 3 * GiB, sha256: '', sources: [] }] }, 'gpu'),
      3 * GiB,
    );
    assert.equal(cardBytes({ id: 'other', memory: {}, files: [] }, 'gpu'), 5 * GiB);
    assert.equal(cardBytes({ id: 'other', memory: { cpu: GiB }, files: [] }, 'gpu'), GiB);
  });
  it('goes by the highest of the last peaks, and outlives a restart', () => {
    const { calibration, estimates } = make();
    for (const gib of [3, 3.5, 3.2]) estimates.measured(key, gib * GiB, 1500);
    const bytes = Math.ceil(3.5 * GiB * 1.05) + 64 * MiB;
    assert.deepEqual(estimates.estimate(key, card, 'gpu'), { bytes, source: 'measured' });
    assert.deepEqual(make(calibration).estimates.estimate(key, card, 'gpu'), { bytes, source: 'measured' });
    assert.equal(make(calibration).estimates.loadMs(key), 1500);
    for (let i = 0; i < 50; i++) estimates.measured(key, 2 * GiB, null);
    assert.equal(estimates.estimate(key, card, 'gpu').bytes, Math.ceil(2 * GiB * 1.05) + 64 * MiB);
  });
  it('adds no more than a sixteenth to a small model', () =>
    assert.equal(calibratedEstimate([160 * MiB], DEFAULTS), 168 * MiB + 10 * MiB));
  it('asks for more after running out, and forgets it slowly', () => {
    const { estimates } = make();
    estimates.measured(key, 2 * GiB, null);
    const plain = estimates.estimate(key, card, 'gpu').bytes;
    estimates.raise(key, plain, 20 * GiB);
    assert.equal(estimates.estimate(key, card, 'gpu').bytes, Math.ceil(plain * 1.1));
    for (let i = 0; i < 10; i++) estimates.ranWell(key);
    assert.equal(estimates.estimate(key, card, 'gpu').bytes, plain);
    estimates.raise(key, plain, plain + 1);
    assert.equal(estimates.estimate(key, card, 'gpu').bytes, plain + 1, 'not more than any device could hold');
  });
  it('shows estimated against measured', () => {
    const { estimates } = make();
    estimates.estimate({ ...key, model: 'unseen' }, { ...card, id: 'unseen' }, 'gpu');
    estimates.measured(key, 2 * GiB, 900);
    assert.deepEqual(
      estimates
        .list()
        .map(({ model, source, samples, lastPeakBytes, error, loadMs }) => ({
          model,
          source,
          samples,
          lastPeakBytes,
          error: error && Math.round(error * 1000),
          loadMs,
        })),
      [
        { model: 'unseen', source: 'card', samples: 0, lastPeakBytes: null, error: null, loadMs: null },
        { model: key.model, source: 'measured', samples: 1, lastPeakBytes: 2 * GiB, error: 81, loadMs: 900 },
      ],
    );
  });
});

describe('release', () => {
  const base: ReleaseEvidence = {
    processesGone: true,
    deviceThere: true,
    listed: true,
    inList: false,
    residentBytes: GiB,
    freedBytes: null,
    goneForMs: 0,
    forced: false,
  };
  const cases: [string, Partial<ReleaseEvidence>, boolean][] = [
    ['a living worker', { processesGone: false }, false],
    ['gone from the list', {}, true],
    ['gone but still listed', { inList: true, goneForMs: 1e9 }, false],
    ['no list, memory back', { listed: false, freedBytes: 0.9 * GiB }, true],
    ['no list, memory not back', { listed: false, freedBytes: 0 }, false],
    ['no list, others took it', { listed: false, freedBytes: -GiB, goneForMs: 10_000 }, true],
    ['forced waits longer', { listed: false, freedBytes: -GiB, goneForMs: 10_000, forced: true }, false],
    ['a lost device holds nothing', { deviceThere: false, inList: true }, true],
    ['never held anything', { listed: false, residentBytes: null }, true],
  ];
  for (const [name, change, expected] of cases)
    it(`${name}: ${expected ? 'credited' : 'not yet'}`, () =>
      assert.equal(isReleased({ ...base, ...change }), expected));
});

/** A worker of 1 GiB that was told to go. */
async function released(): Promise<{ world: World; pool: Pool; lease: ReturnType<Pool['lease']> }> {
  const world = new World(),
    pool = world.pool();
  await pool.refresh();
  const lease = pool.lease({ device: 'GPU-0', instance: 'i', bytes: GiB });
  world.start(5, GiB);
  pool.attach(lease.id, 5);
  await pool.refresh();
  pool.release(lease.id);
  return { world, pool, lease };
}

describe('pool', () => {
  it('leads a lease from its beginning to the credit', async () => {
    const world = new World(),
      pool = world.pool();
    await pool.refresh();
    const lease = pool.lease({ device: 'GPU-0', instance: 'i1', bytes: 4 * GiB, name: 'Whisper' });
    assert.equal(pool.views()[0]!.loading, true);
    world.start(100, GiB);
    pool.attach(lease.id, 100);
    await pool.refresh();
    assert.deepEqual([pool.get(lease.id)!.residentBytes, pool.devices()[0]!.memory.notResident], [GiB, 3 * GiB]);
    world.held.set(100, 3 * GiB);
    await pool.refresh();
    world.held.set(100, 2 * GiB);
    pool.loaded(lease.id);
    await pool.refresh();
    assert.deepEqual(
      [pool.get(lease.id)!.peakBytes, pool.views()[0]!.loading, pool.devices()[0]!.memory.admissible],
      [3 * GiB, false, Math.floor(24 * GiB * 0.9) - 4 * GiB],
    );
    pool.release(lease.id);
    assert.throws(() => pool.release(lease.id), failsWith('wrongState'));
    world.living.delete(100);
    await pool.refresh();
    assert.deepEqual(
      [pool.views()[0]!.releasing, world.credited],
      [true, []],
      'the worker has gone, the device still shows its memory',
    );
    world.held.delete(100);
    await pool.refresh();
    assert.deepEqual([pool.views()[0]!.releasing, world.credited, pool.get(lease.id)], [false, [lease.id], null]);
    assert.throws(() => pool.release(lease.id), failsWith('wrongState'));
  });

  it('keeps a device closed after force until the memory shows', async () => {
    const { world, pool, lease } = await released();
    world.now += 10_000;
    await pool.refresh();
    assert.deepEqual([world.killed, pool.get(lease.id)!.state], [[5], 'forced']);
    assert.equal(pool.views()[0]!.usable, false);
    assert.throws(() => pool.lease({ device: 'GPU-0', instance: 'j', bytes: 1 }), failsWith('noRoom'));
    assert.throws(() => pool.release(lease.id), failsWith('wrongState'));
    world.held.clear();
    await pool.refresh();
    assert.equal(pool.views()[0]!.usable, true);
  });

  it('takes memory back by force when it does not come by itself', async () => {
    const { world, pool, lease } = await released();
    world.now += 9_999;
    await pool.refresh();
    assert.deepEqual([world.killed, pool.get(lease.id)!.state], [[], 'releasing']);
    world.now += 1;
    await pool.refresh();
    assert.deepEqual([world.killed, pool.get(lease.id)!.state, pool.views()[0]!.usable], [[5], 'forced', false]);
    world.end(5);
    await pool.refresh();
    assert.deepEqual([pool.get(lease.id), pool.views()[0]!.usable], [null, true]);
  });

  it('measures by what the device lost where the driver does not say who holds what', async () => {
    const world = new World();
    world.listing = false;
    world.start(1, 2 * GiB);
    const pool = world.pool();
    await pool.refresh();
    const lease = pool.lease({ device: 'GPU-0', instance: 'i', bytes: 5 * GiB });
    pool.attach(lease.id, 50);
    world.start(50, 4 * GiB);
    await pool.refresh();
    assert.equal(pool.get(lease.id)!.residentBytes, 4 * GiB);
    assert.deepEqual(
      pool.devices()[0]!.memory.holders.map(({ kind, bytes }) => ({ kind, bytes })),
      [
        { kind: 'ours', bytes: 4 * GiB },
        { kind: 'other', bytes: 2 * GiB },
      ],
    );
    pool.lease({ device: 'GPU-0', instance: 'j', bytes: GiB });
    world.held.set(1, 8 * GiB);
    await pool.refresh();
    assert.equal(pool.get(lease.id)!.residentBytes, 4 * GiB, 'frozen once something else of ours moves');
    pool.release(lease.id);
    world.end(50);
    await pool.refresh();
    assert.equal(pool.get(lease.id), null);
  });

  it("does not take an outsider's memory for a starting worker's", async () => {
    const world = new World(),
      pool = world.pool();
    await pool.refresh();
    const lease = pool.lease({ device: 'GPU-0', instance: 'i', bytes: GiB });
    pool.attach(lease.id, 50);
    world.living.add(50);
    world.start(9, 3 * GiB);
    await pool.refresh();
    assert.equal(pool.get(lease.id)!.peakBytes, null);
  });

  it('names outsiders, and tells once of a device that goes and comes', async () => {
    const world = new World(),
      pool = world.pool();
    world.start(9, 3 * GiB);
    world.named.set(9, 'blender');
    await pool.refresh();
    assert.deepEqual(pool.devices()[0]!.memory.holders, [
      { kind: 'other', name: 'blender', pid: 9, bytes: 3 * GiB, instance: null },
    ]);
    world.there = false;
    await pool.refresh();
    await pool.refresh();
    assert.deepEqual(
      [world.notices, pool.views()[0]!.usable, pool.devices()[0]!.health],
      [['deviceLost'], false, 'lost'],
    );
    assert.throws(() => pool.lease({ device: 'GPU-0', instance: 'i', bytes: 1 }), failsWith('deviceLost'));
    world.there = true;
    await pool.refresh();
    assert.deepEqual([world.notices, pool.views()[0]!.usable], [['deviceLost', 'deviceBack'], true]);
  });

  it('warns once on the way up', async () => {
    const world = new World(),
      pool = world.pool();
    await pool.refresh();
    const lease = pool.lease({ device: 'GPU-0', instance: 'i', bytes: 21 * GiB });
    pool.attach(lease.id, 7);
    for (const gib of [10, 19, 19.5, 21, 21, 19, 21, 5]) {
      world.start(7, gib * GiB);
      await pool.refresh();
    }
    assert.deepEqual(world.notices, ['memoryHigh', 'memoryCritical', 'memoryCritical']);
    reads(world.failures[0]!, /uses 8[0-9]% of the memory it may use/, /已占用 8[0-9]%/);
    reads(world.failures[1]!, /uses 9[0-9]% of the memory it may use/, /已占用 9[0-9]%/);
    assert.equal(pool.devices()[0]!.warning, null);
  });

  it('holds a first guess to what the device can ever give, and leaves excluded devices alone', async () => {
    const world = new World(),
      pool = world.pool();
    await pool.refresh();
    const first = (gib: number): number =>
      pool.estimate({
        device: 'GPU-0',
        card: { id: `m${gib}`, memory: { gpu: gib * GiB }, files: [] },
        engine: 'e',
        precision: 'p',
      }).bytes;
    assert.equal(
      first(20),
      Math.floor(24 * GiB * 0.9),
      'what the card says fits: the care of a first guess does not forbid it',
    );
    assert.ok(first(10) > 12 * GiB && first(22) > 26 * GiB);
    world.settings = { ...DEFAULTS, excludedDevices: ['GPU-0'] };
    assert.deepEqual([pool.views()[0]!.usable, pool.devices()[0]!.excluded], [false, true]);
    assert.throws(() => pool.lease({ device: 'GPU-0', instance: 'i', bytes: 1 }), failsWith('noSuchDevice'));
  });

  it('raises an estimate only when the model was at fault', async () => {
    const world = new World(),
      pool = world.pool();
    const key = { device: 'GPU-0', model: 'm', engine: 'e', precision: 'p' };
    await pool.refresh();
    const lease = pool.lease({ device: 'GPU-0', instance: 'i', bytes: 6 * GiB });
    pool.attach(lease.id, 7);
    world.start(7, 2 * GiB);
    world.start(8, 20 * GiB);
    await pool.refresh();
    assert.equal(pool.views()[0]!.pressed, false);
    assert.equal(await pool.outOfMemory(key, 6 * GiB, lease.id), false, 'another program took what was left');
    world.held.set(8, GiB);
    world.now += 1000;
    await pool.refresh();
    assert.equal(await pool.outOfMemory(key, 6 * GiB, lease.id), false, 'it took it a moment ago');
    world.now += 3000;
    await pool.refresh();
    assert.equal(await pool.outOfMemory(key, 6 * GiB, lease.id), true);
    assert.equal(pool.estimates()[0]!.estimateBytes, Math.ceil(6 * GiB * 1.25));
  });

  it('is pressed by others unless the setting says never', async () => {
    const world = new World(),
      pool = world.pool();
    world.start(8, 23.5 * GiB);
    await pool.refresh();
    assert.equal(pool.views()[0]!.pressed, true);
    world.settings = { ...DEFAULTS, yieldTo: 'never' };
    assert.equal(pool.views()[0]!.pressed, false);
  });

  it('shares one reading that has not begun, never one that has', async () => {
    const world = new World(),
      pool = world.pool();
    const first = pool.refresh();
    await Promise.resolve();
    world.start(3, GiB);
    const second = pool.refresh(),
      third = pool.refresh();
    assert.equal(second, third);
    assert.notEqual(first, second);
    await second;
    assert.equal(pool.devices()[0]!.memory.free, 23 * GiB);
  });

  it('goes on after a reading that failed, and loses no device by it', async () => {
    const world = new World(),
      pool = world.pool();
    await pool.refresh();
    const lease = pool.lease({ device: 'GPU-0', instance: 'i', bytes: GiB });
    world.start(5, GiB);
    pool.attach(lease.id, 5);
    for (const fails of ['trees', 'reader'] as const) {
      world.fails = fails;
      world.now += 2000;
      await pool.refresh();
      assert.deepEqual([pool.devices()[0]!.health, world.notices], ['ok', []]);
      world.fails = null;
      world.held.set(5, fails === 'trees' ? 2 * GiB : 3 * GiB);
      world.now += 2000;
      await pool.refresh();
      assert.equal(pool.get(lease.id)!.residentBytes, world.held.get(5), `after the ${fails}`);
    }
    assert.equal(world.failed, 2, 'each failure is said once');
  });

  it('goes on after the process ran out of descriptors', { skip: process.platform === 'win32' }, () => {
    const url = (path: string): string => JSON.stringify(join(import.meta.dirname, '../../daemon', path));
    const code = `
      import { closeSync, openSync } from 'node:fs';
      import { spawn } from 'node:child_process';
      import { Pool } from ${url('devices/pool.ts')};
      import { cpuReader } from ${url('devices/cpu.ts')};
      import { DEFAULTS } from ${url('../schemas/settings.ts')};
      const said = [];
      const calibration = { calibration: () => [], addPeak() {} };
      let now = 0;
      const pool = new Pool({ settings: () => DEFAULTS, calibration, clock: () => (now += 5000), readers: [cpuReader()],
        events: { notice: ({ failure }) => said.push(failure.code), credited: () => said.push('credited') } });
      await pool.refresh();
      const sleeper = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
      const lease = pool.lease({ device: 'cpu', instance: 'i', bytes: 1 });
      pool.attach(lease.id, sleeper.pid);
      pool.release(lease.id); // told to go, and lives
      const open = [];
      try { for (;;) open.push(openSync('/dev/null')); } catch (error) { said.push(error.code); }
      await pool.refresh();
      const blind = pool.devices()[0];
      for (const fd of open) closeSync(fd);
      await pool.refresh();
      const [device] = pool.devices();
      console.log(JSON.stringify({ said, blind: blind.health, same: blind.memory.total === device.memory.total,
        anew: device.readAt > blind.readAt, leases: pool.leases().length }));
      sleeper.kill();`;
    const { stdout, stderr } = spawnSync(
      'sh',
      ['-c', 'ulimit -n 256; exec "$0" --input-type=module -e "$1"', process.execPath, code],
      { encoding: 'utf8' },
    );
    assert.deepEqual(
      JSON.parse(stdout || JSON.stringify(stderr)),
      { said: ['EMFILE'], blind: 'ok', same: true, anew: true, leases: 1 },
      stderr,
    );
  });

  it('holds its promises whatever happens', async () => {
    type Step = {
      do: 'lease' | 'grow' | 'release' | 'die' | 'show' | 'outsider' | 'lost' | 'list' | 'late' | 'read';
      n: number;
    };
    const steps = fc.array(
      fc.record({
        do: fc.constantFrom<Step['do']>(
          'lease',
          'lease',
          'lease',
          'grow',
          'grow',
          'release',
          'release',
          'die',
          'show',
          'outsider',
          'lost',
          'list',
          'late',
          'read',
          'read',
        ),
        n: fc.nat(1000),
      }),
      { minLength: 10, maxLength: 80 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async script => {
        const world = new World(),
          pool = world.pool();
        await pool.refresh();
        const open = new Map<string, { lease: Lease; pid: number; ended: boolean }>();
        let pid = 1000,
          taken = 0;
        const pick = (n: number) => [...open.values()][n % Math.max(1, open.size)];
        for (const { do: what, n } of script) {
          const one = pick(n);
          switch (what) {
            case 'lease': {
              const bytes = Math.floor((n / 1000) * 12 * GiB),
                view = pool.views()[0]!;
              const before = pool
                .leases()
                .reduce((sum, lease) => sum + Math.max(lease.bytes, lease.residentBytes ?? 0), 0);
              if (bytes > view.admissible || !view.usable)
                assert.throws(() => pool.lease({ device: 'GPU-0', instance: 'x', bytes }));
              else {
                const lease = pool.lease({ device: 'GPU-0', instance: 'x', bytes });
                taken++;
                assert.ok(before + bytes <= Math.floor(world.total * 0.9), 'never over the cap');
                pool.attach(lease.id, ++pid);
                world.start(pid, 0);
                open.set(lease.id, { lease, pid, ended: false });
              }
              break;
            }
            // Workers stay within their lease four times of five.
            case 'grow':
              if (one && !one.ended && world.living.has(one.pid))
                world.held.set(one.pid, Math.floor(one.lease.bytes * ((n % 100) / 80)));
              break;
            case 'release':
              if (one) {
                if (pool.get(one.lease.id)?.state === 'active') pool.release(one.lease.id);
                else assert.throws(() => pool.release(one.lease.id), failsWith('wrongState'));
                one.ended = true;
              }
              break;
            case 'die':
              if (one) world.living.delete(one.pid);
              break;
            case 'show':
              for (const id of [...world.held.keys()]) if (id >= 1000 && !world.living.has(id)) world.held.delete(id);
              break;
            case 'outsider':
              world.start(n % 5, Math.floor((n / 1000) * 10 * GiB));
              break;
            case 'lost':
              world.there = n % 3 > 0;
              break;
            case 'list':
              world.listing = n % 2 > 0;
              break;
            case 'late':
              world.now += n * 20;
              break;
            case 'read':
              await pool.refresh();
              break;
          }
          const leases = pool.leases(),
            view = pool.views()[0]!,
            device = pool.devices()[0]!;
          assert.ok(leases.every(lease => Number.isSafeInteger(lease.bytes) && lease.bytes >= 0));
          assert.ok(Number.isSafeInteger(view.admissible) && Number.isSafeInteger(device.memory.leased));
          assert.equal(leases.length + world.credited.length, taken, 'every lease is either held or credited');
          assert.equal(new Set(world.credited).size, world.credited.length, 'credited once');
          for (const id of world.credited) assert.equal(pool.get(id), null);
        }
        // Whatever happened: once all workers are gone and the device is back, nothing is left.
        for (const { lease, pid: worker } of open.values()) {
          if (pool.get(lease.id)?.state === 'active') pool.release(lease.id);
          world.end(worker);
        }
        world.there = world.listing = true;
        await pool.refresh();
        world.now += 61_000;
        await pool.refresh();
        assert.deepEqual([pool.leases(), world.credited.length], [[], taken]);
      }),
      { numRuns: 200 },
    );
  });
});
