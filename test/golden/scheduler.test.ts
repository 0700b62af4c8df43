/**
 * Whole days of a small machine against stored ones: what was loaded, run, let go and refused, why each job waited and
 * when it was expected to begin and end. After a wanted change: EARSHOT_GOLDEN=write node --test
 * test/golden/scheduler.test.ts, then read the difference.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { plan } from '../../daemon/scheduler/plan.ts';
import type { ModelView, Plan, Policy, Snapshot } from '../../daemon/scheduler/snapshot.ts';
import { PRIORITIES, type Stage } from '../../schemas/words.ts';
import { Random } from '../sim/random.ts';
import { GiB, World, type Accident, type JobSpec, type ModelSpec, type WorldSpec } from '../sim/world.ts';

const DAYS = 56,
  /** From this one on two devices are crowded. */
  CROWDED = 41;

const model = (id: string, stage: Stage, gigabytes: number, ms: number, more: Partial<ModelSpec> = {}): ModelSpec => ({
  id,
  stage,
  cardBytes: gigabytes * GiB,
  weightBytes: gigabytes * 0.8 * GiB,
  peakBytes: gigabytes * GiB,
  loadMs: 300 + gigabytes * 900,
  msPerSecond: ms,
  maxBatch: stage === 'tts' ? 1 : 4,
  ...more,
});
const MODELS = [
  model('ear', 'asr', 1, 40, { family: 'ears', size: 1 }),
  model('big-ear', 'asr', 6, 120, { family: 'ears', size: 6 }),
  model('huge-ear', 'asr', 13, 200, { devices: ['gpu'] }),
  model('fixer', 'repair', 3, 25),
  model('translator', 'nmt', 2, 60),
  model('server', 'nmt', 0, 40),
  model('voice', 'tts', 0.5, 10),
];

/** A day is made by its number alone. */
function dayOf(number: number): { spec: WorldSpec; look: (snapshot: Snapshot, now: number) => Snapshot } {
  const random = new Random(number * 7919),
    crowded = number >= CROWDED,
    gpus = crowded ? 2 : number % 3;
  const ears = gpus ? ['ear', 'ear', 'big-ear', 'big-ear', 'huge-ear'] : ['ear', 'ear', 'big-ear'];
  const jobs = Array.from({ length: crowded ? 14 : random.integer(3, 9) }, (_, n): JobSpec => {
    const stages: JobSpec['stages'] = [{ stage: 'asr', model: random.pick(ears) }];
    if (random.next() < (crowded ? 0.8 : 0.4)) stages.push({ stage: 'repair', model: 'fixer' });
    if (random.next() < (crowded ? 0.8 : 0.4))
      stages.push({ stage: 'nmt', model: random.pick(['translator', 'server']) });
    if (random.next() < 0.3) stages.push({ stage: 'tts', model: 'voice' });
    return {
      id: `job${n}`,
      at: n < 3 ? n * 10 : random.integer(0, 40_000),
      priority: random.pick(PRIORITIES),
      live: random.next() < 0.15,
      utteranceSeconds: Array.from({ length: random.integer(1, 7) }, () => random.integer(2, 28)),
      stages,
      ingestMs: random.integer(100, 3000),
    };
  });
  const accidents: Accident[] = [];
  if (number % 4 === 1) accidents.push({ at: 9_000, type: 'workerKilled' });
  if (number % 5 === 2 && gpus)
    accidents.push(
      { at: 6_000, type: 'outsider', device: 'gpu0', bytes: 7 * GiB },
      { at: 60_000, type: 'outsider', device: 'gpu0', bytes: -7 * GiB },
    );
  if (number % 7 === 3 && gpus) accidents.push({ at: 5_000, type: 'lost', device: 'gpu0', forMs: 12_000 });
  const policy: Partial<Policy> = {
    instancesPerDevice: random.integer(1, 4),
    loadedModels: random.integer(1, 6),
    concurrentTasks: random.integer(1, 6),
    serial: number % 9 === 4,
    modelReuse: number % 6 === 5 ? 'never' : 'warm',
    keepAliveSeconds: random.pick([0, 5, 60]),
    overtakes: random.pick([0, 1, 8]),
    ageingSeconds: random.pick([10, 600]),
    batchMinimum: random.pick([1, 2]),
    batchMaximum: random.pick([1, 4]),
    repairOnCpu: random.next() < 0.5,
    othersOnCpu: random.next() < 0.5,
    smallerModelOnFailure: random.next() < 0.5,
    yieldTo: random.pick(['never', 'others', 'always'] as const),
    pinnedModels: number % 8 === 6 ? { ear: 'cpu' } : {},
  };
  const elastic = random.next() < 0.6,
    advised = number % 10 === 7,
    pressed = number % 10 === 8,
    downloading = number % 10 === 9;
  return {
    spec: {
      seed: number,
      devices: [
        ...Array.from({ length: gpus }, (_, n) => ({
          id: `gpu${n}`,
          kind: 'gpu' as const,
          totalBytes: [11, 16, 24][(number + n) % 3]! * GiB,
        })),
        { id: 'cpu', kind: 'cpu', totalBytes: 16 * GiB, cores: [1, 2, 4, 8][number % 4]! },
      ],
      models: MODELS,
      jobs,
      accidents,
      policy,
      jitter: 0,
    },
    look: (snapshot, now) => ({
      ...snapshot,
      models: Object.fromEntries(
        Object.entries(snapshot.models).map(([id, each]): [string, ModelView] => [
          id,
          {
            ...each,
            elastic: elastic && each.stages[0] === 'asr',
            waiting:
              downloading && id === 'ear' && now < 8_000
                ? { code: 'modelDownloading', args: { model: id } }
                : each.waiting,
          },
        ]),
      ),
      devices: snapshot.devices.map(device => ({
        ...device,
        ...(pressed && device.kind === 'gpu' && now > 10_000 && now < 20_000 ? { pressed: true } : {}),
        ...(number % 4 === 3 && device.kind === 'cpu' ? { outsideCores: 1 } : {}),
      })),
      jobs: snapshot.jobs.map(job => ({
        ...job,
        // Some were moved by hand.
        position: number % 4 === 2 && Number(job.id.slice(3)) % 3 === 1 ? job.position - 15_000 : job.position,
        ...(job.ingest === 'waiting'
          ? { untouched: { seconds: job.stages[0]!.leftSeconds, models: job.stages.map(stage => stage.model) } }
          : {}),
      })),
      ...(advised ? { advice: { replicas: { asr: 1 }, batch: { asr: 2 }, keepAliveSeconds: 2 } } : {}),
    }),
  };
}

