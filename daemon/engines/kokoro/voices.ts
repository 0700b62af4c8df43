/** Which of Kokoro's voices speak a language, and how espeak-ng calls it. Pure. */
import type { ModelVoice } from '../../contracts/engine.ts';

/**
 * By language: the letter that its voices begin with, and those that sound best (the model's own grades), the most
 * natural first; the region where it makes other voices.
 */
const LANGUAGES: Readonly<Record<string, { espeak: string; letter: string; best: readonly string[] }>> = {
  en: {
    espeak: 'en-us',
    letter: 'a',
    best: ['af_heart', 'am_michael', 'af_bella', 'am_fenrir', 'af_nicole', 'am_puck'],
  },
  'en-GB': { espeak: 'en-gb', letter: 'b', best: ['bf_emma', 'bm_george', 'bm_fable'] },
  es: { espeak: 'es', letter: 'e', best: ['ef_dora', 'em_alex'] },
  fr: { espeak: 'fr', letter: 'f', best: ['ff_siwis'] },
  hi: { espeak: 'hi', letter: 'h', best: ['hf_alpha', 'hm_omega'] },
  it: { espeak: 'it', letter: 'i', best: ['if_sara', 'im_nicola'] },
  pt: { espeak: 'pt-br', letter: 'p', best: ['pf_dora', 'pm_alex'] },
};

const of = (language: string): (typeof LANGUAGES)[string] | undefined =>
  LANGUAGES[language] ?? LANGUAGES[language.split('-')[0]!];

/** Null: not a language of its. */
export function speechOf(language: string): { espeak: string; voice: string } | null {
  const found = of(language);
  return found ? { espeak: found.espeak, voice: found.best[0]! } : null;
}

/** Those of its voices that are at home in a language, the most natural first. */
export function voicesIn(language: string, names: readonly string[]): ModelVoice[] {
  const found = of(language);
  if (!found) return [];
  const own = names.filter(name => name.startsWith(found.letter) && name[2] === '_'),
    best = found.best.filter(name => own.includes(name));
  return [...best, ...own.filter(name => !best.includes(name))].map(name => ({
    name,
    pitch: name[1] === 'm' ? 'low' : 'high',
  }));
}
