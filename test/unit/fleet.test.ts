/** What a fleet decides without a database: what a machine can do, where a job goes, and how addresses are read. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { exposition } from '../../cli/prometheus.ts';
import { fleetMetrics } from '../../cli/fleet-stats.ts';
import { isUnreachable, keepSecrets, parseUrl, problemOf, secretOf, secretsOf } from '../../daemon/fleet/access.ts';
import { abilities, identityOf, needsOf, warmOf, type MachineView, type ReadyModel } from '../../daemon/fleet/can.ts';
import { bordersOf, idsOf, isDivisible, readId } from '../../daemon/fleet/parts.ts';
import { returnedOf, type StoredResult } from '../../daemon/fleet/rows.ts';
import { goesToFleet, hasRoom, isLendable, type Use } from '../../daemon/fleet/where.ts';
import type { Part } from '../../daemon/contracts/store.ts';
import { rangesOf } from '../../daemon/jobs/part.ts';
import { JobWork } from '../../daemon/jobs/work.ts';
import type { DeviceView } from '../../daemon/scheduler/snapshot.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { DEFAULTS } from '../../schemas/settings.ts';
import { fakeModel } from '../daemon/harness.ts';
import { failsWith } from '../fixtures/fails-with.ts';
import { jobRow } from '../fixtures/job-row.ts';
import { cpu } from './scheduler/scene.ts';

const GiB = 1024 ** 3;
const base = fakeModel('base', 'asr', {}),
  large = fakeModel('large', 'asr', {}),
  nmt = fakeModel('nmt', 'nmt', {});
const word = (stage: string, card: typeof base): string => `${stage}:${card.id}@${identityOf(card)}`;

describe('what a machine can do', () => {
  const ready = (card: typeof base, bytes: number, loaded = false): ReadyModel => ({
    card,
    devices: ['cpu'],
    need: { cpu: bytes },
    loaded,
  });
  const device = (how: Partial<DeviceView>): DeviceView => ({ ...cpu(4), ...how });
  const view = (models: ReadyModel[], how: Partial<MachineView> = {}): MachineView => ({
    devices: [device({ cap: 8 * GiB, admissible: 2 * GiB })],
    idleBytes: {},
    models,
    policy: { ...DEFAULTS, othersOnCpu: true },
    speakers: false,
    roots: [],
    ...how,
  });

  it('is what fits now, or is loaded, or fits when what is idle gives way', () => {
    const all = (how?: Partial<MachineView>, loaded = false): string[] =>
      abilities(view([ready(base, GiB), ready(large, 5 * GiB, loaded)], how));
    assert.deepEqual(all(), [word('asr', base)]);
    assert.deepEqual(all({}, true), [word('asr', base), word('asr', large)]);
    assert.deepEqual(all({ idleBytes: { cpu: 3 * GiB } }), [word('asr', base), word('asr', large)]);
    assert.deepEqual(all({ devices: [device({ cap: 4 * GiB, admissible: 4 * GiB })] }, true), [word('asr', base)]);
    assert.deepEqual(all({ devices: [device({ cap: 8 * GiB, admissible: 8 * GiB, usable: false })] }), []);
  });

  it('names speakers and shared folders too, and what is warm', () => {
    const models = [ready(base, GiB, true), ready(nmt, GiB)],
      can = abilities(view(models, { speakers: true, roots: ['nas'] }));
    assert.deepEqual(can, [word('asr', base), word('nmt', nmt), 'root:nas', 'speakers']);
    assert.deepEqual(warmOf(models, can), [word('asr', base), 'root:nas', 'speakers']);
    assert.deepEqual(warmOf([ready(base, GiB)], can), [], 'nothing is loaded: nothing is warm');
  });

  it('tells models apart by their files, engine and parameters, not by their order', () => {
    const file = { name: 'a.bin', bytes: 1, sha256: 'a'.repeat(64), sources: [] };
    const one = identityOf({ ...base, files: [file], parameters: { a: 1, b: 2 } });
    assert.equal(one, identityOf({ ...base, files: [{ ...file, bytes: null }], parameters: { b: 2, a: 1 } }));
    assert.notEqual(
      one,
      identityOf({ ...base, files: [{ ...file, sha256: 'b'.repeat(64) }], parameters: { a: 1, b: 2 } }),
    );
    assert.notEqual(one, identityOf({ ...base, files: [file], parameters: { a: 1, b: 3 } }));
    assert.notEqual(one, identityOf({ ...base, engine: 'other', files: [file], parameters: { a: 1, b: 2 } }));
  });

  it('is asked for by the models of a job; one that is not known here keeps it here', () => {
    const cards = new Map([base, nmt].map(card => [card.id, card]));
    const needs = (models: object, options = {}): string[] | null =>
      needsOf({ stages: ['asr', 'repair', 'nmt'], models, options } as Parameters<typeof needsOf>[0], id =>
        cards.get(id),
      );
    assert.deepEqual(needs({ asr: 'base', nmt: 'nmt' }), [word('asr', base), word('nmt', nmt)]);
    assert.deepEqual(needs({ asr: 'base' }, { speakers: true }), [word('asr', base), 'speakers']);
    assert.equal(needs({ asr: 'unknown' }), null);
  });
});

describe('where a job goes', () => {
  const row = (how = {}): Parameters<typeof isLendable>[0] =>
    ({ live: null, options: {}, ...how }) as Parameters<typeof isLendable>[0];
  it('follows the setting, and live sound and texts stay', () => {
    const table: [Use, boolean, number, boolean][] = [
      ['always', true, 0, true],
      ['never', false, 9, false],
      ['noGpu', true, 0, false],
      ['noGpu', false, 0, true],
      ['busy', false, 0, false],
      ['busy', false, 1, true],
    ];
    for (const [use, hasGpu, unfinished, goes] of table)
      assert.equal(goesToFleet(row(), use, { hasGpu, unfinished }), goes, `${use} ${hasGpu} ${unfinished}`);
    const here = { hasGpu: false, unfinished: 9 };
    assert.equal(goesToFleet(row({ live: { format: 'pcm' } }), 'always', here), false);
    assert.equal(goesToFleet(row({ options: { source: 'job' } }), 'always', here), false);
  });

  it('is a machine that shares, has one ahead at most and four in all', () => {
    const room = (share: Parameters<typeof hasRoom>[0], own: number, taken: number, unstarted: number): boolean =>
      hasRoom(share, { own, taken, unstarted });
    assert.ok(room('always', 5, 3, 0));
    assert.ok(!room('always', 0, 1, 1) && !room('always', 0, 4, 0));
    assert.ok(room('idle', 0, 0, 0) && !room('idle', 1, 0, 0));
    assert.ok(!room('never', 0, 0, 0));
  });
});

describe('a long recording', () => {
  const MINUTE = 60_000,
    [warm, cold] = [{ warm: true }, { warm: false }];
  it('is divided among idle machines, where each has enough of it', () => {
    const hour = 60 * MINUTE,
      parts = (ms: number, peers: { warm: boolean }[], minutes = 5): number[] =>
        bordersOf(ms, peers, minutes * MINUTE).map(border => border / MINUTE);
    assert.deepEqual(parts(hour, [warm, warm, warm]), [20, 40]);
    assert.deepEqual(parts(hour, [warm]), []);
    assert.deepEqual(parts(hour, []), []);
    assert.deepEqual(parts(12 * MINUTE, [warm, warm, warm]), [6], 'no part is shorter than five minutes');
    assert.deepEqual(parts(9 * MINUTE, [warm, warm]), []);
    assert.deepEqual(parts(hour, [warm, warm, cold]), [20, 40]);
    assert.deepEqual(parts(40 * MINUTE, [warm, warm, cold]), [20], 'models that load first cost more than that');
    assert.deepEqual(parts(hour, [warm, warm], Infinity), [], 'never');
    assert.equal(parts(100 * hour, Array<typeof warm>(40).fill(warm)).length, 15);
  });

  it('stays whole where its parts would not give the same text', () => {
    const divisible = (options: object, how: object = {}, contextual = false): boolean =>
      isDivisible(
        jobRow({ options: { repair: true, language: 'en', ...options }, stages: ['asr', 'repair'], ...how }),
        contextual,
      );
    assert.ok(divisible({}));
    assert.ok(divisible({ speak: true }, { stages: ['asr', 'tts'], models: { tts: 'voice' } }));
    assert.ok(!divisible({ language: undefined }), 'which language it is has to be heard');
    assert.ok(!divisible({ speakers: true }));
    assert.ok(!divisible({ speak: true }, { stages: ['asr', 'tts'] }), 'each machine would choose a voice');
    assert.ok(!divisible({}, {}, true), 'a model looks back');
  });

  it('is known by its parts, which are read one after the other', () => {
    const lent = { id: 'a', cursor: '7', machine: null };
    assert.deepEqual([idsOf(lent), readId(lent)], [['a'], 'a']);
    const parts = { ...lent, parts: { borders: [10, 20], at: 1, offset: 4 } };
    assert.deepEqual([idsOf(parts), readId(parts)], [['a', 'a.1', 'a.2'], 'a.1']);
    assert.deepEqual(rangesOf(new Set([4, 0, 1, 5, 9])), [
      [0, 2],
      [4, 6],
      [9, 10],
    ]);
  });

  /** What is left of each stage of a recording of ten utterances, ten seconds each. */
  const left = (part: Part, { repair = true, ingested = true } = {}): Record<string, number[]> => {
    const work = new JobWork(
      jobRow({
        options: { repair, language: 'en' },
        stages: repair ? ['asr', 'repair'] : ['asr'],
        ingested,
        fleet: { id: 'a', taken: { class: 'c', id: 'o', retryCount: 0 }, part },
      }),
      0,
    );
    for (let index = 0; index < 10; index++)
      work.addUtterances([{ index, startMs: index * 10_000, endMs: index * 10_000 + 9000 }]);
    return Object.fromEntries(
      work.stages.map(stage => [
        stage.stage,
        work.utterances.flatMap(({ index }) => (stage.isOver(index) ? [] : [index])),
      ]),
    );
  };
  it('is done by a machine as far as it is its part, with the words before for repair', () => {
    const middle: Part = { fromMs: 30_000, toMs: 60_000, done: [] };
    assert.deepEqual(left(middle), { asr: [2, 3, 4, 5], repair: [3, 4, 5] });
    assert.deepEqual(left(middle, { repair: false }), { asr: [3, 4, 5] });
    assert.deepEqual(left({ fromMs: 0, toMs: 20_000, done: [] }), { asr: [0, 1], repair: [0, 1] });
    assert.deepEqual(left({ fromMs: 80_001, toMs: null, done: [] }), { asr: [8, 9], repair: [9] });
    // What another machine had done of the part, counted from its first: 3 and 5.
    assert.deepEqual(
      left({
        ...middle,
        done: [
          [0, 1],
          [2, 3],
        ],
      }),
      { asr: [3, 4], repair: [4] },
    );
  });

  it('is over for a machine when its part is; what is not known to be before it is not begun', () => {
    const part: Part = { fromMs: 10_000, toMs: 20_000, done: [] },
      work = new JobWork(
        jobRow({
          options: { repair: true, language: 'en' },
          ingested: false,
          fleet: { id: 'a', taken: { class: 'c', id: 'o', retryCount: 0 }, part },
        }),
        0,
      ),
      [asr, repair] = work.stages as [(typeof work.stages)[0], (typeof work.stages)[0]];
    const add = (index: number): void =>
      work.addUtterances([{ index, startMs: index * 5000, endMs: index * 5000 + 4000 }]);
    add(0);
    assert.equal(work.ready(0), 0, 'whether its words are wanted is not known yet');
    add(1);
    assert.deepEqual([asr.isOver(0), work.ready(0) - asr.next], [true, 0]);
    add(2);
    assert.deepEqual([asr.next, work.ready(0)], [1, 3]);
    for (const index of [3, 4, 5]) add(index);
    assert.deepEqual([asr.next, work.ready(0)], [1, 4]);
    for (const index of [2, 3]) asr.finish(index, 4000);
    assert.equal(work.ready(1), repair.next, 'repair waits for the words before');
    asr.finish(1, 4000);
    assert.deepEqual([repair.next, work.ready(1)], [2, 4]);
    for (const index of [2, 3]) repair.finish(index, 4000);
    assert.ok(!work.allOver);
    work.ingest = 'done';
    assert.ok(work.allOver && !work.anyFailed);
  });
});

