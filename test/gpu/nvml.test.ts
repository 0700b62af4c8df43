/** The NVML binding against a fake library with every field and every way of failing. */
import assert from 'node:assert/strict';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { after, before, describe, it } from 'node:test';
import { gpuReader } from '../../daemon/devices/readers.ts';
import { nvmlReader, type NvmlOptions, type NvmlReader } from '../../daemon/devices/nvml.ts';
import { blankReading, type DeviceReading } from '../../daemon/devices/reading.ts';
import { parseSmi, smiReader } from '../../daemon/devices/smi.ts';
import { build, MISSING, virtualGpus, type Field, type VirtualGpus } from './virtual/gpus.ts';

const GiB = 1024 ** 3,
  libraries = build();
if ('reason' in libraries) console.log(`skipped: ${libraries.reason}`);

describe('NVML', { skip: 'reason' in libraries ? libraries.reason : false }, () => {
  let gpus: VirtualGpus;
  const readers: NvmlReader[] = [];
  const reader = (options: NvmlOptions = {}): NvmlReader => {
    const made = nvmlReader({ names: [gpus.nvml], callMs: 2000, rescanMs: 0, ...options });
    readers.push(made);
    return made;
  };
  const read = (from: NvmlReader, detail: 'memory' | 'all' = 'all'): Promise<DeviceReading[]> =>
    from.read(detail, new Set());
  const one = async (from: NvmlReader): Promise<DeviceReading> => (await read(from))[0]!;
  /** Sets fields for the time of a test. */
  async function having(fields: Partial<Record<Field, number>>, work: () => Promise<void>, device = 0): Promise<void> {
    const old = Object.keys(fields).map(field => [field as Field, gpus.get(device, field as Field)] as const);
    for (const [field, value] of Object.entries(fields)) gpus.set(device, field as Field, value);
    try {
      await work();
    } finally {
      for (const [field, value] of old) gpus.set(device, field, value);
    }
  }

  before(() => {
    gpus = virtualGpus(libraries as { nvml: string; control: string }, 2, 24 * GiB);
  });
  after(() => {
    for (const made of readers) made.dispose();
    gpus.dispose();
  });

  it('reads every field', () =>
    having(
      {
        reserved: GiB / 2,
        temperature: 67,
        power_mw: 212_500,
        fan: 55,
        utilization: 93,
        memory_utilization: 41,
        clock_mhz: 1890,
        throttle: 0x1 | 0x4 | 0x40,
      },
      async () => {
        const mine = gpus.allocate(0, process.pid, 3 * GiB),
          game = gpus.allocate(0, 999_999, 2 * GiB, { graphics: true, staged: true });
        assert.deepEqual(await one(reader()), {
          ...blankReading('GPU-00000000-0000-0000-0000-000000000000', 'gpu', 'nvml'),
          name: 'Virtual GPU 0',
          totalBytes: 24 * GiB,
          freeBytes: 18.5 * GiB,
          processes: [
            { pid: process.pid, name: null, bytes: 3 * GiB, peakBytes: null },
            { pid: 999_999, name: null, bytes: 2 * GiB, peakBytes: null },
          ],
          utilization: 0.93,
          memoryUtilization: 0.41,
          fan: 0.55,
          temperatureC: 67,
          powerW: 212.5,
          powerLimitW: 350,
          clockMhz: 1890,
          throttle: ['powerCap', 'hardwareThermal'],
          computeCapability: '8.6',
          driver: '580.65.06',
          cuda: '13.0',
          pciBus: '00000000:01:00.0',
        } satisfies DeviceReading);
        gpus.giveBack(0, mine);
        gpus.giveBack(0, game);
      },
    ));

  it('reads two devices, and less when only memory matters', async () => {
    const readings = await read(reader(), 'memory');
    assert.deepEqual(
      readings.map(({ id, totalBytes, temperatureC }) => ({ id: id.at(-1), totalBytes, temperatureC })),
      [
        { id: '0', totalBytes: 24 * GiB, temperatureC: null },
        { id: '1', totalBytes: 24 * GiB, temperatureC: null },
      ],
    );
  });

  const fields: [keyof typeof MISSING, (reading: DeviceReading) => unknown][] = [
    ['temperature', r => r.temperatureC],
    ['utilization', r => r.utilization],
    ['power', r => r.powerW],
    ['powerLimit', r => r.powerLimitW],
    ['fan', r => r.fan],
    ['clock', r => r.clockMhz],
    ['capability', r => r.computeCapability],
    ['pci', r => r.pciBus],
    ['name', r => r.name],
    ['memory', r => r.freeBytes],
    ['processes', r => r.processes],
  ];
  for (const [missing, value] of fields) {
    it(`goes on without ${missing}`, async () => {
      const whole = await one(reader());
      assert.notEqual(value(whole), null);
      await having({ missing: MISSING[missing] }, async () => {
        const part = await one(reader());
        assert.equal(value(part), null);
        // Everything else is as it was.
        const differing = Object.keys(whole).filter(
          key => JSON.stringify(whole[key as keyof DeviceReading]) !== JSON.stringify(part[key as keyof DeviceReading]),
        );
        const together: Partial<Record<keyof typeof MISSING, number>> = { utilization: 2, memory: 2 };
        assert.equal(differing.length, together[missing] ?? 1, differing.join());
      });
    });
  }

  it('uses the older memory call where the newer is missing', () =>
    having({ missing: MISSING.memoryV2, reserved: GiB }, async () => {
      assert.equal((await one(reader())).freeBytes, 23 * GiB);
    }));

  it('knows processes without figures', () =>
    having({ missing: MISSING.processMemory }, async () => {
      const mine = gpus.allocate(0, process.pid, GiB);
      assert.deepEqual((await one(reader())).processes, [
        { pid: process.pid, name: null, bytes: null, peakBytes: null },
      ]);
      gpus.giveBack(0, mine);
    }));

  it('lists more processes than it had room for', async () => {
    const many = Array.from({ length: 200 }, (_, i) => gpus.allocate(0, 1_000_000 + i, 1024, { staged: true }));
    assert.equal((await one(reader())).processes!.length, 200);
    for (const allocation of many) gpus.giveBack(0, allocation);
  });

  it("lists the parts of a divided device, with the board's sensors", async () => {
    gpus.driver(0, 4);
    gpus.identify(2, 'Virtual GPU MIG 3g.12gb', 'MIG-a');
    gpus.identify(3, 'Virtual GPU MIG 2g.6gb', 'MIG-b');
    for (const [part, total] of [
      [2, 12],
      [3, 6],
    ] as const) {
      gpus.set(part, 'part_of', 0);
      gpus.set(part, 'total', total * GiB);
    }
    await having({ mig: 1, temperature: 71 }, async () => {
      const readings = await read(reader());
      assert.deepEqual(
        readings.map(r => [r.id, r.totalBytes! / GiB, r.temperatureC, r.utilization]),
        [
          ['MIG-a', 12, 71, null],
          ['MIG-b', 6, 71, null],
          ['GPU-00000000-0000-0000-0000-000000000001', 24, 40, 0],
        ],
      );
    });
    gpus.driver(0, 2);
  });

  it('has no devices and no complaint without the library or the driver', async () => {
    const none = reader({ names: ['libthere-is-no-such.so.1'] });
    assert.deepEqual([await read(none), none.problem(), none.working()], [[], null, false]);
    gpus.driver(9, 2);
    const driverless = reader();
    assert.deepEqual([await read(driverless), driverless.problem(), driverless.working()], [[], null, false]);
    gpus.driver(0, 2);
    assert.equal((await read(driverless)).length, 2, 'the driver came later');
  });

  it('says that driver and library do not match', async () => {
    gpus.driver(18, 2);
    const mismatched = reader();
    assert.deepEqual([await read(mismatched), mismatched.problem()?.code], [[], 'driverMismatch']);
    gpus.driver(0, 2);
    assert.deepEqual([(await read(mismatched)).length, mismatched.problem()], [2, null]);
  });

  it('loses a device alone, and finds it again', async () => {
    const steady = reader();
    assert.equal((await read(steady)).length, 2);
    await having({ lost: 1 }, async () => {
      assert.deepEqual(
        (await read(steady)).map(r => r.name),
        ['Virtual GPU 1'],
      );
      assert.deepEqual(
        (await read(steady)).map(r => r.name),
        ['Virtual GPU 1'],
      );
    });
    assert.equal((await read(steady)).length, 2);
    assert.equal((await one(steady)).totalBytes, 24 * GiB);
  });

  it('never waits for a call that hangs, and recovers when it returns', async () => {
    const patient = reader({ callMs: 60 });
    assert.equal((await read(patient)).length, 2);
    gpus.set(0, 'hang', 1);
    const loop = monitorEventLoopDelay({ resolution: 1 });
    loop.enable();
    const started = performance.now();
    assert.deepEqual(await read(patient), []);
    const first = performance.now() - started;
    const calls = gpus.calls();
    for (let i = 0; i < 20; i++) assert.deepEqual(await read(patient), []);
    loop.disable();
    assert.equal(gpus.calls(), calls, 'no further call while one hangs');
    assert.equal(patient.problem()?.code, 'driverHangs');
    assert.ok(first < 1000, `gave up after ${first} ms`);
    assert.ok(loop.max / 1e6 < 50, `the loop stood for ${loop.max / 1e6} ms`);
    gpus.set(0, 'hang', 0);
    let readings: DeviceReading[] = [];
    while (readings.length < 2) {
      await new Promise(resolve => setImmediate(resolve));
      readings = await read(patient);
    }
    assert.equal(patient.problem(), null);
  });

  it('waits for a call that is only slow', () =>
    having({ delay_us: 20_000 }, async () => {
      assert.equal((await read(reader(), 'memory')).length, 2);
    }));

  it('asks nvidia-smi only while NVML does not work', async () => {
    const smi = smiReader(async args => (args[0]!.startsWith('--query-gpu') ? 'GPU-x, Coarse, 8192, 4096\n' : ''));
    gpus.driver(9, 2);
    const both = gpuReader(reader(), smi);
    assert.deepEqual(
      (await both.read('all', new Set())).map(r => [r.id, r.source, r.degraded]),
      [['GPU-x', 'nvidia-smi', true]],
    );
    gpus.driver(0, 2);
    assert.deepEqual(
      (await both.read('all', new Set())).map(r => [r.source, r.degraded]),
      [
        ['nvml', false],
        ['nvml', false],
      ],
    );
  });
});

