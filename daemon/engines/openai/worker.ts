/** A stage by an OpenAI-compatible server. See engine.ts for its parameters. */
import { badRequest } from '../../../schemas/errors.ts';
import type { LoadRequest, StepInputs } from '../../contracts/worker-protocol.ts';
import { summarise } from '../../summaries/ask.ts';
import { translate } from '../../translation/translate.ts';
import { storeSpeech } from '../sound.ts';
import { serveWorker, type Loaded } from '../worker.ts';
import { ServerAsker } from './chat.ts';
import { ServerRecognizer } from './recognize.ts';
import { Refused, request, type Server } from './http.ts';
import { repairByRewriting } from './repair.ts';

async function load({ parameters }: LoadRequest): Promise<Loaded> {
  const text = (name: string): string => (typeof parameters[name] === 'string' ? parameters[name] : '');
  const server: Server = { url: text('url'), key: text('key') || null },
    model = text('model');
  if (!/^https?:\/\//.test(server.url) || !model) throw badRequest('url', 'urlAndModel');
  await greet(server);
  const asker = new ServerAsker(server, model),
    recognizer = new ServerRecognizer(server, model);
  const speak = async ({ text: said, path }: StepInputs['tts'], signal: AbortSignal) => {
    const speed = typeof parameters.speed === 'number' ? { speed: parameters.speed } : {};
    return storeSpeech(
      await request(
        server,
        'POST',
        'audio/speech',
        { model, input: said, voice: text('voice') || 'alloy', response_format: 'wav', ...speed },
        signal,
      ),
      path,
    );
  };
  return {
    async run(run, emit, signal) {
      if (run.stage === 'asr')
        for (const { index, input } of run.steps) emit.result(index, await recognizer.recognize(input, signal));
      else if (run.stage === 'repair')
        for (const { index, input } of run.steps) emit.result(index, await repairByRewriting(input, asker, signal));
      else if (run.stage === 'nmt')
        for (const { index, input } of run.steps) emit.result(index, await translate(input, asker, () => null, signal));
      else if (run.stage === 'summary')
        for (const { index, input } of run.steps) emit.result(index, await summarise(input, asker, signal));
      else for (const { index, input } of run.steps) emit.result(index, await speak(input, signal));
    },
  };
}

/** Is it there, and does it take our key? Servers without a list of models are taken at their word. */
async function greet(server: Server): Promise<void> {
  try {
    await request(server, 'GET', 'models', null, new AbortController().signal, 2);
  } catch (error) {
    if (error instanceof Refused && error.status !== 401 && error.status !== 403) return;
    throw error;
  }
}

serveWorker({ engine: 'openai', load });
