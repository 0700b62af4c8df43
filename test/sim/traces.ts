/** Seeded traces: what arrives, when, and what goes wrong. Times in ms. */
import type { Stage } from '../../schemas/words.ts';
import { Random } from './random.ts';
import { GiB, type Accident, type DeviceSpec, type JobSpec, type ModelSpec, type WorldSpec } from './world.ts';

/** Two 24 GB cards. */
export const DEVICES: readonly DeviceSpec[] = [
  { id: 'GPU 0', kind: 'gpu', totalBytes: 24 * GiB },
  { id: 'GPU 1', kind: 'gpu', totalBytes: 24 * GiB },
];

const model = (
  id: string,
  stage: Stage,
  cardGigabytes: number,
  truth: number,
  loadMs: number,
  msPerSecond: number,
): ModelSpec => ({
  id,
  stage,
  cardBytes: cardGigabytes * GiB,
  weightBytes: Math.round(cardGigabytes * truth * 0.8 * GiB),
  peakBytes: Math.round(cardGigabytes * truth * GiB),
  loadMs,
  msPerSecond,
  maxBatch: 4,
});
/** Memory as cards say, the share of it that is really taken, load times, and ms of work for one second of sound. */
export const MODELS: readonly ModelSpec[] = [
  model('base', 'asr', 1, 0.9, 2000, 12),
  model('small', 'asr', 2, 0.95, 3000, 20),
  model('medium', 'asr', 5, 1.02, 6000, 40),
  model('large', 'asr', 10, 0.98, 12_000, 70),
  model('turbo', 'asr', 4.5, 1.0, 6000, 30),
  model('fixer', 'repair', 3, 0.97, 5000, 20),
  model('translator', 'nmt', 1.5, 0.95, 3000, 30),
  model('voice', 'tts', 0.75, 0.9, 1000, 10),
];
const RECOGNIZERS = [
  ['base', 3],
  ['small', 3],
  ['medium', 2],
  ['turbo', 2],
  ['large', 1],
] as const;

export const CEILINGS = { instancesPerDevice: 5, loadedModels: 10, concurrentTasks: 8 };

interface Taste {
  recognizers?: readonly (readonly [string, number])[];
  minutes: () => number;
  live?: boolean;
}
function job(
  random: Random,
  place: number,
  at: number,
  { recognizers = RECOGNIZERS, minutes, live = false }: Taste,
): JobSpec {
  const wanted = minutes() * 60,
    utteranceSeconds: number[] = [];
  for (let total = 0; total < wanted;) {
    const seconds = Math.round(random.between(4, Math.min(26, Math.max(5, wanted - total + 4))) * 10) / 10;
    utteranceSeconds.push(seconds);
    total += seconds;
  }
  const stages: JobSpec['stages'] = [{ stage: 'asr', model: random.weighted(recognizers) }];
  if (random.next() < 0.5) stages.push({ stage: 'repair', model: 'fixer' });
  if (random.next() < 0.4) {
    stages.push({ stage: 'nmt', model: 'translator' });
    if (random.next() < 0.5) stages.push({ stage: 'tts', model: 'voice' });
  }
  const seconds = utteranceSeconds.reduce((a, b) => a + b, 0);
  return {
    id: `job${String(place).padStart(6, '0')}`,
    at: Math.round(at),
    priority: 'normal',
    live,
    utteranceSeconds,
    stages,
    ingestMs: Math.round(300 + seconds * 5),
  };
}

const world = (seed: number, jobs: JobSpec[], accidents: Accident[] = []): WorldSpec => ({
  devices: [...DEVICES],
  models: [...MODELS],
  jobs,
  accidents,
  seed,
  jitter: 0.05,
  policy: CEILINGS,
});
/** Most recordings are short, a few are long: the length's logarithm is normal. */
const usual =
  (random: Random): (() => number) =>
  () =>
    Math.min(60, Math.max(0.2, 3 * Math.exp(0.9 * random.normal())));

export function burst(seed: number, count = 200): WorldSpec {
  const random = new Random(seed);
  return world(
    seed,
    Array.from({ length: count }, (_, i) => job(random, i, i * 20, { minutes: usual(random) })),
  );
}