describe('the address of a fleet', () => {
  it('is read with its login, and kept without', () => {
    assert.deepEqual(parseUrl('postgres://a%20b:p%40ss@[::1]:6000/my%20db'), {
      url: 'postgres://[::1]:6000/my%20db',
      login: 'a b',
      password: 'p@ss',
      access: { host: '::1', port: 6000, database: 'my db', user: 'a b', password: 'p@ss' },
    });
    assert.equal(parseUrl('postgresql://ann@lab.example/earshot').access.port, 5432);
    assert.equal(parseUrl('postgresql://ann@lab.example/earshot').password, undefined);
    for (const bad of [
      '',
      'lab.example',
      'http://ann@lab.example/earshot',
      'postgres://lab.example/e',
      'postgres://ann@lab.example',
    ])
      assert.throws(
        () => parseUrl(bad),
        (error: EarshotError) => error.failure.code === 'badRequest',
        bad,
      );
  });

  it('keeps passwords in a file of this user’s alone', () => {
    const state = mkdtempSync(join(tmpdir(), 'earshot-secrets-'));
    try {
      assert.deepEqual(secretsOf({ state }), {});
      keepSecrets({ state }, { ann: 'x' });
      keepSecrets({ state }, { m1: 'y' });
      assert.equal(secretOf({ state }, 'ann'), undefined, 'what others had goes');
      assert.equal(secretOf({ state }, 'm1'), 'y');
      if (process.platform !== 'win32') assert.equal(statSync(join(state, 'fleet-secrets.json')).mode & 0o777, 0o600);
    } finally {
      rmSync(state, { recursive: true, force: true });
    }
  });

  it('says what stands in the way', () => {
    const said = (error: unknown): string => {
      const { code, args } = problemOf(error, { host: 'lab', user: 'ann' });
      return [code, args.why].filter(Boolean).join(' ');
    };
    const pg = (code: string, message = ''): Error => Object.assign(new Error(message), { code });
    assert.equal(said(pg('28P01')), 'fleetRefused');
    assert.equal(said(pg('42501')), 'fleetRefused');
    assert.equal(said(pg('3D000')), 'fleetRefused');
    assert.equal(said(pg('3F000')), 'fleetUnprepared');
    assert.equal(said(pg('DEPTH_ZERO_SELF_SIGNED_CERT')), 'fleetUnreachable certificate');
    assert.equal(said(pg('', 'The server does not support SSL connections')), 'fleetUnreachable certificate');
    assert.equal(said(pg('ENOTFOUND')), 'fleetUnreachable name');
    assert.equal(said(pg('', 'Query read timeout')), 'fleetUnreachable timeout');
    assert.equal(said(pg('57P01')), 'fleetUnreachable');
    assert.equal(said(pg('ECONNREFUSED')), 'fleetUnreachable');
    assert.equal(said(new EarshotError('fleetNewer', { found: 2, known: 1 })), 'fleetNewer');
    assert.ok(isUnreachable(pg('57P03')) && isUnreachable(new Error('Connection terminated unexpectedly')));
    assert.ok(
      !isUnreachable(pg('23505', 'duplicate key')) &&
        !isUnreachable(new EarshotError('recordingChanged', { path: 'a' })),
    );
  });
});

