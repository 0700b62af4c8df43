/**
 * The pipeline law, measured: stages that take 3, 0.5, 3 and 0.5 units of time, worked by real worker processes under
 * the real loop, store and pool. One instance a stage cannot end N utterances before 7 + 3 (N − 1) units; what is above
 * that is what Earshot itself costs.
 */
import type { Job } from '../../schemas/job.ts';
import type { Settings } from '../../schemas/settings.ts';
import { STAGES, type Stage } from '../../schemas/words.ts';
import { blankReading, type DeviceReader } from '../../daemon/devices/reading.ts';
import { Harness, fakeModel } from '../../test/daemon/harness.ts';

/** Units of time of each stage. */
export const UNITS: Readonly<Record<(typeof STAGES)[number], number>> = { asr: 3, repair: 0.5, nmt: 3, tts: 0.5 };
export const ALL_UNITS = 7;
/** What no schedule can beat with one instance a stage: the longest stage never waits, and the rest comes once. */
export const bound = (utterances: number): number => ALL_UNITS + 3 * (utterances - 1);

export interface LawOptions {
  /** ms of one unit of time. */
  unitMs: number;
  /** Utterances of each job. */
  jobs: readonly number[];
  /** Instances of recognition and of translation; one of the others. */
  wide?: 1 | 2;
  /** One step at a time; the models stay loaded. */
  serial?: boolean;
  settings?: Partial<Settings>;
}
export interface LawReport {
  makespanMs: number;
  /** Makespan in units of time. */
  units: number;
  steps: number;
  /** CPU time of this process, which is the daemon here, for each step: all of it, from the request to the end. */
  cpuMsPerStep: number;
  /** From the request to the first recognized text, and mean time between the ends of utterances, units. */
  firstTextUnits: number;
  cycleUnits: number;
  /** Share of the makespan in which recognition worked. */
  busy: number;
}

/**
 * A GPU with room for everything, on which instances do not slow each other down: what is measured is the pipeline, not
 * a device.
 */
export const roomyGpu = (id = 'GPU-0'): DeviceReader => ({
  read: async () => [
    { ...blankReading(id, 'gpu', 'nvml'), name: `bench ${id}`, totalBytes: 24 * 1024 ** 3, freeBytes: 23 * 1024 ** 3 },
  ],
  problem: () => null,
  dispose() {},
});

export async function law({ unitMs, jobs, wide = 1, serial = false, settings = {} }: LawOptions): Promise<LawReport> {
  const models = STAGES.map(stage => fakeModel(`fake-${stage}`, stage, { ms: UNITS[stage] * unitMs }));
  const harness = await Harness.open({
    models,
    readers: [roomyGpu()],
    utterances: name => Array<number>(Number(name.split('-')[1])).fill(1000),
    // Utterances go one by one: batches would hide what a step costs.
    settings: {
      batchMaximum: 1,
      ...(serial ? { concurrentTasks: 1 } : {}),
      adaptive: false,
      loadedModels: 2 + 2 * wide,
      instancesPerDevice: 2 + 2 * wide,
      yieldTo: 'never',
      ...settings,
    },
  });
  const options = { speak: true };
  let made = 0;
  const submit = (lengths: readonly number[]): Promise<Job[]> =>
    harness.submit(
      lengths.map(length => `talk-${length}-${made++}.wav`),
      options,
    );
  try {
    await warmUp(harness, wide, submit);
    harness.events.length = 0;
    const cpu = process.cpuUsage(),
      began = performance.now();
    const submitted = await submit(jobs);
    await harness.ended(submitted, 600_000);
    const makespanMs = performance.now() - began,
      used = process.cpuUsage(cpu);
    const entries = submitted.flatMap(job => harness.store.log({ job: job.id, limit: 100_000 }));
    const finished = entries.filter(entry => entry.kind === 'step.finished');
    const began0 = Math.min(...submitted.map(job => job.createdAt));
    const ends = finished
      .filter(entry => entry.stage === 'tts')
      .map(entry => entry.at)
      .sort((a, b) => a - b);
    const steps = jobs.reduce((sum, length) => sum + length, 0) * STAGES.length;
    if (finished.length !== steps) throw new Error(`${finished.length} steps of ${steps}`);
    return {
      makespanMs,
      units: makespanMs / unitMs,
      steps,
      cpuMsPerStep: (used.user + used.system) / 1000 / steps,
      firstTextUnits:
        (Math.min(...finished.filter(entry => entry.stage === 'asr').map(entry => entry.at)) - began0) / unitMs,
      cycleUnits: ends.length > 1 ? (ends.at(-1)! - ends[0]!) / (ends.length - 1) / unitMs : 0,
      busy: (finished.filter(entry => entry.stage === 'asr').length * UNITS.asr * unitMs) / makespanMs / wide,
    };
  } finally {
    await harness.close();
  }
}

/** Every stage has its instances: a second one comes when enough work waits, which is then taken away again. */
async function warmUp(
  harness: Harness,
  wide: number,
  submit: (lengths: readonly number[]) => Promise<Job[]>,
): Promise<void> {
  const instances = (stage: Stage): { state: string }[] =>
    [...harness.pipeline.instances.values()].filter(instance => instance.options.stage === stage);
  const ready = (): boolean =>
    STAGES.every(
      stage =>
        instances(stage).filter(({ state }) => state === 'idle' || state === 'busy').length ===
        (UNITS[stage] > 1 ? wide : 1),
    );
  const backlog = await submit(wide === 1 ? [1] : [400, 400]);
  await harness.until('every instance', ready, 120_000);
  if (wide === 1) await harness.ended(backlog);
  else harness.pipeline.queue.cancel(backlog.map(job => job.id));
  await harness.until('idle instances', () =>
    STAGES.every(stage => instances(stage).every(({ state }) => state === 'idle')),
  );
}

/** The best of several runs: other programs on the machine only ever add. */
export async function best(runs: number, options: LawOptions): Promise<LawReport> {
  let found: LawReport | undefined;
  for (let run = 0; run < runs; run++) {
    const report = await law(options);
    if (!found || report.makespanMs < found.makespanMs) found = report;
  }
  return found!;
}