describe('nvidia-smi', () => {
  const fields = ['uuid', 'name', 'memory.total', 'memory.free', 'temperature.gpu', 'power.draw', 'fan.speed'];
  it('reads figures, and null where it says N/A', () => {
    const [reading] = parseSmi(
      'GPU-a, NVIDIA GeForce RTX 3060, 12288, 11000, 45, 32.10, [N/A]\n',
      fields,
      'GPU-a, 4242, 1024\nGPU-b, 1, 5\nGPU-a, 77, [N/A]\n',
    );
    assert.deepEqual(
      [reading!.totalBytes, reading!.freeBytes, reading!.temperatureC, reading!.powerW, reading!.fan],
      [12 * GiB, 11000 * 1024 ** 2, 45, 32.1, null],
    );
    assert.deepEqual(reading!.processes, [
      { pid: 4242, name: null, bytes: GiB, peakBytes: null },
      { pid: 77, name: null, bytes: null, peakBytes: null },
    ]);
  });
  it('asks an older program for less, and leaves it alone when there is none', async () => {
    const asked: string[] = [];
    const old = smiReader(async args => {
      asked.push(args[0]!);
      if (args[0]!.includes('fan')) throw new Error('not a valid field');
      return args[0]!.startsWith('--query-gpu') ? 'GPU-a, A, 100, 50' : '';
    });
    assert.equal((await old.read('all', new Set()))[0]!.totalBytes, 100 * 1024 ** 2);
    assert.equal((await old.read('all', new Set())).length, 1);
    assert.equal(asked.filter(question => question.includes('fan')).length, 1);
    let runs = 0;
    const none = smiReader(async () => {
      runs++;
      throw Object.assign(new Error('no program'), { code: 'ENOENT' });
    });
    assert.deepEqual([await none.read('all', new Set()), await none.read('all', new Set()), runs], [[], [], 1]);
  });
});
