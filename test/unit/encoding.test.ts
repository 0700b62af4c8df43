import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encodeText } from '../../text/encode.ts';
import { decodeText, encodingOf } from '../../text/encoding.ts';
import { cpuMsOf } from '../security/cpu.ts';

const srt = (...words: string[]): string =>
  words.map((each, n) => `${n + 1}\n00:00:0${n},000 --> 00:00:0${n + 1},000\n${each}\n`).join('\n');

/** What a decoder says each byte and each pair of bytes is, the other way round. */
const tables = new Map<string, Map<string, number[]>>();
function tableOf(encoding: string): Map<string, number[]> {
  const table = new Map<string, number[]>(),
    decoder = new TextDecoder(encoding),
    learn = (...bytes: number[]): void => {
      const character = decoder.decode(Uint8Array.from(bytes));
      if (!character.includes('\ufffd') && [...character].length === 1 && !table.has(character))
        table.set(character, bytes);
    };
  for (let byte = 0; byte < 256; byte++) learn(byte);
  if (/^(gb|big5|shift|euc)/.test(encoding))
    for (let lead = 0x81; lead < 0xff; lead++) for (let trail = 0x40; trail < 0xff; trail++) learn(lead, trail);
  return table;
}
function encoded(text: string, encoding: string): Buffer {
  if (!tables.has(encoding)) tables.set(encoding, tableOf(encoding));
  return Buffer.from([...text].flatMap(character => tables.get(encoding)!.get(character)!));
}
const utf16 = (text: string, bigEndian: boolean, mark: boolean): Buffer => {
  const bytes = Buffer.from(mark ? `\ufeff${text}` : text, 'utf16le');
  return bigEndian ? bytes.swap16() : bytes;
};

