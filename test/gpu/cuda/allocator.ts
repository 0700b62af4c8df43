/**
 * A real allocator under a real queue: six models whose memory is drawn anew in each run, a cap of 24 GB, programs of
 * others that take what they can get, workers that are killed. What counts is what the driver says: that we stay under
 * the cap, that no job is lost, that what was learned about a model is what it needs.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startMonitor } from '../../../daemon/devices/monitor.ts';
import { gpuReader } from '../../../daemon/devices/readers.ts';
import type { Job } from '../../../schemas/job.ts';
import { isFinal } from '../../../schemas/words.ts';
import { Harness } from '../../daemon/harness.ts';
import { random } from '../../random.ts';
import { torchEngine } from '../torch/engine.ts';
import { torchModel, type Need } from './models.ts';
import { contextBytes, GiB, mib, MiB, Outsider, percent, readerOf, readingOf, spread, type Cuda } from './machine.ts';
import type { Section } from './report.ts';

const CAP = 24 * GiB;
/** What the models need, and what their cards say; one card is far too low, one far too high. */
const NEEDS: readonly Need[] = [
  { id: 'whisper-large', stage: 'asr', weightsMiB: 3100, scratchMiB: 1300, spread: 0.2, cardMiB: 4600, size: 5 },
  { id: 'whisper-medium', stage: 'asr', weightsMiB: 1550, scratchMiB: 900, spread: 0.2, cardMiB: 2400, size: 4 },
  {
    id: 'whisper-small',
    stage: 'asr',
    weightsMiB: 520,
    scratchMiB: 600,
    spread: 0.3,
    cardMiB: 900,
    size: 3,
    cache: false,
  },
  { id: 'repair-7b', stage: 'repair', weightsMiB: 4700, scratchMiB: 1100, spread: 0.1, cardMiB: 6000, size: 7 },
  { id: 'nmt-1.2b', stage: 'nmt', weightsMiB: 2500, scratchMiB: 800, spread: 0.15, cardMiB: 5000, size: 2 },
  { id: 'voice', stage: 'tts', weightsMiB: 350, scratchMiB: 250, spread: 0.3, cardMiB: 700, size: 1 },
];
const RECOGNIZERS = NEEDS.filter(need => need.stage === 'asr').map(need => need.id);
/** Runs after which an estimate has to be right. */
const ENOUGH_RUNS = 10;

export async function allocator(cuda: Cuda, section: Section): Promise<void> {
  const peaks = mkdtempSync(join(tmpdir(), 'earshot-peaks-'));
  process.env.EARSHOT_PEAKS = peaks;
  try {
    await queue(cuda, section, peaks);
    await accidents(cuda, section);
  } finally {
    delete process.env.EARSHOT_PEAKS;
    rmSync(peaks, { recursive: true, force: true });
  }
}

const openHarness = (cuda: Cuda, needs: readonly Need[], lengths: Map<string, number[]>): Promise<Harness> =>
  Harness.open({
    models: needs.map(torchModel),
    engines: [torchEngine(cuda.python, cuda.env)],
    readers: [gpuReader(readerOf())],
    utterances: name => lengths.get(name) ?? [1000],
    settings: {
      memoryUtilization: Math.max(0.1, Math.min(0.9, CAP / cuda.totalBytes)),
      memoryReserveBytes: GiB / 2,
      loadedModels: 10,
      keepAliveSeconds: 5,
      othersOnCpu: false,
      repairOnCpu: false,
    },
  });

