/** From where on a rule holds, and which of two equal things comes first. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { front } from '../../../daemon/scheduler/front.ts';
import { orderJobs } from '../../../daemon/scheduler/order.ts';
import type { JobView, Policy, Snapshot } from '../../../daemon/scheduler/snapshot.ts';
import { cpu, decide, GiB, gpu, instance, job, model, models, NOW, of, stage } from './scene.ts';

const MINUTE = 60_000;
const busy = { state: 'busy', idleSince: null } as const;
const loads = (change: Partial<Snapshot>, policy: Partial<Policy> = {}): string[] =>
  of(decide(change, policy).actions, 'load').map(each => `${each.model} on ${each.device}`);
const unloads = (change: Partial<Snapshot>, policy: Partial<Policy> = {}): string[] =>
  of(decide(change, policy).actions, 'unload').map(each => `${each.instance}: ${each.why}`);
const ingests = (change: Partial<Snapshot>, policy: Partial<Policy> = {}): string[] =>
  of(decide(change, policy).actions, 'ingest').map(each => each.job);
const runs = (change: Partial<Snapshot>, policy: Partial<Policy> = {}): string[] =>
  of(decide(change, policy).actions, 'run').map(each => `${each.job} ${each.stage} ${each.from}-${each.to}`);
const toRecognize = (id: string, change: Partial<JobView> = {}, of = 'ear'): JobView =>
  job(id, [stage('asr', of, { ready: 5 })], change);

describe('the order', () => {
  const ids = (jobs: JobView[], ageingSeconds = 600): string =>
    orderJobs(jobs, models, { ageingSeconds })
      .map(({ id }) => id)
      .join(' ');
  it('of jobs that came in the same moment goes by their names, whatever order they are stored in', () => {
    for (const names of ['a b c', 'c b a', 'b c a', 'c a b'])
      assert.equal(ids(names.split(' ').map(id => job(id, []))), 'a b c');
  });
  it('of jobs as old as each other goes by priority first', () =>
    assert.equal(
      ids([job('low', [], { priority: 'low' }), job('high', [], { priority: 'high', createdAt: 1_200_000 })]),
      'high low',
    ));
  it('lets the smaller go first within a tenth of the ageing time, and the first of them counts', () => {
    const at = (id: string, createdAt: number, leftSeconds: number): JobView =>
      job(id, [stage('asr', 'ear', { leftSeconds })], { createdAt, position: createdAt });
    assert.equal(ids([at('long', 0, 90), at('short', MINUTE, 10)]), 'short long');
    assert.equal(ids([at('long', 0, 90), at('short', MINUTE + 1, 10)]), 'long short');
    assert.equal(ids([at('a', 0, 90), at('b', MINUTE, 80), at('c', 2 * MINUTE, 10)]), 'b a c');
  });
  it('counts the work of all stages that are left, each at the speed of its model', () => {
    const slow = { ...models, slow: model('slow', 'nmt', 1, { msPerSecond: 1000 }) };
    const both = (id: string, seconds: number, finished: boolean): JobView =>
      job(id, [
        stage('asr', 'ear', { leftSeconds: seconds }),
        stage('nmt', 'slow', { leftSeconds: seconds, finished }),
      ]);
    const order = orderJobs([both('a', 60, false), both('b', 100, true)], slow, { ageingSeconds: 600 });
    assert.deepEqual(
      order.map(({ id }) => id),
      ['b', 'a'],
    );
    const untouched = (id: string, seconds: number, names: string[]): JobView => ({
      ...job(id, []),
      untouched: { seconds, models: names },
    });
    assert.deepEqual(
      orderJobs([untouched('a', 60, ['ear', 'slow']), untouched('b', 100, ['ear'])], slow, { ageingSeconds: 600 }).map(
        ({ id }) => id,
      ),
      ['b', 'a'],
    );
  });
});

describe('decoding', () => {
  const waits = (id: string, position = 0, change: Partial<JobView> = {}): JobView =>
    job(id, [stage('asr', 'ear')], { ingest: 'waiting', position, createdAt: position, ...change });
  it('is of two recordings at a time, those of jobs that are not in the queue any more too', () => {
    const three = [waits('a'), waits('b', 1), waits('c', 2)];
    assert.deepEqual(ingests({ jobs: three }), ['a', 'b']);
    assert.deepEqual(ingests({ jobs: three, ingestsRunning: 1 }), ['a']);
    assert.deepEqual(ingests({ jobs: three, ingestsRunning: 2 }), []);
  });
  it('does not wait for what is spoken now, nor that for it', () => {
    const live = toRecognize('live', { live: true, ingest: 'running' });
    assert.deepEqual(ingests({ jobs: [live, waits('a')], ingestsRunning: 2 }), ['a']);
    assert.deepEqual(ingests({ jobs: [waits('a'), waits('live', 1, { live: true })], ingestsRunning: 2 }), ['live']);
  });
  it('goes no further ahead than two recordings and one for each instance', () => {
    const ready = (count: number): JobView[] =>
      Array.from({ length: count }, (_, n) => toRecognize(`r${n}`, { position: n }));
    const begun = (ready: JobView[], instances: number): string[] =>
      ingests(
        {
          instances: ['i1', 'i2'].slice(0, instances).map(id => instance(id, 'asr', 'ear', 'gpu0', busy)),
          jobs: [...ready, waits('next', 9)],
        },
        { instancesPerDevice: instances },
      );
    assert.deepEqual(begun(ready(2), 1), ['next']);
    assert.deepEqual(begun(ready(3), 1), []);
    assert.deepEqual(begun(ready(3), 2), ['next']);
    assert.deepEqual(begun(ready(4), 2), []);
  });
});

describe('room', () => {
  it('is enough when it is just enough', () => {
    const jobs = [toRecognize('a', {}, 'big-ear')];
    assert.deepEqual(loads({ devices: [gpu('gpu0', 8)], jobs }), ['big-ear on gpu0']);
    assert.equal(decide({ devices: [gpu('gpu0', 8, { cap: 8 * GiB - 1 })], jobs }).actions[0]?.type, 'refuse');
  });
  it('on a device that loads is there when that load is over', () => {
    const loading = instance('i1', 'nmt', 'translator', 'gpu0', { state: 'loading', idleSince: null });
    const { actions, reason } = decide({ instances: [loading], jobs: [toRecognize('a')] });
    assert.deepEqual(of(actions, 'load'), []);
    assert.deepEqual(reason('a'), { code: 'deviceBusyLoading', args: { device: 'gpu0', model: 'translator' } });
  });
  it('that a stage of the first job lacks is made by one of two idle instances of a model', () => {
    const full = gpu('gpu0', 20, { admissible: 0 }),
      ears = ['i1', 'i2'].map((id, n) =>
        instance(id, 'asr', 'ear', 'gpu0', { leaseBytes: 10 * GiB, idleSince: NOW - n }),
      );
    const first = job('first', [
        stage('asr', 'ear', { next: 5, ready: 5, finished: true }),
        stage('nmt', 'translator', { ready: 5 }),
      ]),
      behind = toRecognize('behind', { position: 1, createdAt: 1 });
    assert.deepEqual(unloads({ devices: [full], instances: ears, jobs: [first, behind] }), ['i2: room']);
    assert.deepEqual(runs({ devices: [full], instances: ears, jobs: [first, behind] }), ['behind asr 0-1']);
  });
  it('is kept for a minute of silence by a live session, whatever another job would gain by it', () => {
    const heard = (idleMs: number, live: boolean): string[] =>
      unloads({
        devices: [gpu('gpu0', 10, { admissible: 2 * GiB - 1 }), gpu('gpu1', 8, { admissible: 0 })],
        instances: [
          instance('i1', 'asr', 'ear', 'gpu0', { leaseBytes: 8 * GiB, idleSince: NOW - idleMs }),
          instance('i2', 'asr', 'big-ear', 'gpu1', { ...busy, leaseBytes: 8 * GiB, busyUntil: NOW + 1000 }),
        ],
        jobs: [
          job('session', [stage('asr', 'ear', { next: 5, ready: 5 })], { live, ingest: 'running' }),
          job(
            'file',
            [
              stage('asr', 'big-ear', { next: 99, ready: 100, running: 1 }),
              stage('nmt', 'translator', { ready: 98, leftSeconds: 900 }),
            ],
            { position: 1, createdAt: 1 },
          ),
        ],
      });
    assert.deepEqual(heard(MINUTE - 1, true), []);
    assert.deepEqual(heard(MINUTE, true), ['i1: room']);
    assert.deepEqual(heard(MINUTE - 1, false), ['i1: room']);
  });
  it('is made by what is idle when it then is just enough', () => {
    const idle = (gigabytes: number): string[] =>
      unloads({
        devices: [gpu('gpu0', 20, { admissible: 2 * GiB })],
        instances: [instance('i1', 'nmt', 'translator', 'gpu0', { leaseBytes: gigabytes * GiB })],
        jobs: [toRecognize('a', {}, 'big-ear')],
      });
    assert.deepEqual(idle(6), ['i1: room']);
    assert.deepEqual(idle(5.9), []);
  });
  it('that something on its way out still holds is there in a second', () => {
    const { reason } = decide({
      devices: [gpu('gpu0', 8, { admissible: 2 * GiB })],
      instances: [
        instance('i1', 'nmt', 'translator', 'gpu0', { state: 'stopping', idleSince: null, leaseBytes: 6 * GiB }),
      ],
      jobs: [toRecognize('a', {}, 'big-ear')],
    });
    assert.deepEqual(reason('a'), { code: 'releasing', args: { device: 'gpu0', bytes: 6 * GiB } });
  });
  it('that no device has is told by the least that is needed and the most there is', () => {
    const wide = model('wide', 'asr', 9, { need: { gpu0: 9 * GiB, gpu1: 11 * GiB } });
    const { actions } = decide({
      devices: [gpu('gpu0', 4), gpu('gpu1', 6)],
      models: { wide },
      jobs: [toRecognize('a', {}, 'wide')],
    });
    const { needBytes, device, largestBytes } = of(actions, 'refuse')[0]!.failure.args;
    assert.deepEqual([needBytes, device, largestBytes], [9 * GiB, 'gpu1', 6 * GiB]);
  });
  it('comes when those in front are done, shared among the instances that do it', () => {
    const ears = ['i1', 'i2'].map(id =>
      instance(id, 'asr', 'ear', 'gpu0', { ...busy, leaseBytes: 10 * GiB, busyUntil: NOW + 5000 }),
    );
    const at = (instances: typeof ears, admissible: number): unknown =>
      (
        decide({
          devices: [gpu('gpu0', 20, { admissible })],
          instances,
          jobs: [
            job('first', [stage('asr', 'ear', { next: 5, ready: 20, running: 2, leftSeconds: 100 })]),
            toRecognize('next', { position: 1, createdAt: 700_000 }, 'big-ear'),
          ],
        }).reason('next') as { args: { at: number } }
      ).args.at;
    assert.equal(at(ears, 0), NOW + 5000 + (100 * 100) / 2 + 1000);
    assert.equal(at(ears.slice(0, 1), 0), NOW + 5000 + 100 * 100 + 1000);
  });
});

describe('instances', () => {
  it('are no more than measurements advise', () => {
    const one = [instance('i1', 'asr', 'ear', 'gpu0', busy)];
    const jobs = [job('a', [stage('asr', 'ear', { next: 1, ready: 90, running: 1, leftSeconds: 9000 })])];
    assert.deepEqual(loads({ instances: one, jobs }), ['ear on gpu0']);
    assert.deepEqual(loads({ instances: one, jobs, advice: { replicas: { asr: 2 } } }), ['ear on gpu0']);
    assert.deepEqual(loads({ instances: one, jobs, advice: { replicas: { asr: 1 } } }), []);
  });
  it('get company for work worth three loads, shared among them', () => {
    const one = [instance('i1', 'asr', 'ear', 'gpu0', busy)];
    const left = (leftSeconds: number): JobView[] => [
      job('a', [stage('asr', 'ear', { next: 1, ready: 9, running: 1, leftSeconds })]),
    ];
    assert.deepEqual(loads({ instances: one, jobs: left(60) }), []);
    assert.deepEqual(loads({ instances: one, jobs: left(61) }), ['ear on gpu0']);
  });
  it('are not added on a device that others press, nor on the CPU beside one on a GPU, nor to one that takes all cores', () => {
    const more = (
      devices: Snapshot['devices'],
      device: string,
      change: Partial<Snapshot> = {},
      policy: Partial<Policy> = {},
    ): string[] =>
      loads(
        {
          devices,
          instances: [instance('i1', 'asr', 'ear', device, busy)],
          jobs: [job('a', [stage('asr', 'ear', { next: 1, ready: 90, running: 1, leftSeconds: 9000 })])],
          ...change,
        },
        policy,
      );
    const small = gpu('gpu0', 2, { admissible: 0 });
    assert.deepEqual(more([gpu('gpu0', 20, { pressed: true })], 'gpu0'), []);
    assert.deepEqual(more([gpu('gpu0', 20, { pressed: true }), gpu('gpu1', 20)], 'gpu0'), ['ear on gpu1']);
    assert.deepEqual(more([small, cpu(8)], 'gpu0', {}, { othersOnCpu: true }), []);
    assert.deepEqual(more([cpu(8)], 'cpu'), ['ear on cpu']);
    const elastic = { ...models, ear: { ...models.ear!, elastic: true } };
    assert.deepEqual(more([cpu(8)], 'cpu', { models: elastic }), []);
    assert.deepEqual(more([gpu('gpu0', 20)], 'gpu0', { models: elastic }), ['ear on gpu0']);
  });
  it('that are free take a job each, although one of them waits longer', () => {
    const waiting = [
      toRecognize('a'),
      job('b', [stage('asr', 'ear', { ready: 5, lastStartAt: NOW - 1 })], { position: 1 }),
    ];
    const two = ['i1', 'i2'].map(id => instance(id, 'asr', 'ear', 'gpu0'));
    assert.deepEqual(runs({ instances: two, jobs: waiting }), ['a asr 0-1', 'b asr 0-1']);
  });
  it('of the same use: the one with the most threads runs, then the one that worked last', () => {
    const used = (instances: ReturnType<typeof instance>[]): string | undefined =>
      of(decide({ devices: [cpu(8), gpu('gpu0', 20)], instances, jobs: [toRecognize('a')] }).actions, 'run')[0]
        ?.instance;
    const on = (id: string, device: string, threads: number, idleSince: number) =>
      instance(id, 'asr', 'ear', device, { threads, idleSince });
    assert.equal(used([on('i1', 'cpu', 4, NOW), on('i2', 'gpu0', 2, NOW - 9)]), 'i2');
    assert.equal(used([on('i1', 'cpu', 2, NOW), on('i2', 'cpu', 4, NOW - 9)]), 'i2');
    assert.equal(used([on('i1', 'gpu0', 2, NOW - 9), on('i2', 'gpu0', 2, NOW)]), 'i2');
    assert.equal(used([on('i2', 'gpu0', 2, NOW), on('i1', 'gpu0', 2, NOW)]), 'i1');
  });
  it('are loaded where fewest are, then where most memory is free', () => {
    const two = (a: number, b: number) => [gpu('gpu0', a), gpu('gpu1', b)];
    assert.deepEqual(loads({ devices: two(10, 12), jobs: [toRecognize('a')] }), ['ear on gpu1']);
    assert.deepEqual(loads({ devices: two(10, 10), jobs: [toRecognize('a')] }), ['ear on gpu0']);
    const voice = instance('i1', 'tts', 'voice', 'gpu1');
    assert.deepEqual(loads({ devices: two(10, 12), instances: [voice], jobs: [toRecognize('a')] }), ['ear on gpu0']);
  });
});

describe('an idle model', () => {
  const idle = (ms: number, id = 'i1') => instance(id, 'nmt', 'translator', 'gpu0', { idleSince: NOW - ms });
  it('goes when its time is over, and then the machine is looked at again', () => {
    assert.deepEqual(unloads({ instances: [idle(10_000)] }, { keepAliveSeconds: 10 }), ['i1: idle']);
    const { actions, wakeAt } = decide({ instances: [idle(9_999), idle(4_000, 'i2')] }, { keepAliveSeconds: 10 });
    assert.deepEqual([actions, wakeAt], [[], NOW + 1]);
    assert.deepEqual(unloads({ instances: [idle(3_000)], advice: { keepAliveSeconds: 3 } }, { keepAliveSeconds: 10 }), [
      'i1: idle',
    ]);
  });
  it('yields to other programs as the settings say', () => {
    const pressed = [gpu('gpu0', 20, { pressed: true })];
    assert.deepEqual(unloads({ instances: [idle(1)] }, { yieldTo: 'always' }), ['i1: yield']);
    assert.deepEqual(unloads({ instances: [idle(1)] }, { yieldTo: 'others' }), []);
    assert.deepEqual(unloads({ devices: pressed, instances: [idle(1)] }, { yieldTo: 'others' }), ['i1: yield']);
    assert.deepEqual(unloads({ devices: pressed, instances: [idle(1)] }, { yieldTo: 'never' }), []);
  });
  it('stays for a job under way that will want it', () => {
    const jobs = [
      job('a', [stage('asr', 'ear', { next: 1, ready: 1, running: 1 }), stage('nmt', 'translator')], {
        ingest: 'running',
      }),
    ];
    assert.deepEqual(
      unloads(
        { instances: [idle(90_000), instance('i2', 'asr', 'ear', 'gpu0', busy)], jobs },
        { keepAliveSeconds: 10 },
      ),
      [],
    );
  });
});

describe('serial mode', () => {
  it('goes on with the first of the jobs that have begun when it is switched on', () => {
    const begun = (id: string, position: number): JobView =>
      job(id, [stage('asr', 'ear', { next: 3, ready: 9 })], { position, createdAt: position });
    assert.deepEqual(
      runs(
        { instances: [instance('i1', 'asr', 'ear', 'gpu0')], jobs: [toRecognize('new'), begun('a', 1), begun('b', 2)] },
        { serial: true },
      ),
      ['a asr 3-7'],
    );
  });
});

describe('turns', () => {
  const live = (id: string, lastStartAt: number | null): JobView =>
    job(id, [stage('asr', 'ear', { next: 3, ready: 5, lastStartAt })], { live: true, ingest: 'running' });
  const file = (lastStartAt: number | null, change: Partial<JobView> = {}): JobView =>
    job('file', [stage('asr', 'ear', { next: 3, ready: 9, lastStartAt })], {
      position: 1,
      createdAt: NOW - 5000,
      ...change,
    });
  const turn = (jobs: JobView[]): string | undefined =>
    runs({ instances: [instance('i1', 'asr', 'ear', 'gpu0')], jobs })[0]?.split(' ')[0];
  it('go to what is spoken now, but a recording has one a minute', () => {
    assert.equal(turn([live('live', NOW - 1000), file(NOW - MINUTE)]), 'live');
    assert.equal(turn([live('live', NOW - 1000), file(NOW - MINUTE - 1)]), 'file');
    assert.equal(turn([live('live', NOW - 1000), file(null)]), 'live');
    assert.equal(turn([live('live', NOW - 1000), file(null, { createdAt: NOW - MINUTE - 1 })]), 'file');
  });
  it('go to the one that waited longest for one, and to the one with the fewest attempts at work', () => {
    assert.equal(turn([live('one', NOW - 1000), live('two', NOW - 2000)]), 'two');
    const toRecognize = (id: string, running: number, lastStartAt: number): JobView =>
      job(id, [stage('asr', 'ear', { next: 3, ready: 9, running, lastStartAt })]);
    assert.equal(turn([toRecognize('a', 1, NOW - 9000), toRecognize('b', 0, NOW - 10)]), 'b');
    assert.equal(turn([toRecognize('a', 0, NOW - 10), toRecognize('b', 0, NOW - 10)]), 'a');
  });
  it('of those that wait for it: when its attempt is expected to end', () => {
    const jobs = [
      job('a', [stage('asr', 'ear', { next: 4, ready: 8, leftSeconds: 600 })]),
      job('b', [stage('asr', 'ear', { next: 4, ready: 9, leftSeconds: 600, lastStartAt: NOW - 1 })], {
        position: 1,
        createdAt: 1,
      }),
    ];
    const { actions, reason } = decide(
      { instances: [instance('i1', 'asr', 'ear', 'gpu0')], jobs },
      { instancesPerDevice: 1 },
    );
    assert.deepEqual(
      of(actions, 'run').map(each => [each.job, each.from, each.to]),
      [['a', 4, 8]],
    );
    assert.deepEqual(reason('b'), {
      code: 'instanceBusy',
      args: { stage: 'asr', model: 'ear', at: NOW + 4 * 12 * 100 },
    });
  });
});

describe('a smaller model, where one fails', () => {
  const family = (sizes: Record<string, number>): Snapshot['models'] =>
    Object.fromEntries(
      Object.entries(sizes).map(([id, size]) => [
        id,
        model(id, 'asr', size, { family: 'ears', size, ...(id === 'broken' ? { notBefore: { gpu0: NOW + 1 } } : {}) }),
      ]),
    );
  const used = (sizes: Record<string, number>, change: Partial<Snapshot> = {}): string[] =>
    loads(
      { models: family(sizes), jobs: [toRecognize('a', {}, 'broken')], ...change },
      { smallerModelOnFailure: true },
    );
  it('is the largest of its family that is smaller', () => {
    assert.deepEqual(used({ broken: 8, tiny: 1, middle: 4, small: 2, huge: 12 }), ['middle on gpu0']);
    assert.deepEqual(used({ broken: 8, b: 4, a: 4, c: 4 }), ['a on gpu0']);
    assert.deepEqual(used({ broken: 8, same: 8 }), []);
  });
});

describe('the front of a long queue', () => {
  it('is the first that wait for each model, and all that are under way or live', () => {
    const waits = (id: string, of: string, change: Partial<JobView> = {}): JobView =>
      toRecognize(id, { ingest: 'waiting', ...change }, of);
    const queue = [
      waits('a', 'ear'),
      waits('b', 'ear'),
      waits('c', 'big-ear'),
      waits('d', 'ear'),
      waits('live', 'ear', { live: true }),
      toRecognize('decoded'),
      waits('e', 'big-ear'),
    ];
    assert.deepEqual(
      front(queue, 1).map(({ id }) => id),
      ['a', 'c', 'live', 'decoded'],
    );
    assert.deepEqual(
      front(queue, 2).map(({ id }) => id),
      ['a', 'b', 'c', 'live', 'decoded', 'e'],
    );
  });
});
