/**
 * Repair without a model: units, sounds, proposals, prices and the guard, on what recognisers and small models really
 * wrote.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Word } from '../../schemas/job.ts';
import { NO_DICTIONARIES, type Dictionaries } from '../../daemon/repair/dictionaries.ts';
import { decide, type Weighed } from '../../daemon/repair/decide.ts';
import { similarity, soundDistance } from '../../daemon/repair/distance.ts';
import { refusalOf } from '../../daemon/repair/guard.ts';
import type { Judge } from '../../daemon/repair/judge.ts';
import { sharedDoubts } from '../../daemon/repair/proposals.ts';
import { repair } from '../../daemon/repair/repair.ts';
import { unitsOf } from '../../daemon/repair/units.ts';

const words = (text: string, unsure: Record<string, number> = {}): Word[] =>
  text
    .split(' ')
    .map((word, i) => ({
      text: ` ${word}`,
      startMs: i * 300,
      endMs: i * 300 + 250,
      probability: unsure[word.replace(/[^\p{L}]/gu, '')] ?? 0.95,
    }));
const input = (
  text: string,
  unsure: Record<string, number> = {},
  more: Partial<Parameters<typeof repair>[0]> = {},
) => ({ text, words: words(text, unsure), language: 'es', before: '', glossary: [], ...more });
const signal = new AbortController().signal;

/** A dictionary of a few words, with the suggestions that Hunspell gives for the misheard ones. */
const dictionaryOf = (known: string, near: Record<string, string[]>): Dictionaries => {
  const set = new Set(known.toLowerCase().match(/\p{L}+/gu));
  return { of: async () => ({ knows: word => set.has(word.toLowerCase()), suggest: word => near[word] ?? [] }) };
};
/**
 * A judge that likes some words, by nats over what was heard; everything unknown to it reads worse. Counts what it is
 * asked.
 */
const judgeOf = (likes: Record<string, number>) => {
  const asked: string[] = [];
  const judge: Judge = {
    open: async () => ({
      weigh: async ({ prefix, heard, candidates, suffix }) => {
        asked.push(`${prefix}|${heard}|${suffix}`);
        return candidates.map(word => likes[word] ?? -9);
      },
    }),
  };
  return { judge, asked };
};

test('words that were misheard sound nearer to what was said than to other words', () => {
  for (const [said, heard, other] of [
    ['tecleando', 'te acliando', 'también'],
    ['plataforma', 'plato forma', 'plato'],
    ['operativo', 'aparativo', 'comparativo'],
    ['demora', 'dimora', 'mora'],
    ['o presione', 'opresión e', 'presiones'],
    ['buzón', 'busón', 'bus'],
    ['désirez', 'déserez', 'désertez'],
    ['пароль', 'пороль', 'король'],
    ['acustico', 'acoustico', 'agostico'],
  ] as const) {
    assert.ok(soundDistance(said, heard) < soundDistance(other, heard), `${said} ${other}`);
    assert.ok(soundDistance(said, heard) <= 0.16, `${said}: ${soundDistance(said, heard)}`);
  }
  assert.equal(soundDistance('', ''), 0);
  assert.equal(similarity('¡Hola, Señor!', 'hola senor'), 1);
  assert.equal(similarity('abc', 'xyz'), 0);
});

test("units keep the recogniser's words, also where it splits at apostrophes and leaves no spaces", () => {
  const pieces = [' Composez', ' votre', ' numéro', ' d', "'agence", ' suivi.'];
  const units = unitsOf(
    "Composez votre numéro d'agence suivi.",
    pieces.map((text, i) => ({ text, startMs: i, endMs: i + 1, probability: i / 10 })),
  );
  assert.deepEqual(
    units.map(({ core, from, to, probability }) => [core, from, to, probability]),
    [
      ['Composez', 0, 1, 0],
      ['votre', 1, 2, 0.1],
      ['numéro', 2, 3, 0.2],
      ["d'agence", 3, 5, 0.3],
      ['suivi', 5, 6, 0.5],
    ],
  );
  assert.equal(units.at(-1)!.trail, '.');
});

test('words that do not spell the text leave the units without probabilities', () => {
  assert.deepEqual(
    unitsOf('uno dos', [{ text: 'otra', startMs: 0, endMs: 1, probability: 0.1 }]).map(unit => unit.probability),
    [null, null],
  );
});

