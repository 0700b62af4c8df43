/**
 * What repair is measured on: telephone prompts of five languages with their texts (Asterisk core sounds 1.6.1, out of
 * Debian's archive; CC BY-SA 3.0, the Russian ones CC BY 3.0), kept in the cache folder. Every second text is for
 * setting prices and limits, and no figure is reported of it; the others are for reporting, in the prompt's own voice
 * and, where Kokoro is installed and speaks the language, in another one over a noisy telephone line.
 */
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { kokoro } from '../../../daemon/engines/kokoro/engine.ts';
import { readRegistry } from '../../../daemon/models/registry.ts';
import { make, modelFolder, sherpa } from '../../../test/engines/place.ts';
import { TestWorker } from '../../../test/engines/worker-harness.ts';
import { CACHE, fetchSounds, prompts } from '../speed/speech.ts';

export interface Clip {
  id: string;
  language: string;
  path: string;
  truth: string;
}
/** The texts that a clip may be taken from, and who speaks. */
export type Collection = 'tuning' | 'prompts' | 'voices';

export const LANGUAGES = ['en', 'es', 'fr', 'it', 'ru'] as const;
const SOUNDS = join(CACHE, 'prompts'),
  SPOKEN = join(CACHE, 'repair voices'),
  PACKAGES = LANGUAGES.flatMap(language => [
    `asterisk-core-sounds-${language}`,
    `asterisk-core-sounds-${language}-wav`,
  ]);
/** Long enough to be a sentence. */
const LEAST_CHARS = 35;
/** Kokoro has no Russian voice. */
const VOICES: Readonly<Record<string, readonly string[]>> = {
  en: ['am_michael', 'bf_emma'],
  es: ['em_alex'],
  fr: ['ff_siwis'],
  it: ['im_nicola', 'if_sara'],
};
/** A telephone line, with noise about 10 dB below the voice. */
const LINE =
  '[0:a]highpass=f=300,lowpass=f=3400,loudnorm=I=-23[voice];anoisesrc=c=pink:seed=7:a=0.06:d=60[noise];' +
  '[voice][noise]amix=inputs=2:duration=first:normalize=0,aresample=8000';

/** `count` clips of each language, spread evenly over all that there are. */
export async function clips(collection: Collection, count: number): Promise<Clip[]> {
  if (!fetchSounds(PACKAGES, SOUNDS))
    throw new Error('the prompts could not be fetched: this needs apt-get and Debian’s archive');
  const found = LANGUAGES.flatMap(language => {
    const all = prompts(SOUNDS, language, LEAST_CHARS)
        .filter((_, n) => n % 2 === (collection === 'tuning' ? 0 : 1))
        .map(({ name, path, truth }): Clip => ({ id: `${language}/${name}`, language, path, truth })),
      step = Math.max(1, all.length / count);
    return Array.from({ length: Math.min(count, all.length) }, (_, n) => all[Math.floor(n * step)]!);
  });
  return collection === 'voices' ? inOtherVoices(found) : found;
}

async function inOtherVoices(clips: readonly Clip[]): Promise<Clip[]> {
  const directory = modelFolder('kokoro');
  if (!sherpa || !directory) return [];
  mkdirSync(SPOKEN, { recursive: true });
  const spoken = clips.flatMap((clip, n): (Clip & { voice: string })[] => {
    const voices = VOICES[clip.language] ?? [],
      voice = voices[n % voices.length];
    return voice
      ? [
          {
            ...clip,
            voice,
            id: `${clip.id} by ${voice}`,
            path: join(SPOKEN, `${clip.id.replaceAll('/', ' ')} ${voice}.wav`),
          },
        ]
      : [];
  });
  const wanted = spoken.filter(({ path }) => !existsSync(path));
  if (!wanted.length) return spoken;
  await using worker = new TestWorker({
    engine: kokoro,
    stage: 'tts',
    parameters: readRegistry().models.find(one => one.id === 'kokoro')?.parameters ?? {},
    directory,
    precision: 'int8',
    threads: 1,
    runtimes: { sherpa },
  });
  await worker.loaded;
  for (const { path, truth: text, language, voice } of wanted) {
    const clean = `${path}.clean`,
      part = `${path}.part.wav`;
    await worker.run<'tts'>([{ text, language, voice, path: clean }]);
    make(['-i', clean, '-filter_complex', LINE, '-ar', '8000', '-ac', '1', part]);
    renameSync(part, path);
  }
  return spoken;
}