/** Arrivals by chance at a share of what the two devices can do at best. */
export function poisson(seed: number, load: number, count = 300): WorldSpec {
  const random = new Random(seed);
  const sample = burst(seed, count);
  const meanWorkMs =
    sample.jobs.reduce(
      (sum, each) =>
        sum +
        each.utteranceSeconds.reduce((a, b) => a + b, 0) *
          each.stages.reduce((s, { model: id }) => s + MODELS.find(m => m.id === id)!.msPerSecond, 0),
      0,
    ) / count;
  let at = 0;
  return world(
    seed,
    sample.jobs.map(each => ({
      ...each,
      at: Math.round((at += random.exponential(meanWorkMs / (CEILINGS.concurrentTasks * load)))),
    })),
  );
}

/** Many small recordings without end, and now and then a large one. */
export function flood(seed: number, count = 400): WorldSpec {
  const random = new Random(seed);
  let at = 0;
  return world(
    seed,
    Array.from({ length: count }, (_, i) => {
      at += random.exponential(950);
      return i % 40 === 20
        ? job(random, i, at, { recognizers: [['large', 1]], minutes: () => random.between(10, 20) })
        : job(random, i, at, {
            recognizers: [
              ['base', 2],
              ['small', 2],
              ['turbo', 1],
            ],
            minutes: () => random.between(0.5, 3),
          });
    }),
  );
}

export function liveSessions(seed: number, count = 10): WorldSpec {
  const random = new Random(seed);
  const jobs = Array.from({ length: count }, (_, i) =>
    job(random, i, random.between(0, 60_000), {
      recognizers: [
        ['small', 2],
        ['turbo', 1],
      ],
      minutes: () => random.between(8, 15),
      live: true,
    }),
  );
  for (let i = 0; i < 12; i++)
    jobs.push(job(random, count + i, random.between(0, 600_000), { minutes: usual(random) }));
  return world(
    seed,
    jobs.sort((a, b) => a.at - b.at),
  );
}

/** Office hours: little at night, two peaks, a few urgent and some low ones. */
export function day(seed: number, count = 1200): WorldSpec {
  const random = new Random(seed),
    hour = 3_600_000;
  const rate = (at: number): number => {
    const h = at / hour;
    return 0.05 + Math.exp(-(((h - 10) / 2) ** 2)) + 0.8 * Math.exp(-(((h - 15) / 2.5) ** 2));
  };
  const times: number[] = [];
  while (times.length < count) {
    const at = random.between(0, 24 * hour);
    if (random.next() < rate(at) / 1.1) times.push(at);
  }
  return world(
    seed,
    times
      .sort((a, b) => a - b)
      .map((at, i) => ({
        ...job(random, i, at, { minutes: usual(random) }),
        priority: random.weighted([
          ['urgent', 1],
          ['high', 2],
          ['normal', 12],
          ['low', 5],
        ] as const),
      })),
  );
}

/**
 * A burst, with other programs taking 8 GB and giving it back, workers and the daemon killed, and a device out of sight
 * for a while.
 */
export function chaos(seed: number, count = 120): WorldSpec {
  const random = new Random(seed);
  const spec = burst(seed, count),
    accidents: Accident[] = [];
  for (let i = 0; i < 40; i++) accidents.push({ at: random.integer(1000, 1_500_000), type: 'workerKilled' });
  for (let i = 0; i < 3; i++)
    accidents.push({ at: random.integer(60_000, 1_200_000), type: 'daemonKilled', downMs: 4000 });
  for (let i = 0; i < 4; i++) {
    const at = random.integer(10_000, 900_000),
      device = `GPU ${i % 2}`;
    accidents.push(
      { at, type: 'outsider', device, bytes: 8 * GiB },
      { at: at + random.integer(60_000, 300_000), type: 'outsider', device, bytes: -8 * GiB },
    );
  }
  accidents.push(
    { at: 200_000, type: 'lost', device: 'GPU 0', forMs: 30_000 },
    { at: 500_000, type: 'lost', device: 'GPU 1', forMs: 60_000 },
  );
  return { ...spec, accidents };
}

export const TRACES: readonly { name: string; make: (seed: number) => WorldSpec }[] = [
  { name: 'burst of 200', make: seed => burst(seed) },
  { name: 'Poisson, half of capacity', make: seed => poisson(seed, 0.5) },
  { name: 'Poisson, 0.8 of capacity', make: seed => poisson(seed, 0.8) },
  { name: 'Poisson, 0.95 of capacity', make: seed => poisson(seed, 0.95) },
  { name: 'flood of small, rare large', make: seed => flood(seed) },
  { name: 'ten live sessions', make: seed => liveSessions(seed) },
  { name: 'a day', make: seed => day(seed) },
  { name: 'chaos', make: seed => chaos(seed) },
];
