/** What people ask of the queue, and settings that change how models come and go. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import Database from 'better-sqlite3';
import type { Job } from '../../schemas/job.ts';
import type { Reason } from '../../schemas/reasons.ts';
import type { MethodDeps } from '../../daemon/api/rpc/method-deps.ts';
import { createHandlers } from '../../daemon/api/rpc/methods.ts';
import { toFailure } from '../../schemas/errors.ts';
import type { JournalKind } from '../../daemon/contracts/journal.ts';
import { Harness, MiB, fakeModel } from './harness.ts';

const asrOnly = { repair: false, translateTo: undefined };
const kinds = (harness: Harness, kind: JournalKind | `${string}.*`): ReturnType<Harness['store']['log']> =>
  harness.store.log({ kind, limit: 1000 });

describe('the queue', { timeout: 180_000 }, () => {
  let harness: Harness;
  afterEach(() => harness.close());
  const ids = (jobs: readonly Job[]): string[] => jobs.map(job => job.id);

  it('holds everything back while it is paused, over a restart too, and says why', async () => {
    harness = await Harness.open({ models: [fakeModel('a', 'asr')] });
    harness.pipeline.queue.setQueue(false);
    const jobs = await harness.submit(['1.wav', '2.wav'], asrOnly);
    await harness.until('the reason', () =>
      jobs.every(job => harness.pipeline.present(job.id)!.waiting?.code === 'queuePaused'),
    );
    assert.equal(harness.pipeline.instances.size, 0);
    assert.equal(harness.store.meta('queue'), 'paused');
    harness.pipeline.queue.setQueue(true);
    for (const job of await harness.ended(jobs)) assert.equal(job.state, 'completed');
    assert.deepEqual(
      kinds(harness, 'queue.*').map(entry => entry.kind),
      ['queue.paused', 'queue.resumed'],
    );
  });

  it('serves by priority and by hand, and every job tells what is before it', async () => {
    harness = await Harness.open({ models: [fakeModel('a', 'asr', { ms: 30 })], utterances: () => [500] });
    harness.pipeline.queue.setQueue(false);
    const [first, second, third, fourth, fifth] = await harness.submit(
      ['1.wav', '2.wav', '3.wav', '4.wav', '5.wav'],
      asrOnly,
    );
    harness.pipeline.queue.move(fifth!.id, { priority: 'urgent' });
    harness.pipeline.queue.move(fourth!.id, { to: 'top' });
    harness.pipeline.queue.move(first!.id, { to: 'bottom' });
    harness.pipeline.queue.move(third!.id, { before: second!.id });
    assert.deepEqual(ids(harness.pipeline.active()), ids([fifth!, fourth!, third!, second!, first!]));
    assert.deepEqual(
      ids(harness.store.activeJobs() as unknown as Job[]),
      ids([fifth!, fourth!, third!, second!, first!]),
      'the same after a restart',
    );
    assert.throws(
      () => harness.pipeline.queue.move('01ARZ3NDEKTSV4RRFFQ69G5FAV', { to: 'top' }),
      error => toFailure(error).code === 'unknownJob',
    );
    harness.pipeline.queue.setQueue(true);
    await harness.ended([first!, second!, third!, fourth!, fifth!]);
    const starts = kinds(harness, 'attempt.started').map(entry => entry.job);
    assert.equal(starts[0], fifth!.id);
  });

  it('refuses all of a request when one job is in another state, and changes none', async () => {
    harness = await Harness.open({ models: [fakeModel('a', 'asr')] });
    const [done] = await harness.ended(await harness.submit(['done.wav'], asrOnly));
    harness.pipeline.queue.setQueue(false);
    const [waits] = await harness.submit(['waits.wav'], asrOnly);
    const { queue } = harness.pipeline;
    for (const ask of [
      () => queue.pause([waits!.id, done!.id]),
      () => queue.cancel([waits!.id, done!.id]),
      () => queue.resume([waits!.id]),
      () => queue.retry([waits!.id]),
      () => queue.remove([waits!.id]),
    ])
      assert.throws(ask, error => toFailure(error).code === 'wrongState');
    assert.equal(harness.pipeline.present(waits!.id)!.state, 'pending');
    queue.cancel([waits!.id]);
    queue.remove([waits!.id, done!.id]);
    assert.equal(harness.pipeline.present(done!.id), null);
    await harness.until('the events', () => harness.events.filter(event => event.type === 'jobRemoved').length === 2);
  });

  it('lists jobs by the states that they are shown in', async () => {
    harness = await Harness.open({ models: [fakeModel('a', 'asr')], utterances: () => [500] });
    const { pipeline, store } = harness;
    // Its model is being fetched: the state in the store is still pending.
    Object.assign(harness.deps.catalogue, {
      waiting: (): Reason => ({ code: 'modelDownloading', args: { model: 'a', percent: 1 } }),
    });
    const [job] = await harness.submit(['1.wav'], asrOnly);
    await harness.until('it loads', () => pipeline.present(job!.id)!.state === 'loading');
    assert.equal(store.job(job!.id)!.state === 'paused', false);
    const handlers = createHandlers({ pipeline, store } as unknown as MethodDeps);
    const listed = async (...states: Job['state'][]): Promise<number> =>
      (await handlers['job/list']({ filter: { states } }, null!)).total;
    assert.deepEqual(
      [await listed('loading'), await listed('pending', 'processing'), await listed('loading', 'failed')],
      [1, 0, 1],
    );
    assert.equal(await listed('pending', 'loading', 'processing', 'paused'), 1);
    pipeline.queue.pause([job!.id]);
    assert.deepEqual([await listed('loading'), await listed('paused')], [0, 1]);
  });

  it('retries all of the jobs that it is asked for or none', async () => {
    harness = await Harness.open({
      models: [fakeModel('a', 'asr', { script: 'fail#0:languageNotSupported' }), fakeModel('b', 'asr')],
      utterances: () => [500],
    });
    const [failed] = await harness.ended(await harness.submit(['fails.wav'], asrOnly));
    const [done] = await harness.ended(await harness.submit(['done.wav'], { ...asrOnly, models: { asr: 'b' } }));
    assert.deepEqual([failed!.state, done!.state], ['failed', 'completed']);
    const { queue } = harness.pipeline;
    assert.throws(
      () => queue.retry([failed!.id, done!.id]),
      error => toFailure(error).code === 'wrongState',
    );
    assert.equal(harness.store.job(failed!.id)!.state, 'failed');
    assert.equal(kinds(harness, 'job.retried').length, 0);
    queue.retry([failed!.id, failed!.id]);
    await harness.until('its second end', () => harness.store.job(failed!.id)!.finishedAt);
    assert.equal(kinds(harness, 'job.retried').length, 1, 'a job named twice is one job');
  });

  it('changes none of several jobs when the disk refuses one of them', async () => {
    harness = await Harness.open({ models: [fakeModel('a', 'asr')], utterances: () => [500] });
    const { queue } = harness.pipeline;
    queue.setQueue(false);
    const jobs = await harness.submit(['1.wav', '2.wav'], asrOnly);
    const other = new Database(harness.store.path);
    other.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON jobs WHEN OLD.id = '${jobs[1]!.id}'
      BEGIN SELECT RAISE(ABORT, 'refused'); END`);
    for (const ask of [() => queue.pause(ids(jobs)), () => queue.cancel(ids(jobs))]) {
      assert.throws(ask, /refused/);
      for (const job of jobs) assert.equal(harness.store.job(job.id)!.state, 'pending');
      await harness.until('memory as the store has it', () =>
        jobs.every(job => harness.pipeline.active().some(each => each.id === job.id && each.state === 'pending')),
      );
    }
    other.exec('DROP TRIGGER refuse');
    other.close();
    queue.cancel(ids(jobs));
    for (const job of await harness.ended(jobs)) assert.equal(job.state, 'cancelled');
  });

  it('forgets the oldest beyond a number and those that are too old, with what they left behind', async () => {
    harness = await Harness.open({
      models: [fakeModel('a', 'asr', { script: 'fail#0:languageNotSupported' })],
      utterances: () => [500],
    });
    const jobs = await harness.ended(await harness.submit(['1.wav', '2.wav', '3.wav'], asrOnly));
    assert.deepEqual(
      jobs.map(job => job.state),
      ['failed', 'failed', 'failed'],
    );
    const folder = (job: Job): string => join(harness.home.audio, job.id);
    assert.ok(existsSync(folder(jobs[0]!)), 'a failed job keeps its folder for a retry');
    const byEnd = jobs.toSorted((a, b) => a.finishedAt! - b.finishedAt! || (a.id < b.id ? -1 : 1));
    assert.equal(harness.pipeline.queue.prune(0, 1), 2);
    assert.deepEqual(harness.store.list({ limit: 10 }).total, 1);
    assert.equal(harness.pipeline.queue.prune(Date.now() + 1000, 100), 1);
    assert.equal(harness.pipeline.queue.prune(Date.now() + 1000, 100), 0);
    for (const job of byEnd) assert.ok(!existsSync(folder(job)));
  });

  it('retries a cancelled job although its sound is just being thrown away', async () => {
    harness = await Harness.open({ models: [fakeModel('a', 'asr', { ms: 50 })], utterances: () => [500, 500, 500] });
    const [job] = await harness.submit(['talk.wav'], asrOnly);
    await harness.until('some work', () => harness.utterances(job!).some(utterance => utterance.asr));
    harness.pipeline.queue.cancel([job!.id]);
    harness.pipeline.queue.retry([job!.id]);
    const [ended] = await harness.ended([job!]);
    assert.equal(ended!.state, 'completed');
    const steps = kinds(harness, 'step.finished').map(entry => entry.index);
    assert.equal(new Set(steps).size, steps.length, 'what was done stays done');
  });

  it('ends a worker that does not hear that its job was cancelled', async () => {
    harness = await Harness.open({
      models: [fakeModel('a', 'asr', { script: 'block#0' })],
      utterances: name => (name === 'blocks.wav' ? [500] : [500]),
    });
    const [job] = await harness.submit(['blocks.wav'], asrOnly);
    const [instance] = await harness.until('the run', () => {
      const all = [...harness.pipeline.instances.values()];
      return all[0]?.run && all;
    });
    harness.pipeline.queue.cancel([job!.id]);
    await harness.until('its end', () => !harness.pipeline.instances.has(instance!.id));
    assert.equal(harness.store.job(job!.id)!.state, 'cancelled');
    await harness.until('its memory back', async () => {
      await harness.pool.refresh();
      return harness.pool.leases().length === 0;
    });
  });

  it('measures how well expected starts hold', async () => {
    harness = await Harness.open({
      models: [fakeModel('a', 'asr', { ms: 400 })],
      utterances: () => [500, 500, 500],
      settings: { loadedModels: 1, batchMaximum: 1 },
    });
    await harness.ended(await harness.submit(['0.wav'], asrOnly));
    await harness.ended(await harness.submit(['1.wav', '2.wav', '3.wav', '4.wav', '5.wav'], asrOnly));
    assert.ok(harness.metrics.report(0, () => 0).total('starts') >= 1, 'some waited for more than a second');
    assert.ok(
      harness.metrics.report(0, () => 0).total('startError') / harness.metrics.report(0, () => 0).total('starts') < 2,
    );
  });
});

describe('models that come and go', { timeout: 180_000 }, () => {
  let harness: Harness;
  afterEach(() => harness.close());

  it('with modelReuse never, each job has instances of its own, and gives their memory back at its end', async () => {
    harness = await Harness.open({
      models: [fakeModel('a', 'asr'), fakeModel('r', 'repair')],
      utterances: () => [500, 500],
      settings: { modelReuse: 'never', cpuThreads: null },
    });
    const jobs = await harness.ended(await harness.submit(['1.wav', '2.wav', '3.wav'], { translateTo: undefined }));
    for (const job of jobs) assert.equal(job.state, 'completed');
    const loads = kinds(harness, 'instance.loading');
    for (const job of jobs)
      assert.deepEqual(
        loads
          .filter(entry => entry.job === job.id)
          .map(entry => entry.stage)
          .sort(),
        ['asr', 'repair'],
        'one of each',
      );
    for (const entry of kinds(harness, 'attempt.started'))
      assert.equal(loads.find(load => load.instance === entry.instance)?.job, entry.job, "nobody works in another's");
    await harness.until('all memory back', async () => {
      await harness.pool.refresh();
      return harness.pipeline.instances.size === 0 && harness.pool.leases().length === 0;
    });
  });

  const family = (): ReturnType<typeof fakeModel>[] => [
    fakeModel('large', 'asr', { script: 'fail@load' }, { family: 'f', size: 3 }),
    fakeModel('small', 'asr', {}, { family: 'f', size: 1 }),
    fakeModel('other', 'asr', {}, { family: 'g', size: 2 }),
  ];

  it('takes a smaller model of the family where that is allowed, and says so', async () => {
    harness = await Harness.open({
      models: family(),
      utterances: () => [500, 500],
      settings: { smallerModelOnFailure: true },
    });
    const [job] = await harness.ended(await harness.submit(['1.wav'], { ...asrOnly, models: { asr: 'large' } }));
    assert.equal(job!.state, 'completed', JSON.stringify(job!.failure));
    assert.equal(job!.models.asr, 'small');
    assert.deepEqual(
      job!.warnings.map(({ code, args }) => [code, args.model, args.instead, args.cause]),
      [['modelReplaced', 'large', 'small', 'engineFailed']],
    );
    assert.equal(kinds(harness, 'job.model').length, 1);
  });

  it('fails a job whose model never loads where a smaller one is not allowed', async () => {
    harness = await Harness.open({
      models: family(),
      utterances: () => [500],
      settings: { smallerModelOnFailure: false },
    });
    const [job] = await harness.ended(await harness.submit(['1.wav'], { ...asrOnly, models: { asr: 'large' } }));
    assert.equal(job!.failure?.code, 'engineFailed');
    assert.equal(kinds(harness, 'instance.loading').length, 3, 'three tries');
  });

  it('says what can never fit, and what would', async () => {
    harness = await Harness.open({
      models: [
        fakeModel('huge', 'asr', {}, { family: 'f', size: 3, memory: { cpu: 2000 * MiB } }),
        fakeModel('small', 'asr', {}, { family: 'f', size: 1 }),
      ],
      settings: { ramCapBytes: 1000 * MiB },
    });
    const [job] = await harness.ended(await harness.submit(['1.wav'], { ...asrOnly, models: { asr: 'huge' } }));
    assert.equal(job!.failure?.code, 'neverFits');
    assert.equal(job!.failure?.args.alternatives, 'small');
  });
});
