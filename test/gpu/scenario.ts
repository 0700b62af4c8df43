/**
 * Two virtual GPUs of 24 GB, outsiders that come and go, and a queue of jobs over six models: the real pipeline, pool,
 * NVML binding, store and worker processes. What it measures is sampled from the devices themselves.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ModelCard } from '../../schemas/model.ts';
import type { Job } from '../../schemas/job.ts';
import type { Stage } from '../../schemas/words.ts';
import { gpuReader } from '../../daemon/devices/readers.ts';
import { startMonitor } from '../../daemon/devices/monitor.ts';
import { nvmlReader } from '../../daemon/devices/nvml.ts';
import type { Pool } from '../../daemon/devices/pool.ts';
import { Harness } from '../daemon/harness.ts';
import { virtual } from './engine/engine.ts';
import { random } from '../random.ts';
import { virtualGpus } from './virtual/gpus.ts';

const MiB = 1024 ** 2,
  GiB = 1024 ** 3;

interface Need {
  id: string;
  stage: Stage;
  weightsMiB: number;
  scratchMiB: number;
  spread: number;
  cardMiB: number;
  size: number;
}
/** What the models really need, and what their cards say; one card is far too low, one far too high. */
const NEEDS: readonly Need[] = [
  { id: 'whisper-large-v3', stage: 'asr', weightsMiB: 3100, scratchMiB: 1300, spread: 0.2, cardMiB: 4600, size: 5 },
  { id: 'whisper-medium', stage: 'asr', weightsMiB: 1550, scratchMiB: 900, spread: 0.2, cardMiB: 2400, size: 4 },
  { id: 'whisper-small', stage: 'asr', weightsMiB: 520, scratchMiB: 600, spread: 0.3, cardMiB: 850, size: 3 },
  { id: 'repair-7b', stage: 'repair', weightsMiB: 4700, scratchMiB: 1100, spread: 0.1, cardMiB: 6000, size: 7 },
  { id: 'nmt-1.2b', stage: 'nmt', weightsMiB: 2500, scratchMiB: 800, spread: 0.15, cardMiB: 5000, size: 2 },
  { id: 'voice', stage: 'tts', weightsMiB: 350, scratchMiB: 250, spread: 0.3, cardMiB: 700, size: 1 },
];
const truePeak = ({ weightsMiB, scratchMiB, spread }: Need): number =>
  Math.round((weightsMiB + scratchMiB * (1 + spread)) * MiB);

/**
 * What the older formula asks for: a figure by the model's name, 5 GB for others, a fifth on top; without its growth
 * with length, which would keep large models out for good.
 */
const FORMULA_GIB: Readonly<Record<string, number>> = {
  'whisper-large-v3': 10,
  'whisper-medium': 5,
  'whisper-small': 2,
};
export const byFormula = (pool: Pool): Pool =>
  Object.assign(pool, {
    estimate: ({ card }: Parameters<Pool['estimate']>[0]) => ({
      bytes: Math.ceil((FORMULA_GIB[card.id] ?? 5) * 1.2 * GiB),
      source: 'card',
    }),
  });

export interface ScenarioOptions {
  jobs: number;
  seed: number;
  judge?: (pool: Pool) => Pool;
  /** Workers killed, a device lost for a while, outsiders. */
  trouble: boolean;
}