const clock = (ms: number | null | undefined): string => (ms == null ? 'never' : (ms / 1000).toFixed(1));
const size = (bytes: number): string => `${(bytes / GiB).toFixed(2)} GiB`;
const argsText = (args: Record<string, unknown>): string =>
  Object.entries(args)
    .map(([name, value]) => ` ${name}=${typeof value === 'number' ? Math.round(value) : String(value)}`)
    .join('');

/** A line for each thing that happens, and for each job whenever the reason for which it waits is another. */
function diaryOf(number: number): string {
  const { spec, look } = dayOf(number),
    lines: string[] = [],
    before = new Map<string, string>();
  const note = (snapshot: Snapshot, { actions, waiting, expectedEndAt, wakeAt }: Plan, now: number): void => {
    const found = actions.map(each => {
      switch (each.type) {
        case 'load':
          return (
            `load ${each.model} (${each.stage}) on ${each.device} for ${each.job}: ${size(each.bytes)}, ` +
            `${each.threads} threads`
          );
        case 'run':
          return (
            `run ${each.job} ${each.stage} ${each.from}-${each.to} on ${each.instance}, ${each.threads ?? 'its'} ` +
            'threads'
          );
        case 'unload':
          return `unload ${each.instance}: ${each.why}`;
        case 'refuse':
          return `refuse ${each.job}: ${each.failure.code}${argsText(each.failure.args)}`;
        case 'threads':
          return `${each.instance} goes on with ${each.threads} threads`;
        default:
          return `${each.type} ${each.job}`;
      }
    });
    for (const { id } of snapshot.jobs) {
      const why = waiting.get(id),
        text = why ? `${why.reason.code}${argsText(why.reason.args)}` : 'moves';
      // That a load is over later or sooner than was thought is no other reason.
      const reason = text.replace(/ at=\d+/, '');
      if (before.get(id) === reason) continue;
      before.set(id, reason);
      found.push(
        `${id} ${text}${why ? `, begins ${clock(why.expectedStartAt)}` : ''}, ends ${clock(expectedEndAt.get(id))}`,
      );
    }
    if (found.length)
      lines.push(
        `${clock(now)}  ${[...found, ...(wakeAt === null ? [] : [`looks again ${clock(wakeAt)}`])].join('\n      ')}`,
      );
  };
  new World(spec, (snapshot, now) => {
    const seen = look(snapshot, now),
      made = plan(seen, now);
    note(seen, made, now);
    return made;
  }).run(400_000);
  return `${lines.join('\n')}\n`;
}

describe('days of a small machine', () => {
  for (let number = 1; number <= DAYS; number++)
    test(`day ${number}`, () => {
      const made = diaryOf(number),
        path = join(import.meta.dirname, 'scheduler', `day-${String(number).padStart(2, '0')}.txt`);
      if (process.env.EARSHOT_GOLDEN === 'write') writeFileSync(path, made);
      assert.equal(made, readFileSync(path, 'utf8'));
    });
});
