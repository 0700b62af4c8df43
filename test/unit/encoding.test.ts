import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeText } from '../../text/encoding.ts';

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
      assert.deepEqual(decodeText(encoded(text, encoding), language), { text, encoding, detected: true });
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
      assert.equal(decodeText(encoded(srt(words), encoding), 'en')?.text, srt(words));
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
        const found = decodeText(bytes, 'en')!;
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
    const large = Buffer.concat([Buffer.from(`${'words '.repeat(200_000)}\n`), Buffer.from([0x43, 0xe9, 0x0a])]),
      started = performance.now();
    assert.equal(decodeText(large, 'fr')?.text.at(-2), 'é');
    assert.ok(performance.now() - started < 500);
  });
});