describe('texts in any encoding', () => {
  for (const [encoding, language, ...words] of [
    ['windows-1252', 'fr', 'Café olé.'],
    ['windows-1252', 'de', 'Das ist schön, und über die Straße gehen wir später.'],
    ['windows-1252', 'es', '¿Dónde está el niño? ¡Allí!'],
    ['windows-1252', 'en', 'It’s “fine” — really…'],
    ['windows-1250', 'pl', 'Cześć, jak się masz?', 'Muszę już iść, żona czeka.'],
    ['windows-1250', 'cs', 'Dobrý den, příliš žluťoučký kůň úpěl ďábelské ódy.'],
    ['windows-1251', 'ru', 'Привет, как дела?', 'Всё хорошо, спасибо.'],
    ['koi8-r', 'ru', 'Привет, как дела?', 'Всё хорошо, спасибо.'],
    ['windows-1254', 'tr', 'Günaydın, nasılsın? Şimdi gidiyorum, teşekkür ederim.'],
    ['windows-1255', 'he', 'שלום, מה שלומך היום?'],
    ['windows-1256', 'ar', 'مرحبا، كيف حالك اليوم؟'],
    ['windows-874', 'th', 'สวัสดีครับ วันนี้อากาศดี'],
    ['gb18030', 'zh', '你好，今天天气很好。', '我们去公园吧。'],
    ['gb18030', 'zh', '谢谢。'],
    ['big5', 'zh', '你好，今天天氣很好。', '我們去公園吧。'],
    ['shift_jis', 'ja', 'こんにちは、今日はいい天気ですね。'],
    ['euc-jp', 'ja', 'こんにちは、今日はいい天気ですね。'],
    ['euc-kr', 'ko', '안녕하세요, 오늘 날씨가 좋네요.'],
  ] as const)
    it(`${encoding}, ${language}: ${words[0]}`, () => {
      const text = srt(...words);
      assert.deepEqual(decodeText(encoded(text, encoding), { language }), { text, encoding, detected: true });
    });
  for (const [encoding, language, words] of [
    ['windows-1250', 'cs', 'Děkuji.'],
    ['windows-1250', 'cs', 'Příště přijdu dřív.'],
    ['iso-8859-2', 'cs', 'Nevím, co říct. Šel domů.'],
    ['windows-1250', 'sk', 'Ďakujem, mám sa dobre.'],
    ['windows-1250', 'hu', 'Hűvös idő van.'],
    ['windows-1250', 'ro', 'Mulţumesc foarte mult.'],
    ['windows-1254', 'tr', 'Hayır, değil.'],
    ['windows-1254', 'tr', 'İyi akşamlar!'],
    ['windows-1252', 'fi', 'Hyvää päivää.'],
    ['windows-1252', 'is', 'Það er gott að sjá þig.'],
    ['windows-1257', 'lv', 'Labrīt, kā tev iet?'],
    ['windows-1253', 'el', 'Καλημέρα.'],
    ['windows-1251', 'bg', 'Добро утро.'],
    ['koi8-r', 'ru', 'Спасибо, хорошо.'],
    ['ibm866', 'ru', 'Привет, как дела?'],
    ['windows-1256', 'ar', 'مرحبا.'],
    ['big5', 'zh', '謝謝你。'],
    ['euc-jp', 'ja', 'ありがとう。'],
    ['euc-kr', 'ko', '감사합니다.'],
  ] as const)
    it(`a word or two, the language is known: ${encoding}, ${words}`, () => {
      const text = srt(words);
      assert.deepEqual(decodeText(encoded(text, encoding), { language }), { text, encoding, detected: true });
    });
  it('a word or two of which nobody knows the language: by the letters that languages have', () => {
    for (const [encoding, words] of [
      ['windows-1250', 'Příště přijdu dřív.'],
      ['windows-1254', 'Teşekkür ederim.'],
      ['windows-1252', 'Ça va très bien, merci.'],
      ['windows-1252', 'Hvad hedder du? Jeg hedder Søren.'],
    ] as const)
      assert.equal(decodeText(encoded(srt(words), encoding))?.text, srt(words));
  });
  it('an encoding that somebody chose holds, unless a mark says otherwise', () => {
    const text = srt('Děkuji.'),
      bytes = encoded(text, 'windows-1250');
    assert.deepEqual(decodeText(bytes, { language: 'fr', encoding: 'windows-1250' }), {
      text,
      encoding: 'windows-1250',
      detected: false,
    });
    assert.equal(decodeText(utf16(text, false, true), { encoding: 'windows-1250' })?.encoding, 'utf-16le');
    assert.equal(decodeText(bytes, { encoding: 'utf-8' })?.text, srt('D\ufffdkuji.'));
  });
  it('names of encodings as people and editors write them', () => {
    for (const [name, encoding] of [
      ['Windows-1250', 'windows-1250'],
      ['windows1250', 'windows-1250'],
      ['cp1250', 'windows-1250'],
      ['win 1251', 'windows-1251'],
      ['latin1', 'windows-1252'],
      ['iso88592', 'iso-8859-2'],
      ['utf8bom', 'utf-8'],
      ['UTF16', 'utf-16le'],
      ['utf16be', 'utf-16be'],
      ['UTF-32', 'utf-32le'],
      ['koi8r', 'koi8-r'],
      ['cp866', 'ibm866'],
      ['shiftjis', 'shift_jis'],
      ['eucjp', 'euc-jp'],
      ['cp949', 'euc-kr'],
      ['nonsense', null],
    ] as const)
      assert.equal(encodingOf(name), encoding, name);
  });
  it('UTF-32 is read with a mark and without', () => {
    const text = srt('Děkuji 🙂');
    for (const encoding of ['utf-32le', 'utf-32be'])
      for (const mark of ['\ufeff', '']) {
        const bytes = encodeText(mark + text, encoding)!;
        assert.deepEqual(decodeText(bytes), { text: mark + text, encoding, detected: false });
      }
    assert.equal(decodeText(encodeText(text, 'utf-32le')!.subarray(0, -1)), null);
  });
  it('a text goes back into the encoding that it came from, or not at all', () => {
    for (const [encoding, words] of [
      ['utf-8', 'Děkuji 🙂'],
      ['utf-16le', 'Děkuji 🙂'],
      ['utf-16be', 'Děkuji 🙂'],
      ['windows-1250', 'Děkuji.'],
      ['iso-8859-2', 'Šel domů.'],
      ['gb18030', '你好，今天天气很好。'],
      ['big5', '你好，今天天氣很好。'],
      ['shift_jis', 'こんにちは、今日はいい天気ですね。'],
      ['euc-kr', '안녕하세요.'],
    ] as const) {
      const text = `\ufeff${words}`.slice(encoding.startsWith('utf') ? 0 : 1);
      assert.equal(new TextDecoder(encoding, { ignoreBOM: true }).decode(encodeText(text, encoding)!), text);
    }
    assert.equal(encodeText('你好', 'windows-1250'), null);
    assert.equal(encodeText('🙂', 'shift_jis'), null);
  });
  it('a few broken bytes do not make a text in UTF-8 one of another encoding', () => {
    const text = srt(...Array.from({ length: 30 }, () => 'Příliš žluťoučký kůň úpěl ďábelské ódy.')),
      bytes = Buffer.from(text);
    assert.deepEqual(decodeText(bytes.subarray(0, bytes.lastIndexOf(0xc5) + 1), { language: 'cs' })?.encoding, 'utf-8');
  });
  it('signs in the middle of words are letters of another encoding, also where no language is told', () => {
    const text = srt('Zażółć gęślą jaźń, proszę bardzo.');
    assert.deepEqual(decodeText(encoded(text, 'windows-1250')), { text, encoding: 'windows-1250', detected: true });
  });
  it('a language that is told wrongly does not outweigh what the characters say', () => {
    for (const [encoding, words] of [
      ['windows-1251', 'Привет, как дела? Всё хорошо, спасибо.'],
      ['gb18030', '你好，今天天气很好。我们去公园吧。'],
      ['shift_jis', 'こんにちは、今日はいい天気ですね。'],
    ] as const)
      assert.equal(decodeText(encoded(srt(words), encoding), { language: 'en' })?.text, srt(words));
  });
  it('UTF-16 with a mark and without, UTF-8 with a mark: nothing is guessed', () => {
    for (const words of ['Good morning.', '你好，今天天气很好。', 'Доброе утро'])
      for (const bytes of [
        utf16(srt(words), false, false),
        utf16(srt(words), true, false),
        utf16(srt(words), false, true),
        utf16(srt(words), true, true),
        Buffer.from(srt(words)),
        Buffer.from(`\ufeff${srt(words)}`),
      ]) {
        const found = decodeText(bytes, { language: 'en' })!;
        assert.equal(found.text.replace(/^\ufeff/, ''), srt(words));
        assert.equal(found.detected, false);
      }
  });
  it('what is no text is refused, and any text in UTF-8 comes back', () => {
    assert.equal(decodeText(Buffer.from([0x50, 0x4b, 3, 4, 0, 0, 8, 0, 0xff, 0xd8, 0])), null);
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }).filter(text => !text.includes('\0')),
        text => {
          assert.equal(decodeText(Buffer.from(text))?.text, text);
        },
      ),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        const found = decodeText(bytes);
        assert.ok(found === null || typeof found.text === 'string');
      }),
    );
  });
  it('a large file is looked at in a moment', () => {
    const large = Buffer.concat([Buffer.from(`${'words '.repeat(200_000)}\n`), Buffer.from([0x43, 0xe9, 0x0a])]);
    assert.equal(decodeText(large, { language: 'fr' })?.text.at(-2), 'é');
    assert.ok(cpuMsOf(() => decodeText(large, { language: 'fr' }), 500) < 500);
  });
});