async function queue(cuda: Cuda, section: Section, peaks: string): Promise<void> {
  const draw = random(11),
    pick = <T>(items: readonly T[]): T => items[Math.floor(draw() * items.length)]!;
  const lengths = new Map<string, number[]>();
  const harness = await openHarness(
    cuda,
    NEEDS.map((need, i) => ({ ...need, side: cuda.short ? 64 : 2048, seed: i, crash: 0.002 })),
    lengths,
  );
  const stop = new AbortController();
  const context = (await contextBytes(cuda)) ?? 0,
    others = await startOthers(cuda, stop.signal),
    watched = watch(cuda, harness, stop.signal);
  const monitor = startMonitor({
    pool: harness.pool,
    idleSeconds: () => 1,
    watched: () => false,
    onRead: () => harness.pipeline.wake(),
  });
  const submitted: Job[] = [];
  for (let n = 0; n < (cuda.short ? 16 : 200); n++) {
    lengths.set(
      `${n}.wav`,
      Array.from({ length: 1 + Math.floor(draw() * 3) }, () => 1000 + Math.floor(draw() * 5000)),
    );
    const options = {
      repair: draw() < 0.5,
      speak: draw() < 0.3,
      translateTo: draw() < 0.5 ? 'es' : undefined,
      models: { asr: pick(RECOGNIZERS) },
    };
    submitted.push(...(await harness.submit([`${n}.wav`], options)));
  }
  const stateOf = ({ id }: Job): string => harness.store.job(id)!.state,
    open = (): number => submitted.filter(job => !isFinal(stateOf(job) as Job['state'])).length;
  const limitMs = Math.max(30_000, cuda.left() - (cuda.short ? 30_000 : 120_000));
  const begun = performance.now();
  try {
    await harness.until('the jobs to end', () => open() === 0, limitMs).catch(() => {});
  } finally {
    stop.abort();
    await others.done;
  }
  const { mostBytes, killed, creditMs } = await watched;
  const ended = submitted.length - open(),
    completed = submitted.filter(job => stateOf(job) === 'completed').length,
    log = harness.store.log({ limit: 1_000_000 }),
    count = (kind: string, words = /./): number =>
      log.filter(entry => entry.kind === kind && words.test(JSON.stringify(entry.data))).length;
  section.check(
    `no job is lost (${submitted.length} jobs of six models)`,
    completed === ended && ended > 0,
    `${completed} completed of ${ended} that ended in ${((performance.now() - begun) / 1000).toFixed(0)} s` +
      (ended < submitted.length ? `; for the rest no time was left` : ''),
  );
  const cap = harness.pool.devices().find(device => device.id === cuda.device)!.memory.cap;
  section.check(
    'our processes stay under the cap, as the driver sees them',
    mostBytes <= cap,
    `${mib(mostBytes)} of ${mib(cap)}`,
  );
  const refused = ['attempt.failed', 'attempt.parked', 'instance.gone'].reduce(
    (sum, kind) => sum + count(kind, /outOfMemory/),
    0,
  );
  section.check(
    'every refused allocation was tried again and finished',
    completed === ended,
    `${refused} runs and loads out of memory, ${killed} workers killed, ` +
      `${count('instance.gone', /workerCrashed/)} crashed`,
  );
  estimates(section, harness, { peaks, runs: runsOf(log), device: cuda.device, context });
  await harness.pipeline.stop('park');
  for (let i = 0; i < 100 && harness.pool.leases().length > 0; i++) {
    await sleep(50);
    await harness.pool.refresh();
  }
  section.check('no lease is left', harness.pool.leases().length === 0, `${harness.pool.leases().length}`);
  if (creditMs.length)
    section.note(
      `A lease was credited ${Math.round(spread(creditMs).median)} ms (median of ${creditMs.length}) after its ` +
        'worker was asked to go, once the device showed the memory free.',
    );
  monitor.dispose();
  await harness.close();
}

/** Attempts by model. */
function runsOf(log: ReturnType<Harness['store']['log']>): Map<string, number> {
  const models = new Map(
      log.filter(entry => entry.kind === 'instance.loading').map(entry => [entry.instance, String(entry.data.model)]),
    ),
    runs = new Map<string, number>();
  for (const entry of log)
    if (entry.kind === 'attempt.started') {
      const model = models.get(entry.instance) ?? '';
      runs.set(model, (runs.get(model) ?? 0) + 1);
    }
  return runs;
}

/** What each model's allocators held at most, and what was learned of it. */
function estimates(
  section: Section,
  harness: Harness,
  {
    peaks,
    runs,
    device,
    context,
  }: { peaks: string; runs: ReadonlyMap<string, number>; device: string; context: number },
): void {
  const most = new Map<string, number>();
  for (const name of readdirSync(peaks).filter(each => each.endsWith('.peak'))) {
    const { model, bytes } = JSON.parse(readFileSync(join(peaks, name), 'utf8')) as { model: string; bytes: number };
    most.set(model, Math.max(most.get(model) ?? 0, bytes));
  }
  const rows = harness.pool
    .estimates()
    .filter(estimate => estimate.device === device && estimate.samples > 0 && most.has(estimate.model))
    .map(({ model, estimateBytes, source }) => {
      const need = NEEDS.find(each => each.id === model)!,
        truth = most.get(model)! + context;
      return {
        model,
        runs: runs.get(model) ?? 0,
        cardBytes: need.cardMiB * MiB,
        truth,
        estimateBytes,
        error: (estimateBytes - truth) / truth,
        source,
      };
    });
  section.table(
    ['model', 'runs', 'its card', 'held at most', 'estimate', 'above that', 'by'],
    rows.map(each => [
      each.model,
      each.runs,
      mib(each.cardBytes),
      mib(each.truth),
      mib(each.estimateBytes),
      percent(each.error),
      each.source,
    ]),
  );
  // What is added to every estimate is more than 15 % of a small model.
  const judged = rows.filter(each => each.runs >= ENOUGH_RUNS && each.truth > 2 * GiB);
  if (!judged.length) return section.note(`No model above 2 GiB had ${ENOUGH_RUNS} runs: estimates were not judged.`);
  const worst = Math.max(...judged.map(each => Math.abs(each.error)));
  section.check(
    `estimates are within 15 % after ${ENOUGH_RUNS} runs`,
    worst <= 0.15,
    `${percent(worst)} at worst, of ${judged.length} models above 2 GiB`,
  );
}

