/** Single decisions, each in the smallest machine that shows it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { InstanceView, JobView, Policy, Snapshot, StageView } from '../../../daemon/scheduler/snapshot.ts';
import type { Stage } from '../../../schemas/words.ts';
import { GiB, NOW, gpu, cpu, model, models, stage, job, instance, decide, of } from './scene.ts';

describe('decisions', () => {
  it('alone on the CPU: one stage and one job get all cores, four stages one each', () => {
    assert.equal(
      of(decide({ devices: [cpu(4)], jobs: [job('a', [stage('asr', 'ear', { ready: 5 })])] }).actions, 'load')[0]
        ?.threads,
      4,
    );
    const long = (change: Partial<StageView> = {}): JobView =>
        job('a', [stage('asr', 'ear', { ready: 5, leftSeconds: 600, ...change })]),
      threads = (policy: Partial<Policy>, one = long()): number | undefined =>
        of(decide({ devices: [cpu(4)], jobs: [one] }, policy).actions, 'load')[0]?.threads;
    assert.equal(threads({}), 2, 'a long recording is heard by two');
    assert.equal(threads({ instancesPerDevice: 1 }), 4, 'who may not be two');
    assert.equal(threads({}, { ...long(), live: true }), 4, 'what is spoken now has no later part');
    const four = [
      stage('asr', 'ear', { ready: 5 }),
      stage('repair', 'fixer'),
      stage('nmt', 'translator'),
      stage('tts', 'voice'),
    ];
    assert.equal(of(decide({ devices: [cpu(4)], jobs: [job('a', four)] }).actions, 'load')[0]?.threads, 1);
  });

  it('an instance with all cores goes for narrow ones when much more has come, not for little, and not into no room', () => {
    const wide = instance('i1', 'asr', 'ear', 'cpu', { threads: 4 });
    const short = (n: number, ingest: JobView['ingest'], seconds: number): JobView =>
      job(`j${n}`, [stage('asr', 'ear', { ready: ingest === 'done' ? 1 : 0, leftSeconds: seconds })], {
        ingest,
        position: n,
      });
    const many = (seconds: number): JobView[] =>
      Array.from({ length: 12 }, (_, n) => short(n, n < 2 ? 'done' : 'waiting', seconds));
    const see = (jobs: JobView[], change: Partial<Snapshot> = {}, policy: Partial<Policy> = {}): string[] =>
      decide({ devices: [cpu(4)], instances: [wide], jobs, ...change }, policy)
        .actions.filter(each => each.type !== 'ingest')
        .map(each => (each.type === 'load' ? `load ${each.threads}` : each.type));
    assert.deepEqual(see(many(10)), ['unload', 'load 1']);
    assert.deepEqual(see(many(1)), ['run'], 'two loads would take longer');
    assert.deepEqual(see([short(0, 'done', 1000)]), ['run'], 'alone, its first words come first');
    assert.deepEqual(
      see([{ ...short(0, 'done', 1000), stages: [stage('asr', 'ear', { next: 1, ready: 9, leftSeconds: 1000 })] }]),
      ['unload', 'load 2'],
      'a long one, once its first words are there',
    );
    assert.deepEqual(
      see(many(10), { devices: [{ ...cpu(4), admissible: GiB }] }),
      ['run'],
      'no memory for another before this one is gone',
    );
    assert.deepEqual(see(many(10), {}, { instancesPerDevice: 1 }), ['run'], 'there may be only one');
    assert.deepEqual(
      see(many(10), { instances: [{ ...wide, threads: 1 }] }),
      ['run', 'load 1'],
      'narrow already: another beside it',
    );
  });

  it('the first utterance goes alone, later ones in batches that leave work for every idle instance', () => {
    const run = (next: number, ready: number, instances: InstanceView[]): string =>
      of(decide({ instances, jobs: [job('a', [stage('asr', 'ear', { next, ready })])] }).actions, 'run')
        .map(each => `${each.from}-${each.to}`)
        .join(' ');
    assert.equal(run(0, 8, [instance('i1', 'asr', 'ear', 'gpu0')]), '0-1');
    assert.equal(run(1, 8, [instance('i1', 'asr', 'ear', 'gpu0')]), '1-5');
    assert.equal(run(1, 5, [instance('i1', 'asr', 'ear', 'gpu0'), instance('i2', 'asr', 'ear', 'gpu0')]), '1-3 3-5');
  });

  it('what can never fit is refused at once, with the models that would', () => {
    const { actions } = decide({
      devices: [gpu('gpu0', 6)],
      jobs: [job('a', [stage('asr', 'big-ear', { ready: 1 })])],
    });
    assert.deepEqual(
      actions.filter(each => each.type === 'refuse'),
      [
        {
          type: 'refuse',
          job: 'a',
          failure: {
            code: 'neverFits',
            args: {
              model: 'big-ear',
              stage: 'asr',
              needBytes: 8 * GiB,
              device: 'gpu0',
              largestBytes: 6 * GiB,
              alternatives: 'ear',
            },
          },
        },
      ],
    );
  });

  it('repair goes to the CPU when no GPU has room, translation waits unless a setting says otherwise', () => {
    const full = gpu('gpu0', 20, { admissible: 0 });
    const busy = instance('i1', 'asr', 'ear', 'gpu0', {
      state: 'busy',
      busyUntil: NOW + 5000,
      idleSince: null,
      leaseBytes: 20 * GiB,
    });
    const wants = (name: Stage, id: string): JobView[] => [
      job('a', [stage('asr', 'ear', { next: 3, ready: 3, running: 1 }), stage(name, id, { ready: 2 })]),
    ];
    assert.equal(
      of(decide({ devices: [full, cpu(4)], instances: [busy], jobs: wants('repair', 'fixer') }).actions, 'load')[0]
        ?.device,
      'cpu',
    );
    assert.deepEqual(
      of(decide({ devices: [full, cpu(4)], instances: [busy], jobs: wants('nmt', 'translator') }).actions, 'load'),
      [],
    );
    assert.equal(
      of(
        decide({ devices: [full, cpu(4)], instances: [busy], jobs: wants('nmt', 'translator') }, { othersOnCpu: true })
          .actions,
        'load',
      )[0]?.device,
      'cpu',
    );
    assert.deepEqual(
      of(
        decide({ devices: [full, cpu(4)], instances: [busy], jobs: wants('repair', 'fixer') }, { repairOnCpu: false })
          .actions,
        'load',
      ),
      [],
    );
  });

  it('a failed step is tried again in its place: its stage waits, the others go on', () => {
    const instances = [instance('i1', 'asr', 'ear', 'gpu0'), instance('i2', 'repair', 'fixer', 'gpu0')];
    const held = decide({
      instances,
      jobs: [
        job('a', [
          stage('asr', 'ear', { next: 4, ready: 8, retryAt: NOW + 9000 }),
          stage('repair', 'fixer', { next: 1, ready: 3 }),
        ]),
      ],
    });
    assert.deepEqual(
      of(held.actions, 'run').map(each => each.stage),
      ['repair'],
    );
    assert.deepEqual(
      decide({ instances, jobs: [job('a', [stage('asr', 'ear', { next: 4, ready: 8, retryAt: NOW + 9000 })])] }).reason(
        'a',
      ),
      { code: 'retryAt', args: { stage: 'asr', at: NOW + 9000 } },
    );
  });

  it('a model that fails to load is tried on another device, then a smaller one where that is allowed', () => {
    const failed = {
      ...models,
      'big-ear': model('big-ear', 'asr', 8, { family: 'ears', notBefore: { gpu0: NOW + 60_000 } }),
      ear: model('ear', 'asr', 2, { family: 'ears' }),
    };
    const jobs = [job('a', [stage('asr', 'big-ear', { ready: 2 })])];
    assert.equal(
      of(decide({ models: failed, jobs, devices: [gpu('gpu0', 20), gpu('gpu1', 10)] }).actions, 'load')[0]?.device,
      'gpu1',
    );
    const alone = decide({ models: failed, jobs });
    assert.deepEqual([of(alone.actions, 'load'), alone.why('a')], [[], 'retryAt']);
    assert.equal(
      of(decide({ models: failed, jobs }, { smallerModelOnFailure: true }).actions, 'load')[0]?.model,
      'ear',
    );
  });

  it('a pinned model waits for its device', () => {
    const jobs = [job('a', [stage('asr', 'ear', { ready: 2 })])];
    assert.equal(
      of(
        decide({ devices: [gpu('gpu0', 20), gpu('gpu1', 8)], jobs }, { pinnedModels: { ear: 'gpu1' } }).actions,
        'load',
      )[0]?.device,
      'gpu1',
    );
    assert.deepEqual(
      of(
        decide(
          { devices: [gpu('gpu0', 20), gpu('gpu1', 8, { usable: false })], jobs },
          { pinnedModels: { ear: 'gpu1' } },
        ).actions,
        'load',
      ),
      [],
    );
  });

  it('the least recently used idle model goes when room is needed, and what a job under way uses stays', () => {
    const instances = [
      instance('old', 'nmt', 'translator', 'gpu0', { idleSince: NOW - 9000, leaseBytes: 6 * GiB }),
      instance('new', 'tts', 'voice', 'gpu0', { idleSince: NOW - 1000, leaseBytes: 6 * GiB }),
    ];
    const { actions, why } = decide({
      devices: [gpu('gpu0', 20, { admissible: 4 * GiB })],
      instances,
      jobs: [job('a', [stage('asr', 'big-ear', { ready: 2 })])],
    });
    assert.deepEqual(
      of(actions, 'unload').map(each => [each.instance, each.why]),
      [['old', 'room']],
    );
    assert.equal(why('a'), 'releasing');
  });

  it('a head that does not fit has its room reserved: what would delay it waits, what fits beside it goes', () => {
    const busy = instance('i1', 'nmt', 'translator', 'gpu0', {
      state: 'busy',
      busyUntil: NOW + 5000,
      idleSince: null,
      leaseBytes: 6 * GiB,
    });
    const jobs = [
      job(
        'running',
        [
          stage('asr', 'ear', { next: 5, ready: 5, finished: true }),
          stage('nmt', 'translator', { next: 4, ready: 5, running: 1, leftSeconds: 10 }),
        ],
        { position: -1, createdAt: -100_000 },
      ),
      job('head', [stage('asr', 'big-ear', { ready: 4 })]),
      job('behind', [stage('asr', 'ear', { ready: 4, leftSeconds: 900 })], { position: 1, createdAt: 200_000 }),
    ];
    const tight = decide({ devices: [gpu('gpu0', 9, { admissible: 3 * GiB })], instances: [busy], jobs });
    assert.deepEqual([of(tight.actions, 'load'), tight.why('head'), tight.why('behind')], [[], 'memory', 'reserved']);
    const roomy = decide({ devices: [gpu('gpu0', 13, { admissible: 7 * GiB })], instances: [busy], jobs });
    assert.deepEqual(
      of(roomy.actions, 'load').map(each => each.model),
      ['ear'],
    );
  });

  it('cores that are free go to elastic runs, those under way too, and come back when others start', () => {
    const elastic = { ...models, translator: { ...models.translator!, elastic: true } };
    const translator = (change: Partial<InstanceView>): InstanceView =>
      instance('i1', 'nmt', 'translator', 'cpu', { threads: 1, ...change });
    const atWork = (runThreads: number): InstanceView => translator({ state: 'busy', idleSince: null, runThreads });
    const voice = instance('i2', 'tts', 'voice', 'cpu', { threads: 1 });
    const chain = (nmt: Partial<StageView>, tts: Partial<StageView>): JobView =>
      job('a', [stage('nmt', 'translator', { next: 3, ...nmt }), stage('tts', 'voice', tts)]);
    const see = (instances: InstanceView[], jobs: JobView[], cores = 2): string[] =>
      decide({ devices: [cpu(cores)], instances, jobs, models: elastic }).actions.flatMap(each =>
        each.type === 'run'
          ? [`run ${each.instance}: ${each.threads ?? 'its own'}`]
          : each.type === 'threads'
            ? [`${each.instance}: ${each.threads}`]
            : [],
      );
    const spoken = chain({ ready: 3, running: 1 }, { next: 2, ready: 3 }),
      alone = chain({ ready: 3, running: 1 }, { next: 3, ready: 3 });
    assert.deepEqual(see([translator({}), voice], [chain({ ready: 4 }, { next: 3, ready: 3 })]), ['run i1: 2']);
    assert.deepEqual(see([translator({}), voice], [chain({ ready: 4 }, { next: 2, ready: 3 })]), [
      'run i2: its own',
      'run i1: 1',
    ]);
    assert.deepEqual(see([atWork(2), voice], [spoken]), ['run i2: its own', 'i1: 1']);
    assert.deepEqual(see([atWork(1), voice], [alone]), ['i1: 2']);
    assert.deepEqual(see([atWork(2), voice], [alone]), []);
    assert.deepEqual(see([atWork(1), { ...atWork(8), id: 'i3' }, voice], [alone], 8), ['i1: 4', 'i3: 4']);
  });

  it('of what is loaded ahead, a model that most steps do without comes last', () => {
    const jobs = (seldom: boolean): JobView[] => [
      job('a', [
        stage('asr', 'ear', { next: 1, ready: 9, running: 1, leftSeconds: 60 }),
        stage('repair', 'fixer', { leftSeconds: 60, ...(seldom ? { seldom } : {}) }),
        stage('nmt', 'translator', { leftSeconds: 60 }),
      ]),
    ];
    const next = (seldom: boolean): string | undefined =>
      of(
        decide({
          devices: [cpu(2)],
          instances: [instance('i1', 'asr', 'ear', 'cpu', { state: 'busy', idleSince: null, threads: 1 })],
          jobs: jobs(seldom),
        }).actions,
        'load',
      )[0]?.model;
    assert.deepEqual([next(false), next(true)], ['fixer', 'translator']);
  });

  it('serial mode: one job, one instance', () => {
    const jobs = [
      job('a', [stage('asr', 'ear', { ready: 3 })]),
      job('b', [stage('asr', 'big-ear', { ready: 3 })], { position: 1 }),
    ];
    const { actions, why } = decide({ jobs }, { serial: true });
    assert.deepEqual([of(actions, 'load').map(each => each.model), why('b')], [['ear'], 'serial']);
  });

  it('a paused queue starts nothing, and says so; idle models still go', () => {
    const { actions, why } = decide({
      open: false,
      instances: [instance('i1', 'nmt', 'translator', 'gpu0', { idleSince: NOW - 400_000 })],
      jobs: [job('a', [stage('asr', 'ear', { ready: 3 })])],
    });
    assert.deepEqual(actions, [{ type: 'unload', instance: 'i1', why: 'idle' }]);
    assert.equal(why('a'), 'queuePaused');
  });

  it('two jobs share a model in turns; one that had no turn yet goes first', () => {
    const jobs = [
      job('long', [stage('asr', 'ear', { next: 40, ready: 400, leftSeconds: 7000, lastStartAt: NOW - 10 })]),
      job('short', [stage('asr', 'ear', { ready: 4 })], { position: 900_000, createdAt: 900_000 }),
    ];
    assert.equal(
      of(decide({ instances: [instance('i1', 'asr', 'ear', 'gpu0')], jobs }).actions, 'run')[0]?.job,
      'short',
    );
  });

  it('a queue ten times as long is ten times the work, no more, and each job can say why it waits', () => {
    const queue = (length: number): JobView[] =>
      Array.from({ length }, (_, i) =>
        job(
          `job${String(i).padStart(6, '0')}`,
          [stage('asr', i % 3 ? 'ear' : 'big-ear', { leftSeconds: (i * 7919) % 997 }), stage('repair', 'fixer')],
          {
            ingest: 'waiting',
            position: i,
            createdAt: i * 40,
            priority: (['normal', 'high', 'low', 'urgent'] as const)[i % 4]!,
          },
        ),
      );
    /** How often a plan reads from jobs, from models and from devices. */
    const reads = (length: number): { jobs: number; models: number; devices: number } => {
      const found = { jobs: 0, models: 0, devices: 0 };
      const counted = <T extends object>(value: T, kind: keyof typeof found): T =>
        new Proxy(value, { get: (target, name) => (found[kind]++, Reflect.get(target, name) as unknown) });
      decide({
        devices: [counted(gpu('gpu0', 20), 'devices')],
        models: Object.fromEntries(Object.entries(models).map(([id, each]) => [id, counted(each, 'models')])),
        jobs: queue(length).map(each => counted(each, 'jobs')),
      });
      return found;
    };
    const short = reads(1000),
      long = reads(10_000);
    assert.ok(long.jobs <= 15 * 10_000, `each job is read ${long.jobs / 10_000} times`);
    assert.ok(long.models - short.models <= 9000, `models are read ${long.models} times, and ${short.models}`);
    assert.equal(long.devices, short.devices, 'devices are looked at as often, however long the queue is');

    const made = decide({ jobs: queue(10_000) });
    assert.equal(
      queue(10_000).filter(({ id }) => made.why(id) !== undefined).length,
      10_000 - of(made.actions, 'ingest').length,
    );
    assert.equal(made.why('job000002'), 'behind');
  });
});
