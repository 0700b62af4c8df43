/** What a job waits for, until when, and what is done about it meanwhile: room, turns, cores, models loaded ahead. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JobView, Policy, Snapshot } from '../../../daemon/scheduler/snapshot.ts';
import { cpu, decide, GiB, gpu, instance, job, NOW, stage } from './scene.ts';

const busy = { state: 'busy', idleSince: null } as const;
/** What happens to models and jobs, in words. */
const done = (change: Partial<Snapshot>, policy: Partial<Policy> = {}): string[] =>
  decide(change, policy).actions.map(each => {
    switch (each.type) {
      case 'load':
        return `load ${each.model} on ${each.device}`;
      case 'unload':
        return `unload ${each.instance}: ${each.why}`;
      case 'run':
        return `run ${each.job} ${each.stage} ${each.from}-${each.to}`;
      case 'threads':
        return `${each.instance} goes on with ${each.threads} threads`;
      default:
        return `${each.type} ${each.job}`;
    }
  });
const toRecognize = (id: string, position = 0, of = 'ear', change: Partial<JobView> = {}): JobView =>
  job(id, [stage('asr', of, { ready: 5 })], { position, createdAt: position * 100_000, ...change });

describe('a job that waits for room', () => {
  const scene = (overtaken = 0): Partial<Snapshot> => ({
    devices: [gpu('gpu0', 10, { admissible: 2 * GiB })],
    instances: [instance('i1', 'asr', 'ear', 'gpu0', { leaseBytes: 8 * GiB })],
    jobs: [toRecognize('head', 0, 'big-ear', { overtaken }), toRecognize('behind', 1)],
  });
  it('lets some pass that have their model loaded, and says when its own can be', () => {
    assert.deepEqual(done(scene()), ['overtaken head', 'run behind asr 0-1']);
    assert.deepEqual(decide(scene()).reason('head'), {
      code: 'memory',
      args: { stage: 'asr', model: 'big-ear', device: 'gpu0', bytes: 6 * GiB, holder: 'ear', at: NOW + 1200 + 1000 },
    });
  });
  it('lets none pass beyond the setting', () => {
    assert.deepEqual(done(scene(), { overtakes: 0 }), ['unload i1: room']);
    assert.deepEqual(done(scene(8), { overtakes: 8 }), ['unload i1: room']);
    assert.deepEqual(decide(scene(8), { overtakes: 8 }).reason('head'), {
      code: 'releasing',
      args: { device: 'gpu0', bytes: 8 * GiB },
    });
  });
  it('has a model exchanged that a job under way will want when its own work is worth four times the loads', () => {
    const worth = (leftSeconds: number): string[] =>
      done({
        devices: [gpu('gpu0', 10, { admissible: 2 * GiB - 1 }), gpu('gpu1', 8, { admissible: 0 })],
        instances: [
          instance('i1', 'asr', 'ear', 'gpu0', { leaseBytes: 8 * GiB, idleSince: NOW - 10 }),
          instance('i2', 'asr', 'big-ear', 'gpu1', { ...busy, leaseBytes: 8 * GiB, busyUntil: NOW + 1000 }),
        ],
        jobs: [
          job('other', [stage('asr', 'ear', { next: 5, ready: 5 })], { ingest: 'running' }),
          job(
            'file',
            [
              stage('asr', 'big-ear', { next: 99, ready: 100, running: 1 }),
              stage('nmt', 'translator', { ready: 98, leftSeconds }),
            ],
            { position: 1, createdAt: 1 },
          ),
        ],
      });
    assert.deepEqual(worth(79.9), []);
    assert.deepEqual(worth(80), ['unload i1: room']);
  });
});

