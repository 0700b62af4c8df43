/** Transcripts to render: small, and with everything that a document has to cope with. */
import type { Transcript, Utterance, Word } from '../../schemas/job.ts';

/** Words said at an even pace, with the length of each by its letters; "|" is a pause of half a second. */
export function wordsOf(text: string, startMs: number, msPerLetter = 60): Word[] {
  const words: Word[] = [];
  let at = startMs;
  for (const part of text.split(' ')) {
    if (part === '|') {
      at += 500;
      continue;
    }
    const endMs = at + Math.max(1, part.length) * msPerLetter;
    words.push({ text: part, startMs: at, endMs, probability: 0.9 });
    at = endMs + 40;
  }
  return words;
}

export function utterance(
  index: number,
  startMs: number,
  text: string,
  language: string,
  more: Partial<Utterance> = {},
  msPerLetter?: number,
): Utterance {
  const words = wordsOf(text, startMs + 200, msPerLetter);
  return {
    index,
    startMs,
    endMs: (words.at(-1)?.endMs ?? startMs) + 300,
    asr: { text: text.replaceAll('| ', ''), words, language, languageProbability: 0.99 },
    ...more,
  };
}

const base = (
  name: string,
  durationMs: number,
  language: string | null,
  translatedTo: string | null,
  utterances: Utterance[],
): Transcript => ({
  earshot: 1,
  recording: { path: `/recordings/${name}`, name, durationMs },
  language,
  translatedTo,
  models: { asr: 'whisper-base' },
  utterances,
  warnings: [],
});
const failed = (stage: 'asr' | 'nmt') => ({ stage, failure: { code: 'engineFailed' as const, args: {} } });

export const english = base('sense.flac', 60_000, 'en', null, [
  utterance(
    0,
    0,
    'And Mr. John Dashwood had then leisure to consider how much there might be prudently in his power to do for them.',
    'en',
  ),
  utterance(
    1,
    9_000,
    'He was not an ill disposed young man, | unless to be rather cold hearted and rather selfish is to be ill disposed.',
    'en',
    {
      repair: {
        text: 'He was not an ill-disposed young man, unless to be rather cold-hearted and rather selfish is to be ill-disposed.',
        changes: [],
      },
    },
  ),
  { index: 2, startMs: 20_000, endMs: 24_000, failed: failed('asr') },
  utterance(3, 25_000, '', 'en'),
  utterance(4, 30_000, 'Yes.', 'en'),
  utterance(5, 32_000, 'He might even have been made amiable himself.', 'en'),
]);

export const spanish = base('asterisk-es.flac', 40_000, 'es', 'en', [
  utterance(
    0,
    0,
    'Felicidades. | Usted ha instalado y ejecutado exitosamente su PBX de código abierto, Asterisk.',
    'es',
    {
      nmt: {
        text: 'Congratulations. You have successfully installed and run your open source PBX, Asterisk.',
        language: 'en',
      },
    },
  ),
  utterance(
    1,
    8_000,
    'Al igual que una PBX normal, usted navegará esta demostración tecleando dígitos en su teléfono.',
    'es',
    {
      nmt: {
        text: 'As with a normal PBX, you will navigate this demonstration by pressing digits on your phone.',
        language: 'en',
      },
    },
  ),
  utterance(2, 18_000, 'Está a punto de entrar a la prueba de eco.', 'es', { failed: failed('nmt') }),
  utterance(3, 24_000, 'Adiós.', 'es', { nmt: { text: 'Goodbye.', language: 'en' } }),
]);

const CHINESE = '恭喜您，您已成功安装并运行了开源电话系统。它还安装了一系列声音和配置文件，可以帮助您入门。';
export const chinese = base('chinese.wav', 12_000, 'zh', null, [
  {
    index: 0,
    startMs: 0,
    endMs: 11_000,
    asr: {
      text: CHINESE,
      language: 'zh',
      languageProbability: 1,
      words: [...CHINESE].map((text, n) => ({ text, startMs: 300 + n * 210, endMs: 500 + n * 210, probability: 0.9 })),
    },
  },
]);

export const hostile = base('*a* <b> #1 [x](y)\n.wav', 20_000, 'en', null, [
  utterance(
    0,
    0,
    'The <i>tag</i> & the {\\an8} brace, a\\Nb, x --> y, *bold* _it_ [link](http://x) `code` 1 < 2 > 0 | pipe',
    'en',
  ),
  utterance(1, 14_000, '1. Not a list\n\n# nor a heading\u202e $x$', 'en'),
]);

export const silent = base('silent.wav', 20_000, null, null, []);

/** Two speakers, one with a name; what nobody could be told for stands without. */
export const dialogue: Transcript = {
  ...base('dialogue.wav', 30_000, 'en', null, [
    utterance(0, 0, 'Good morning, and welcome back.', 'en', { speaker: 'Anna <A>' }),
    utterance(1, 4_000, 'Thank you for having me.', 'en', { speaker: 'S2' }),
    utterance(2, 7_000, 'It has been a while.', 'en', { speaker: 'S2' }),
    utterance(3, 10_000, 'Hm.', 'en'),
    utterance(4, 14_000, 'So tell us what has happened in all that time since we last spoke to each other.', 'en', {
      speaker: 'Anna <A>',
    }),
  ]),
  speakers: { 'Anna <A>': 'AAAA', S2: 'BBBB' },
};
