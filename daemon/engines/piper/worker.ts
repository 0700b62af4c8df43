/** Speaks text with a Piper voice. Equal text gives equal samples. */
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { EarshotError } from '../../../schemas/errors.ts';
import type { LoadRequest, RunRequest } from '../../contracts/worker-protocol.ts';
import { toPcm, writeWav } from '../../audio/wav.ts';
import { serveWorker, type Emit, type Loaded } from '../worker.ts';
import { espeakData } from './espeak-data.ts';
import { spokenParts } from './spoken.ts';
import { prepareVoice } from './voice.ts';

interface Tts {
  sampleRate: number;
  generateAsync(request: {
    text: string;
    sid: number;
    speed: number;
    enableExternalBuffer: boolean;
  }): Promise<{ samples: Float32Array }>;
}
interface Sherpa {
  OfflineTts: { createAsync(config: object): Promise<Tts> };
}

/** Silence after a part, ms: breath after a sentence, less inside one. */
const AFTER_SENTENCE_MS = 250,
  AFTER_CLAUSE_MS = 80;

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
  const sherpa = createRequire(join(runtime, 'package.json'))('sherpa-onnx-node') as Sherpa;
  const tts = await sherpa.OfflineTts.createAsync({
    model: { vits: { ...voice.vits, dataDir }, numThreads: request.threads, provider: 'cpu', debug: false },
    maxNumSentences: 1,
  });
  const speaker = Number(request.parameters.speaker ?? 0),
    speed = Number(request.parameters.speed ?? 1);
  if (!(speaker >= 0 && speaker < voice.speakers))
    throw new EarshotError('noVoice', { model: request.model }, `speaker ${speaker} of ${voice.speakers}`);

  const silence = (ms: number): Buffer => Buffer.alloc(Math.round((ms * tts.sampleRate) / 1000) * 2);
  return {
    detail: { sampleRate: tts.sampleRate, speakers: voice.speakers },
    async run({ stage, steps }: RunRequest, emit: Emit, signal: AbortSignal) {
      if (stage !== 'tts') throw new EarshotError('wrongStage', { model: request.model, stage });
      const work = steps.map(step => ({ step, parts: spokenParts(step.input.text, step.input.language) }));
      const total = work.reduce((sum, { parts }) => sum + parts.length, 0) || 1;
      let done = 0;
      for (const { step, parts } of work) {
        const pcm: Buffer[] = [];
        for (const [at, part] of parts.entries()) {
          // The library cannot stop inside a part.
          signal.throwIfAborted();
          const { samples } = await tts.generateAsync({
            text: part.text,
            sid: speaker,
            speed,
            enableExternalBuffer: false,
          });
          pcm.push(toPcm(samples));
          if (at < parts.length - 1) pcm.push(silence(part.endsSentence ? AFTER_SENTENCE_MS : AFTER_CLAUSE_MS));
          emit.progress(++done / total);
        }
        await mkdir(dirname(step.input.path), { recursive: true });
        await writeWav(step.input.path, tts.sampleRate, pcm);
        const samples = pcm.reduce((sum, part) => sum + part.length, 0) / 2;
        emit.result(step.index, {
          path: step.input.path,
          sampleRate: tts.sampleRate,
          durationMs: Math.round((samples * 1000) / tts.sampleRate),
        });
      }
    },
  };
}

serveWorker({ engine: 'piper', load });
