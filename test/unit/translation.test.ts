/** Translation without a model: what is asked, what is refused, and what is asked instead. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Question } from '../../daemon/contracts/language-model.ts';
import { faultOf, type Knows } from '../../daemon/translation/guard.ts';
import { languageName, question, readAnswer, termsIn } from '../../daemon/translation/prompt.ts';
import { demandsOf, enforced, missing, substituted } from '../../daemon/translation/terms.ts';
import { withStandIns } from '../../daemon/translation/stand-ins.ts';
import { translate } from '../../daemon/translation/translate.ts';

const ES = new Set(
  'usted ha instalado una serie de sonidos y archivos la casa está en el número para salir presione tecla'.split(' '),
);
const EN = new Set(
  'you have installed a series of sounds and files the house is in number to leave press key no'.split(' '),
);
const knows: Knows = (language, word) =>
  language === 'es' ? ES.has(word.toLowerCase()) : language === 'en' ? EN.has(word.toLowerCase()) : null;
const fault = (
  source: string,
  target: string,
  from = 'es',
  to = 'en',
  before: { source: string; target: string }[] = [],
) => faultOf({ source, target, from, to, before }, knows);
const SOURCE = 'Usted ha instalado una serie de sonidos y archivos';

test('a good translation has no fault', () => {
  assert.equal(fault(SOURCE, 'You have installed a series of sounds and files.'), null);
  assert.equal(fault('Asterisk.', 'Asterisk.'), null);
  assert.equal(fault('Visite www.asterisk.org', 'Visit www.asterisk.org'), null);
  assert.equal(fault('Had he married a more amiable woman', '如果他娶了一个更友善的女子', 'en', 'zh'), null);
  assert.equal(fault('…', ''), null);
});

test('each fault is seen', () => {
  assert.equal(fault(SOURCE, ' '), 'empty');
  assert.equal(fault(SOURCE, SOURCE), 'echo');
  assert.equal(fault(SOURCE, "I'm sorry, but I cannot help with that."), 'refusal');
  assert.equal(fault(SOURCE, 'Sure! Here is the translation: you have installed sounds.'), 'refusal');
  assert.equal(fault(SOURCE, 'You have installed. '.repeat(9)), 'long');
  assert.equal(fault(SOURCE, 'Installed.'), 'short');
  assert.equal(fault('Had he married a more amiable woman', 'If he had married a woman', 'en', 'zh'), 'script');
  assert.equal(fault(SOURCE, 'Usted tiene una serie de archivos y sonidos instalado'), 'language');
  assert.equal(
    fault(SOURCE, 'To leave, press the key', 'es', 'en', [
      { source: 'Para salir presione la tecla', target: 'To leave, press the key.' },
    ]),
    'neighbour',
  );
  assert.equal(fault('Para salir presione 1234', 'To leave press 4321'), 'numbers');
});

test('the question: context as conversation, terms that occur, plain without both', () => {
  const input = {
    text: 'Bienvenido a Asterisk',
    from: 'es',
    to: 'en',
    before: [1, 2, 3].map(n => ({ source: `uno ${n}`, target: `one ${n}` })),
    glossary: [{ term: 'Asterisk', translation: 'Asterisk PBX' }, { term: 'Digium' }],
  };
  const asked = question(input, input.text, false);
  assert.deepEqual(
    asked.turns.map(turn => turn.role),
    ['user', 'model', 'user', 'model', 'user'],
  );
  assert.equal(asked.turns[3]!.text, '{"translation":"one 3"}');
  assert.match(asked.turns[4]!.text, /Asterisk = Asterisk PBX/);
  assert.doesNotMatch(asked.turns[4]!.text, /Digium/);
  assert.deepEqual(question(input, input.text, true).turns, [{ role: 'user', text: input.text }]);
  assert.match(asked.system, /Spanish into English/);
  assert.equal(languageName('zh'), 'Simplified Chinese');
  assert.deepEqual(termsIn('hola', input.glossary), []);
});

test('an answer is JSON of the agreed shape or nothing', () => {
  assert.equal(readAnswer('{"translation": " a \\n b "}'), 'a b');
  for (const bad of ['', '{"translation": "cut', '{"other": "x"}', '"x"', 'null']) assert.equal(readAnswer(bad), null);
});

test('after a bad answer it asks plainly, then by the sentence; when nothing helps it says so', async () => {
  const signal = new AbortController().signal,
    before = [{ source: 'hola', target: 'hello' }];
  const ask = (answers: string[]) => {
    const asked: Question[] = [];
    return {
      asked,
      asker: {
        ask: async (one: Question) => {
          asked.push(one);
          return JSON.stringify({ translation: answers.shift() ?? '' });
        },
      },
    };
  };
  const input = { text: `${SOURCE}. Para salir presione la tecla.`, from: 'es', to: 'en', before, glossary: [] };
  const second = ask([input.text, 'You have installed a series of sounds and files. To leave press the key.']);
  assert.equal(
    (await translate(input, second.asker, knows, signal)).text,
    'You have installed a series of sounds and files. To leave press the key.',
  );
  assert.deepEqual(
    second.asked.map(one => one.turns.length),
    [3, 1],
  );
  const third = ask([
    input.text,
    "I'm sorry, but I cannot.",
    'You have installed a series of sounds and files.',
    'To leave press the key.',
  ]);
  assert.deepEqual(await translate(input, third.asker, knows, signal), {
    text: 'You have installed a series of sounds and files. To leave press the key.',
    language: 'en',
  });
  assert.equal(third.asked.at(-1)!.turns[0]!.text, 'Para salir presione la tecla.');
  const original = { text: input.text, language: 'es' };
  assert.deepEqual(await translate(input, ask([]).asker, knows, signal), { ...original, refused: 'empty' });
  const echo = ask([input.text, input.text, SOURCE, 'Para salir presione la tecla.']);
  assert.deepEqual(await translate(input, echo.asker, knows, signal), { ...original, refused: 'echo' });
  const none = ask([]);
  assert.equal((await translate({ ...input, text: '…' }, none.asker, knows, signal)).text, '…');
  assert.equal(none.asked.length, 0);
});

test('a number that keeps going wrong: another one is translated in its place, and the true one put back', async () => {
  const asked: string[] = [],
    signal = new AbortController().signal;
  const careless = (put: (text: string) => string) => ({
    ask: async (one: Question) => {
      const { text } = one.turns.at(-1)!;
      asked.push(text);
      return JSON.stringify({ translation: put(text) });
    },
  });
  const de = (text: string) => ({ text, from: 'en', to: 'de', before: [], glossary: [] });
  const wrong = (text: string): string =>
    text
      .replace('1,250.50', '1.250,05')
      .replace('It costs', 'Es kostet')
      .replace('for', 'für')
      .replace('nights', 'Nächte');
  assert.deepEqual(await translate(de('It costs $1,250.50 for 3 nights.'), careless(wrong), knows, signal), {
    text: 'Es kostet $1.250,50 für 3 Nächte.',
    language: 'de',
  });
  assert.match(asked.at(-1)!, /^It costs \$\d\d for \d\d nights\.$/);
  // One that loses them all the same, or changes what stands for them.
  for (const put of [
    (text: string) => wrong(text).replace(/\d+/, ''),
    (text: string) => wrong(text).replace(/\d+/, '99'),
  ])
    assert.deepEqual(await translate(de('It costs $1,250.50.'), careless(put), knows, signal), {
      text: 'It costs $1,250.50.',
      language: 'en',
      refused: 'numbers',
    });
});

test('numbers as the other language writes them; those of names stay', () => {
  const through = (text: string, from: string, to: string): string | null | undefined => {
    const numbered = withStandIns(text, from, to);
    return numbered?.restored(numbered.text);
  };
  assert.equal(through('$1,250.50 and 1,250 of 20,000,000', 'en', 'de'), '$1.250,50 and 1.250 of 20.000.000');
  assert.equal(through('1.250,50 Euro, 3,5 %', 'de', 'en'), '1,250.50 Euro, 3.5 %');
  assert.equal(through('12 500,5 F', 'fr', 'en'), '12,500.5 F');
  // A time, a date, a version, a telephone number.
  for (const text of ['At 7:45', 'On 3/14/2024', 'Version 1.2.3', 'Call 555-0199', 'In 1987', '3 of 3'])
    assert.equal(through(text, 'en', 'de'), text);
  assert.equal(through('B52 and MP3', 'en', 'de'), undefined);
  assert.equal(through('1 2 3 4 5 6 7 8 9 10 11 12'.replaceAll(' ', ', '), 'en', 'de'), undefined);
  const { text } = withStandIns('37 of 42, 58', 'en', 'de')!;
  assert.doesNotMatch(text, /37|42|58/);
});

test('terms: translations that the glossary demands are found, missed, put in', () => {
  const glossary = [
    { term: 'PBX', aliases: ['pe be equis'], translation: 'centralita PBX' },
    { term: 'Asterisk' },
    { term: '电话', translation: 'phone' },
  ];
  const demands = demandsOf('La PBX y Asterisk.', glossary);
  assert.deepEqual(
    demands.map(one => one.term),
    ['PBX'],
  );
  assert.deepEqual(
    demandsOf('打电话吧', glossary).map(one => one.term),
    ['电话'],
  );
  assert.deepEqual(demandsOf('una xPBXx', glossary), []);
  assert.equal(substituted('La pe be  equis, la pbx.', demands), 'La centralita PBX, la centralita PBX.');
  assert.deepEqual(missing('The Centralita PBX', demands), []);
  assert.equal(enforced('The PBX is here', demands), 'The centralita PBX is here');
  assert.equal(enforced('The centralita PBX is a PBX', demands), 'The centralita PBX is a PBX');
});

test('a translation without a demanded term is asked for again with the term in its place', async () => {
  const asked: string[] = [],
    answers = ['The system is ready to be used today.', 'The switchboard is ready to be used today.'];
  const asker = {
    ask: async (one: Question) => {
      asked.push(one.turns.at(-1)!.text);
      return JSON.stringify({ translation: answers.shift() ?? '' });
    },
  };
  const input = {
    text: 'La centralita está lista para usar hoy.',
    from: 'es',
    to: 'en',
    before: [],
    glossary: [{ term: 'centralita', translation: 'switchboard' }],
  };
  assert.equal(
    (await translate(input, asker, knows, new AbortController().signal)).text,
    'The switchboard is ready to be used today.',
  );
  assert.match(asked[1]!, /^La switchboard está lista/);
  const never = { ask: async () => JSON.stringify({ translation: 'The system is ready to be used today.' }) };
  assert.equal(
    (await translate(input, never, knows, new AbortController().signal)).text,
    'The system is ready to be used today.',
    'a translation without the term is better than none',
  );
});
