/**
 * GPU memory by process on Windows: its performance counters, in the layout of its library, and what is made of them
 * where the driver knows none.
 */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import koffi from 'koffi';
import { bytesByProcess, countedReader, gpuCounters, withCounters } from '../../daemon/devices/gpu-counters.ts';
import { nvmlReader } from '../../daemon/devices/nvml.ts';
import { Pool } from '../../daemon/devices/pool.ts';
import { blankReading, type DeviceReading } from '../../daemon/devices/reading.ts';
import { DEFAULTS } from '../../schemas/settings.ts';
import { build, MISSING, virtualGpus } from './virtual/gpus.ts';

const MiB = 1024 ** 2,
  GiB = 1024 ** 3,
  libraries = build();
if ('reason' in libraries) console.log(`skipped: ${libraries.reason}`);

test('instances of the counter add up by process', () => {
  const items = [
    { name: 'pid_4242_luid_0x00000000_0x0001D6F4_phys_0', status: 0, value: 2n * BigInt(GiB) },
    { name: 'pid_4242_luid_0x00000000_0x00014DE1_phys_0', status: 1, value: 5 },
    { name: 'pid_7_luid_0x00000000_0x0001D6F4_phys_0', status: 0xc0000bba, value: 9 },
    { name: '_Total', status: 0, value: 9 },
    { name: 'pid_x_luid', status: 0, value: 9 },
    { name: 'pid_8_luid_0x00000000_0x0001D6F4_phys_0', status: 0, value: -1 },
  ];
  assert.deepEqual([...bytesByProcess(items)], [[4242, 2 * GiB + 5]]);
});

test('a figure is taken where the driver gives none, for a process that is on one device alone', () => {
  const process = (pid: number, bytes: number | null) => ({ pid, name: null, bytes, peakBytes: null });
  const device = (id: string, ...processes: ReturnType<typeof process>[]): DeviceReading => ({
    ...blankReading(id, 'gpu', 'nvml'),
    totalBytes: 8 * GiB,
    processes,
  });
  const read = withCounters(
    [
      device('GPU-0', process(1, null), process(2, MiB), process(3, null), process(4, null), process(5, null)),
      device('GPU-1', process(3, null)),
      { ...device('GPU-2'), processes: null },
    ],
    new Map([
      [1, GiB],
      [2, GiB],
      [3, GiB],
      [4, 9 * GiB],
    ]),
  );
  assert.deepEqual(
    read.map(({ processes }) => processes?.map(({ bytes }) => bytes)),
    [[GiB, MiB, null, null, null], [null], undefined],
  );
});

test('without the library, or with one that is something else, nothing is known', async () => {
  for (const name of ['no-such-library.dll', 'libc.so.6']) {
    const counters = gpuCounters(name);
    assert.equal(await counters.read(), null, name);
    counters.dispose();
  }
});

describe('the library', { skip: 'reason' in libraries ? libraries.reason : false }, () => {
  const { pdh, nvml } = libraries as { pdh: string; nvml: string };
  const collected = (): number => (koffi.load(pdh).func('pdh_collected', 'int', []) as () => number)();

  test('is asked again when programs began meanwhile, and once a second at most', async t => {
    let now = 0;
    const counters = gpuCounters(pdh, () => now);
    t.after(() => counters.dispose());
    const before = collected(),
      known = new Map([
        [4242, 2 * GiB],
        [980, 100 * MiB],
        [6060, 50 * MiB],
      ]);
    const answers = await Promise.all([counters.read(), counters.read(), counters.read()]);
    for (const answer of answers) assert.deepEqual(answer, known);
    now = 999;
    assert.deepEqual(await counters.read(), known);
    assert.equal(collected() - before, 1);
    now = 1000;
    assert.deepEqual(await counters.read(), known);
    assert.equal(collected() - before, 2);
  });

  test('says what a worker holds of the device, where RAM never stands in for it', async t => {
    const gpus = virtualGpus(libraries as { nvml: string; control: string }, 1, 24 * GiB);
    after(() => gpus.dispose());
    const pool = new Pool({
      settings: () => DEFAULTS,
      calibration: { calibration: () => [], addPeak() {} },
      clock: () => 1_000_000,
      readers: [countedReader(nvmlReader({ names: [nvml], rescanMs: 0 }), gpuCounters(pdh))],
      table: {
        withChildren: pids => new Map([...pids].map(pid => [pid, new Set([pid])])),
        memory: pid => ({ pid, name: null, bytes: 7 * GiB, peakBytes: 7 * GiB }),
        name: () => null,
        alive: () => true,
      },
    });
    t.after(() => pool.dispose());
    gpus.set(0, 'missing', MISSING.processMemory);
    await pool.refresh('all');
    const [device] = pool.devices();
    /** A worker that takes this much. */
    async function works(pid: number, bytes: number): Promise<number | null> {
      const { id } = pool.lease({ device: device!.id, instance: String(pid), bytes: 3 * GiB });
      pool.attach(id, pid);
      gpus.allocate(0, pid, bytes, { staged: true });
      await pool.refresh('memory');
      return pool.get(id)!.residentBytes;
    }
    assert.equal(await works(4242, 1.5 * GiB), 2 * GiB, 'what the counter says');
    assert.equal(await works(777, GiB), GiB, 'what the device lost, where there is no counter of it');
  });
});
