/** Speaks text with one of Kokoro's voices. Equal text gives equal samples. */
import { EarshotError } from '../../../schemas/errors.ts';
import type { LoadRequest, RunRequest, StepInputs } from '../../contracts/worker-protocol.ts';
import { openSherpa, speak, type Tts } from '../speaking.ts';
import { serveWorker, type Emit, type Loaded } from '../worker.ts';
import { prepareKokoro } from './model.ts';
import { speechOf } from './voices.ts';

async function load(request: LoadRequest): Promise<Loaded> {
  const names = String(request.parameters.voices ?? '')
      .split(',')
      .filter(Boolean),
    speed = Number(request.parameters.speed ?? 1),
    { sherpa, dataDir, cache } = await openSherpa('kokoro'),
    kokoro = await prepareKokoro(request.directory, cache, names);
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
