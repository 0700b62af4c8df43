/**
 * `npm run bench:scale`: what a long queue and a long history cost, written to docs/scale.md. The tests hold the same
 * promises with fewer jobs (scale.test.ts).
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { ulid } from '../../daemon/system/ids.ts';
import { JobWork } from '../../daemon/jobs/work.ts';
import { buildSnapshot, type World } from '../../daemon/pipeline/snapshot.ts';
import { plan } from '../../daemon/scheduler/plan.ts';
import { openStore } from '../../daemon/store/sqlite/store.ts';
import type { Store } from '../../daemon/contracts/store.ts';
import { isFinal, PRIORITIES, STAGES, type Stage } from '../../schemas/words.ts';
import { row } from '../../test/contract/store.ts';
import { Harness, fakeModel } from '../../test/daemon/harness.ts';
import { Random } from '../../test/sim/random.ts';
import { roomyGpu } from './law.ts';
import { HEADING } from './search.ts';
import { machine, ms, three, timed, type Spread } from './spread.ts';
import { wrapped } from '../wrap.ts';

const MODELS = STAGES.flatMap(stage =>
  [1, 2, 3].map(n => fakeModel(`${stage}-${n}`, stage, { ms: 0 }, { family: stage, size: n })),
);

/** One turn's thinking with `waiting` jobs in the queue, a few of them under way: the snapshot and the plan. ms. */
export async function thinking(
  waiting: number,
  times = 300,
): Promise<{ snapshot: Spread; plan: Spread; both: Spread }> {
  const harness = await Harness.open({ models: MODELS, readers: [roomyGpu('GPU-0'), roomyGpu('GPU-1')] });
  try {
    await harness.pool.refresh('all');
    const jobs = new Map<string, JobWork>(),
      next = new Random(1);
    for (let i = 0; i < waiting; i++) {
      const stages: Stage[] = STAGES.slice(0, 1 + next.integer(0, 3));
      const work = new JobWork(
        row({
          id: ulid(1_000 + i),
          stages,
          models: Object.fromEntries(stages.map(stage => [stage, `${stage}-${next.integer(1, 3)}`])),
          priority: PRIORITIES[next.integer(0, 3)]!,
          position: i,
          createdAt: 1_000 + i * 40,
          durationMs: next.integer(5_000, 3_600_000),
        }),
        60_000,
      );
      if (i < 8) {
        work.ingest = 'done';
        work.addUtterances(
          Array.from({ length: 200 }, (_, index) => ({
            index,
            startMs: index * 10_000,
            endMs: index * 10_000 + 9_000,
          })),
        );
      }
      jobs.set(work.row.id, work);
    }
    const { catalogue, speeds, engine } = harness.deps;
    const world: World = {
      settings: () => harness.settings,
      clock: () => 0,
      pool: harness.pool,
      catalogue,
      speeds,
      engine,
      jobs,
      instances: new Map(),
      open: true,
      advice: {},
      loadFailures: new Map(),
    };
    const now = 1_000 + waiting * 40,
      snapshot = buildSnapshot(world),
      planned = (): unknown => plan(snapshot, now);
    return {
      snapshot: timed(times, 50, () => buildSnapshot(world)),
      plan: timed(times, 50, planned),
      both: timed(times, 50, () => plan(buildSnapshot(world), now)),
    };
  } finally {
    await harness.close();
  }
}

export interface FloodReport {
  jobs: number;
  submitMsPerJob: number;
  seconds: number;
  stepsPerSecond: number;
  cpuMsPerStep: number;
  eventsPerStep: number;
  loopDelayP99Ms: number;
  heapMiB: number;
  completed: number;
}

/** Enough that the models are loaded and the code is warm: a load is no step. */
const BEFOREHAND = 100;

/** `jobs` recordings of one utterance at once, whose work takes no time: what is left is the daemon. */
export async function flood(jobs: number): Promise<FloodReport> {
  const harness = await Harness.open({
    models: STAGES.map(stage => fakeModel(`fake-${stage}`, stage, { ms: 0 })),
    readers: [roomyGpu('GPU-0')],
    utterances: () => [1000],
    settings: { adaptive: false, yieldTo: 'never', loadedModels: 4, instancesPerDevice: 4 },
  });
  try {
    const recordings = (what: string, count: number): string[] =>
      Array.from({ length: count }, (_, i) => `${what}-${i}.wav`);
    const first = recordings('before', BEFOREHAND),
      names = recordings('talk', jobs);
    for (const name of [...first, ...names]) harness.recording(name);
    let events = 0,
      left = BEFOREHAND;
    const ended = new Set<string>();
    let done = Promise.withResolvers<void>();
    harness.watch(event => {
      events++;
      if (event.type === 'job' && isFinal(event.job.state) && !ended.has(event.job.id)) {
        ended.add(event.job.id);
        if (--left === 0) done.resolve();
      }
    });
    await harness.submit(first);
    await done.promise;
    [events, left, done] = [0, jobs, Promise.withResolvers<void>()];
    const delay = monitorEventLoopDelay({ resolution: 5 });
    const began = performance.now(),
      cpu = process.cpuUsage();
    delay.enable();
    await harness.submit(names);
    const submitMs = performance.now() - began;
    await done.promise;
    delay.disable();
    const seconds = (performance.now() - began) / 1000,
      used = process.cpuUsage(cpu),
      steps = jobs * 3;
    return {
      jobs,
      submitMsPerJob: submitMs / jobs,
      seconds,
      stepsPerSecond: steps / seconds,
      cpuMsPerStep: (used.user + used.system) / 1000 / steps,
      eventsPerStep: events / steps,
      loopDelayP99Ms: delay.percentile(99) / 1e6,
      heapMiB: process.memoryUsage().heapUsed / 1024 ** 2,
      completed: harness.store.list({ states: ['completed'], limit: 1 }).total - BEFOREHAND,
    };
  } finally {
    await harness.close();
  }
}

