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
    'He was not an ill disposed young man, | unless to be rather cold hearted and rather selfish is to be ill ' +
      'disposed.',
    'en',
    {
      repair: {
        text:
          'He was not an ill-disposed young man, unless to be rather cold-hearted and rather selfish is to be ' +
          'ill-disposed.',
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

/** Faster than anybody reads, slower than a subtitle may stay, with pauses inside; a sentence of more than a minute. */
export const paces = base('paces.wav', 4_000_000, 'en', null, [
  utterance(
    0,
    500,
    'So what I was going to say to all of you today, before anything else, is that the work which we have done ' +
      'in the last year was not easy, but it was worth it.',
    'en',
    {},
    14,
  ),
  utterance(1, 6_000, 'Wait. | | | I mean | | it. | No, really, I do.', 'en', {}, 70),
  utterance(
    2,
    14_000,
    'Slowly and with great care he put the very last of the cards on top of the house.',
    'en',
    {},
    260,
  ),
  utterance(
    3,
    60_000,
    'Dr. Smith, who lives in St. Ives (a town by the sea), said: "We were there; nobody else was!" Then he ' +
      'left, and that was the end of it.',
    'en',
    {},
    45,
  ),
  utterance(4, 75_000, 'Go! Stop! Go! Stop! Now go.', 'en', {}, 25),
  utterance(
    5,
    78_000,
    'See https://www.example.org/a/very/long/address/that/no/line/can/hold/at/all.html for more.',
    'en',
  ),
  utterance(6, 3_700_000, 'An hour later.', 'en'),
]);

/** A translation longer or shorter than what was said, sentence by sentence or not, and one that says the same. */
export const translations = base('translations.mp4', 90_000, 'de', 'en', [
  utterance(
    0,
    0,
    'Das ist gut. | Wir gehen jetzt weiter zum nächsten Punkt. | Hat jemand Fragen dazu?',
    'de',
    { nmt: { text: 'That is good. Let us now move on to the next item. Does anyone have questions?', language: 'en' } },
    50,
  ),
  utterance(
    1,
    10_000,
    'Kurz gesagt, nein.',
    'de',
    {
      nmt: {
        text:
          'To put it in a few words, and without going into everything that was said before, the answer that I ' +
          'have to give you is no.',
        language: 'en',
      },
    },
    50,
  ),
  utterance(
    2,
    16_000,
    'Die Donaudampfschifffahrtsgesellschaft hat nach langen und schwierigen Verhandlungen mit allen ' +
      'Beteiligten zugestimmt.',
    'de',
    { nmt: { text: 'They agreed.', language: 'en' } },
    50,
  ),
  utterance(3, 30_000, 'Okay.', 'de', { nmt: { text: 'Okay.', language: 'en' } }),
  utterance(4, 34_000, 'Das blieb unübersetzt.', 'de', { failed: failed('nmt') }),
  utterance(5, 40_000, 'Und das hier auch noch.', 'de'),
  utterance(6, 46_000, 'Danke schön.', 'de', { nmt: { text: '', language: 'en' } }),
  { index: 7, startMs: 50_000, endMs: 52_000, failed: failed('asr') },
]);

/** Into a script without spaces, and out of it. */
export const scripts = base('scripts.wav', 40_000, 'en', 'zh', [
  utterance(0, 0, 'Good morning (everybody), and welcome to the show “Four Winds” of today.', 'en', {
    nmt: { text: '大家早上好（所有人），欢迎收看今天的节目《四方之风》。', language: 'zh' },
  }),
  utterance(1, 9_000, 'We have a lot to talk about, so let us begin at once.', 'en', {
    nmt: { text: '我们有很多话要谈，那就马上开始吧！「好」', language: 'zh' },
  }),
  utterance(2, 15_000, '日本語のテキストもここに（少しだけ）あります。ラーメンとコーヒーをください。', 'ja', {
    asr: {
      text: '日本語のテキストもここに（少しだけ）あります。ラーメンとコーヒーをください。',
      language: 'ja',
      languageProbability: 1,
      words: [...'日本語のテキストもここに少しだけありますラーメンとコーヒーをください'].map((text, n) => ({
        text,
        startMs: 15_200 + n * 180,
        endMs: 15_360 + n * 180,
        probability: 0.9,
      })),
    },
  }),
  utterance(3, 30_000, 'Ünïcödé 👍🏽 naïve café, 50 % — “done”…', 'en'),
]);

/** What a language model wrote about it stands above; a talk of several paragraphs. */
export const talk: Transcript = {
  ...base(
    'talk.wav',
    7_300_000,
    'en',
    null,
    Array.from({ length: 14 }, (_, n) =>
      utterance(
        n,
        n * 5_000 + (n > 11 ? 3_600_000 : 0),
        n % 5 === 4
          ? 'That is the end of what can be said of it.'
          : 'There is more to tell of this, and it goes on for a while (without any end in sight),',
        'en',
        n < 10 ? { speaker: 'Ben' } : {},
        20,
      ),
    ),
  ),
  speakers: { Ben: 'AAAA' },
  summary: { text: 'A talk about *nothing*.\nIt is long.', language: 'en', model: 'a_model' },
};