test('letters that were spelt out stay', async () => {
  const { judge, asked } = judgeOf({ с: 30 });
  const out = await repair(
    input('Буквы q и z', { z: 0.2 }, { language: 'ru' }),
    judge,
    dictionaryOf('буквы и с', { z: ['с'] }),
    signal,
  );
  assert.deepEqual([out.text, asked], ['Буквы q и z', []]);
});

test('a word that no dictionary knows becomes the near word that reads better; the rest stays letter by letter', async () => {
  const { judge } = judgeOf({ demora: 8.8 });
  const out = await repair(
    input('Darle una idea de la «dimora», del sonido.'),
    judge,
    dictionaryOf('darle una idea de la del sonido', { dimora: ['dimorfa', 'demora', 'di mora'] }),
    signal,
  );
  assert.deepEqual(out, {
    text: 'Darle una idea de la «demora», del sonido.',
    changes: [{ from: 5, to: 6, before: 'dimora', after: 'demora', source: 'dictionary' }],
  });
});

test('two halves of a word are joined, a capital is kept, word numbers are those of the recogniser', async () => {
  const { judge } = judgeOf({ Plataforma: 20 });
  const out = await repair(
    input('Es así. Plato forma libre', { Plato: 0.3 }),
    judge,
    dictionaryOf('es así plato forma libre plataforma', { platoforma: ['plataforma'] }),
    signal,
  );
  assert.equal(out.text, 'Es así. Plataforma libre');
  assert.deepEqual(out.changes, [{ from: 2, to: 4, before: 'Plato forma', after: 'Plataforma', source: 'dictionary' }]);
});

test('nothing doubtful: the judge is not asked', async () => {
  let opened = 0;
  const text = 'Una idea de la demora.';
  const out = await repair(
    input(text),
    {
      open: async () => {
        opened++;
        throw new Error('asked');
      },
    },
    dictionaryOf('una idea de la demora', {}),
    signal,
  );
  assert.deepEqual([out.text, out.changes, opened], [text, [], 0]);
});

test('no dictionary, no words, other scripts, nothing at all: the text comes back as it was', async () => {
  const { judge } = judgeOf({});
  for (const text of ['', '…', '今天天气很好。', 'Привет, как дела?', '12:30'])
    assert.deepEqual(
      await repair({ text, words: [], language: 'zh', before: '', glossary: [] }, judge, NO_DICTIONARIES, signal),
      { text, changes: [] },
    );
});

test('the judge reads the repaired beginning, never what follows the utterance', async () => {
  const { judge, asked } = judgeOf({ buzón: 9, demora: 9 });
  const out = await repair(
    input('El busón y la dimora hoy'),
    judge,
    dictionaryOf('el y la hoy', { busón: ['buzón'], dimora: ['demora'] }),
    signal,
  );
  assert.equal(out.text, 'El buzón y la demora hoy');
  assert.ok(
    asked.some(question => question.startsWith('El buzón y la|dimora|')),
    asked.join('\n'),
  );
});

test('glossary: aliases are replaced without asking; a near hearing only if the judge agrees', async () => {
  const glossary = [{ term: 'Asterisk', aliases: ['hasta risk'] }, { term: 'Digium' }];
  const alone = await repair(
    input('Bienvenido a hasta risk de Dijium', {}, { glossary }),
    null,
    NO_DICTIONARIES,
    signal,
  );
  assert.equal(alone.text, 'Bienvenido a Asterisk de Dijium');
  assert.deepEqual(alone.changes, [{ from: 2, to: 4, before: 'hasta risk', after: 'Asterisk', source: 'glossary' }]);
  const judged = await repair(
    input('Bienvenido a hasta risk de Dijium', {}, { glossary }),
    judgeOf({ Digium: 6 }).judge,
    NO_DICTIONARIES,
    signal,
  );
  assert.equal(judged.text, 'Bienvenido a Asterisk de Digium');
  const refused = await repair(
    input('Bienvenido a Dijium', {}, { glossary }),
    judgeOf({ Digium: -3 }).judge,
    NO_DICTIONARIES,
    signal,
  );
  assert.equal(refused.text, 'Bienvenido a Dijium');
});

