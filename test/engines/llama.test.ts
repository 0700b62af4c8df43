/** A worker of the llama engine: what the daemon may change while it runs. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { home } from '../../daemon/auth/home.ts';
import type { StepInputs } from '../../daemon/contracts/worker-protocol.ts';
import { llama } from '../../daemon/engines/llama/engine.ts';
import { createRuntimes } from '../../daemon/runtimes/runtimes.ts';
import { DEFAULTS } from '../../schemas/settings.ts';
import { missing, modelFolder } from './place.ts';
import { TestWorker } from './worker-harness.ts';

const runtimes = createRuntimes({ home: home(), settings: () => DEFAULTS }),
  runtime = runtimes.ready('llama') ? runtimes.directory('llama') : null,
  model = modelFolder('qwen2.5-coder-0.5b-instruct');
const skip =
  missing({ 'the llama runtime': runtime, 'qwen2.5-coder-0.5b-instruct': model }) ||
  (process.platform === 'linux' ? false : 'threads of a process are counted in /proc');

describe('a worker of the llama engine', { skip, timeout: 300_000 }, () => {
  it('takes more threads in the middle of a run, and gives them back', async () => {
    await using worker = new TestWorker({
      engine: llama,
      stage: 'nmt',
      directory: model!,
      threads: 2,
      runtimes: { llama: runtime! },
    });
    await worker.loaded;
    const step: StepInputs['nmt'] = { text: 'Buenos días.', from: 'es', to: 'en', before: [], glossary: [] };
    const steps = (count: number): StepInputs['nmt'][] => Array.from({ length: count }, () => step);
    const threads = (): number => readdirSync(`/proc/${worker.worker.pid}/task`).length;
    let most = 0;
    const counting = setInterval(() => (most = Math.max(most, threads())), 5);
    const mostUntil = async (until: Promise<unknown>): Promise<number> => {
      most = 0;
      await until;
      return most;
    };
    const results = async (run: string, count: number): Promise<void> => {
      while (worker.results.filter(each => each.run === run).length < count) await worker.result();
    };
    try {
      const one = await mostUntil(worker.run<'nmt'>(steps(2), { threads: 1 })),
        run = worker.nextRun,
        whole = worker.run<'nmt'>(steps(9), { threads: 1 });
      assert.equal(await mostUntil(results(run, 2)), one);
      worker.worker.resize(run, 2);
      assert.ok((await mostUntil(results(run, 5))) > one, 'no thread more');
      worker.worker.resize(run, 1);
      await results(run, 6);
      assert.equal(await mostUntil(whole), one);
    } finally {
      clearInterval(counting);
    }
  });
});
