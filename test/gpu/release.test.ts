/**
 * Memory that a worker was told to give back and that the device does not show: taken by force, and nothing new goes
 * there until it shows.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ModelCard } from '../../schemas/model.ts';
import { gpuReader } from '../../daemon/devices/readers.ts';
import { nvmlReader } from '../../daemon/devices/nvml.ts';
import { Harness, MiB } from '../daemon/harness.ts';
import { virtual } from './engine/engine.ts';
import { build, virtualGpus } from './virtual/gpus.ts';

const libraries = build();
if ('reason' in libraries) console.log(`skipped: ${libraries.reason}`);

it(
  'a job waits for memory that does not come back, and runs when it has',
  { skip: 'reason' in libraries ? libraries.reason : false, timeout: 180_000 },
  async () => {
    const paths = libraries as { nvml: string; control: string },
      gpus = virtualGpus(paths, 1, 24 * 1024 * MiB);
    let ahead = 0;
    const model = (id: string): ModelCard => ({
      id,
      name: id,
      family: id,
      engine: 'virtual',
      stages: ['asr'],
      languages: [],
      licence: 'MIT',
      homepage: '',
      files: [],
      memory: { gpu: 14 * 1024 * MiB },
      precision: {},
      size: 1,
      parameters: { loadMs: 10, ms: 10, weightsMiB: 13_000, scratchMiB: 500 },
    });
    const harness = await Harness.open({
      models: [model('first'), model('second')],
      engines: [virtual],
      readers: [gpuReader(nvmlReader({ names: [paths.nvml], rescanMs: 100 }))],
      clock: () => Date.now() + ahead,
      settings: { othersOnCpu: false },
    });
    try {
      gpus.set(0, 'release_delay_ms', 3_600_000); // the driver keeps it, whatever happens to the process
      const submit = async (name: string, asr: string) =>
        (await harness.submit([name], { repair: false, translateTo: undefined, models: { asr } }))[0]!;
      await harness.ended([await submit('a.wav', 'first')]);
      const waiting = await submit('b.wav', 'second');
      const reason = (): string | undefined => harness.pipeline.present(waiting.id)!.waiting?.code;
      await harness.until('the first model to go', async () => {
        await harness.pool.refresh();
        return harness.pool.leases().some(({ state }) => state === 'releasing') && reason() === 'releasing';
      });
      ahead += 11_000;
      await harness.until('force', async () => {
        await harness.pool.refresh();
        return harness.pool.leases().some(({ state }) => state === 'forced');
      });
      assert.equal(
        harness.pool.views().find(({ kind }) => kind === 'gpu')!.usable,
        false,
        'the device takes nothing new',
      );
      assert.equal(harness.store.job(waiting.id)!.startedAt, null);
      assert.ok(reason(), 'the job says what it waits for');
      gpus.clear(0);
      await harness.until('the memory to be counted free', async () => {
        await harness.pool.refresh();
        return harness.pool.leases().every(({ state }) => state === 'active');
      });
      const [ended] = await harness.ended([waiting]);
      assert.equal(ended!.state, 'completed');
      assert.deepEqual(
        harness.log.filter(line => /neverFits/.test(line)),
        [],
      );
    } finally {
      await harness.close();
      gpus.dispose();
    }
  },
);
