/** The mirror against a real pipeline: what its events make of an empty state is what it has in the end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyState, noChange, takeEvent, takeSnapshot } from '../../../extension/connection/mirror.ts';
import type { StateEvent, StateSnapshot } from '../../../schemas/rpc.ts';
import { fourStages, Harness } from '../../daemon/harness.ts';

const ID = '01JD00000000000000000000AA';

test('events of a run lead to what the daemon has, from any point on', { timeout: 180_000 }, async () => {
  const harness = await Harness.open({ models: fourStages({ asr: 5, repair: 5, nmt: 5, tts: 5 }) });
  try {
    const jobs = await harness.submit(['a.wav', 'b.wav'], { speak: true });
    await harness.until('the events of their end', () =>
      jobs.every(({ id }) =>
        harness.events.some(e => e.type === 'job' && e.job.id === id && e.job.state === 'completed'),
      ),
    );
    harness.pipeline.queue.setQueue(false);
    await harness.until('the event of the pause', () => harness.events.some(e => e.type === 'queue' && e.paused));
    const snapshot = (): StateSnapshot => ({
      seq: 0,
      queuePaused: !harness.pipeline.queue.open,
      jobs: jobs.map(({ id }) => harness.pipeline.present(id)!),
      devices: [],
      instances: [...harness.pipeline.instances.values()].map(instance => instance.word()),
      models: [],
      engines: [],
    });
    const end = emptyState();
    takeSnapshot(end, snapshot(), ['jobs', 'instances']);
    const events = [...harness.events];
    const state = emptyState(),
      change = noChange();
    for (const event of events) takeEvent(state, event, change);
    // The last words are of the moment: the daemon keeps none of a job that has ended.
    for (const job of state.jobs.values()) job.lastWords = '';
    assert.deepEqual(state.jobs, end.jobs);
    assert.deepEqual([...state.instances.keys()].sort(), [...end.instances.keys()].sort());
    assert.equal(state.queuePaused, true);
    assert.deepEqual([...change.jobs].sort(), jobs.map(job => job.id).sort());
    assert.ok(change.queue && change.instances && !change.all);
    // Events that a snapshot has in it already do no harm.
    takeSnapshot(state, snapshot(), ['jobs', 'instances']);
    for (const event of events.filter(e => e.type === 'job').slice(-2)) takeEvent(state, event, noChange());
    assert.deepEqual(state.jobs, end.jobs);
  } finally {
    await harness.close();
  }
});

test('a snapshot replaces only what it is of', () => {
  const state = emptyState();
  state.devices.set('gpu', {} as never);
  state.jobs.set(ID, {} as never);
  const snapshot = { seq: 1, queuePaused: true, jobs: [], devices: [], instances: [], models: [], engines: [] };
  takeSnapshot(state, snapshot, ['jobs']);
  assert.deepEqual([state.jobs.size, state.devices.size, state.queuePaused], [0, 1, true]);
  takeSnapshot(state, { ...snapshot, queuePaused: false }, ['devices']);
  assert.deepEqual([state.devices.size, state.queuePaused], [0, true]);
});

test('of one batch it is said what is there in the end: removed, or changed, never both', () => {
  const state = emptyState(),
    job = { type: 'job', job: { id: ID } } as StateEvent,
    gone: StateEvent = { type: 'jobRemoved', id: ID };
  const over = (...events: StateEvent[]): { jobs: string[]; removed: string[] } => {
    const change = noChange();
    for (const event of events) takeEvent(state, event, change);
    return { jobs: [...change.jobs], removed: [...change.removed] };
  };
  assert.deepEqual(over(job), { jobs: [ID], removed: [] });
  assert.deepEqual(over(gone), { jobs: [], removed: [ID] });
  assert.deepEqual(over(gone), { jobs: [], removed: [] }, 'what is not there is not removed');
  assert.deepEqual(over(job, gone), { jobs: [], removed: [ID] });
  assert.deepEqual(over(job, gone, job), { jobs: [ID], removed: [] });
});
