/**
 * Live sessions in the pipeline: order, bounds, what happens when the text falls behind, and clients that go away. The
 * fake ingest cuts each second of sound.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { EarshotError } from '../../schemas/errors.ts';
import type { Job, JobOptions } from '../../schemas/job.ts';
import { MAX_CHUNK_BYTES, type LiveRequest, type PartialText } from '../../schemas/live.ts';
import type { ModelCard } from '../../schemas/model.ts';
import type { Settings } from '../../schemas/settings.ts';
import { fakeModel, fourStages, Harness } from './harness.ts';

const SECOND = 32_000;
const sound = (seconds: number): string => Buffer.alloc(seconds * SECOND, 1).toString('base64');
const refusal =
  (code: string, args: object = {}) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof EarshotError);
    assert.equal(error.failure.code, code);
    assert.partialDeepStrictEqual(error.failure.args, args);
    return true;
  };

describe('live sessions', { timeout: 120_000 }, () => {
  let harness: Harness;
  afterEach(() => harness.close());

  const start = (options: Partial<JobOptions> = {}, more: Partial<LiveRequest> = {}): Promise<Job> =>
    harness.pipeline.live.open({ options: { repair: true, language: 'en', ...options }, format: 'pcm', ...more });
  const append = (job: Job, offset: number, data: string): Promise<{ received: number; behindMs: number }> =>
    harness.pipeline.live.append(job.id, offset, data);
  /** Sends seconds one by one and closes. */
  const speak = async (job: Job, seconds: number): Promise<void> => {
    for (let at = 0; at < seconds; at++) await append(job, at * SECOND, sound(1));
    harness.pipeline.live.close(job.id);
  };

  it('text comes while the sound still does, and the job ends when it is closed', async () => {
    harness = await Harness.open({ models: fourStages({ asr: 5, repair: 5, nmt: 5, tts: 5 }) });
    const job = await start({ translateTo: 'es' });
    assert.deepEqual([job.priority, job.live, job.options.outputs], ['high', { open: true }, { formats: [] }]);
    assert.equal((await append(job, 0, sound(2))).received, 2 * SECOND);
    await harness.until('the first words', () => harness.delivered(job, 'nmt').length === 2);
    assert.equal(harness.pipeline.present(job.id)!.live!.open, true);
    await append(job, 2 * SECOND, sound(3));
    assert.equal(harness.pipeline.live.close(job.id).live!.open, false);
    assert.equal(harness.pipeline.live.close(job.id).live!.open, false, 'closing again is nothing');
    const [ended] = await harness.ended([job]);
    assert.deepEqual([ended!.state, ended!.progress.utterances, ended!.recording.durationMs], ['completed', 5, 5000]);
    await assert.rejects(append.bind(null, job, 0, sound(1)), refusal('wrongState', { state: 'completed' }));
  });

  it('ten at once keep their order, also where steps fail and are tried again', async t => {
    const folder = mkdtempSync(join(tmpdir(), 'earshot-live-'));
    t.after(() => rmSync(folder, { recursive: true }));
    harness = await Harness.open({
      models: [
        fakeModel('fake-asr', 'asr', {
          ms: 3,
          script: 'fail@3 fail@17 crash@25 fail@40',
          countFile: join(folder, 'runs'),
        }),
        fakeModel('fake-repair', 'repair', { ms: 2 }),
      ],
    });
    const jobs = await Promise.all(Array.from({ length: 10 }, () => start()));
    await Promise.all(jobs.map(job => speak(job, 8)));
    await harness.until('all is told', () => jobs.every(job => harness.delivered(job, 'repair').length === 8));
    for (const job of await harness.ended(jobs)) {
      assert.equal(job.state, 'completed');
      for (const stage of ['asr', 'repair'] as const)
        assert.deepEqual(harness.delivered(job, stage), [0, 1, 2, 3, 4, 5, 6, 7], stage);
      assert.deepEqual(
        harness.utterances(job).map(({ asr }) => asr!.text.split(' ')[1]),
        ['0', '1', '2', '3', '4', '5', '6', '7'],
      );
    }
  });

  it('what comes twice is taken once; gaps, nonsense and too much are refused, and the session goes on', async () => {
    harness = await Harness.open({ models: fourStages({ asr: 2, repair: 2, nmt: 2, tts: 2 }) });
    const job = await start();
    await append(job, 0, sound(1));
    assert.equal((await append(job, 0, sound(1))).received, SECOND, 'the same again');
    assert.equal((await append(job, SECOND / 2, sound(1))).received, SECOND * 1.5, 'half of it again');
    await assert.rejects(
      append(job, SECOND * 2, sound(1)),
      refusal('badRequest', { field: 'offset', expected: SECOND * 1.5 }),
    );
    for (const nonsense of ['%%%%', 'AAA', 'ä'.repeat(8), 'AA==AAAA'])
      await assert.rejects(append(job, SECOND * 1.5, nonsense), refusal('badRequest', { field: 'data' }), nonsense);
    await assert.rejects(
      append(job, SECOND * 1.5, Buffer.alloc(MAX_CHUNK_BYTES + 3).toString('base64')),
      refusal('badRequest', { field: 'data' }),
    );
    // Several at once are taken in the order in which they came.
    const sizes = await Promise.all([1, 2, 3].map((_, i) => append(job, SECOND * (1.5 + i), sound(1))));
    assert.deepEqual(
      sizes.map(({ received }) => received / SECOND),
      [2.5, 3.5, 4.5],
    );
    assert.equal((await append(job, 0, '')).received, SECOND * 4.5, 'nothing: how far it is');
    harness.pipeline.live.close(job.id);
    assert.equal((await harness.ended([job]))[0]!.progress.utterances, 4);
    await assert.rejects(append({ ...job, id: '01ARZ3NDEKTSV4RRFFQ69G5FAV' }, 0, ''), refusal('unknownJob'));
  });

  it('what it cannot have is refused before anything is there', async () => {
    harness = await Harness.open({
      models: fourStages({ asr: 2, repair: 2, nmt: 2, tts: 2 }),
      settings: { liveSessions: 2 },
    });
    await assert.rejects(
      start({ outputs: { formats: ['txt'] } }),
      refusal('badRequest', { field: 'options.outputs.directory' }),
    );
    await assert.rejects(start({ speak: true }), refusal('badRequest', { field: 'options.outputs.directory' }));
    await assert.rejects(
      start({ outputs: { formats: [], mux: true } }),
      refusal('badRequest', { field: 'options.outputs.mux' }),
    );
    await assert.rejects(start({ models: { asr: 'nobody' } }), refusal('unknownModel'));
    await assert.rejects(start({}, { saveTo: harness.recording('mine.wav') }), refusal('outputNotWritable'));
    assert.equal(harness.pipeline.activeJobs, 0);
    const [first] = [await start(), await start()];
    await assert.rejects(start(), refusal('tooManySessions', { limit: 2 }));
    harness.pipeline.live.close(first.id);
    await start();
  });

  it('behind: told, then repair is left out and marked, and it is told when that is over', async () => {
    let ahead = 0;
    harness = await Harness.open({
      models: [fakeModel('fake-asr', 'asr', { ms: 1 }), fakeModel('fake-repair', 'repair', { ms: 150 })],
      clock: () => Date.now() + ahead,
      settings: { concurrentTasks: 2, adaptive: false },
    });
    const job = await start();
    await append(job, 0, sound(12));
    await harness.until('recognised', () => harness.delivered(job, 'asr').length === 12);
    ahead = 12_000;
    await harness.until('it is told', () =>
      harness.pipeline.present(job.id)!.warnings.some(({ code }) => code === 'sessionBehind'),
    );
    const repairedInTime = harness.delivered(job, 'repair').length;
    ahead = 25_000;
    await harness.until('all over', () => harness.delivered(job, 'repair').length === 12);
    await append(job, 12 * SECOND, sound(1));
    await harness.until(
      'the next in time, and it is over',
      () =>
        harness.delivered(job, 'repair').length === 13 &&
        harness.store.log({ job: job.id, kind: 'live.caughtUp', limit: 1 }).length,
    );
    harness.pipeline.live.close(job.id);
    const [ended] = await harness.ended([job]),
      late = harness.utterances(job).filter(({ repair }) => repair!.refused === 'late');
    assert.equal(ended!.state, 'completed');
    assert.ok(late.length > 0 && late.length <= 12 - repairedInTime, `${late.length} of 12, ${repairedInTime} in time`);
    for (const { asr, repair } of late) assert.deepEqual(repair, { text: asr!.text, changes: [], refused: 'late' });
    assert.equal(harness.utterances(job)[12]!.repair!.refused, undefined);
    const [warning, ...others] = ended!.warnings;
    assert.deepEqual([warning!.code, warning!.args.unrepaired, others.length], ['sessionBehind', late.length, 0]);
    assert.ok(Number(warning!.args.seconds) >= 12, JSON.stringify(warning));
    assert.deepEqual(
      harness.store.log({ job: job.id, kind: 'live.*', limit: 99 }).map(({ kind }) => kind),
      ['live.behind', ...late.map(() => 'live.unrepaired'), 'live.caughtUp', 'live.closed'],
    );
  });

  it('no more sound is taken than may wait: the answer waits, then the same is to come again', async t => {
    let ahead = 0;
    const folder = mkdtempSync(join(tmpdir(), 'earshot-live-'));
    t.after(() => rmSync(folder, { recursive: true }));
    harness = await Harness.open({
      models: [
        fakeModel('fake-asr', 'asr', { ms: 1, script: 'hang@1', countFile: join(folder, 'runs') }),
        fakeModel('fake-repair', 'repair', { ms: 1 }),
      ],
      clock: () => Date.now() + ahead,
      // On a busy machine it would be narrow and leave a core to a second one, which goes on where the first hangs.
      settings: { yieldTo: 'never' },
    });
    const job = await start();
    let sent = 0;
    const next = async (): Promise<void> => {
      await append(job, sent, sound(20));
      sent += 20 * SECOND;
    };
    for (let i = 0; i < 4; i++) await next();
    const held = append(job, sent, sound(20));
    await harness.until(
      'the recogniser hangs over the first',
      () =>
        harness.pipeline.present(job.id)!.progress.utterances === 80 &&
        harness.pipeline.present(job.id)!.progress.stages.asr!.running === 1 &&
        // The run has come to its worker: one that is killed before that does not count as the one that hangs.
        existsSync(join(folder, 'runs')),
    );
    ahead = 6_000;
    await assert.rejects(held, refusal('sessionBehind'));
    assert.equal((await append(job, 0, '')).received, sent, 'nothing of it was kept');
    // The recogniser hangs no more: what was refused is taken.
    for (const instance of harness.pipeline.instances.values()) instance.stop('kill');
    const again = async (): Promise<void> => {
      try {
        await next();
      } catch (error) {
        refusal('sessionBehind')(error);
        await again();
      }
    };
    await again();
    harness.pipeline.live.close(job.id);
    assert.equal((await harness.ended([job]))[0]!.progress.stages.asr!.done, 100);
  });

  it('a client that disappears: the session is closed with all its text', async () => {
    harness = await Harness.open({
      models: fourStages({ asr: 2, repair: 2, nmt: 2, tts: 2 }),
      settings: { liveTimeoutSeconds: 1 },
    });
    const job = await start();
    await append(job, 0, sound(3));
    const [ended] = await harness.ended([job]);
    assert.deepEqual([ended!.state, ended!.progress.stages.repair!.done], ['completed', 3]);
    assert.equal(harness.store.log({ job: job.id, kind: 'live.closed', limit: 1 })[0]!.data.why, 'silent');
  });

  it('a cancelled session takes no more, and its sound is gone', async () => {
    harness = await Harness.open({ models: fourStages({ asr: 2, repair: 2, nmt: 2, tts: 2 }) });
    const job = await start();
    await append(job, 0, sound(1));
    harness.pipeline.queue.cancel([job.id]);
    await assert.rejects(append(job, SECOND, sound(1)), refusal('wrongState', { state: 'cancelled' }));
    assert.equal((await harness.ended([job]))[0]!.live!.open, false);
  });

  describe('what is still being said', () => {
    const part = (ms: number): string => Buffer.alloc(ms * 32, 1).toString('base64');
    const partials = (job: Job, index?: number): PartialText[] =>
      harness.events.flatMap(event =>
        event.type === 'partial' && event.job === job.id && (index === undefined || event.partial.index === index)
          ? [event.partial]
          : [],
      );
    const places = (job: Job): string[] =>
      harness.events.flatMap(event =>
        event.type === 'partial' && event.job === job.id
          ? [`partial ${event.partial.index}`]
          : event.type === 'utterance' && event.job === job.id && event.utterance.asr
            ? [`final ${event.utterance.index}`]
            : [],
      );

    it('is there before the utterance ends, grows, and leaves the text as it is without it', async () => {
      harness = await Harness.open({ models: [fakeModel('fake-asr', 'asr', { ms: 2 })], liveUtteranceMs: 2000 });
      const job = await start({ repair: false }, { partials: true });
      await append(job, 0, part(500));
      await harness.until('the first words', () => partials(job).length > 0);
      assert.deepEqual(partials(job), [{ index: 0, startMs: 0, endMs: 500, stable: '', unstable: 'utterance 0 a-' }]);
      await append(job, 500 * 32, part(800));
      await harness.until('more of them', () => partials(job).length > 1);
      assert.deepEqual(partials(job)[1], {
        index: 0,
        startMs: 0,
        endMs: 1300,
        stable: 'utterance 0',
        unstable: ' amber dune',
      });
      assert.deepEqual(harness.store.utterances(job.id), [], 'nothing of it is stored');
      await append(job, 1300 * 32, part(700));
      await harness.until('the utterance', () => harness.delivered(job, 'asr').length === 1);
      // The beginning of another, which no utterance comes of.
      await append(job, 2 * SECOND, part(600));
      await harness.until('the next', () => partials(job, 1).length);
      harness.pipeline.live.close(job.id);
      const [ended] = await harness.ended([job]);
      assert.equal(ended!.progress.utterances, 1);

      const plain = await start({ repair: false });
      await speak(plain, 2);
      await harness.ended([plain]);
      assert.deepEqual(harness.utterances(job), harness.utterances(plain));
      assert.deepEqual(partials(plain), []);
    });

    it('what came while a pass went on is heard next, though nothing more comes', async () => {
      harness = await Harness.open({
        models: [fakeModel('fake-asr', 'asr', { ms: 2, partialMs: 150 })],
        liveUtteranceMs: 5000,
        settings: { yieldTo: 'never', tickSeconds: 60 },
      });
      const job = await start({ repair: false }, { partials: true });
      await append(job, 0, part(600));
      await harness.until('a pass is under way', () =>
        [...harness.pipeline.instances.values()].some(each => each.passing),
      );
      await append(job, 600 * 32, part(300));
      await harness.until('the words until then', () => partials(job).some(({ endMs }) => endMs === 900));
      harness.pipeline.live.close(job.id);
      assert.equal((await harness.ended([job]))[0]!.state, 'completed');
    });

    it('ten at once keep order and bounds', async () => {
      harness = await Harness.open({
        models: [fakeModel('fake-asr', 'asr', { ms: 3, partialMs: 2 })],
        settings: { yieldTo: 'never' },
      });
      const jobs = await Promise.all(Array.from({ length: 10 }, () => start({ repair: false }, { partials: true })));
      await Promise.all(jobs.map(job => append(job, 0, part(600))));
      await harness.until('each had its turn', () => jobs.every(job => partials(job, 0).length > 0));
      await Promise.all(
        jobs.map(async (job, n) => {
          const bytes = 5 * SECOND,
            size = (250 + 7 * n) * 32;
          for (let at = 600 * 32; at < bytes; at += size)
            await append(job, at, Buffer.alloc(Math.min(size, bytes - at), 1).toString('base64'));
          harness.pipeline.live.close(job.id);
        }),
      );
      for (const job of await harness.ended(jobs)) {
        assert.equal(job.state, 'completed');
        assert.deepEqual(harness.delivered(job, 'asr'), [0, 1, 2, 3, 4]);
        const seen = places(job);
        for (let index = 0; index < 5; index++)
          assert.ok(seen.lastIndexOf(`partial ${index}`) < seen.indexOf(`final ${index}`), seen.join(', '));
        for (let index = 0; index < 5; index++) {
          const stable = partials(job, index).map(partial => partial.stable);
          assert.ok(
            stable.every((text, n) => n === 0 || text.startsWith(stable[n - 1]!)),
            stable.join(' | '),
          );
        }
      }
    });

    describe('a streaming model beside the recognizer', () => {
      const recorded = 'after early nightfall the yellow lamps would light up';
      const streaming = (parameters: Record<string, string | number | boolean> = {}): ModelCard =>
        fakeModel('fake-streaming', 'asr', { streams: recorded, ...parameters });
      const loaded = (model: string): boolean =>
        [...harness.pipeline.instances.values()].some(
          ({ options, state }) => options.card.id === model && state === 'idle',
        );
      const open = async (models: ModelCard[], settings: Partial<Settings> = {}): Promise<Job> => {
        harness = await Harness.open({
          models,
          liveUtteranceMs: 4000,
          settings: { yieldTo: 'never', tickSeconds: 0.1, ...settings },
        });
        return start({ repair: false }, { partials: true });
      };

      it('shows what it hears, keeps its memory under a lease, and the final pass is not its own', async t => {
        const folder = mkdtempSync(join(tmpdir(), 'earshot-forget-')),
          forgetFile = join(folder, 'forgotten');
        t.after(() => rmSync(folder, { recursive: true }));
        const job = await open([fakeModel('fake-asr', 'asr', { ms: 2 }), streaming({ forgetFile })]);
        await append(job, 0, part(600));
        await harness.until('it is loaded', () => loaded('fake-streaming'));
        for (let at = 600; at < 3600; at += 500) {
          await append(job, at * 32, part(500));
          await harness.until(`the words of ${at} ms`, () =>
            partials(job).some(({ stable, unstable }) =>
              (stable + unstable).startsWith(
                recorded
                  .split(' ')
                  .slice(0, Math.floor(at / 500) + 1)
                  .join(' '),
              ),
            ),
          );
        }
        const shown = partials(job).filter(({ unstable, stable }) => recorded.startsWith(stable + unstable));
        // All but the last word, which may be half of one.
        assert.deepEqual(
          [shown.at(-1)!.stable, shown.at(-1)!.unstable],
          ['after early nightfall the yellow lamps', ' would'],
        );
        assert.ok(harness.pool.leases().length === 2, 'each of the two models holds a lease');
        await append(job, 3600 * 32, part(400));
        harness.pipeline.live.close(job.id);
        const [ended] = await harness.ended([job]);
        assert.deepEqual([ended!.state, ended!.models.asr], ['completed', 'fake-asr']);
        assert.equal(harness.utterances(job)[0]!.asr!.text, 'utterance 0 amber dune');
        const path = await harness.until('what it kept is given back', () =>
          existsSync(forgetFile) ? readFileSync(forgetFile, 'utf8').split('\n')[0] : null,
        );
        assert.ok(path.includes(job.id), path);
      });

      it('is not loaded where that takes something from others, and the recognizer hears instead', async () => {
        const job = await open([fakeModel('fake-asr', 'asr', { ms: 2 }), streaming()], { loadedModels: 1 });
        await append(job, 0, part(600));
        await harness.until('the first words', () => partials(job).length > 0);
        await append(job, 600 * 32, part(600));
        await harness.until('more of them', () => partials(job).length > 1);
        assert.ok(partials(job).every(({ stable, unstable }) => (stable + unstable).startsWith('utterance 0')));
        assert.deepEqual(
          [...harness.pipeline.instances.values()].map(({ options }) => options.card.id),
          ['fake-asr'],
        );
      });

      it('gives its place to what a job wants', async () => {
        const job = await open(
          [fakeModel('fake-asr', 'asr', { ms: 2 }), streaming(), fakeModel('fake-repair', 'repair', { ms: 2 })],
          { loadedModels: 2 },
        );
        await append(job, 0, part(600));
        await harness.until('it is loaded', () => loaded('fake-streaming'));
        const [other] = await harness.ended(await harness.submit(['other.wav'], { translateTo: undefined }));
        assert.equal(other!.state, 'completed');
        assert.ok(!loaded('fake-streaming'));
      });

      it('that breaks leaves it to the recognizer', async () => {
        const job = await open([fakeModel('fake-asr', 'asr', { ms: 2 }), streaming({ partialMishap: 'fail' })]);
        let at = 0;
        await append(job, 0, part((at = 600)));
        await harness.until('it is loaded', () => loaded('fake-streaming'));
        for (let n = 1; n <= 3; n++) {
          await append(job, at * 32, part(300));
          at += 300;
          await harness.until(
            `failure ${n}`,
            () => harness.log.filter(line => line.includes('partial text failed')).length >= n,
          );
        }
        const before = partials(job).length;
        await append(job, at * 32, part(600));
        await harness.until('the recognizer goes on', () => partials(job).length > before);
        assert.ok(partials(job).every(({ stable, unstable }) => (stable + unstable).startsWith('utterance 0')));
      });
    });

    it('gives way: a pass without end holds up neither its own session nor another one', async () => {
      harness = await Harness.open({
        models: [fakeModel('fake-asr', 'asr', { ms: 2, partialMs: 3_600_000 })],
        settings: { yieldTo: 'never', instancesPerDevice: 1 },
      });
      const [mine, other] = [
        await start({ repair: false }, { partials: true }),
        await start({ repair: false }, { partials: true }),
      ];
      await append(mine, 0, part(600));
      await harness.until('a pass is under way', () =>
        [...harness.pipeline.instances.values()].some(each => each.passing),
      );
      await speak(other, 2);
      await harness.ended([other]);
      await append(mine, 600 * 32, part(400));
      await harness.until('its own', () => harness.delivered(mine, 'asr').length === 1);
      harness.pipeline.live.close(mine.id);
      assert.deepEqual((await harness.ended([mine]))[0]!.state, 'completed');
      assert.deepEqual(
        harness.store.log({ kind: 'attempt.*', job: mine.id, limit: 9 }).filter(({ data }) => data.failure),
        [],
      );
    });

    for (const mishap of ['fail', 'crash', 'oom', 'badOutput'])
      it(`does no harm when it fails: ${mishap}`, async () => {
        harness = await Harness.open({
          models: [fakeModel('fake-asr', 'asr', { ms: 2, partialMishap: mishap })],
          settings: { yieldTo: 'never' },
        });
        const job = await start({ repair: false }, { partials: true });
        for (let at = 0; at < 4000; at += 500) {
          await append(job, at * 32, part(500));
          await harness.until(
            'all that has an end',
            () => harness.delivered(job, 'asr').length === Math.floor((at + 500) / 1000),
          );
        }
        harness.pipeline.live.close(job.id);
        const [ended] = await harness.ended([job]);
        assert.deepEqual([ended!.state, ended!.warnings, partials(job)], ['completed', [], []]);
        assert.deepEqual(
          harness.utterances(job).map(({ asr, failed }) => [asr!.text.split(' ')[1], failed]),
          [0, 1, 2, 3].map(index => [String(index), undefined]),
        );
      });

    it('waits while the queue is paused', async () => {
      harness = await Harness.open({ models: [fakeModel('fake-asr', 'asr', { ms: 2 })] });
      const job = await start({ repair: false }, { partials: true });
      await append(job, 0, sound(1));
      await harness.until('the first', () => harness.delivered(job, 'asr').length === 1);
      harness.pipeline.queue.setQueue(false);
      await append(job, SECOND, part(600));
      await append(job, SECOND + 600 * 32, part(100));
      assert.deepEqual(partials(job, 1), []);
      harness.pipeline.queue.setQueue(true);
      await harness.until('then it comes', () => partials(job, 1).length);
    });
  });
});
