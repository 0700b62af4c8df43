/**
 * What repair is measured on: telephone prompts of five languages with their texts (Asterisk core sounds 1.6.1, out of
 * Debian's archive; CC BY-SA 3.0, the Russian ones CC BY 3.0), kept in the cache folder. None of them is in the
 * fixtures that prices and limits were set on.
 */
import { join } from 'node:path';
import { CACHE, fetchSounds, prompts } from '../speed/speech.ts';

export interface Clip {
  id: string;
  language: string;
  path: string;
  truth: string;
}

export const LANGUAGES = ['en', 'es', 'fr', 'it', 'ru'] as const;
const SOUNDS = join(CACHE, 'prompts'),
  PACKAGES = LANGUAGES.flatMap(language => [
    `asterisk-core-sounds-${language}`,
    `asterisk-core-sounds-${language}-wav`,
  ]);
/** Long enough to be a sentence. */
const LEAST_CHARS = 35;

/** `count` clips of each language, spread evenly over all that there are, `skip` first ones left out. */
export function clips(count: number, skip = 0): Clip[] {
  if (!fetchSounds(PACKAGES, SOUNDS))
    throw new Error('the prompts could not be fetched: this needs apt-get and Debian’s archive');
  return LANGUAGES.flatMap(language => {
    const all = prompts(SOUNDS, language, LEAST_CHARS).map(({ name, path, truth }): Clip => ({
        id: `${language}/${name}`,
        language,
        path,
        truth,
      })),
      step = all.length / count;
    return Array.from(
      { length: Math.min(count, all.length) },
      (_, n) => all[Math.floor(n * step + skip) % all.length]!,
    );
  });
}
