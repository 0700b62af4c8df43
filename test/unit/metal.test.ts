/**
 * Apple silicon's GPU and the memory that it shares with the processor, on what a Mac's own programs print: what is
 * known of it, and that no byte is given out twice.
 */
import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { cpuReader } from '../../daemon/devices/cpu.ts';
import { appleGpu, metalLimitBytes, metalReader, type AskMac } from '../../daemon/devices/metal.ts';
import { Pool } from '../../daemon/devices/pool.ts';
import { placeLayers } from '../../daemon/engines/llama/runtime.ts';
import { widen } from '../../daemon/scheduler/threads.ts';
import type { Snapshot } from '../../daemon/scheduler/snapshot.ts';
import { DEFAULTS, type Settings } from '../../schemas/settings.ts';
import { failsWith } from '../fixtures/fails-with.ts';

const MiB = 1024 ** 2,
  GiB = 1024 ** 3;

const M1_PRO = `{
  "SPDisplaysDataType" : [
    {
      "_name" : "Apple M1 Pro",
      "spdisplays_mtlgpufamilysupport" : "spdisplays_metal3",
      "spdisplays_ndrvs" : [ { "_name" : "Color LCD", "_spdisplays_pixels" : "3024 x 1964" } ],
      "spdisplays_vendor" : "sppci_vendor_Apple",
      "sppci_bus" : "spdisplays_builtin",
      "sppci_cores" : "16",
      "sppci_device_type" : "spdisplays_gpu",
      "sppci_model" : "Apple M1 Pro"
    }
  ]
}`;

describe('what is known of it', () => {
  test('the GPU of Apple silicon, and no other', () => {
    const of = (...models: string[]): unknown =>
      appleGpu(JSON.stringify({ SPDisplaysDataType: models.map(model => ({ sppci_model: model })) }));
    assert.deepEqual(appleGpu(M1_PRO), { name: 'Apple M1 Pro', cores: 16 });
    assert.deepEqual(of('Apple M4'), { name: 'Apple M4', cores: null });
    assert.equal(of('Intel Iris Plus Graphics 655', 'AMD Radeon Pro 5500M'), null);
    assert.equal(of('Apple Paravirtual device'), null);
    for (const nonsense of ['', '{', '{}', '{"SPDisplaysDataType":{}}', '{"SPDisplaysDataType":[{}]}'])
      assert.equal(appleGpu(nonsense), null, nonsense);
  });

  test('what it may hold is what Metal recommends on Macs of these sizes, or what the user set', () => {
    // recommendedMaxWorkingSetSize as llama.cpp prints it, MiB.
    for (const [gib, mib] of [
      [8, 5461.33],
      [16, 10922.67],
      [32, 21845.33],
      [36, 27648],
      [64, 49152],
    ] as const)
      assert.ok(Math.abs(metalLimitBytes('0\n', gib * GiB) / MiB - mib) < 0.01, `${gib} GiB`);
    assert.equal(metalLimitBytes('12288\n', 16 * GiB), 12 * GiB);
    assert.equal(metalLimitBytes('999999', 16 * GiB), 16 * GiB);
    assert.equal(metalLimitBytes(null, 16 * GiB), metalLimitBytes('unknown oid', 16 * GiB));
  });

  test('it is asked for in the background, once; its limit again when people look', async () => {
    const asked: string[] = [];
    let wired = '0';
    const ask: AskMac = async (program, args) => {
      asked.push([program, ...args].join(' '));
      return program.endsWith('sysctl') ? wired : M1_PRO;
    };
    const read = metalReader({ platform: 'darwin', arch: 'arm64', totalBytes: 24 * GiB, ask });
    assert.equal(read('memory'), null);
    for (let turns = 0; turns < 100 && !read('memory'); turns++) await setImmediate();
    assert.deepEqual(read('memory'), { name: 'Apple M1 Pro', cores: 16, limitBytes: 16 * GiB });
    assert.deepEqual(asked, [
      '/usr/sbin/system_profiler -json SPDisplaysDataType',
      '/usr/sbin/sysctl -n iogpu.wired_limit_mb',
    ]);
    wired = '20480';
    read('all');
    for (let turns = 0; turns < 100 && read('memory')!.limitBytes !== 20 * GiB; turns++) await setImmediate();
    assert.equal(read('memory')!.limitBytes, 20 * GiB);
    assert.equal(asked.length, 3);
  });

  test('no other machine is asked', () => {
    for (const [platform, arch] of [
      ['darwin', 'x64'],
      ['linux', 'arm64'],
      ['win32', 'x64'],
    ] as const)
      assert.equal(metalReader({ platform, arch, ask: () => assert.fail(platform) })('all'), null);
  });
});

