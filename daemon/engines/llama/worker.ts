/** The worker process of the llama engine: one model, one context sequence, for the stage it was loaded for. */
import { parseArgs } from 'node:util';
import { EarshotError } from '../../../schemas/errors.ts';
import type { Asker } from '../../contracts/language-model.ts';
import type { LoadRequest, RunRequest } from '../../contracts/worker-protocol.ts';
import { repairByBoth, repairByEar } from '../../repair/by-ear.ts';
import { repair } from '../../repair/repair.ts';
import { NO_DICTIONARIES, openDictionaries, type Dictionaries } from '../../repair/dictionaries.ts';
import { summarise } from '../../summaries/ask.ts';
import { knowledgeOf, translate } from '../../translation/translate.ts';
import { serveWorker, type Emit, type Loaded } from '../worker.ts';
import { Chat } from './chat.ts';
import { LlamaJudge } from './judge.ts';
import { CachedPrefix } from './cached-prefix.ts';
import { givesProbabilities, loadFailure, openRuntime, placeLayers, weightsIn } from './runtime.ts';

/** Enough for the fixed beginning, some utterances before, and half a minute of fast speech with its answer. */
const CONTEXT_TOKENS = 3072;
/** Small, because the buffer for answers grows with it and a prompt is a few hundred tokens. */
const BATCH_TOKENS = 128;

const {
  values: { runtime: folder, dictionaries: words },
} = parseArgs({ options: { runtime: { type: 'string' }, dictionaries: { type: 'string' } } });

serveWorker({ engine: 'llama', load });

async function load(request: LoadRequest): Promise<Loaded> {
  const { stage, model: id, device, threads } = request;
  if (stage !== 'repair' && stage !== 'nmt' && stage !== 'summary')
    throw new EarshotError('wrongStage', { model: id, stage });
  if (!folder) throw new EarshotError('engineMissing', { engine: 'llama' }, 'no --runtime');
  const weights = weightsIn(request.directory);
  const opened = await openRuntime(folder, device.kind, threads);
  try {
    const model = await opened.llama.loadModel({ modelPath: weights, ...placeLayers(device) });
    const context = await model.createContext({
      contextSize: Math.min(CONTEXT_TOKENS, model.trainContextSize),
      sequences: 1,
      batchSize: BATCH_TOKENS,
      threads: { ideal: threads, min: 1 },
    });
    const kept = new CachedPrefix(context.getSequence());
    const dictionaries = words ? openDictionaries(words) : NO_DICTIONARIES;
    const chat = new Chat(opened, model, kept, CONTEXT_TOKENS);
    const hasProbabilities = givesProbabilities(folder),
      judge = hasProbabilities ? new LlamaJudge(model, kept) : null,
      asker: Asker = hasProbabilities ? chat : { ask: (...asked) => chat.ask(...asked) };
    // Each evaluation, that is each token, asks for its threads anew.
    const resize = (wanted: number): void => {
      opened.llama.maxThreads = wanted;
    };
    return {
      run: (run, emit, signal) => {
        resize(run.threads ?? threads);
        return runSteps(run, emit, signal, { asker, judge, dictionaries });
      },
      resize,
      close: async () => {
        await context.dispose();
        await model.dispose();
        await opened.llama.dispose();
      },
      detail: { gpu: opened.llama.gpu, threads },
    };
  } catch (error) {
    throw loadFailure(error, id);
  }
}

interface RepairDeps {
  asker: Asker;
  judge: LlamaJudge | null;
  dictionaries: Dictionaries;
}

async function runSteps(
  run: RunRequest,
  emit: Emit,
  signal: AbortSignal,
  { asker, judge, dictionaries }: RepairDeps,
): Promise<void> {
  if (run.stage === 'repair') {
    for (const { index, input } of run.steps)
      emit.result(
        index,
        !input.alternatives
          ? await repair(input, judge, dictionaries, signal)
          : judge
            ? await repairByBoth(input, input.alternatives, judge, signal)
            : repairByEar(input, input.alternatives),
      );
  } else if (run.stage === 'nmt') {
    for (const { index, input } of run.steps) {
      const knows = await knowledgeOf(dictionaries, [input.from, input.to]);
      emit.result(index, await translate(input, asker, knows, signal));
    }
  } else if (run.stage === 'summary') {
    for (const { index, input } of run.steps) emit.result(index, await summarise(input, asker, signal));
  } else throw new Error(`no ${run.stage} here`);
}
