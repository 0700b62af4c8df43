/** Words while they are spoken, on real weights and real speech. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Job } from '../../schemas/job.ts';
import type { PartialText } from '../../schemas/live.ts';
import { BYTES_PER_MS } from '../../schemas/pcm.ts';
import { RealDaemon, SAMPLES } from '../daemon/real.ts';
import { ffmpeg, make, missing, modelFolder, python } from './place.ts';
import { words } from './words.ts';

describe(
  'live, on Whisper base',
  {
    skip: missing({ ffmpeg, 'the Python runtime': python, 'whisper-base': modelFolder('whisper-base') }),
    timeout: 240_000,
  },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'earshot-live-')),
      daemon = new RealDaemon({ settings: { yieldTo: 'never' } });
    let sound: Buffer;
    before(async () => {
      const path = join(folder, 'sound.pcm');
      // One utterance of 7.2 s, and the pause behind it.
      make([
        '-i',
        join(SAMPLES, 'sense-and-sensibility.flac'),
        '-t',
        '7.6',
        '-ac',
        '1',
        '-ar',
        '16000',
        '-f',
        's16le',
        path,
      ]);
      sound = readFileSync(path);
      await daemon.start();
    });
    after(async () => {
      await daemon.close();
      rmSync(folder, { recursive: true, force: true });
    });

    const open = async (partials: boolean): Promise<Job> =>
      (
        await daemon.client.call('live/open', {
          options: { repair: false, models: { asr: 'whisper-base' } },
          format: 'pcm',
          partials,
        })
      ).job;
    const send = (job: Job, fromMs: number, toMs: number): Promise<unknown> =>
      daemon.client.call('live/append', {
        id: job.id,
        offset: fromMs * BYTES_PER_MS,
        data: sound.subarray(fromMs * BYTES_PER_MS, toMs * BYTES_PER_MS).toString('base64'),
      });
    const lengthMs = (): number => sound.length / BYTES_PER_MS;

    it('they stand before the utterance ends, and the text is the same as without them', async () => {
      const live = await open(true),
        heard: PartialText[] = [];
      let look = (): void => {};
      daemon.client.onEvents(({ events }) => {
        for (const event of events) if (event.type === 'partial' && event.job === live.id) heard.push(event.partial);
        look();
      });
      const until = (fits: (partial: PartialText) => boolean): Promise<void> =>
        new Promise(resolve => {
          look = () => {
            if (heard.some(fits)) resolve();
          };
          look();
        });
      await daemon.client.call('state/subscribe', { topics: [], utterancesOf: [live.id] });
      // Until there was a pass, there is nothing that a second one could agree with.
      await send(live, 0, 2500);
      await until(({ unstable }) => unstable !== '');
      await send(live, 2500, 4000);
      await until(({ stable }) => words(stable).length >= 3);
      assert.deepEqual((await daemon.client.call('job/utterances', { id: live.id })).utterances, []);
      const early = words(heard.at(-1)!.stable);
      await send(live, 4000, lengthMs());
      await daemon.client.call('live/close', { id: live.id });

      const plain = await open(false);
      await send(plain, 0, lengthMs());
      await daemon.client.call('live/close', { id: plain.id });
      await daemon.ended([live, plain]);
      const [with_, without] = await Promise.all(
        [live, plain].map(async ({ id }) => (await daemon.client.call('job/utterances', { id })).utterances),
      );
      assert.deepEqual(early, words(without![0]!.asr!.text).slice(0, early.length));
      assert.match(without!.map(({ asr }) => asr!.text).join(' '), /Dashwood had then leisure/);
      assert.deepEqual(with_, without);
    });
  },
);
