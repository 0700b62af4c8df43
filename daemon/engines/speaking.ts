/** How workers speak through sherpa-onnx: part by part, into a WAV file a step. Equal text gives equal samples. */
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { EarshotError } from '../../schemas/errors.ts';
import type { StepInputs } from '../contracts/worker-protocol.ts';
import { toPcm, writeWav } from '../audio/wav.ts';
import { espeakData } from './piper/espeak-data.ts';
import { spokenParts } from './piper/spoken.ts';
import type { Emit } from './worker.ts';

export interface Tts {
  sampleRate: number;
  generateAsync(request: {
    text: string;
    sid: number;
    speed: number;
    enableExternalBuffer: boolean;
  }): Promise<{ samples: Float32Array }>;
}
interface SherpaTts {
  OfflineTts: { createAsync(config: object): Promise<Tts> };
}

/** The library, espeak-ng's data for it, and where what was made ready for it is kept. @throws engineMissing */
export async function openSherpa(engine: string): Promise<{ sherpa: SherpaTts; dataDir: string; cache: string }> {
  const runtime = process.env.EARSHOT_SHERPA;
  if (!runtime) throw new EarshotError('engineMissing', { engine }, 'EARSHOT_SHERPA is not set');
  const cache = join(runtime, 'prepared');
  await mkdir(cache, { recursive: true });
  return {
    sherpa: createRequire(join(runtime, 'package.json'))('sherpa-onnx-node') as SherpaTts,
    dataDir: await espeakData(
      join(runtime, 'node_modules', '@echogarden', 'espeak-ng-emscripten'),
      join(cache, 'espeak-ng-data'),
    ),
    cache,
  };
}

/** Silence after a part, ms: breath after a sentence, less inside one. */
const AFTER_SENTENCE_MS = 250,
  AFTER_CLAUSE_MS = 80;

export type SpeechStep = { index: number; input: StepInputs['tts'] };

/** `voiceOf`: who speaks a step. */
export async function speak(
  steps: readonly SpeechStep[],
  voiceOf: (input: StepInputs['tts']) => Promise<{ tts: Tts; speaker: number; speed: number }>,
  emit: Emit,
  signal: AbortSignal,
): Promise<void> {
  const work = steps.map(step => ({ step, parts: spokenParts(step.input.text, step.input.language) }));
  const total = work.reduce((sum, { parts }) => sum + parts.length, 0) || 1;
  let done = 0;
  for (const { step, parts } of work) {
    const { tts, speaker, speed } = await voiceOf(step.input),
      silence = (ms: number): Buffer => Buffer.alloc(Math.round((ms * tts.sampleRate) / 1000) * 2),
      pcm: Buffer[] = [],
      sentences: number[] = [];
    let samplesBefore = 0;
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
      if (part.endsSentence || at === parts.length - 1) {
        const samplesNow = pcm.reduce((sum, each) => sum + each.length, 0) / 2;
        if (samplesNow > samplesBefore) sentences.push(samplesNow - samplesBefore);
        samplesBefore = samplesNow;
      }
      emit.progress(++done / total);
    }
    await mkdir(dirname(step.input.path), { recursive: true });
    await writeWav(step.input.path, tts.sampleRate, pcm);
    emit.result(step.index, {
      path: step.input.path,
      sampleRate: tts.sampleRate,
      durationMs: Math.round((samplesBefore * 1000) / tts.sampleRate),
      ...(sentences.length > 1 ? { sentences } : {}),
    });
  }
}
