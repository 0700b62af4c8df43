/**
 * Memory of real models on the CPU device: what is measured becomes the estimate, and a cap that holds only some of
 * them is kept.
 */
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { Estimate } from '../../schemas/device.ts';
import { ffmpeg, make, missing, modelFolder, SAMPLES } from './place.ts';
import { RealDaemon } from '../daemon/real.ts';

const MiB = 1024 ** 2;
const RECORDING = join(SAMPLES, 'sense-and-sensibility.flac');
const sample = (daemon: RealDaemon, name: string): string => {
  const path = join(daemon.recordings, name);
  copyFileSync(RECORDING, path);
  return path;
};
/** Its first sentence: translating takes long. */
const sentence = (daemon: RealDaemon, name: string): string => {
  const path = join(daemon.recordings, name);
  make(['-i', RECORDING, '-t', '7.3', path]);
  return path;
};

it(
  "estimates Whisper's second run within a fifth of its measured peak",
  { skip: missing({ ffmpeg, 'whisper-base': modelFolder('whisper-base') }), timeout: 240_000 },
  async () => {
    // A model loaded anew for each job, so that the second run is measured by itself.
    const daemon = await new RealDaemon({ settings: { modelReuse: 'never', formats: [] } }).start();
    try {
      const whisper = async (): Promise<Estimate> =>
        (await daemon.client.call('device/list', {})).estimates.find(estimate => estimate.model === 'whisper-base')!;
      await daemon.ended(await daemon.submit([sample(daemon, 'one.flac')], { repair: false }));
      const first = await whisper();
      assert.equal(first.source, 'measured');
      await daemon.ended(await daemon.submit([sample(daemon, 'two.flac')], { repair: false }));
      const second = await whisper();
      const error = (first.estimateBytes - second.lastPeakBytes!) / second.lastPeakBytes!;
      console.log(
        `Whisper base: first peak ${(first.lastPeakBytes! / MiB).toFixed(0)} MiB, estimate ` +
          `${(first.estimateBytes / MiB).toFixed(0)} MiB, second peak ` +
          `${(second.lastPeakBytes! / MiB).toFixed(0)} MiB, error ${(error * 100).toFixed(1)} %`,
      );
      assert.ok(second.samples > first.samples, 'the second run was measured');
      assert.ok(Math.abs(error) <= 0.2);
    } finally {
      await daemon.close();
    }
  },
);

const SMALL = 'qwen2.5-coder-0.5b-instruct',
  LARGE = 'qwen2.5-coder-1.5b-instruct',
  // Repair asks a language model only where the sound leaves something open.
  TRANSLATED = { repair: false, translateTo: 'es' },
  models = Object.fromEntries(['whisper-base', SMALL, LARGE].map(id => [id, modelFolder(id)]));
it(
  'runs three models under a cap that holds two, one waiting with its reason',
  { skip: missing({ ffmpeg, ...models }), timeout: 400_000 },
  async () => {
    const daemon = await new RealDaemon({
      // Memory is to be short, not cores: a busy neighbor would keep the third model from being asked for.
      settings: { ramCapBytes: 3500 * MiB, memoryReserveBytes: 0, formats: [], yieldTo: 'never' },
    }).start();
    try {
      const reasons = new Set<string>(),
        loaded = new Map<string, number>();
      let most = 0;
      const leases = new Map<string, number>();
      daemon.client.onEvents(({ events }) => {
        for (const event of events) {
          if (event.type === 'job' && event.job.waiting && event.job.recording.name === 'two.flac')
            reasons.add(event.job.waiting.code);
          if (event.type === 'instanceGone') leases.delete(event.id);
          if (event.type !== 'instance') continue;
          leases.set(event.instance.id, event.instance.leaseBytes);
          if (event.instance.loadedAt !== null)
            loaded.set(
              event.instance.model,
              Math.max(loaded.get(event.instance.model) ?? 0, event.instance.leaseBytes),
            );
          most = Math.max(
            most,
            [...leases.values()].reduce((sum, bytes) => sum + bytes, 0),
          );
        }
      });
      await daemon.client.call('state/subscribe', { topics: ['jobs', 'instances'] });
      const jobs = [
        ...(await daemon.submit([sentence(daemon, 'one.flac')], {
          ...TRANSLATED,
          models: { asr: 'whisper-base', nmt: SMALL },
        })),
        ...(await daemon.submit([sentence(daemon, 'two.flac')], {
          ...TRANSLATED,
          models: { asr: 'whisper-base', nmt: LARGE },
        })),
      ];
      const open = new Set(jobs.map(job => job.id));
      await new Promise<void>(resolve =>
        daemon.client.onEvents(({ events }) => {
          for (const event of events)
            if (event.type === 'job' && ['completed', 'failed'].includes(event.job.state)) open.delete(event.job.id);
          if (!open.size) resolve();
        }),
      );
      for (const job of jobs)
        assert.equal((await daemon.client.call('job/get', { id: job.id })).job.state, 'completed');
      console.log(`most leased ${(most / MiB).toFixed(0)} MiB of 3500; waited for: ${[...reasons].join(', ')}`);
      assert.deepEqual([...loaded.keys()].sort(), [SMALL, LARGE, 'whisper-base'].sort());
      assert.ok(most <= 3500 * MiB, `${most / MiB} MiB were leased`);
      assert.ok(
        [...loaded.values()].reduce((sum, bytes) => sum + bytes, 0) > 3500 * MiB,
        'together they would not have fitted',
      );
      // On few cores the second job waits for those first, and for memory only afterwards.
      assert.ok(
        ['memory', 'reserved', 'releasing', 'cores'].some(code => reasons.has(code)),
        [...reasons].join(),
      );
    } finally {
      await daemon.close();
    }
  },
);
