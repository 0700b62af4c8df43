/** Speaks text with a Piper voice. Equal text gives equal samples. */
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { EarshotError } from '../../../schemas/errors.ts';
import type { LoadRequest, RunRequest } from '../../contracts/worker-protocol.ts';
import { speak, type SherpaTts } from '../speaking.ts';
import { serveWorker, type Emit, type Loaded } from '../worker.ts';
import { espeakData } from './espeak-data.ts';
import { prepareVoice } from './voice.ts';

async function load(request: LoadRequest): Promise<Loaded> {
  const runtime = process.env.EARSHOT_SHERPA;
  if (!runtime) throw new EarshotError('engineMissing', { engine: 'piper' }, 'EARSHOT_SHERPA is not set');
  const cache = join(runtime, 'prepared');
  await mkdir(cache, { recursive: true });
  const voice = await prepareVoice(request.directory, cache);
  const dataDir = await espeakData(
    join(runtime, 'node_modules', '@echogarden', 'espeak-ng-emscripten'),
    join(cache, 'espeak-ng-data'),
  );
  const sherpa = createRequire(join(runtime, 'package.json'))('sherpa-onnx-node') as SherpaTts;
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
