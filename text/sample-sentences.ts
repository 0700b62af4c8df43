/** What a voice says when somebody wants to know how it sounds: a greeting and a number, in its own language. */

const SENTENCES: Readonly<Record<string, string>> = {
  ar: 'مرحبًا، هذا صوتي. استغرقت المقابلة خمسًا وعشرين دقيقة.',
  cs: 'Dobrý den, takhle zním. Rozhovor trval dvacet pět minut.',
  da: 'Hej, sådan lyder jeg. Interviewet varede femogtyve minutter.',
  de: 'Guten Tag, so klinge ich. Das Interview dauerte fünfundzwanzig Minuten.',
  el: 'Γεια σας, έτσι ακούγομαι. Η συνέντευξη κράτησε είκοσι πέντε λεπτά.',
  en: 'Hello, this is how I sound. The interview took twenty-five minutes.',
  es: 'Hola, así es como sueno. La entrevista duró veinticinco minutos.',
  fi: 'Hei, tältä minä kuulostan. Haastattelu kesti kaksikymmentäviisi minuuttia.',
  fr: 'Bonjour, voici ma voix. L’entretien a duré vingt-cinq minutes.',
  hi: 'नमस्ते, मेरी आवाज़ ऐसी है। साक्षात्कार पच्चीस मिनट चला।',
  hu: 'Jó napot, így hangzom. Az interjú huszonöt percig tartott.',
  it: 'Buongiorno, questa è la mia voce. L’intervista è durata venticinque minuti.',
  ja: 'こんにちは、これが私の声です。インタビューは二十五分でした。',
  ko: '안녕하세요, 제 목소리입니다. 인터뷰는 이십오 분 걸렸습니다.',
  nl: 'Hallo, zo klink ik. Het interview duurde vijfentwintig minuten.',
  no: 'Hei, slik høres jeg ut. Intervjuet varte i tjuefem minutter.',
  pl: 'Dzień dobry, tak brzmi mój głos. Wywiad trwał dwadzieścia pięć minut.',
  pt: 'Olá, esta é a minha voz. A entrevista durou vinte e cinco minutos.',
  ro: 'Bună ziua, așa sună vocea mea. Interviul a durat douăzeci și cinci de minute.',
  ru: 'Здравствуйте, так я звучу. Интервью длилось двадцать пять минут.',
  sv: 'Hej, så här låter jag. Intervjun tog tjugofem minuter.',
  tr: 'Merhaba, sesim böyle. Görüşme yirmi beş dakika sürdü.',
  uk: 'Добрий день, так я звучу. Інтерв’ю тривало двадцять п’ять хвилин.',
  vi: 'Xin chào, đây là giọng của tôi. Cuộc phỏng vấn kéo dài hai mươi lăm phút.',
  zh: '你好，这就是我的声音。采访用了二十五分钟。',
};

/** English where there is none. `language`: "pt", "pt-BR". */
export const sampleSentence = (language: string): string => SENTENCES[language.split('-')[0]!] ?? SENTENCES.en!;
