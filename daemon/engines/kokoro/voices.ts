/** Which of Kokoro's voices speaks a language, and how espeak-ng calls it. Pure. */

/** By language, the most natural first; the region where it makes another voice. */
const LANGUAGES: Readonly<Record<string, { espeak: string; voice: string }>> = {
  en: { espeak: 'en-us', voice: 'af_heart' },
  'en-GB': { espeak: 'en-gb', voice: 'bf_emma' },
  es: { espeak: 'es', voice: 'ef_dora' },
  fr: { espeak: 'fr', voice: 'ff_siwis' },
  hi: { espeak: 'hi', voice: 'hf_alpha' },
  it: { espeak: 'it', voice: 'if_sara' },
  pt: { espeak: 'pt-br', voice: 'pf_dora' },
};

/** Null: not a language of its. */
export const speechOf = (language: string): { espeak: string; voice: string } | null =>
  LANGUAGES[language] ?? LANGUAGES[language.split('-')[0]!] ?? null;