test('glossary: a term that was heard is never replaced, however unlikely it seems', async () => {
  const dictionary = dictionaryOf('la demora del', { dimora: ['demora'] }),
    heard = input('la dimora del', { dimora: 0.1 });
  assert.equal((await repair(heard, judgeOf({ demora: 20 }).judge, dictionary, signal)).text, 'la demora del');
  const judge = judgeOf({ demora: 20 });
  assert.equal(
    (await repair({ ...heard, glossary: [{ term: 'dimora' }] }, judge.judge, dictionary, signal)).text,
    'la dimora del',
  );
  assert.deepEqual(judge.asked, []);
});

test('prices: the unknown goes cheaply, what the recogniser was sure of does not; sound counts', () => {
  const one = (more: Partial<Weighed>): Weighed => ({
    from: 0,
    to: 1,
    text: 'b',
    source: 'dictionary',
    cost: 0.5,
    heard: 'a',
    gain: 7,
    unknown: true,
    probability: 0.9,
    taken: false,
    ...more,
  });
  assert.ok(decide([one({})]));
  assert.equal(decide([one({ unknown: false })]), null);
  assert.equal(decide([one({ cost: 1.5 })]), null);
  assert.equal(
    decide([one({ text: 'far', gain: 12, cost: 1.2 }), one({ text: 'near', gain: 7, cost: 0.4 })])?.text,
    'near',
  );
  assert.equal(
    decide([one({ heard: 'Acerisk', text: 'Hacer esto', cost: 1.5, gain: 18 })]),
    null,
    'a name does not fall into two words',
  );
  assert.ok(decide([one({ heard: 'Plataforna', text: 'Plataforma', gain: 18 })]));
  assert.equal(decide([]), null);
});

test('what surprises nobody is left alone, known names above all', () => {
  const units = unitsOf('Visite la casa Linux', words('Visite la casa Linux'));
  const doubts = [
    { unit: 0, unknown: false, probability: 0.2 },
    { unit: 3, unknown: true, probability: 0.9 },
  ];
  assert.deepEqual(sharedDoubts(doubts, units, [1, 2, 3, 2]), []);
  assert.deepEqual(
    sharedDoubts(doubts, units, [9, 2, 14, 12]).map(({ unit }) => unit),
    [0, 2, 3],
  );
});

test('the guard refuses what models have really answered', () => {
  const heard = 'Para terminar, cuelgue opresión en la tecla de número 8. Gracias por llamar a Digium.';
  const refusal = (repaired: string, before = '') => refusalOf({ heard, repaired, before, terms: [] });
  assert.equal(
    refusal('Para terminar, cuelgue o presione en la tecla de número 8. Gracias por llamar a Digium.'),
    null,
  );
  assert.equal(refusal(heard), null);
  assert.equal(refusal('Para terminar, cuelgue.'), 'numbers');
  assert.equal(refusal('Para terminar, cuelgue en la tecla 8.'), 'dropped');
  assert.equal(
    refusal(
      'Para terminar, cuelgue o presione en la tecla de número 8. Gracias por llamar a Digium. ¿En qué más ' +
        'puedo ayudarle hoy, señor o señora?',
    ),
    'added',
  );
  assert.equal(refusal('To finish, hang up or press the number 8 key. Thanks for calling to Digium.'), 'drift');
  assert.equal(
    refusal('Para terminar, cuelgue o presione en la tecla de número 9. Gracias por llamar a Digium.'),
    'numbers',
  );
  assert.equal(
    refusal('Para terminar, cuelgue o presione en la tecla de número 8. Gracias por llamar a Telefónica.'),
    'names',
  );
  assert.equal(
    refusal('Для завершения повесьте opresión en la tecla de número 8. Gracias por llamar a Digium.'),
    'script',
  );
  assert.equal(refusal('El propósito de esta prueba es 8', 'El propósito de esta prueba es'), 'dropped');
  assert.equal(
    refusalOf({
      heard: 'Marque el número 5 para salir.',
      repaired: 'Marque el número 5 para volver.',
      before: 'Marque el número 5 para volver.',
      terms: [],
    }),
    'neighbour',
  );
  assert.equal(refusal(''), 'empty');
});