export interface HistoryReport {
  jobs: number;
  submitMsPerJob: number;
  first: Spread;
  completed: Spread;
  search: Spread;
  deep: Spread;
}

export function history(jobs: number): HistoryReport {
  const directory = mkdtempSync(join(tmpdir(), 'earshot-scale-'));
  const store: Store = openStore(join(directory, 'earshot.db'));
  try {
    const batch = 1_000,
      began = performance.now();
    for (let n = 0; n < jobs; n += batch)
      store.submit(
        Array.from({ length: batch }, (_, i) =>
          row({ id: ulid(n + i), state: 'completed', path: `/recordings/${n}/talk-${i}.wav`, finishedAt: n + i }),
        ),
      );
    const submitMsPerJob = (performance.now() - began) / jobs;
    const middle = ulid(jobs / 2);
    return {
      jobs,
      submitMsPerJob,
      first: timed(30, 2, () => store.list({ limit: 100 })),
      completed: timed(30, 2, () => store.list({ states: ['completed'], limit: 100 })),
      search: timed(30, 2, () => store.list({ search: 'talk-77', limit: 100 })),
      deep: timed(30, 2, () => store.list({ limit: 100, cursor: middle })),
    };
  } finally {
    store.dispose();
    rmSync(directory, { recursive: true });
  }
}

function markdown(
  thought: { waiting: number; snapshot: Spread; plan: Spread; both: Spread }[],
  floods: readonly FloodReport[],
  past: HistoryReport,
): string {
  return `# A long queue and a long history

Made by \`npm run bench:scale\` on ${machine()}. Times in ms: median / 99th percentile / worst.

## Planning

One turn of the loop with this many jobs waiting, eight under way, twelve models, two GPUs: the snapshot of the
state, the plan made from it, and both in a row. The goal is a plan for 10,000 within 5 ms at the 99th percentile.

| jobs waiting | snapshot | plan | both |
| ---: | ---: | ---: | ---: |
${thought.map(each => `| ${each.waiting.toLocaleString('en')} | ${three(each.snapshot)} | ${three(each.plan)} | ${three(each.both)} |`).join('\n')}

## Jobs at once

Recordings of one utterance, three stages whose work takes no time, submitted at once to a pipeline with real worker
processes and a store that syncs. What is left is Earshot itself: a step's claim, run, result and events. CPU is that of
the whole process, from the request to the end of the last job; a hundred other jobs load the models beforehand.

| jobs | submit, ms per job | steps per second | CPU per step, ms | events per step | delay of the event loop, p99, ms | heap, MiB |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${floods.map(each => `| ${each.jobs.toLocaleString('en')} | ${ms(each.submitMsPerJob)} | ${Math.round(each.stepsPerSecond)} | ${ms(each.cpuMsPerStep)} | ${each.eventsPerStep.toFixed(2)} | ${ms(each.loopDelayP99Ms)} | ${Math.round(each.heapMiB)} |`).join('\n')}

Goals: 3 ms for each job of a batch, 3 ms of CPU for each step.

## History

${past.jobs.toLocaleString('en')} jobs in the store. Stored in batches of 1,000: ${ms(past.submitMsPerJob)} ms per
job. Goal for the first page: 20 ms.

| | ms |
| --- | ---: |
| first page of 100, newest first | ${three(past.first)} |
| first page of the completed | ${three(past.completed)} |
| a page in the middle | ${three(past.deep)} |
| search in all paths | ${three(past.search)} |
`;
}

if (import.meta.main) {
  const thought = [];
  for (const waiting of [100, 1_000, 10_000, 30_000]) {
    const found = { waiting, ...(await thinking(waiting)) };
    console.log(JSON.stringify(found));
    thought.push(found);
  }
  const floods = [];
  for (const jobs of [100, 1_000, 10_000]) {
    const found = await flood(jobs);
    console.log(JSON.stringify(found));
    floods.push(found);
  }
  const past = history(100_000);
  console.log(JSON.stringify(past));
  const docs = join(import.meta.dirname, '..', '..', 'docs');
  mkdirSync(docs, { recursive: true });
  const path = join(docs, 'scale.md');
  // The section of bench:search stays as that wrote it.
  const [, search] = existsSync(path) ? readFileSync(path, 'utf8').split(`\n${HEADING}`) : [];
  writeFileSync(path, `${wrapped(markdown(thought, floods, past))}${search ? `\n${HEADING}${search}` : ''}`);
}