describe('a job whose model is loaded', () => {
  it('runs its later stage first', () => {
    const both = {
      instances: [instance('i1', 'asr', 'ear', 'gpu0'), instance('i2', 'nmt', 'translator', 'gpu0')],
      jobs: [job('a', [stage('asr', 'ear', { next: 4, ready: 9 }), stage('nmt', 'translator', { next: 1, ready: 3 })])],
    };
    assert.deepEqual(done(both, { concurrentTasks: 1 }), ['run a nmt 1-3']);
    assert.deepEqual(done(both).sort(), ['run a asr 4-8', 'run a nmt 1-3']);
  });
  it('waits for one of the attempts that may run at a time', () => {
    const made = decide(
      {
        instances: [instance('i1', 'nmt', 'translator', 'gpu0', busy), instance('i2', 'asr', 'ear', 'gpu0')],
        jobs: [toRecognize('a')],
      },
      { concurrentTasks: 1 },
    );
    assert.deepEqual([made.actions, made.reason('a')], [[], { code: 'taskLimit', args: { limit: 1 } }]);
  });
  it('waits until its load is over', () => {
    const loading = (startedAt: number, busyUntil: number | null) =>
      decide({
        instances: [instance('i1', 'asr', 'ear', 'gpu0', { state: 'loading', idleSince: null, startedAt, busyUntil })],
        jobs: [toRecognize('a')],
      }).reason('a');
    const args = { stage: 'asr', model: 'ear', device: 'gpu0' };
    assert.deepEqual(loading(NOW - 400, NOW + 600), { code: 'modelLoading', args: { ...args, at: NOW + 600 } });
    assert.deepEqual(loading(NOW - 4000, NOW - 3000), { code: 'modelLoading', args: { ...args, at: NOW } });
  });
  it('waits for the cores that it needs, and says when they are free', () => {
    const made = decide({
      devices: [cpu(2)],
      instances: [
        instance('i1', 'nmt', 'translator', 'cpu', { ...busy, threads: 1, busyUntil: NOW + 3000 }),
        instance('i2', 'tts', 'voice', 'cpu', { ...busy, threads: 1, busyUntil: NOW + 2000 }),
        instance('i3', 'asr', 'ear', 'cpu', { threads: 1 }),
      ],
      jobs: [toRecognize('a')],
    });
    assert.deepEqual(made.reason('a'), { code: 'cores', args: { device: 'cpu', threads: 1, at: NOW + 2000 } });
  });
});

describe('models that a job under way will want', () => {
  const scene = (state: 'busy' | 'loading', nmt = {}): Partial<Snapshot> => ({
    instances: [instance('i1', 'asr', 'ear', 'gpu0', { state, idleSince: null })],
    jobs: [
      job('a', [stage('asr', 'ear', { next: 1, ready: 1, running: 1 }), stage('nmt', 'translator', nmt)], {
        ingest: 'running',
      }),
    ],
  });
  it('are loaded ahead once it is being heard, on devices that nobody presses', () => {
    assert.deepEqual(done(scene('busy')), ['load translator on gpu0']);
    assert.deepEqual(done(scene('loading')), []);
    assert.deepEqual(done(scene('busy', { retryAt: NOW + 1 })), []);
    assert.deepEqual(done(scene('busy', { retryAt: NOW })), ['load translator on gpu0']);
    assert.deepEqual(done({ ...scene('busy'), devices: [gpu('gpu0', 20, { pressed: true })] }), []);
    assert.deepEqual(done(scene('busy', { finished: true })), []);
  });
  it('take the room of what nobody wants, the longest idle first, and no more than they need', () => {
    const idle = (id: string, idleMs: number) =>
      instance(id, 'tts', 'voice', 'gpu0', { idleSince: NOW - idleMs, leaseBytes: GiB });
    const with_ = (admissible: number): string[] => {
      const { instances, jobs } = scene('busy');
      return done({
        devices: [gpu('gpu0', 20, { admissible: admissible * GiB })],
        instances: [...instances!, idle('new', 10), idle('old', 20)],
        jobs: jobs!,
      });
    };
    assert.deepEqual(with_(1), ['unload old: room']);
    assert.deepEqual(with_(0), ['unload old: room', 'unload new: room']);
    assert.deepEqual(with_(-1), []);
  });
});

describe('models that are not kept', () => {
  it('go when the stage of their job is over', () => {
    const left = (stages: Parameters<typeof job>[1], of = 'a'): string[] =>
      done(
        { instances: [instance('i1', 'asr', 'ear', 'gpu0', { job: of })], jobs: [job('a', stages)] },
        { modelReuse: 'never' },
      );
    assert.deepEqual(left([stage('asr', 'ear', { next: 5, ready: 5, finished: true })]), ['unload i1: reuse']);
    assert.deepEqual(left([stage('asr', 'ear', { next: 5, ready: 5 })]), []);
    assert.deepEqual(left([stage('asr', 'ear', { next: 5, ready: 5 })], 'gone'), [
      'load ear on gpu0',
      'unload i1: reuse',
    ]);
  });
});
