/** Speaks text with one of Kokoro's voices. Equal text gives equal samples. */
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { EarshotError } from '../../../schemas/errors.ts';
import type { LoadRequest, RunRequest, StepInputs } from '../../contracts/worker-protocol.ts';
import { espeakData } from '../piper/espeak-data.ts';
import { speak, type SherpaTts, type Tts } from '../speaking.ts';
import { serveWorker, type Emit, type Loaded } from '../worker.ts';
import { prepareKokoro } from './model.ts';
import { speechOf } from './voices.ts';

async function load(request: LoadRequest): Promise<Loaded> {
  const runtime = process.env.EARSHOT_SHERPA;
  if (!runtime) throw new EarshotError('engineMissing', { engine: 'kokoro' }, 'EARSHOT_SHERPA is not set');
  const cache = join(runtime, 'prepared'),
    names = String(request.parameters.voices ?? '')
      .split(',')
      .filter(Boolean);
  await mkdir(cache, { recursive: true });
  const kokoro = await prepareKokoro(request.directory, cache, names);
  const dataDir = await espeakData(
    join(runtime, 'node_modules', '@echogarden', 'espeak-ng-emscripten'),
    join(cache, 'espeak-ng-data'),
  );
  const sherpa = createRequire(join(runtime, 'package.json'))('sherpa-onnx-node') as SherpaTts,
    speed = Number(request.parameters.speed ?? 1);
  /** It reads one language at a time: another one opens it again. */
  let open: { language: string; tts: Tts } | null = null;
  const reading = async (language: string): Promise<Tts> => {
    if (open?.language === language) return open.tts;
    open = null;
    const tts = await sherpa.OfflineTts.createAsync({
      model: {
        kokoro: { ...kokoro, dataDir, lang: language },
        numThreads: request.threads,
        provider: 'cpu',
        debug: false,
      },
      maxNumSentences: 1,
    });
    open = { language, tts };
    return tts;
  };
  const voiceOf = async ({
    language,
    voice,
  }: StepInputs['tts']): Promise<{ tts: Tts; speaker: number; speed: number }> => {
    const speech = speechOf(language);
    if (!speech) throw new EarshotError('noVoice', { model: request.model, language });
    const speaker = names.indexOf(voice ?? speech.voice);
    if (speaker < 0)
      throw new EarshotError('noVoice', { model: request.model }, `${voice ?? speech.voice} of ${names.join(', ')}`);
    return { tts: await reading(speech.espeak), speaker, speed };
  };
  const { sampleRate } = await reading('en-us');
  return {
    detail: { sampleRate, speakers: names.length },
    async run({ stage, steps }: RunRequest, emit: Emit, signal: AbortSignal) {
      if (stage !== 'tts') throw new EarshotError('wrongStage', { model: request.model, stage });
      await speak(steps, voiceOf, emit, signal);
    },
  };
}

serveWorker({ engine: 'kokoro', load });