export interface Report {
  seconds: number;
  jobs: number;
  completed: number;
  notCompleted: Record<string, number>;
  /**
   * Refused allocations on the devices; out-of-memory failures that attempts ended with; workers killed by the
   * scenario.
   */
  refused: number;
  outOfMemory: number;
  killed: number;
  loads: number;
  lost: number;
  orderViolations: number;
  capBytes: number[];
  mostLeased: number[];
  mostByWorkers: number[];
  /** Used of held memory, over the whole run. */
  usedOfHeld: number;
  estimates: {
    device: string;
    model: string;
    runs: number;
    samples: number;
    estimateBytes: number;
    truePeakBytes: number;
    error: number;
    source: string;
  }[];
  leasesLeft: number;
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

export async function runScenario(
  libraries: { nvml: string; control: string },
  { jobs: count, seed, judge, trouble }: ScenarioOptions,
): Promise<Report> {
  const gpus = virtualGpus(libraries, 2, 24 * GiB),
    devices = [0, 1];
  for (const device of devices) {
    gpus.set(device, 'release_delay_ms', 150);
    gpus.set(device, 'reserved', 300 * MiB);
    gpus.set(device, 'fragmentation_permille', 20);
  }
  const models = NEEDS.map(({ id, stage, weightsMiB, scratchMiB, spread, cardMiB, size }, i): ModelCard => ({
    id,
    name: id,
    family: id.split('-')[0]!,
    engine: 'virtual',
    stages: [stage],
    languages: [],
    licence: 'MIT',
    homepage: '',
    files: [],
    memory: { gpu: cardMiB * MiB },
    precision: {},
    size,
    parameters: {
      loadMs: 120,
      ms: 20,
      weightsMiB,
      scratchMiB,
      spread,
      keptMs: 150,
      seed: seed + i,
      crash: trouble ? 0.002 : 0,
    },
  }));
  const draw = random(seed),
    pick = <T>(items: readonly T[]): T => items[Math.floor(draw() * items.length)]!;
  const lengths = new Map<string, number[]>();
  const harness = await Harness.open({
    models,
    engines: [virtual],
    ...(judge ? { judge } : {}),
    readers: [gpuReader(nvmlReader({ names: [libraries.nvml], rescanMs: 100 }))],
    utterances: name => lengths.get(name)!,
    settings: {
      memoryReserveBytes: GiB,
      loadedModels: 10,
      keepAliveSeconds: 2,
      othersOnCpu: false,
      repairOnCpu: false,
    },
  });
  const monitor = startMonitor({
    pool: harness.pool,
    idleSeconds: () => 1,
    watched: () => false,
    onRead: () => harness.pipeline.wake(),
  });

  let held = 0,
    used = 0,
    killed = 0,
    lost = 0,
    greed = 0;
  const mostLeased = devices.map(() => 0),
    ids = harness.pool.devices().map(device => device.id),
    caps = harness.pool.devices().map(device => device.memory.cap);
  const sample = setInterval(() => {
    const leases = harness.pool.leases();
    for (const device of devices) {
      const mine = leases.filter(lease => lease.device === ids[device]),
        leased = mine.reduce((sum, lease) => sum + lease.bytes, 0);
      mostLeased[device] = Math.max(mostLeased[device]!, leased);
      held += leased;
      used += Math.min(leased, gpus.workers(device));
    }
    monitor.wake();
  }, 20);

  // Programs of others: they take up to 7 GB of a device, grow while we work, and go; now and then one takes all there
  // is.
  const stop = new AbortController();
  const outsiders = trouble
    ? devices.map(async device => {
        const chance = random(seed * 31 + device);
        while (!stop.signal.aborted) {
          const mine: number[] = [];
          for (let step = 0; step < 3 && !stop.signal.aborted; step++) {
            const allocation = gpus.allocate(device, 4_000_000 + device, Math.floor((0.5 + chance() * 2) * GiB), {
              graphics: true,
              staged: true,
            });
            if (allocation > 0) mine.push(allocation);
            if (allocation === 0) greed++;
            await sleep(100 + chance() * 300);
          }
          if (chance() < 0.5) {
            for (let bytes = 8 * GiB; bytes >= 128 * MiB;) {
              const allocation = gpus.allocate(device, 4_100_000 + device, bytes, { staged: true });
              if (allocation > 0) {
                mine.push(allocation);
                continue;
              }
              if (allocation === 0) greed++;
              bytes /= 2;
            }
            await sleep(300);
          }
          for (const allocation of mine) gpus.giveBack(device, allocation);
          await sleep(200 + chance() * 600);
        }
      })
    : [];
  const accidents = trouble
    ? (async () => {
        const chance = random(seed * 77);
        for (let round = 1; !stop.signal.aborted; round++) {
          await sleep(700 + chance() * 600);
          const workers = harness.pool.leases().filter(lease => lease.pid !== null && lease.state === 'active');
          const victim = workers[Math.floor(chance() * workers.length)];
          if (victim && !stop.signal.aborted) {
            try {
              process.kill(victim.pid!, 'SIGKILL');
              killed++;
            } catch {
              /* it has just ended */
            }
          }
          if (round % 12 === 6) {
            gpus.set(1, 'lost', 1);
            lost++;
            await sleep(600);
            gpus.clear(1);
            gpus.set(1, 'lost', 0);
          }
        }
      })()
    : Promise.resolve();

  const started = performance.now(),
    submitted: Job[] = [];
  const asr = NEEDS.filter(need => need.stage === 'asr').map(need => need.id);
  for (let n = 0; n < count; n++) {
    const name = `${n}.wav`;
    lengths.set(
      name,
      Array.from({ length: 1 + Math.floor(draw() * 3) }, () => 1000 + Math.floor(draw() * 5000)),
    );
    const options = {
      repair: draw() < 0.5,
      speak: draw() < 0.3,
      translateTo: draw() < 0.5 ? 'es' : undefined,
      models: { asr: pick(asr) },
    };
    submitted.push(
      ...(await harness.submit([name], options, { priority: pick(['normal', 'normal', 'normal', 'high', 'low']) })),
    );
  }
  let ended: Job[] = [];
  try {
    await harness.until(
      'the jobs to end',
      () => submitted.every(job => ['completed', 'failed', 'cancelled'].includes(harness.store.job(job.id)!.state)),
      60_000 + count * 1500,
    );
    ended = submitted.map(job => harness.pipeline.present(job.id)!);
  } finally {
    stop.abort();
    clearInterval(sample);
    await Promise.all([...outsiders, accidents]);
  }
  const seconds = (performance.now() - started) / 1000;
  const orderViolations = ended.filter(job =>
    job.stages.some(stage => {
      const order = harness.delivered(job, stage);
      return order.some((index, i) => i > 0 && index < order[i - 1]!);
    }),
  ).length;
  const log = harness.store.log({ limit: 1_000_000 });
  const placeOf = new Map(
    log
      .filter(entry => entry.kind === 'instance.loading')
      .map(entry => [entry.instance, `${String(entry.data.model)}@${String(entry.data.device)}`]),
  );
  const runsAt = new Map<string, number>();
  for (const entry of log)
    if (entry.kind === 'attempt.started') {
      const place = placeOf.get(entry.instance) ?? '';
      runsAt.set(place, (runsAt.get(place) ?? 0) + 1);
    }
  const estimates = harness.pool
    .estimates()
    .filter(estimate => estimate.samples > 0)
    .map(({ device, model, samples, estimateBytes, source }) => {
      const truePeakBytes = truePeak(NEEDS.find(need => need.id === model)!);
      return {
        device: device.slice(-1),
        model,
        runs: runsAt.get(`${model}@${device}`) ?? 0,
        samples,
        estimateBytes,
        truePeakBytes,
        error: (estimateBytes - truePeakBytes) / truePeakBytes,
        source,
      };
    });
  const report: Report = {
    seconds,
    jobs: count,
    completed: ended.filter(job => job.state === 'completed').length,
    notCompleted: countBy(
      ended.filter(job => job.state !== 'completed').map(job => `${job.state}: ${JSON.stringify(job.failure)}`),
    ),
    refused: devices.reduce((sum, device) => sum + gpus.get(device, 'out_of_memory'), 0) - greed,
    killed,
    lost,
    loads: log.filter(entry => entry.kind === 'instance.loaded').length,
    outOfMemory: log.filter(
      entry =>
        /outOfMemory/.test(JSON.stringify(entry.data)) &&
        (entry.kind === 'attempt.failed' || entry.kind === 'instance.gone'),
    ).length,
    orderViolations,
    capBytes: caps,
    mostLeased,
    mostByWorkers: devices.map(device => gpus.get(device, 'peak_workers')),
    usedOfHeld: held > 0 ? used / held : 0,
    estimates,
    leasesLeft: 0,
  };
  await harness.pipeline.stop('park');
  for (let i = 0; i < 100 && harness.pool.leases().length > 0; i++) {
    await sleep(50);
    await harness.pool.refresh();
  }
  report.leasesLeft = harness.pool.leases().length;
  monitor.dispose();
  await harness.close();
  gpus.dispose();
  return report;
}