/** The most that our processes held together, by a reader of its own; kills one of them now and then. */
async function watch(
  cuda: Cuda,
  harness: Harness,
  signal: AbortSignal,
): Promise<{ mostBytes: number; killed: number; creditMs: number[] }> {
  const reader = readerOf(),
    chance = random(77),
    creditMs: number[] = [],
    releasing = new Map<string, number>();
  let mostBytes = 0,
    killed = 0,
    killAt = performance.now() + 4000;
  while (!signal.aborted) {
    const leases = harness.pool.leases(),
      now = performance.now();
    const pids = new Set(leases.map(lease => lease.pid)),
      held = (await readingOf({ reader, device: cuda.device })).processes ?? [];
    mostBytes = Math.max(
      mostBytes,
      held.reduce((sum, process) => sum + (pids.has(process.pid) ? (process.bytes ?? 0) : 0), 0),
    );
    for (const lease of leases) if (lease.state !== 'active' && !releasing.has(lease.id)) releasing.set(lease.id, now);
    for (const [id, since] of releasing)
      if (!leases.some(lease => lease.id === id)) {
        creditMs.push(now - since);
        releasing.delete(id);
      }
    if (now > killAt) {
      const victims = leases.filter(lease => lease.pid !== null && lease.loaded && lease.state === 'active'),
        victim = victims[Math.floor(chance() * victims.length)];
      if (victim)
        try {
          process.kill(victim.pid!, 'SIGKILL');
          killed++;
        } catch {
          /* it has just ended */
        }
      killAt = now + 4000 + chance() * 6000;
    }
    await sleep(10);
  }
  reader.dispose();
  return { mostBytes, killed, creditMs };
}

/** What is left to us and the others together, beside one that holds the rest for good. */
const ARENA = CAP + 5 * GiB;

/** Programs of others: one makes a large GPU small, two come and go, and now and then take all that there is. */
async function startOthers(cuda: Cuda, signal: AbortSignal): Promise<{ done: Promise<void> }> {
  const programs = await Promise.all([Outsider.start(cuda), Outsider.start(cuda), Outsider.start(cuda)]);
  const [rest, ...dancers] = programs;
  for (let free = (await readingOf(cuda)).freeBytes!; free > ARENA;) {
    const { refused } = await rest!.ask({ take: Math.min(4 * GiB, free - ARENA + MiB) });
    if (refused !== undefined) break;
    free = (await readingOf(cuda)).freeBytes!;
  }
  const dance = async (program: Outsider, n: number): Promise<void> => {
    const chance = random(31 + n);
    while (!signal.aborted) {
      for (let step = 0; step < 3 && !signal.aborted; step++) {
        await program.ask({ take: Math.floor((0.5 + chance() * 2) * GiB) });
        await sleep(300 + chance() * 700);
      }
      if (chance() < 0.4)
        for (let bytes = 8 * GiB; bytes >= 128 * MiB && !signal.aborted;)
          if ((await program.ask({ take: bytes })).refused !== undefined) bytes /= 2;
      await sleep(500);
      await program.ask({ give: true });
      await sleep(500 + chance() * 1500);
    }
  };
  const done = Promise.all(dancers.map(dance))
    .catch(() => {})
    .then(async () => {
      for (const program of programs) await program.end();
    });
  return { done: done.then(() => {}) };
}

/** A kernel that fails takes its process's context with it; one that never ends is ended. */
async function accidents(cuda: Cuda, section: Section): Promise<void> {
  for (const [once, neededMs, what] of [
    ['crash', 20_000, 'a kernel that failed cost its worker, not its job'],
    ['hang', 100_000, 'a run that never ended was ended, and its job finished'],
  ] as const) {
    if (cuda.left() < neededMs || (once === 'hang' && cuda.short)) {
      section.note(`Left out, for lack of time: ${what}.`);
      continue;
    }
    const need: Need = { id: `once-${once}`, stage: 'asr', weightsMiB: 100, scratchMiB: 50, cardMiB: 800, once };
    const harness = await openHarness(cuda, [need], new Map());
    try {
      await harness.pool.refresh('all');
      const [job] = await harness.submit(['talk.wav'], { repair: false, translateTo: undefined });
      const [ended] = await harness.ended([job!], cuda.left());
      const gone = harness.store
        .log({ limit: 1000 })
        .filter(entry => entry.kind === 'instance.gone')
        .map(entry => JSON.stringify(entry.data));
      section.check(
        what,
        ended!.state === 'completed' && gone.length > 0,
        `${ended!.state}; ${gone[0] ?? 'no worker ended'}`,
      );
    } finally {
      await harness.close();
    }
  }
}