describe('its memory', () => {
  /** A Mac with 16 GiB, 12 of them free, whose GPU may hold 10. */
  async function mac(settings: Partial<Settings> = {}): Promise<Pool> {
    const pool = new Pool({
      settings: () => ({ ...DEFAULTS, memoryReserveBytes: GiB, ...settings }),
      calibration: { calibration: () => [], addPeak() {} },
      clock: () => 1_000_000,
      readers: [
        cpuReader({
          ram: () => ({ totalBytes: 16 * GiB, freeBytes: 12 * GiB }),
          metal: () => ({ name: 'Apple M1 Pro', cores: 16, limitBytes: 10 * GiB }),
        }),
      ],
    });
    await pool.refresh('all');
    return pool;
  }
  const lease = (pool: Pool, instance: string, gib: number, usesMetal: boolean) =>
    pool.lease({ device: 'cpu', instance, bytes: gib * GiB, usesMetal });

  test('processor and GPU take from one pool', async () => {
    const pool = await mac();
    assert.equal(lease(pool, 'llama', 6, true).onMetal, true);
    assert.equal(lease(pool, 'whisper', 4, false).onMetal, false);
    assert.throws(() => lease(pool, 'another', 2, false), failsWith('noRoom'));
    const [device] = pool.devices();
    assert.equal(device!.memory.leased, 10 * GiB);
    assert.equal(device!.memory.admissible, GiB);
    assert.deepEqual(device!.metal, {
      name: 'Apple M1 Pro',
      cores: 16,
      limitBytes: 10 * GiB,
      leasedBytes: 6 * GiB,
      excluded: false,
    });
  });

  test('what is more than the GPU may hold computes on the processor, and what was left out as well', async () => {
    const pool = await mac();
    lease(pool, 'first', 6, true);
    assert.equal(lease(pool, 'second', 4.5, true).onMetal, false);
    assert.equal(pool.devices()[0]!.metal!.leasedBytes, 6 * GiB);
    const without = await mac({ excludedDevices: ['metal'] });
    assert.equal(lease(without, 'first', 1, true).onMetal, false);
    assert.equal(without.devices()[0]!.metal!.excluded, true);
  });

  test("there all layers are on the GPU, in memory that counts as the worker's; else none", () => {
    assert.deepEqual(placeLayers({ kind: 'cpu', metal: true }), { gpuLayers: 'max', useMmap: false });
    assert.deepEqual(placeLayers({ kind: 'cpu' }), { gpuLayers: 0 });
    assert.deepEqual(placeLayers({ kind: 'gpu', uuid: 'GPU-0' }), { gpuLayers: 'max' });
  });

  test('a run on it leaves the cores to others', () => {
    const run = { type: 'run' as const, instance: 'i', job: 'j', stage: 'repair' as const, from: 0, to: 1 };
    const after = (elastic: boolean): Snapshot =>
      ({
        devices: [{ id: 'cpu', kind: 'cpu', cores: 8 }],
        models: { llm: { elastic: true } },
        instances: [{ id: 'i', model: 'llm', device: 'cpu', state: 'busy', threads: 1, elastic }],
      }) as unknown as Snapshot;
    assert.deepEqual(widen([run], after(true)), [{ ...run, threads: 8 }]);
    assert.deepEqual(widen([run], after(false)), [run]);
  });
});
