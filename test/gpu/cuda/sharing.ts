/**
 * What instances on one GPU take from each other, and what a pipeline gains there. First kernels of several processes
 * at once, large and small; then a recording through four stages, one stage after the other and as the pipeline does
 * it, beside the two bounds: stages that share the device fully, and stages that do not at all.
 */
import { gpuReader } from '../../../daemon/devices/readers.ts';
import type { Job } from '../../../schemas/job.ts';
import { STAGES, type Stage } from '../../../schemas/words.ts';
import { Harness } from '../../daemon/harness.ts';
import { torchEngine } from '../torch/engine.ts';
import { torchModel } from './models.ts';
import { Outsider, readerOf, type Cuda } from './machine.ts';
import type { Section } from './report.ts';

export async function sharing(cuda: Cuda, section: Section): Promise<void> {
  await together(cuda, section);
  await law(cuda, section);
}

/** n processes do the same work at once: 1.0 is what one alone gets through. */
async function together(cuda: Cuda, section: Section): Promise<void> {
  const programs: Outsider[] = [];
  try {
    for (let n = 0; n < 3; n++) programs.push(await Outsider.start(cuda));
    const rows: (string | number)[][] = [];
    for (const [kind, side] of cuda.short
      ? ([['large kernels', 256]] as const)
      : ([
          ['large kernels', 8192],
          ['small kernels', 256],
        ] as const)) {
      const goalMs = cuda.short ? 150 : 2000;
      const { ms: tenMs } = await programs[0]!.ask({ products: 10, side });
      const products = Math.max(1, Math.round((goalMs * 10) / tenMs!));
      const times: number[] = [];
      for (let count = 1; count <= 3; count++) {
        const all = await Promise.all(programs.slice(0, count).map(program => program.ask({ products, side })));
        times.push(Math.max(...all.map(({ ms }) => ms!)));
      }
      rows.push([kind, ...times.map((ms, i) => (((i + 1) * times[0]!) / ms).toFixed(2))]);
      // A GPU that is not real shares this machine's processor with everything else.
      if (cuda.short) continue;
      section.check(
        `${kind}: three processes together are no slower than one after the other`,
        times[2]! <= times[0]! * 3 * 1.15,
        `${Math.round(times[2]!)} ms, alone ${Math.round(times[0]!)} ms each`,
      );
    }
    section.table(['throughput of', '1 process', '2', '3'], rows);
  } finally {
    for (const program of programs) await program.end();
  }
}

const WORK: Readonly<Partial<Record<Stage, number>>> = { asr: 3, repair: 2, nmt: 3, tts: 2 };

async function law(cuda: Cuda, section: Section): Promise<void> {
  const utterances = cuda.short ? 5 : 40,
    side = cuda.short ? 128 : 4096,
    products = cuda.short ? 200 : 40;
  const take = async (serial: boolean): Promise<{ ms: number; work: Record<string, number> }> => {
    const harness = await Harness.open({
      models: STAGES.filter(stage => WORK[stage]).map(stage =>
        torchModel({
          id: `a-${stage}`,
          stage,
          weightsMiB: 200,
          scratchMiB: 50,
          cardMiB: 1200,
          side,
          products: products * WORK[stage]!,
        }),
      ),
      engines: [torchEngine(cuda.python, cuda.env)],
      readers: [gpuReader(readerOf())],
      utterances: () => Array<number>(utterances).fill(3000),
      settings: {
        keepAliveSeconds: 600,
        othersOnCpu: false,
        repairOnCpu: false,
        batchMaximum: 1,
        concurrentTasks: serial ? 1 : 8,
      },
    });
    try {
      await harness.pool.refresh('all');
      const go = async (name: string): Promise<Job> =>
        (await harness.ended(await harness.submit([name], { speak: true }), Math.max(30_000, cuda.left())))[0]!;
      await go('first.wav'); // models are loaded, kernels compiled
      const begun = performance.now();
      const job = await go('second.wav');
      if (job.state !== 'completed') throw new Error(`${job.state}: ${JSON.stringify(job.failure)}`);
      return { ms: performance.now() - begun, work: workOf(harness, job) };
    } finally {
      await harness.close();
    }
  };
  const serial = await take(true),
    pipelined = await take(false);
  const sum = Object.values(serial.work).reduce((total, ms) => total + ms, 0),
    longest = Math.max(...Object.values(serial.work));
  section.table(
    ['', 'ms', '÷ one after the other'],
    [
      ['one attempt at a time', Math.round(serial.ms), '1.00'],
      ['as the pipeline does it', Math.round(pipelined.ms), (pipelined.ms / serial.ms).toFixed(2)],
      ['bound: no two kernels at once', Math.round(sum), (sum / serial.ms).toFixed(2)],
      ['bound: the longest stage alone', Math.round(longest), (longest / serial.ms).toFixed(2)],
    ],
  );
  section.table(
    ['stage', 'alone, ms', 'beside the others, ms', 'ratio'],
    Object.entries(serial.work).map(([stage, ms]) => [
      stage,
      Math.round(ms),
      Math.round(pipelined.work[stage]!),
      (pipelined.work[stage]! / ms).toFixed(2),
    ]),
  );
  section.check(
    'every stage did its work, both ways',
    [serial, pipelined].every(({ work }) => Object.keys(work).length === Object.keys(WORK).length),
    Object.keys(pipelined.work).join(', '),
  );
  if (cuda.short) return;
  section.check(
    'the pipeline is no slower than one attempt at a time',
    pipelined.ms <= serial.ms * 1.1,
    `${Math.round(pipelined.ms)} ms, ${Math.round(serial.ms)} ms`,
  );
}

/** ms that the steps of each stage took. */
function workOf(harness: Harness, job: Job): Record<string, number> {
  const work: Record<string, number> = {};
  for (const { stage, data } of harness.store.log({ job: job.id, kind: 'step.finished', limit: 100_000 }))
    if (stage) work[stage] = (work[stage] ?? 0) + Number(data.ms);
  return work;
}
