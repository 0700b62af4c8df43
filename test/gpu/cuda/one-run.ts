/** One run of a real engine on the device, by the daemon's own worker in its sandbox. */
import { join } from 'node:path';
import type { Engine, WorkerContext } from '../../../daemon/contracts/engine.ts';
import type { StepInputs, StepOutputs } from '../../../daemon/contracts/worker-protocol.ts';
import { readRegistry } from '../../../daemon/models/registry.ts';
import { sandboxSupport } from '../../../daemon/workers/sandbox/linux.ts';
import { workerPermissions } from '../../../daemon/workers/sandbox/permissions.ts';
import { Worker } from '../../../daemon/workers/worker.ts';
import type { Stage } from '../../../schemas/words.ts';
import { mib, processOn, readingOf, type Cuda } from './machine.ts';
import type { Section } from './report.ts';

const LONGEST_MS = 120_000;

export interface OneRun<S extends Stage> {
  engine: Engine;
  /** Of the registry: its card says what it should need. */
  model: string;
  directory: string;
  runtime: WorkerContext['runtime'];
  device: WorkerContext['device'];
  precision: string;
  stage: S;
  input: StepInputs[S];
  /** For what it writes. */
  folder: string;
}

/** Answers what it made; what it took goes into the section. @throws what the worker failed with */
export async function oneRun<S extends Stage>(cuda: Cuda, section: Section, asked: OneRun<S>): Promise<StepOutputs[S]> {
  const { engine, directory, device, stage, folder } = asked,
    card = readRegistry().models.find(each => each.id === asked.model)!,
    context: WorkerContext = { card, runtime: asked.runtime, device, threads: 2 },
    { program, env } = engine.command(context),
    confined = !('reason' in sandboxSupport());
  const answered = Promise.withResolvers<StepOutputs[S]>(),
    fail = (why: { code: string; detail?: string | undefined }): void =>
      answered.reject(new Error(`${why.code}: ${why.detail ?? ''}`));
  const begun = performance.now();
  let loadMs = 0;
  const worker = new Worker(
    {
      id: asked.model,
      engine,
      context,
      lowPriority: false,
      logPath: join(folder, `${asked.model}.log`),
      heartbeatTimeoutMs: 60_000,
      loadTimeoutMs: LONGEST_MS,
      permissions: confined
        ? workerPermissions({
            ...{ engine, context, program, env, audio: folder },
            directories: [directory],
            cache: join(folder, 'cache'),
          })
        : null,
    },
    {
      loaded: () => {
        loadMs = performance.now() - begun;
        const steps = [{ index: 0, input: asked.input }];
        worker.run({ type: 'run', id: 'first', stage, steps } as Parameters<Worker['run']>[0], LONGEST_MS);
      },
      result: (_, __, output) => answered.resolve(output as StepOutputs[S]),
      done: () => {},
      failed: (_, why) => fail(why),
      progress: () => {},
      heartbeat: () => {},
      exit: fail,
    },
  );
  try {
    worker.load({
      ...{ type: 'load', stage, model: card.id, directory, device },
      parameters: card.parameters ?? {},
      precision: asked.precision,
      threads: context.threads,
    });
    const output = await answered.promise;
    section.table(
      ['model', 'loaded after, ms', 'answered after, ms', 'sandbox'],
      [
        [
          card.id,
          Math.round(loadMs),
          Math.round(performance.now() - begun - loadMs),
          confined ? 'on' : 'not on this system',
        ],
      ],
    );
    const held = device.kind === 'gpu' ? (processOn(await readingOf(cuda), worker.pid!)?.bytes ?? null) : null,
      most = card.memory.gpu!;
    if (held !== null)
      section.check(`${card.id}: memory within what its card says`, held <= most, `${mib(held)} of ${mib(most)}`);
    return output;
  } finally {
    worker.kill();
  }
}
