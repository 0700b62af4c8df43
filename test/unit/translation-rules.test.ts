/** The rules of translation at their edges: what is asked, what is refused, what a glossary demands. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EarshotError } from '../../schemas/errors.ts';
import { NO_DICTIONARIES, type Dictionary } from '../../daemon/repair/dictionaries.ts';
import { faultOf, type Knows } from '../../daemon/translation/guard.ts';
import { languageName, question, readAnswer, termsIn } from '../../daemon/translation/prompt.ts';
import { demandsOf, enforced, missing, substituted } from '../../daemon/translation/terms.ts';
import { knowledgeOf, translate } from '../../daemon/translation/translate.ts';

const nobody: Knows = () => null;
const fault = (source: string, target: string, from = 'es', to = 'en', knows = nobody) =>
  faultOf({ source, target, from, to, before: [] }, knows);

describe('what is wrong with a translation', () => {
  test('nothing for something; signs alone may stand for signs', () => {
    assert.equal(fault('12', '…'), 'empty');
    assert.equal(fault('—', '…'), null);
    assert.equal(fault('doce', '12'), null);
  });
  test('an echo: more than three words, addresses not counted, into another language', () => {
    assert.equal(fault('uno dos tres', 'uno dos tres'), null);
    assert.equal(fault('uno dos tres cuatro', 'uno dos tres cuatro'), 'echo');
    assert.equal(fault('uno dos tres a@b.c', 'uno dos tres a@b.c'), null);
    assert.equal(fault('uno dos tres cuatro', 'uno dos tres cuatro', 'pt-BR', 'pt-PT'), null);
    assert.equal(fault('uno dos tres cuatro', 'uno dos three four'), null);
  });
  test('what a model says of itself, unless it was said', () => {
    for (const answer of [
      "I'm sorry, but I can't do it",
      'I am sorry but I do not',
      'As an AI model',
      'I cannot translate this',
      "I can't help you",
      'Sure! Here it is',
      'Here is the translation of it',
      'The translation is good',
      'Translation: good',
    ])
      assert.equal(fault('una frase cualquiera', answer), 'refusal', answer);
    assert.equal(fault('one more sentence', 'Lo siento, pero no puedo traducir', 'en', 'es'), 'refusal');
    assert.equal(fault('one more sentence', '抱歉，我不能翻译', 'en', 'zh'), 'refusal');
    assert.equal(fault("I'm sorry, but I am late", "I'm sorry, but I am late!", 'en', 'fr'), 'echo');
  });
  test('what a neighbour says already, unless it was said alike', () => {
    const beside = (source: string) =>
      faultOf(
        {
          source,
          target: 'the door is open',
          from: 'es',
          to: 'en',
          before: [
            { source: 'otra cosa', target: 'something else' },
            { source: 'la puerta está abierta', target: 'The door is open.' },
          ],
        },
        nobody,
      );
    assert.equal(beside('el perro come mucho'), 'neighbour');
    assert.equal(beside('la puerta está abierta'), null);
  });
  test('letters of the wrong script', () => {
    for (const [to, good] of [
      ['zh', '你好世界'],
      ['ja', 'こんにちは世界カタ'],
      ['ko', '안녕하세요'],
      ['ru', 'привет мир'],
      ['uk', 'привіт світ'],
      ['bg', 'здравей свят'],
      ['sr', 'здраво свете'],
      ['el', 'γεια σου κόσμε'],
      ['ar', 'مرحبا بالعالم'],
      ['fa', 'سلام دنیا'],
      ['he', 'שלום עולם'],
      ['hi', 'नमस्ते दुनिया'],
      ['th', 'สวัสดีชาวโลก'],
    ] as const) {
      assert.equal(fault('hello my world', good, 'en', to), null, to);
      if (to !== 'sr') assert.equal(fault('hello my dear world', 'bonjour le monde', 'en', to), 'script', to);
      assert.equal(fault('hello my dear world', good, 'en', 'de'), 'script', to);
    }
    assert.equal(fault('hello my world', 'zdravo svete', 'en', 'sr'), null);
    assert.equal(fault('hello my world', 'OK!', 'en', 'zh'), null, 'too little to tell');
    assert.equal(fault('hello my world', 'Okay', 'en', 'zh'), 'script');
    assert.equal(fault('Asterisk PBX one', 'AAAAAAAAA电话机', 'en', 'zh'), null, 'a quarter is enough');
    assert.equal(fault('Asterisk PBX one', 'AAAAAAAAAA电话机', 'en', 'zh'), 'script');
    assert.equal(fault('uno dos tres', 'abcdef дв', 'es', 'en'), null, 'three quarters');
    assert.equal(fault('uno dos tres', 'abcde две', 'es', 'en'), 'script');
  });
  test('far too long, far too short; a Han character counts three', () => {
    assert.equal(fault('a'.repeat(20), 'b'.repeat(44)), null);
    assert.equal(fault('a'.repeat(20), 'b'.repeat(45)), 'long');
    assert.equal(fault('a'.repeat(11), 'b'.repeat(60)), null);
    assert.equal(fault('a'.repeat(11), 'b'.repeat(61)), 'long');
    assert.equal(fault('a'.repeat(12), 'b'.repeat(27)), 'long');
    assert.equal(fault('a'.repeat(20), 'b'.repeat(8)), null);
    assert.equal(fault('a'.repeat(20), 'b'.repeat(7)), 'short');
    assert.equal(fault('a'.repeat(19), 'b'.repeat(7)), null);
    assert.equal(fault('一二三四五六七', 'b'.repeat(46), 'zh', 'en'), null);
    assert.equal(fault('一二三四五六七', 'b'.repeat(47), 'zh', 'en'), 'long');
  });
  test('words of the language that it came from', () => {
    const es = new Set(['uno', 'dos', 'tres', 'no']),
      en = new Set(['one', 'two', 'three', 'no']);
    const knows: Knows = (language, word) =>
      language === 'es' ? es.has(word) : language === 'en' ? en.has(word) : null;
    assert.equal(fault('uno dos x tres', 'uno dos three xx', 'es', 'en', knows), 'language');
    assert.equal(fault('uno dos x tres', 'uno two no xx', 'es', 'en', knows), null);
    assert.equal(fault('uno dos tres', 'uno dos three', 'es-MX', 'en-GB', knows), null, 'three words do not tell');
    assert.equal(fault('uno dos y tres', 'dos uno three xx', 'es-MX', 'en-GB', knows), 'language');
    assert.equal(fault('uno dos y tres', 'dos uno tres xx', 'es', 'fr', knows), null, 'no dictionary');
  });
  test('a number that became another', () => {
    assert.equal(fault('son 12 y 34', 'are 12 and 43'), 'numbers');
    assert.equal(fault('son 12 y 34', 'are 12 and thirty-four'), null);
    assert.equal(fault('son doce', 'are 12'), null);
    assert.equal(fault('son 1 y 2', 'are 3 and 4'), 'numbers');
  });
});

describe('the question', () => {
  const input = { text: 'x', from: 'es', to: 'zh', before: [], glossary: [] };
  test('languages by their names', () => {
    assert.deepEqual(['de', 'zh', 'pt-BR', 'zh-TW'].map(languageName), [
      'German',
      'Simplified Chinese',
      'Brazilian Portuguese',
      'Chinese (Taiwan)',
    ]);
    assert.match(
      question(input, 'x', false).system,
      /from Spanish into Simplified Chinese\. .*add nothing.*never an instruction/su,
    );
  });
  test('terms by name or alias, whatever their case, twenty at most', () => {
    const glossary = [{ term: 'PBX', aliases: ['Centralita', 'pe be'] }, { term: 'Nada' }];
    assert.deepEqual(
      termsIn('la CENTRALITA', glossary).map(({ term }) => term),
      ['PBX'],
    );
    assert.deepEqual(
      termsIn('la pbx', glossary).map(({ term }) => term),
      ['PBX'],
    );
    const many = Array.from({ length: 25 }, (_, n) => ({ term: `t${n}x`, translation: 'u' }));
    const all = many.map(({ term }) => term).join(' ');
    assert.equal(termsIn(all, many).length, 20);
    assert.equal(demandsOf(all, many).length, 20);
    assert.equal(
      question({ ...input, glossary }, 'la pbx y nada', false).turns.at(-1)!.text,
      'la pbx y nada\n\n(Terms: PBX = PBX; Nada = Nada)',
    );
  });
  test('room for the answer: by words, by characters where there are no spaces', () => {
    const room = (text: string) => question(input, text, true).maxTokens;
    assert.deepEqual([room('uno'), room('a b c d'), room('一'.repeat(100)), room('uno  dos')], [51, 60, 138, 56]);
  });
  test('the shape of the answer', () => {
    assert.deepEqual(question(input, 'x', true).schema, {
      type: 'object',
      properties: { translation: { type: 'string' } },
      required: ['translation'],
      additionalProperties: false,
    });
    assert.deepEqual(['{"translation":1}', '[]', '{"translation":"a\\t\\tb "}'].map(readAnswer), [null, null, 'a b']);
  });
});

describe('what a glossary demands', () => {
  const demand = (term: string, translation: string, aliases?: string[]) => ({
    term,
    translation,
    ...(aliases ? { aliases } : {}),
  });
  test('whole words where words are parted, anywhere where they are not, signs as they are', () => {
    for (const [text, term, found] of [
      ['la casa', 'casa', true],
      ['la casas', 'casa', false],
      ['lacasa', 'casa', false],
      ['la casa2', 'casa', false],
      ['打电话吧', '电话', true],
      ['C++ rocks', 'C++', true],
      ['a.b', 'a.b', true],
      ['axb', 'a.b', false],
      ['dos  palabras', 'dos palabras', true],
      ['dospalabras', 'dos palabras', false],
      ['hay Wi-Fi', 'Wi-Fi', true],
      ['hay Wi Fi', 'Wi-Fi', false],
      ['(^x$) {y} a|b [c] \\d /e*?', '(^x$) {y} a|b [c] \\d /e*?', true],
    ] as const)
      assert.equal(demandsOf(text, [demand(term, 'y')]).length, found ? 1 : 0, `${text}: ${term}`);
    assert.deepEqual(demandsOf('la casa', [{ term: 'casa' }]), []);
  });
  test('put in: the longest name first, in one pass, aliases too', () => {
    const demands = [demand('casa', 'house'), demand('casa blanca', 'White House', ['house']), demand('x', 'casa')];
    assert.equal(
      substituted('la Casa  Blanca, la casa, house, X', demands),
      'la White House, la house, White House, casa',
    );
    assert.equal(substituted('la casa', []), 'la casa');
    assert.deepEqual(
      missing('The HOUSE', demands).map(({ term }) => term),
      ['casa blanca', 'x'],
    );
    assert.equal(enforced('a casa of the house', [demand('casa', 'House')]), 'a casa of the house');
  });
});

describe('one utterance', () => {
  const signal = new AbortController().signal;
  const ask = (answers: (string | null)[]) => {
    const asked: string[] = [];
    return {
      asked,
      asker: {
        ask: async (one: { turns: readonly { text: string }[] }) => {
          asked.push(one.turns.at(-1)!.text);
          const answer = answers.shift();
          return answer == null ? 'no JSON' : JSON.stringify({ translation: answer });
        },
      },
    };
  };
  const input = (text: string, more: object = {}) => ({
    text,
    from: 'es',
    to: 'en',
    before: [],
    glossary: [],
    ...more,
  });
  test('nothing to say is not asked for', async () => {
    const { asked, asker } = ask([]);
    assert.deepEqual(await translate(input(' — '), asker, nobody, signal), { text: '—', language: 'en' });
    assert.deepEqual(asked, []);
  });
  test('a number that became another is asked for again, and then the source stands, marked', async () => {
    const text = 'El número es 1234 y la puerta está abierta.',
      wrong = 'The number is 4321 and the door is open.',
      right = 'The number is 1234 and the door is open.',
      before = [{ source: 'Hola.', target: 'Hello.' }];
    assert.deepEqual(await translate(input(text, { before }), ask([wrong, right]).asker, nobody, signal), {
      text: right,
      language: 'en',
    });
    assert.deepEqual(await translate(input(text, { before }), ask([wrong, wrong, wrong]).asker, nobody, signal), {
      text,
      language: 'es',
      refused: 'numbers',
    });
  });
  test('of what is not good the most bearable is taken', async () => {
    const text = 'El número es 1234 y la puerta está abierta.';
    const short = 'It is 1234.',
      echo = 'El número es 1234 y la puerta está abierta';
    const before = [{ source: 'Hola.', target: 'Hello.' }];
    for (const answers of [
      [short, echo, text],
      [echo, short, text],
    ])
      assert.equal((await translate(input(text, { before }), ask(answers).asker, nobody, signal)).text, short);
    assert.deepEqual(
      await translate(input(text), ask(["I'm sorry, but I cannot.", null, null]).asker, nobody, signal),
      { text, language: 'es', refused: 'refusal' },
    );
    await assert.rejects(
      translate(input(text), ask([null, null, null]).asker, nobody, signal),
      (error: unknown) =>
        error instanceof EarshotError &&
        error.failure.code === 'badAnswer' &&
        /^long: $/.test(error.failure.detail ?? ''),
      'a model that never answers in the agreed shape',
    );
  });
  test('sentences are put together as the language does', async () => {
    const text = 'Hola a todos. Hasta luego.';
    const zh = ask([null, '大家好。', '再见。']);
    assert.equal((await translate(input(text, { to: 'zh' }), zh.asker, nobody, signal)).text, '大家好。再见。');
    assert.deepEqual(zh.asked, [text, 'Hola a todos.', 'Hasta luego.']);
    const en = ask([null, 'Hello all.', 'See you.']);
    assert.equal((await translate(input(text), en.asker, nobody, signal)).text, 'Hello all. See you.');
  });
  test('a dictionary knows words as they stand and in small letters; none knows nothing', async () => {
    const of = async (language: string): Promise<Dictionary | null> =>
      language === 'de' ? { knows: word => word === 'haus', suggest: () => [] } : null;
    const knows = await knowledgeOf({ of }, ['de-AT', 'en']);
    assert.deepEqual(
      [knows('de', 'Haus'), knows('de-CH', 'haus'), knows('de', 'Maus'), knows('en', 'house')],
      [true, true, false, null],
    );
    assert.equal((await knowledgeOf(NO_DICTIONARIES, ['de']))('de', 'Haus'), null);
  });
});
