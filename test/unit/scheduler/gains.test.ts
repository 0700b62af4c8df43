/** What plan makes of instances that slow each other down on a device. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gainOf, gainOfOneMore, paceOf, worthOfMemory } from '../../../daemon/scheduler/gains.ts';
import { plan } from '../../../daemon/scheduler/plan.ts';
import type { InstanceView, JobView, Snapshot } from '../../../daemon/scheduler/snapshot.ts';
import { DEFAULTS } from '../../../schemas/settings.ts';
import { GiB, NOW, gpu, model, models, stage, job, instance, decide, of } from './scene.ts';

const busy = (id: string, device: string, change: Partial<InstanceView> = {}): InstanceView =>
  instance(id, 'asr', 'ear', device, { state: 'busy', busyUntil: NOW + 5000, idleSince: null, job: 'a', ...change });
const long = (change: Partial<JobView> = {}): JobView =>
  job('a', [stage('asr', 'ear', { next: 9, ready: 60, running: 1, leftSeconds: 3000 })], change);
const measured = (gains: Record<string, number[]> | undefined, gigabytes = 2): Snapshot['models'] => ({
  ...models,
  ear: model('ear', 'asr', gigabytes, gains ? { gains } : {}),
});
const loadsOn = (change: Partial<Snapshot>): string[] =>
  of(decide({ instances: [busy('i1', 'gpu0')], jobs: [long()], ...change }).actions, 'load').map(each => each.device);

describe('gains', () => {
  it('beyond what was measured it goes on as it went last; nothing measured is no slowdown', () => {
    assert.deepEqual(
      [0, 1, 2, 3].map(count => gainOf(undefined, count)),
      [0, 1, 2, 3],
    );
    assert.deepEqual(
      [0, 1, 2, 3, 4].map(count => gainOf([1, 1.5], count)),
      [0, 1, 1.5, 2, 2.5],
    );
    assert.deepEqual(
      [1, 2, 3].map(count => gainOfOneMore([1, 1], count)),
      [0, 0, 0],
    );
    assert.equal(gainOf([1, 0.6], 9), 0.3, 'it never becomes nothing');
    assert.equal(paceOf([1, 1.5], 2), 0.75);
    assert.equal(paceOf(undefined, 5), 1);
  });

  it('a large share of a device must bring more than a small one', () => {
    assert.equal(worthOfMemory(model('ear', 'asr', 1), gpu('gpu0', 20)), 0.1);
    assert.equal(worthOfMemory(model('ear', 'asr', 16), gpu('gpu0', 20)), 0.2);
  });
});

describe('replicas of what slows down', () => {
  it('one is added where nothing was measured, or what was measured is worth it, and none where it brings nothing', () => {
    assert.deepEqual(loadsOn({}), ['gpu0']);
    assert.deepEqual(loadsOn({ models: measured({ gpu0: [1, 1.9] }) }), ['gpu0']);
    assert.deepEqual(loadsOn({ models: measured({ gpu0: [1, 1.05] }) }), []);
    assert.deepEqual(loadsOn({ models: measured({ gpu1: [1, 1] }) }), ['gpu0'], 'another device inherits nothing');
  });

  it('what works there already counts, of whatever model', () => {
    const other = instance('i2', 'nmt', 'translator', 'gpu0', {
        state: 'busy',
        busyUntil: NOW + 5000,
        idleSince: null,
      }),
      instances = [busy('i1', 'gpu0'), other];
    assert.deepEqual(loadsOn({ instances, models: measured({ gpu0: [1, 1.8, 1.82] }) }), []);
    assert.deepEqual(loadsOn({ instances, models: measured({ gpu0: [1, 1.8, 2.4] }) }), ['gpu0']);
  });

  it('a gain that would do for a small model is not worth the memory of a large one', () => {
    const see = (gigabytes: number): string[] =>
      loadsOn({
        devices: [gpu('gpu0', 40, { admissible: 30 * GiB })],
        models: measured({ gpu0: [1, 1.15] }, gigabytes),
      });
    assert.deepEqual(see(2), ['gpu0']);
    assert.deepEqual(see(28), []);
  });

  it('the work must be worth the load at the speed that is left', () => {
    const see = (leftSeconds: number, gains?: Record<string, number[]>): string[] =>
      loadsOn({
        models: measured(gains),
        jobs: [job('a', [stage('asr', 'ear', { next: 9, ready: 60, running: 1, leftSeconds })])],
      });
    assert.deepEqual(see(100), ['gpu0'], '10 s of work for a load of 1 s');
    assert.deepEqual(see(100, { gpu0: [1, 1.3] }), [], 'of which it would do 2');
    assert.deepEqual(see(300, { gpu0: [1, 1.3] }), ['gpu0']);
  });

  it('it goes where it brings most', () => {
    const devices = [gpu('gpu0', 20), gpu('gpu1', 10)],
      other = instance('i2', 'nmt', 'translator', 'gpu1', { state: 'busy', busyUntil: NOW + 5000, idleSince: null }),
      instances = [busy('i1', 'gpu0'), other];
    assert.deepEqual(loadsOn({ devices, instances }), ['gpu1'], 'no instance of the model is there');
    assert.deepEqual(loadsOn({ devices, instances, models: measured({ gpu0: [1, 1.9], gpu1: [1, 1.2] }) }), ['gpu0']);
  });

  it('sessions that wait for each other ask for one, but not where it brings nothing', () => {
    const live = (id: string): JobView =>
        job(id, [stage('asr', 'ear', { next: 3, ready: 5, leftSeconds: 20 })], { ingest: 'running', live: true }),
      jobs = [live('a'), live('b'), live('c')];
    assert.deepEqual(loadsOn({ jobs }), ['gpu0']);
    assert.deepEqual(loadsOn({ jobs, models: measured({ gpu0: [1, 1.3] }) }), ['gpu0']);
    assert.deepEqual(loadsOn({ jobs, models: measured({ gpu0: [1, 1] }) }), []);
  });

  it('one that turned out to bring nothing goes when it is idle; the last one and one that helps stay', () => {
    const see = (gains: Record<string, number[]> | undefined, second = 'gpu0'): string[] =>
      of(
        decide({
          devices: [gpu('gpu0', 20), gpu('gpu1', 20)],
          models: measured(gains),
          instances: [busy('i1', 'gpu0'), instance('i2', 'asr', 'ear', second)],
          jobs: [long()],
        }).actions,
        'unload',
      ).map(each => `${each.instance} ${each.why}`);
    assert.deepEqual(see({ gpu0: [1, 1.02] }), ['i2 gain']);
    assert.deepEqual(see({ gpu0: [1, 1.08] }), [], 'not worth a load, and not nothing');
    assert.deepEqual(see(undefined), []);
    assert.deepEqual(see({ gpu0: [1, 1], gpu1: [1, 1] }, 'gpu1'), [], 'each has a device for itself');
    const both = decide({
      models: measured({ gpu0: [1, 1] }),
      instances: [instance('i1', 'asr', 'ear', 'gpu0'), instance('i2', 'asr', 'ear', 'gpu0')],
      jobs: [long()],
    }).actions;
    assert.equal(of(both, 'unload').length, 1);
    assert.equal(of(both, 'run').length, 1, 'the other works');
    assert.equal(of(both, 'load').length, 0);
  });

  it('ends are promised at the speed that is left', () => {
    const two = [
        job('a', [stage('asr', 'ear', { next: 5, ready: 60, running: 1, leftSeconds: 600 })]),
        job('b', [stage('nmt', 'translator', { next: 5, ready: 60, running: 1, leftSeconds: 600 })]),
      ],
      instances = [
        busy('i1', 'gpu0'),
        instance('i2', 'nmt', 'translator', 'gpu0', { state: 'busy', busyUntil: NOW + 1, idleSince: null, job: 'b' }),
      ];
    const end = (gains?: Record<string, number[]>): number =>
      plan(
        {
          policy: DEFAULTS,
          open: true,
          devices: [gpu('gpu0', 20, { admissible: 0 })],
          instances,
          models: measured(gains),
          jobs: two,
          ingestsRunning: 0,
        },
        NOW,
      ).expectedEndAt.get('a')! - NOW;
    assert.equal(end({ gpu0: [1, 1] }), 2 * end());
  });
});
