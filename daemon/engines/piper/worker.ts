/** Speaks text with a Piper voice. Equal text gives equal samples. */
import { EarshotError } from '../../../schemas/errors.ts';
import type { LoadRequest, RunRequest } from '../../contracts/worker-protocol.ts';
import { openSherpa, speak } from '../speaking.ts';
import { serveWorker, type Emit, type Loaded } from '../worker.ts';
import { prepareVoice } from './voice.ts';

async function load(request: LoadRequest): Promise<Loaded> {
  const { sherpa, dataDir, cache } = await openSherpa('piper'),
    voice = await prepareVoice(request.directory, cache);
  const tts = await sherpa.OfflineTts.createAsync({
    model: { vits: { ...voice.vits, dataDir }, numThreads: request.threads, provider: 'cpu', debug: false },
    maxNumSentences: 1,
  });
  const speaker = Number(request.parameters.speaker ?? 0),
    speed = Number(request.parameters.speed ?? 1);
  if (!(speaker >= 0 && speaker < voice.speakers))
    throw new EarshotError('noVoice', { model: request.model }, `speaker ${speaker} of ${voice.speakers}`);

  return {
    detail: { sampleRate: tts.sampleRate, speakers: voice.speakers },
    async run({ stage, steps }: RunRequest, emit: Emit, signal: AbortSignal) {
      if (stage !== 'tts') throw new EarshotError('wrongStage', { model: request.model, stage });
      await speak(steps, async () => ({ tts, speaker, speed }), emit, signal);
    },
  };
}

serveWorker({ engine: 'piper', load });
