import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { StoreError } from '../../daemon/contracts/store.ts';
import { failure } from '../../schemas/errors.ts';
import type { StateEvent } from '../../schemas/rpc.ts';
import { engineFor } from '../../daemon/engines/engines.ts';
import { Harness, fakeModel, fourStages } from './harness.ts';

/** The store's writes on the way of a job. */
const WRITES = [
  'addUtterances',
  'claim',
  'finish',
  'close',
  'update',
  'journal',
  'setMeta',
  'addPeak',
  'synced',
] as const;

describe('the pipeline', { timeout: 180_000 }, () => {
  let harness: Harness;
  afterEach(() => harness.close());

  it('takes a recording through all four stages, and delivers in order', async () => {
    harness = await Harness.open({
      models: fourStages({ asr: 10, repair: 5, nmt: 10, tts: 5 }),
      utterances: () => [1000, 2000, 1500, 800, 700],
    });
    const [job] = await harness.ended(await harness.submit(['talk.wav'], { speak: true }));
    assert.equal(job!.state, 'completed');
    const utterances = harness.utterances(job!);
    assert.equal(utterances.length, 5);
    for (const utterance of utterances)
      assert.ok(
        utterance.asr?.text && utterance.repair?.text && utterance.nmt?.text && utterance.tts,
        JSON.stringify(utterance),
      );
    for (const stage of ['asr', 'repair', 'nmt', 'tts'] as const)
      assert.deepEqual(harness.delivered(job!, stage), [0, 1, 2, 3, 4]);
  });

  it('publishes things as they were when they were safe: what they become later is published later', async () => {
    harness = await Harness.open({
      models: fourStages({ asr: 5, repair: 5, nmt: 5, tts: 5 }),
      utterances: () => [1000, 2000, 1500],
    });
    const published: [StateEvent, string][] = [];
    harness.watch(event => published.push([event, JSON.stringify(event)]));
    await harness.submit(['talk.wav'], { speak: true });
    await harness.until('the event of its end', () =>
      published.some(([event]) => event.type === 'job' && event.job.state === 'completed'),
    );
    for (const [event, was] of published) assert.equal(JSON.stringify(event), was);
  });

  it('goes on without a repair model that cannot be had, and says so; one that the job named is missed', async () => {
    harness = await Harness.open({
      models: fourStages({ asr: 20, repair: 60_000, nmt: 5, tts: 5 }),
      utterances: () => [1000, 2000, 1500],
    });
    const repair = 'fake-repair';
    const jobs = [
      ...(await harness.submit(['talk.wav'])),
      ...(await harness.submit(['named.wav'], { models: { repair } })),
    ];
    await harness.until('its recognition', () => jobs.every(job => harness.utterances(job).some(each => each.asr)));
    harness.pipeline.cannotHave(repair, failure('engineInstallFailed', { engine: 'llama' }));
    const [job, named] = await harness.ended(jobs);
    assert.equal(job!.state, 'completed', JSON.stringify(job!.failure));
    assert.ok(harness.utterances(job!).every(each => each.asr?.text && each.repair?.text === each.asr.text));
    assert.deepEqual(
      job!.warnings.map(({ code, args }) => ({ code, args })),
      [{ code: 'repairLeftOut', args: { model: repair, cause: 'engineInstallFailed' } }],
    );
    assert.deepEqual([named!.state, named!.failure?.code], ['failed', 'engineInstallFailed']);
  });

  it('overlaps the stages inside one recording', async () => {
    harness = await Harness.open({
      models: fourStages({ asr: 60, repair: 60, nmt: 60, tts: 60 }),
      utterances: () => Array<number>(6).fill(1000),
    });
    const [job] = await harness.ended(await harness.submit(['talk.wav'], { speak: true }));
    const entries = harness.store.log({ job: job!.id, limit: 1000 });
    const span = (stage: string, index: number): [number, number] => {
      const started = entries.find(
        entry =>
          entry.kind === 'attempt.started' &&
          entry.stage === stage &&
          entry.index! <= index &&
          (entry.data.to as number) > index,
      )!;
      return [
        started.seq,
        entries.find(entry => entry.kind === 'step.finished' && entry.stage === stage && entry.index === index)!.seq,
      ];
    };
    const overlaps = [1, 2, 3, 4].filter(index => {
      const [begin] = span('asr', index + 1),
        [, end] = span('nmt', index);
      return begin < end;
    });
    assert.ok(overlaps.length >= 2, 'recognition of later utterances runs while earlier ones are translated');
  });

  it('recognises the utterances of a window in one attempt, by several instances; where one breaks, its utterances go one by one', async () => {
    const fake = { ...engineFor('fake')!, windowMs: 2000 };
    const heard = async (script: string): Promise<string[]> => {
      harness = await Harness.open({
        models: [fakeModel('a', 'asr', { script, ms: 20 })],
        engines: [fake],
        utterances: () => Array<number>(8).fill(1000),
        settings: { batchMaximum: 1, instancesPerDevice: script ? 1 : 2 },
      });
      const [job] = await harness.ended(await harness.submit(['talk.wav'], { repair: false, translateTo: undefined }));
      assert.equal(job!.state, 'completed', JSON.stringify(job!.failure));
      assert.deepEqual(harness.delivered(job!, 'asr'), [0, 1, 2, 3, 4, 5, 6, 7]);
      return harness.store
        .log({ job: job!.id, kind: 'attempt.started', limit: 100 })
        .map(({ index, data }) => `${index}-${String(data.to)}`)
        .toSorted();
    };
    assert.deepEqual(await heard(''), ['0-1', '1-3', '3-5', '5-7', '7-8']);
    await harness.close();
    const broken = await heard('fail@3');
    assert.ok(
      ['3-4', '4-5'].every(range => broken.includes(range)),
      broken.join(' '),
    );
  });

  it('tries a step again in its place, and keeps the order', async () => {
    harness = await Harness.open({
      models: [fakeModel('a', 'asr', { script: 'fail@2' }), fakeModel('r', 'repair')],
      utterances: () => [500, 500, 500, 500],
      settings: { batchMaximum: 1 },
    });
    const [job] = await harness.ended(await harness.submit(['talk.wav'], { translateTo: undefined }));
    assert.equal(job!.state, 'completed');
    assert.deepEqual(harness.delivered(job!, 'repair'), [0, 1, 2, 3]);
    assert.ok(harness.store.log({ job: job!.id, kind: 'attempt.failed', limit: 10 }).length >= 1);
  });

  it('gives a step up after three tries, goes on with the rest, and retries only what is missing', async () => {
    harness = await Harness.open({
      models: [fakeModel('a', 'asr'), fakeModel('r', 'repair', { script: 'fail#1' })],
      utterances: () => [500, 500, 500],
    });
    const [job] = await harness.ended(await harness.submit(['talk.wav'], { translateTo: undefined }));
    assert.equal(job!.state, 'failed');
    assert.equal(job!.failure?.code, 'engineFailed');
    const utterances = harness.utterances(job!);
    assert.deepEqual(
      utterances.map(utterance => utterance.failed?.stage),
      [undefined, 'repair', undefined],
    );
    assert.ok(utterances[2]!.repair, 'the rest went on');
    const attempts = (): number => harness.store.log({ job: job!.id, kind: 'attempt.started', limit: 1000 }).length;
    const before = attempts();
    harness.pipeline.queue.retry([job!.id]);
    await harness.until('the retry to end', () => harness.store.job(job!.id)!.state === 'failed');
    assert.equal(attempts() - before, 3, 'three tries of the one step, nothing else');
  });

  it('does not retry what cannot heal', async () => {
    harness = await Harness.open({
      models: [fakeModel('a', 'asr', { script: 'fail#0:languageNotSupported' })],
      utterances: () => [500],
    });
    const [job] = await harness.ended(await harness.submit(['talk.wav'], { repair: false, translateTo: undefined }));
    assert.equal(job!.state, 'failed');
    assert.equal(harness.store.log({ job: job!.id, kind: 'attempt.started', limit: 10 }).length, 1);
  });

  it('survives a worker that crashes, and sets a job aside that crashes it three times', async () => {
    harness = await Harness.open({
      models: [fakeModel('a', 'asr', { script: 'crash#1' })],
      utterances: name => (name === 'bad.wav' ? [500, 500] : [500]),
    });
    const [bad, good] = await harness.ended(
      await harness.submit(['bad.wav', 'good.wav'], { repair: false, translateTo: undefined }),
    );
    assert.equal(bad!.failure?.code, 'setAside');
    assert.equal(harness.utterances(bad!)[0]!.asr !== undefined, true);
    assert.equal(good!.state, 'completed');
  });

  it('pauses, resumes, cancels and reorders', async () => {
    harness = await Harness.open({
      models: [fakeModel('a', 'asr', { ms: 30 })],
      utterances: () => [500, 500],
      settings: { loadedModels: 1 },
    });
    harness.pipeline.queue.setQueue(false);
    const jobs = await harness.submit(['1.wav', '2.wav', '3.wav', '4.wav'], { repair: false, translateTo: undefined });
    harness.pipeline.queue.pause([jobs[0]!.id]);
    harness.pipeline.queue.cancel([jobs[1]!.id]);
    harness.pipeline.queue.move(jobs[3]!.id, { before: jobs[2]!.id });
    harness.pipeline.queue.setQueue(true);
    await harness.ended([jobs[1]!, jobs[2]!, jobs[3]!]);
    assert.equal(harness.store.job(jobs[0]!.id)!.state, 'paused');
    assert.equal(harness.store.job(jobs[1]!.id)!.state, 'cancelled');
    assert.ok(harness.store.job(jobs[3]!.id)!.startedAt! <= harness.store.job(jobs[2]!.id)!.startedAt!);
    harness.pipeline.queue.resume([jobs[0]!.id]);
    const [first] = await harness.ended([jobs[0]!]);
    assert.equal(first!.state, 'completed');
  });

  it('ends a job whose last step was done while it was paused, once it is resumed', async () => {
    const { promise: paused, resolve: isPaused } = Promise.withResolvers<void>();
    harness = await Harness.open({
      models: [fakeModel('a', 'asr', { ms: 1000 })],
      utterances: name => (name === 'silence.wav' ? [] : [500]),
      lookedAt: name => (name === 'silence.wav' ? paused : undefined),
    });
    const [talk] = await harness.submit(['talk.wav'], { repair: false, translateTo: undefined });
    await harness.until('its only step to run', () => harness.pipeline.active()[0]?.progress.stages.asr?.running === 1);
    harness.pipeline.queue.pause([talk!.id]);
    const [silence] = await harness.submit(['silence.wav'], { repair: false, translateTo: undefined });
    harness.pipeline.queue.pause([silence!.id]);
    isPaused();
    await harness.until('both to have nothing left', () =>
      harness.pipeline
        .active()
        .every(({ progress: { ingested, utterances, stages } }) => ingested && stages.asr!.done === utterances),
    );
    harness.pipeline.queue.resume([talk!.id, silence!.id]);
    for (const job of await harness.ended([talk!, silence!])) assert.equal(job.state, 'completed');
  });

  it('returns the job that is there when the same is asked for again', async () => {
    harness = await Harness.open({ models: [fakeModel('a', 'asr')] });
    const options = { repair: false, language: 'en' };
    const path = harness.recording('same.wav');
    const [first, second] = await harness.pipeline.queue.submit([
      { recording: path, options },
      { recording: path, options },
    ]);
    assert.ok(first && second && 'job' in first && 'job' in second);
    assert.equal(second.job.id, first.job.id);
    assert.equal(second.existing, true);
    const [third] = await harness.pipeline.queue.submit([{ recording: path, options, onDuplicate: 'create' }]);
    assert.ok(third && 'job' in third && third.job.id !== first.job.id);
    await harness.ended([first.job, third.job]);
  });

  it('says of each bad request what is wrong, and queues the others', async () => {
    harness = await Harness.open({ models: [fakeModel('a', 'asr')] });
    const options = { repair: false };
    const answers = await harness.pipeline.queue.submit([
      { recording: '/nowhere/at/all.wav', options },
      { recording: harness.recordings, options },
      { recording: harness.recording('ok.wav'), options },
      { recording: harness.recording('m.wav'), options: { ...options, models: { asr: 'no-such-model' } } },
    ]);
    assert.deepEqual(
      answers.map(answer => ('failure' in answer ? answer.failure.code : 'ok')),
      ['noSuchFile', 'notAFile', 'ok', 'unknownModel'],
    );
    await harness.ended(answers.flatMap(answer => ('job' in answer ? [answer.job] : [])));
  });

  it('raises the estimate after running out of memory, and loses nothing', async () => {
    harness = await Harness.open({
      models: [fakeModel('a', 'asr', { script: 'oom@2', countFile: '' })],
      utterances: () => [500, 500, 500],
    });
    const [job] = await harness.ended(await harness.submit(['talk.wav'], { repair: false, translateTo: undefined }));
    assert.equal(job!.state, 'completed');
  });

  it('waits while the store cannot be written, and then goes on from what is on the disk', async () => {
    harness = await Harness.open({
      models: [fakeModel('a', 'asr', { ms: 10 })],
      utterances: () => [500, 500, 500, 500],
      settings: { batchMaximum: 1, instancesPerDevice: 1 },
    });
    const { finish, setMeta } = harness.store;
    let finished = 0;
    const full = (): never => {
      throw new StoreError('diskFull', { path: '/full' });
    };
    harness.store.finish = (...args) => (++finished === 2 ? full() : finish(...args));
    harness.store.setMeta = (key, value) => (key === 'stalled' ? full() : setMeta(key, value));
    const [job] = await harness.submit(['talk.wav'], { repair: false, translateTo: undefined });
    await harness.until('the notice', () =>
      harness.events.some(event => event.type === 'notice' && event.failure.code === 'diskFull'),
    );
    assert.equal(harness.store.utterances(job!.id).filter(utterance => utterance.asr).length, 1);
    harness.store.setMeta = setMeta;
    const [ended] = await harness.ended([job!]);
    assert.equal(ended!.state, 'completed');
    const steps = harness.store.log({ job: job!.id, kind: 'step.finished', limit: 100 });
    assert.deepEqual(
      steps.map(step => step.index),
      [0, 1, 2, 3],
    );
  });

  for (const write of WRITES)
    it(`a full disk at any moment: ${write} fails once, nothing ends and nothing is lost`, async () => {
      const { store, ...rest } = (harness = await Harness.open({
        models: [fakeModel('a', 'asr', { ms: 5 }), fakeModel('t', 'nmt', { ms: 5 })],
        utterances: () => [500, 500, 500],
      }));
      const [job] = await harness.submit(['talk.wav'], { repair: false });
      const whole = store[write] as (...args: unknown[]) => unknown;
      let failed = false;
      Object.assign(store, {
        [write]: (...args: unknown[]): unknown => {
          if (failed) return whole(...args);
          failed = true;
          const full = new StoreError('diskFull', { path: rest.home.database });
          if (write === 'synced') return Promise.reject(full);
          throw full;
        },
      });
      const [ended] = await harness.ended([job!]);
      // The peak is measured when a run has ended, and that may be after its job.
      await harness.until(`${write} to fail`, () => failed);
      assert.equal(ended!.state, 'completed', JSON.stringify(ended!.failure));
      assert.deepEqual(
        harness.utterances(job!).map(utterance => utterance.nmt !== undefined),
        [true, true, true],
      );
    });

  it('leaves in its order, though the store cannot be written any more', async () => {
    harness = await Harness.open({ models: [fakeModel('a', 'asr', { ms: 10_000 })], utterances: () => [500, 500] });
    const { abandon } = harness.store;
    await harness.submit(['talk.wav'], { repair: false, translateTo: undefined });
    await harness.until('a run', () => [...harness.pipeline.instances.values()].some(instance => instance.run));
    harness.store.abandon = () => {
      throw new StoreError('diskFull', { path: harness.home.database });
    };
    await harness.pipeline.stop('park');
    assert.equal(harness.pipeline.instances.size, 0, 'no worker is left behind');
    assert.equal(harness.store.openAttempts().length, 1, 'given up by the next daemon');
    harness.store.abandon = abandon;
  });

  it('lets what runs end when it is asked to leave, and parks the rest', async () => {
    harness = await Harness.open({
      models: [fakeModel('a', 'asr', { ms: 200 })],
      utterances: () => [500, 500, 500],
      settings: { batchMaximum: 1 },
    });
    const [job] = await harness.submit(['talk.wav'], { repair: false, translateTo: undefined });
    await harness.until('a run', () => [...harness.pipeline.instances.values()].some(instance => instance.run));
    await harness.pipeline.stop('finish');
    assert.equal(harness.store.utterances(job!.id).filter(utterance => utterance.asr).length, 1);
    assert.deepEqual(harness.store.openAttempts(), []);
    assert.equal(harness.store.job(job!.id)!.state, 'processing');
  });
});