it('gives a scraper the figures of all machines', () => {
  const text = exposition(
    fleetMetrics({
      since: 0,
      until: 60_000,
      everybody: true,
      figures: [
        {
          machine: 'gpu1',
          completed: 2,
          failed: 1,
          cancelled: 0,
          recordingSeconds: 90,
          waitedSeconds: 3,
          workedSeconds: 6.5,
          sentBytes: 1000,
          resultBytes: 10,
          takeovers: 1,
        },
      ],
      machines: [
        {
          id: 'x',
          name: 'gpu1',
          version: '1',
          here: false,
          live: true,
          seenAt: 0,
          share: 'always',
          draining: false,
          running: 2,
          can: [],
          devices: [],
        },
      ],
      jobs: [
        { owner: 'ann', yours: true, state: 'waiting', jobs: 2, recordingSeconds: 60 },
        { owner: null, yours: false, state: 'waiting', jobs: 3, recordingSeconds: 5 },
      ],
    }),
  );
  for (const line of [
    'earshot_fleet_window_seconds 60',
    'earshot_fleet_machine_up{machine="gpu1",id="x"} 1',
    'earshot_fleet_machine_jobs{machine="gpu1",id="x"} 2',
    'earshot_fleet_jobs{state="waiting"} 5',
    'earshot_fleet_jobs_recording_seconds{state="waiting"} 65',
    'earshot_fleet_jobs_ended{machine="gpu1",state="failed"} 1',
    'earshot_fleet_worked_seconds{machine="gpu1"} 6.5',
    'earshot_fleet_takeovers{machine="gpu1"} 1',
  ])
    assert.ok(text.split('\n').includes(line), line);
});

it('what was spoken elsewhere keeps where its sentences are, and no path', () => {
  const output = { path: '/etc/passwd', sampleRate: 22_050, durationMs: 2000, sentences: [22_050, 22_050] },
    row = (more: object): StoredResult => ({
      index: 0,
      stage: 'tts',
      output: { startMs: 0, endMs: 3000, output: { ...output, ...more } },
    });
  assert.deepEqual(returnedOf(row({})).output, { ...output, path: 'elsewhere' });
  for (const sentences of [[0, 1], [1], 'none', [1, -1]])
    assert.throws(() => returnedOf(row({ sentences })), failsWith('badAnswer'));
});
