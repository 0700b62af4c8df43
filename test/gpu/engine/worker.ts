/** The virtual engine's worker. See engine.ts for its parameters. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EarshotError } from '../../../schemas/errors.ts';
import type { LoadRequest, StepInputs, StepOutputs } from '../../../daemon/contracts/worker-protocol.ts';
import { serveWorker, type Loaded } from '../../../daemon/engines/worker.ts';
import type { Stage } from '../../../schemas/words.ts';
import { control } from '../virtual/gpus.ts';
import { random } from '../../random.ts';

const MiB = 1024 ** 2;

async function load({ stage, device, parameters }: LoadRequest): Promise<Loaded> {
  const number = (name: string, otherwise = 0): number =>
    typeof parameters[name] === 'number' ? parameters[name] : otherwise;
  const gpus = control(process.env.EARSHOT_VGPU_CONTROL!);
  if (device.kind !== 'gpu') throw new Error('a virtual engine needs a virtual GPU');
  const index = gpus.index(device.uuid),
    draw = random(number('seed') + process.pid);
  const take = (bytes: number): number => {
    const allocation = gpus.allocate(index, process.pid, Math.round(bytes));
    if (allocation === 0)
      throw new EarshotError('outOfMemory', {}, `no ${Math.round(bytes / MiB)} MiB on ${device.uuid}`);
    if (allocation < 0) throw new EarshotError('deviceLost', { device: device.uuid });
    return allocation;
  };
  // Layer after layer, as weights come.
  const pieces = 4;
  for (let piece = 0; piece < pieces; piece++) {
    take((number('weightsMiB') * MiB) / pieces);
    await sleep(number('loadMs') / pieces);
  }
  let kept: { allocation: number; bytes: number } | null = null;
  return {
    async run(run, emit, signal) {
      const fate = draw();
      if (fate < number('crash')) process.abort();
      if (fate < number('crash') + number('hang'))
        await new Promise(() => {
          setInterval(() => undefined, 1000);
        });
      const bytes = Math.round(number('scratchMiB') * MiB * (1 + number('spread') * (2 * draw() - 1)));
      // What a cache holds is used again; only more than that is asked for.
      if (!kept || kept.bytes < bytes) {
        if (kept) gpus.giveBack(index, kept.allocation);
        kept = null;
        kept = { allocation: take(bytes), bytes };
      }
      const mine = kept;
      for (const step of run.steps) {
        await sleep(gpus.compute(index, number('ms')), undefined, { signal });
        emit.result(step.index, answer(run.stage, step.index, step.input));
      }
      setTimeout(
        () => {
          if (kept !== mine) return;
          gpus.giveBack(index, mine.allocation);
          kept = null;
        },
        number('keptMs', 100),
      );
    },
    detail: { stage, index },
  };
}

function answer(stage: Stage, index: number, input: StepInputs[Stage]): StepOutputs[Stage] {
  if (stage === 'asr') return { text: `utterance ${index}`, words: [], language: 'en', languageProbability: 1 };
  if (stage === 'repair') return { text: (input as StepInputs['repair']).text, changes: [] };
  if (stage === 'nmt') return { text: (input as StepInputs['nmt']).text, language: (input as StepInputs['nmt']).to };
  return { path: (input as StepInputs['tts']).path, sampleRate: 16_000, durationMs: 0 };
}

serveWorker({ engine: 'virtual', load });
