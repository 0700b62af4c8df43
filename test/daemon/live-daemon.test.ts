/**
 * Live sessions of a real daemon: real sound through the real voice detector, kill -9 in between, containers, nonsense,
 * two clients. The recogniser is the fake one.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../client/client.ts';
import type { EarshotError } from '../../schemas/errors.ts';
import type { Job, Utterance } from '../../schemas/job.ts';
import type { LiveFormat } from '../../schemas/live.ts';
import { fakeModel } from './harness.ts';
import { RealDaemon, SAMPLES } from './real.ts';

const SPEECH = join(SAMPLES, 'sense-and-sensibility.flac');

describe('live sessions of a daemon', { timeout: 180_000 }, () => {
  const daemon = new RealDaemon({
    models: [fakeModel('fake-asr', 'asr', { ms: 5 }), fakeModel('fake-repair', 'repair', { ms: 5 })],
    settings: { cpuThreads: 8, loadedModels: 8 },
  });
  let pcm: Buffer, ffmpeg: string;
  before(async () => {
    await daemon.start();
    ({ ffmpeg } = await daemon.client.call('live/recorder', {}));
    pcm = spawnSync(ffmpeg, ['-v', 'error', '-i', SPEECH, '-ar', '16000', '-ac', '1', '-f', 's16le', '-'], {
      maxBuffer: 1e8,
    }).stdout;
  });
  after(() => daemon.close());

  const open = async (client: Client, format: LiveFormat = 'pcm', more: { saveTo?: string } = {}): Promise<Job> =>
    (await client.call('live/open', { options: { repair: true, language: 'en' }, format, ...more })).job;
  const send = async (
    client: Client,
    job: Job,
    bytes: Buffer,
    from = 0,
    to = bytes.length,
    chunk = 100_000,
  ): Promise<void> => {
    for (let at = from; at < to; at += chunk)
      await client.call('live/append', {
        id: job.id,
        offset: at,
        data: bytes.subarray(at, Math.min(to, at + chunk)).toString('base64'),
      });
  };
  const close = (client: Client, job: Job): Promise<unknown> => client.call('live/close', { id: job.id });
  const utterances = async (job: Job): Promise<Utterance[]> =>
    (await daemon.client.call('job/utterances', { id: job.id })).utterances;
  const spans = (all: readonly Utterance[]): [number, number][] => all.map(({ startMs, endMs }) => [startMs, endMs]);

  it('killed and started again in the middle, the same client goes on, and nothing of it is missing', async () => {
    const whole = await open(daemon.client);
    await send(daemon.client, whole, pcm);
    await close(daemon.client, whole);
    await daemon.ended([whole]);
    const job = await open(daemon.client),
      half = Math.floor(pcm.length / 2);
    await send(daemon.client, job, pcm, 0, half);
    // The last of it is on its way when the daemon dies.
    void daemon.client
      .call('live/append', { id: job.id, offset: half, data: pcm.subarray(half, half + 40_000).toString('base64') })
      .catch(() => {});
    await daemon.kill();
    await daemon.start();
    const { received } = await daemon.client.call('live/append', { id: job.id, offset: 0, data: '' });
    assert.ok(received >= half, `${received} of ${half}`);
    await send(daemon.client, job, pcm, received);
    await close(daemon.client, job);
    const [ended] = await daemon.ended([job]);
    assert.deepEqual(
      [ended!.state, ended!.recording.durationMs, ended!.warnings],
      ['completed', Math.floor(pcm.length / 32), []],
    );
    assert.ok((await utterances(job)).length >= 5);
    assert.deepEqual(spans(await utterances(job)), spans(await utterances(whole)), 'cut as if nothing had happened');
    assert.deepEqual(
      (await utterances(job)).map(({ asr }) => asr!.text),
      (await utterances(whole)).map(({ asr }) => asr!.text),
    );
  });

  it('chunks of a container are decoded as they come; two clients at once', async () => {
    const second = await daemon.connect('second');
    try {
      const flac = readFileSync(SPEECH),
        saveTo = join(daemon.root, 'kept.wav');
      const [mine, other] = [await open(daemon.client, 'container', { saveTo }), await open(second)];
      const words = daemon.event([mine], event => event.type === 'utterance' && event.job === mine.id);
      await Promise.all([
        send(daemon.client, mine, flac, 0, Math.floor(flac.length * 0.7), 7_001),
        send(second, other, pcm),
      ]);
      await words; // before the sound has ended
      await send(daemon.client, mine, flac, Math.floor(flac.length * 0.7), flac.length, 30_011);
      // Either client may end what the other began.
      await Promise.all([close(second, mine), close(daemon.client, other)]);
      const ended = await daemon.ended([mine, other]);
      assert.deepEqual(
        ended.map(({ state, warnings }) => [state, warnings]),
        [
          ['completed', []],
          ['completed', []],
        ],
      );
      assert.deepEqual(spans(await utterances(mine)), spans(await utterances(other)));
      assert.deepEqual(
        ended[0]!.outputs.map(({ kind, path }) => [kind, path]),
        [['recording', saveTo]],
      );
      assert.equal(statSync(saveTo).size, pcm.length + 44);
      // It goes behind the event that says that the session has ended.
      for (const until = Date.now() + 90_000; existsSync(join(daemon.home.audio, mine.id)); await sleep(20))
        assert.ok(Date.now() < until, 'the sound of the session stayed');
    } finally {
      second.dispose();
    }
  });

  it('nonsense for sound ends the session with the reason, silence and nothing at all end it well', async () => {
    const [nonsense, silence, nothing, nothingAtAll] = [
      await open(daemon.client, 'container'),
      await open(daemon.client),
      await open(daemon.client, 'container'),
      await open(daemon.client),
    ];
    const over = (error: unknown): void => assert.equal((error as EarshotError).failure.code, 'wrongState');
    await send(daemon.client, nonsense, Buffer.from('this is not sound. '.repeat(20_000))).catch(over);
    await send(daemon.client, silence, Buffer.alloc(32_000 * 5));
    for (const job of [nonsense, silence, nothing, nothingAtAll]) await close(daemon.client, job);
    const ended = await daemon.ended([nonsense, silence, nothing, nothingAtAll]);
    assert.deepEqual(
      ended.map(({ state, failure }) => [state, failure?.code]),
      [
        ['failed', 'notMedia'],
        ['completed', undefined],
        ['completed', undefined],
        ['completed', undefined],
      ],
    );
    assert.equal(ended[1]!.recording.durationMs, 5000);
  });
});
