/** The rules of repair at their edges: what is doubtful, what is proposed, what it costs, what the guard lets pass. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Word } from '../../schemas/job.ts';
import type { Dictionary } from '../../daemon/repair/dictionaries.ts';
import { decide, price, surplus, type Weighed } from '../../daemon/repair/decide.ts';
import { refusalOf } from '../../daemon/repair/guard.ts';
import type { Choice, Expected, Judge } from '../../daemon/repair/judge.ts';
import {
  doubtsIn,
  expectations,
  expectedWords,
  glossaryProposals,
  inCaseOf,
  isKnown,
  isSpecial,
  nearWords,
  sharedDoubts,
  shortlist,
  spansAround,
  termUnits,
  type Proposal,
} from '../../daemon/repair/proposals.ts';
import { repair } from '../../daemon/repair/repair.ts';
import { adjoin, unitsOf } from '../../daemon/repair/units.ts';

const words = (text: string, unsure: Record<string, number> = {}): Word[] =>
  text.split(' ').map((word, i) => ({ text: ` ${word}`, startMs: i, endMs: i + 1, probability: unsure[word] ?? 0.95 }));
const units = (text: string, unsure: Record<string, number> = {}) => unitsOf(text, words(text, unsure));
const dictionary = (known: string, near: Record<string, string[]> = {}): Dictionary => {
  const set = new Set(known.split(' '));
  return { knows: word => set.has(word), suggest: word => near[word] ?? [] };
};
const rounded = (value: number): number => Math.round(value * 1000) / 1000;

describe('units', () => {
  test('a word, what stands around it, and where', () => {
    const text = '«¡Hola, mundo!»  …  d’accord.';
    assert.deepEqual(
      unitsOf(text, []).map(({ start, end, core, lead, trail, from, to, probability }) => [
        text.slice(start, end),
        lead,
        core,
        trail,
        from,
        to,
        probability,
      ]),
      [
        ['«¡Hola,', '«¡', 'Hola', ',', 0, 1, null],
        ['mundo!»', '', 'mundo', '!»', 1, 2, null],
        ['…', '…', '', '', 2, 3, null],
        ['d’accord.', '', 'd’accord', '.', 3, 4, null],
      ],
    );
  });
  test('words that leave a part of the text unspelt count for nothing', () => {
    const some = words('uno dos');
    assert.deepEqual(
      unitsOf('uno dos tres', some).map(unit => unit.probability),
      [null, null, null],
    );
    assert.deepEqual(
      unitsOf('uno y dos', some).map(unit => unit.probability),
      [null, null, null],
    );
    assert.deepEqual(
      unitsOf('uno dos  ', some).map(unit => unit.probability),
      [0.95, 0.95],
    );
  });
  test('adjoin: nothing but a space between two words', () => {
    const [a, b, c, d, e] = units('uno dos, tres «cuatro …') as [never, never, never, never, never];
    assert.deepEqual([adjoin(a, b), adjoin(b, c), adjoin(c, d), adjoin(d, e)], [true, false, false, false]);
  });
});

describe('what is doubtful', () => {
  test('a word is known as it stands, in small letters, by its parts', () => {
    const known = dictionary("casa l'eau agence aujourd'hui uno bien porte monnaie");
    for (const [word, answer] of [
      ['', true],
      ['casa', true],
      ['Casa', true],
      ['casx', false],
      ['CASX', false],
      ['uno2', true],
      ["d'agence", true],
      ['d’agence', true],
      ['aujourd’hui', true],
      ["d'agencx", false],
      ['porte-monnaie', true],
      ['porte-Monnaie', true],
      ['porte-monnax', false],
      ['abcdef-casa', true],
      ['abcdefg-casa', false],
      ['casa-', true],
      ['-', true],
    ] as const)
      assert.equal(isKnown(word, known), answer, word);
  });
  test('addresses, abbreviations and numbers are no words', () => {
    for (const [word, special] of [
      ['a@b', true],
      ['a/b', true],
      ['a_b', true],
      ['www.x', true],
      ['B2', true],
      ['PBX', true],
      ['OK', true],
      ['A', false],
      ['Ok', false],
      ['你好', false],
      ['casa', false],
    ] as const)
      assert.equal(isSpecial(word), special, word);
  });
  test('unknown words, and words that the recogniser was less than 60 % sure of', () => {
    const found = (unsure: Record<string, number>, known: Dictionary | null) =>
      doubtsIn(units('la casx x 12 PBX bien', unsure), known).map(({ unit, unknown }) => [unit, unknown]);
    const known = dictionary('la bien');
    assert.deepEqual(found({}, known), [[1, true]]);
    assert.deepEqual(found({ la: 0.59, bien: 0.6, x: 0.1, '12': 0.1 }, known), [
      [0, false],
      [1, true],
    ]);
    assert.deepEqual(found({ casx: 0.2 }, null), [[1, false]]);
  });
  test('of many doubts the weightiest are asked, in the order of the text', () => {
    const text = Array.from(
        { length: 30 },
        (_, n) => `palabra${'abcdefghij'[n % 10]}${'abc'[Math.floor(n / 10)]}`,
      ).join(' '),
      all = units(text);
    const doubts = all.map((_, unit) => ({ unit, unknown: unit === 29, probability: unit < 15 ? 0.9 : 0.1 }));
    const asked = sharedDoubts(doubts, all, null).map(({ unit }) => unit);
    assert.ok(asked.length < 30 && asked.includes(29) && !asked.includes(14));
    assert.deepEqual(
      asked,
      [...asked].sort((a, b) => a - b),
    );
    assert.deepEqual(asked.slice(0, 3), [15, 16, 17], 'of equals the first');
  });
  test('what surprises by 11 nats is doubtful though nobody doubted it', () => {
    const all = units('la casa x PBX'),
      at = (nats: number[]) => sharedDoubts([], all, nats).map(({ unit }) => unit);
    assert.deepEqual(at([10.9, 11, 20, 20]), [1]);
  });
});

describe('what is proposed', () => {
  test('a unit alone, and with each neighbour that only a space parts from it', () => {
    const all = units('uno dos tres, cuatro');
    assert.deepEqual(spansAround(0, all), [
      [0, 1],
      [0, 2],
    ]);
    assert.deepEqual(spansAround(1, all), [
      [1, 2],
      [0, 2],
      [1, 3],
    ]);
    assert.deepEqual(spansAround(2, all), [
      [2, 3],
      [1, 3],
    ]);
    assert.deepEqual(spansAround(3, all), [[3, 4]]);
  });
  test('near words: nearest first, none that sounds too far, no fragments, no hyphens that were not heard', () => {
    const all = units('la dimora plato forma');
    const found = (from: number, to: number, near: Record<string, string[]>, known = '', more: string[] = []) =>
      nearWords([[from, to]], all, dictionary(known, near), more).map(({ text }) => text);
    assert.deepEqual(
      found(1, 2, { dimora: ['timora', 'demora', 'dimora-x', 'xylofon', 'di mora', 'd i mora', 'd imora'] }),
      ['d imora', 'demora', 'timora'],
    );
    assert.deepEqual(found(2, 4, { platoforma: ['plataforma'] }), ['plataforma']);
    assert.deepEqual(found(2, 4, {}, 'platoforma'), ['platoforma']);
    assert.deepEqual(found(1, 2, {}, '', ['Demora']), ['Demora']);
    assert.deepEqual(found(2, 4, { platoforma: ['plato forja'] }), [], 'changes one word of two');
  });
  test('a capital is kept where one was heard', () => {
    assert.deepEqual(
      [inCaseOf('casa', 'Cosa'), inCaseOf('casa', 'cosa'), inCaseOf('Casa', 'cosa'), inCaseOf('élan', 'Elan')],
      ['Casa', 'casa', 'Casa', 'Élan'],
    );
  });
  test('questions that make a judge spell words out: one for each place where a span begins', () => {
    const all = units('uno dos tres');
    assert.deepEqual(
      expectations(
        [
          [1, 3],
          [1, 2],
          [0, 2],
        ],
        all,
      ),
      [
        { from: 0, spans: [[0, 2]], heard: 'uno dos', ends: [7] },
        {
          from: 1,
          spans: [
            [1, 2],
            [1, 3],
          ],
          heard: 'dos tres',
          ends: [3, 8],
        },
      ],
    );
  });
  test('an expected word is for the span that it sounds like', () => {
    const all = units('plato forma');
    const spans = [
      [0, 1],
      [0, 2],
    ] as const;
    const places = (text: string) => expectedWords([text], spans, all).map(({ from, to }) => [from, to]);
    assert.deepEqual(places('plataforma'), [[0, 2]]);
    assert.deepEqual(places('pláto'), [[0, 1]]);
    assert.deepEqual(places('xylophone'), []);
    assert.deepEqual(places('plato'), [], 'it was heard so');
  });
  test('the shortlist: terms and what was expected first, few of each kind, no word twice for a span', () => {
    const one = (source: Proposal['source'], text: string, cost: number): Proposal => ({
      from: 0,
      to: 1,
      text,
      source,
      cost,
    });
    const listed = shortlist([
      one('dictionary', 'a', 0.1),
      one('dictionary', 'b', 0.2),
      one('dictionary', 'c', 0.3),
      one('model', 'E', 0.5),
      one('model', 'f', 0.4),
      one('model', 'g', 0.6),
      one('model', 'h', 0.7),
      one('model', 'i', 0.8),
      one('dictionary', 'e', 0.05),
      one('glossary', 'j', 0.9),
      one('glossary', 'k', 1),
      one('glossary', 'l', 1.1),
    ]).map(({ text }) => text);
    assert.deepEqual(listed, ['f', 'E', 'g', 'h', 'j', 'k', 'a', 'b']);
  });
  test('terms: where an alias or nearly the term was heard, over as many words or one more or less', () => {
    const found = (text: string, term: string, aliases?: string[]) =>
      glossaryProposals(units(text), [{ term, ...(aliases ? { aliases } : {}) }]).map(({ from, to, cost }) => [
        from,
        to,
        rounded(cost),
      ]);
    assert.deepEqual(found('con hasta risk hoy', 'Asterisk', ['Hasta Risk', 'other']), [[1, 3, 0]]);
    assert.deepEqual(found('con, asterisk, hoy', 'Asterisk'), [[1, 2, 0]]);
    assert.deepEqual(found('con, Asterisk, hoy', 'Asterisk'), []);
    assert.deepEqual(found('con, Dijium, hoy', 'Digium'), [[1, 2, 0.25]]);
    assert.deepEqual(found('con plato, forma hoy', 'plataforma'), []);
    assert.deepEqual(found('con Dijium hoy', 'Digium'), [
      [0, 2, 2.65],
      [1, 2, 0.25],
      [1, 3, 1.95],
    ]);
    assert.deepEqual(found('con plato forma hoy', 'plataforma'), [[1, 3, 0.6]]);
    assert.deepEqual(found('unrelated words here', 'Digium'), []);
  });
  test('units that are a term as it stands', () => {
    const at = (text: string, term: string) => [...termUnits(units(text), [{ term }])];
    assert.deepEqual(at('la Four Winds', ' Four Winds '), [1, 2]);
    assert.deepEqual(at('la Four Winds four winds four', 'Four Winds'), [1, 2, 3, 4]);
    assert.deepEqual(at('la Linux', 'linux'), [1]);
    assert.deepEqual(at('Linux', 'Linux Mint'), []);
  });
});

describe('what a change must gain', () => {
  const one = (more: Partial<Weighed>): Weighed => ({
    from: 0,
    to: 1,
    text: 'b',
    source: 'dictionary',
    cost: 0,
    heard: 'a',
    gain: 0,
    unknown: true,
    probability: 0.5,
    taken: false,
    ...more,
  });
  test('by what was heard and how far the change is from it', () => {
    for (const [more, nats] of [
      [{ source: 'glossary' }, 0],
      [{ source: 'glossary', cost: 0.5 }, 3.5],
      [{ unknown: false, probability: 0 }, 4],
      [{ unknown: false, probability: 1 }, 10],
      [{ unknown: false, probability: 0.5, cost: 1 }, 14],
      [{ heard: 'Name', text: 'Names' }, 5.5],
      [{ heard: 'Name', text: 'na me' }, 12],
      [{ heard: 'Na me', text: 'na me' }, 5.5],
      [{ heard: 'name', text: 'na me', cost: 0.2 }, 2.2],
      [{ heard: 'name', cost: 0.21 }, 3.97],
      [{ unknown: false, heard: 'Name', probability: 0.5 }, 7],
    ] as [Partial<Weighed>, number][])
      assert.equal(rounded(price(one(more))), nats, JSON.stringify(more));
    assert.equal(surplus(one({ gain: 2 })), 1.2);
  });
  test('the greatest surplus above nothing; of equals the first, then by letters', () => {
    assert.equal(decide([one({ gain: 0.8 })]), null);
    assert.equal(decide([one({ gain: 0.81 })])?.text, 'b');
    assert.equal(decide([one({ gain: 2, from: 1, to: 2 }), one({ gain: 2, text: 'c' })])?.text, 'c');
    assert.equal(decide([one({ gain: 2, text: 'c' }), one({ gain: 2, text: 'b' })])?.text, 'b');
    assert.equal(decide([one({ gain: 3, text: 'c' }), one({ gain: 4, text: 'd' })])?.text, 'd');
  });
});

describe('the guard at its edges', () => {
  const refusal = (heard: string, repaired: string, before = '', terms: string[] = []) =>
    refusalOf({ heard, repaired, before, terms });
  const many = (count: number) => Array.from({ length: count }, () => 'palabra').join(' ');
  test('a fifth of the words and one more may go or come', () => {
    assert.equal(refusal(many(10), many(7)), null);
    assert.equal(refusal(many(10), many(6)), 'dropped');
    assert.notEqual(refusal(many(10), many(13)), 'added');
    assert.equal(refusal(many(10), many(14)), 'added');
  });
  test('nothing may stand for nothing, not for words', () => {
    assert.equal(refusal('…', '.'), null);
    assert.equal(refusal('no', '.'), 'empty');
  });
  test('numbers stay, in their order', () => {
    assert.equal(refusal('uno 12 y 34', 'uno 12 y 34'), null);
    assert.equal(refusal('uno 12 y 34', 'uno 34 y 12'), 'numbers');
    assert.equal(refusal('uno 12', 'uno 1 2'), 'numbers');
  });
  test('another script may come only with a term', () => {
    assert.equal(refusal('abre la aplicación ahora mismo', 'abre la aplicación ahora мисмо'), 'script');
    assert.notEqual(
      refusal('abre la aplicación ahora misma', 'abre la aplicación ahora мисма', '', ['мисма']),
      'script',
    );
    for (const word of ['αβγ', '汉字', 'ひら', 'カタ', '한글', 'عرب', 'עבר', 'देव', 'ไทย', 'рус'])
      assert.equal(refusal('una frase larga de prueba', `una frase larga de ${word}`), 'script', word);
  });
  test('a name in the middle of a sentence stays, or what sounds like it', () => {
    assert.equal(refusal('llamé a Mariana ayer tarde', 'llamé a Mariano ayer tarde'), null);
    const call = (name: string) => `gracias por llamar a ${name} hoy mismo`;
    assert.equal(refusal(call('Telefónica'), call('Telefonika')), null);
    assert.equal(refusal(call('Telefónica'), call('su tío')), 'names');
    assert.notEqual(refusal('Guillermo se fue a su casa', 'Su tío se fue a su casa'), 'names', 'a sentence begins so');
  });
  test('it may not become what was said before', () => {
    assert.equal(refusal('a una cosa bien distinta', 'esto es lo mismo', 'esto es lo mismo'), 'neighbour');
    assert.equal(refusal('esto es lo mismo', 'esto es lo mismo', 'esto es lo mismo'), null);
  });
  test('nor drift away in sound', () => {
    assert.equal(refusal('la casa es grande', 'la cosa es grande'), null);
    assert.equal(refusal('la casa es grande', 'un perro muy feo'), 'drift');
  });
});

describe('one utterance', () => {
  const signal = new AbortController().signal;
  /** Likes some words by nats; everything else reads worse. */
  const judge = (
    likes: Record<string, number>,
    more: { surprise?: number[]; expect?: (question: Expected) => string[] } = {},
  ) => {
    const asked: Choice[] = [],
      opened: unknown[] = [];
    const made: Judge = {
      open: async utterance => {
        opened.push(utterance);
        const { surprise, expect } = more;
        return {
          weigh: async question => {
            asked.push(question);
            return question.candidates.map(word => likes[word] ?? -9);
          },
          ...(surprise ? { surprise: async () => surprise } : {}),
          ...(expect ? { expect: async (question: Expected) => expect(question) } : {}),
        };
      },
    };
    return { judge: made, asked, opened };
  };
  const fix = (
    text: string,
    of: ReturnType<typeof judge> | null,
    {
      unsure = {},
      known,
      near,
      before = '',
      glossary = [],
    }: {
      unsure?: Record<string, number>;
      known?: string;
      near?: Record<string, string[]>;
      before?: string;
      glossary?: { term: string; aliases?: string[] }[];
    },
  ) =>
    repair(
      { text, words: words(text, unsure), language: 'es', before, glossary },
      of?.judge ?? null,
      { of: async () => (known === undefined ? null : dictionary(known, near)) },
      signal,
    );

  test('the judge hears what stands before and some of what follows', async () => {
    const of = judge({ demora: 9 });
    await fix('hay una («dimora» en el tren de hoy)', of, {
      known: 'hay una en el tren de hoy',
      near: { dimora: ['demora'] },
      before: 'Antes.',
    });
    assert.deepEqual(of.opened, [{ before: 'Antes.', language: 'es' }]);
    assert.deepEqual(of.asked, [
      { prefix: 'hay una («', heard: 'dimora', candidates: ['demora'], suffix: '» en el tren' },
    ]);
  });
  test('a name that was said before is proposed again', async () => {
    const of = judge({ Mariana: 20 });
    const out = await fix('hoy viene Mariama', of, { known: 'hoy viene', before: 'Ayer vino Mariana.' });
    assert.equal(out.text, 'hoy viene Mariana');
    assert.deepEqual(out.changes, [{ from: 2, to: 3, before: 'Mariama', after: 'Mariana', source: 'dictionary' }]);
  });
  test('what a judge expects is taken when it reads better, and only if it is a word', async () => {
    const questions: Expected[] = [];
    const of = judge(
      { tecleando: 20 },
      {
        expect: question => {
          questions.push(question);
          return ['tecleando'];
        },
      },
    );
    const out = await fix('estoy te acliando hoy', of, { known: 'estoy te hoy tecleando' });
    assert.equal(out.text, 'estoy tecleando hoy');
    assert.equal(out.changes[0]!.source, 'model');
    const first = questions.find(({ heard }) => heard.startsWith('te'))!;
    assert.deepEqual([first.prefix, first.heard, first.ends], ['estoy', 'te acliando', [11]]);
    assert.deepEqual(['tecleando', 'x', 'nada'].map(first.accepts), [true, false, false]);
  });
  test('of changes that overlap the one that gains more stays', async () => {
    const of = judge({ plataforma: 30, forja: 9 });
    const out = await fix('una plato forma', of, {
      unsure: { plato: 0.1, forma: 0.1 },
      known: 'una plato forma plataforma forja',
      near: { platoforma: ['plataforma'], forma: ['forja'] },
    });
    assert.equal(out.text, 'una plataforma');
  });
  test('a term that was put in is not changed again, and the longest alias wins', async () => {
    const of = judge({ arista: 30 });
    const out = await fix('con hasta risk hoy', of, {
      known: 'con hasta hoy',
      near: { risk: ['arista'] },
      glossary: [
        { term: 'Risk', aliases: ['risk'] },
        { term: 'Asterisk', aliases: ['hasta risk'] },
      ],
    });
    assert.equal(out.text, 'con Asterisk hoy');
  });
  test('what the guard refuses as a whole is tried change by change, and said', async () => {
    const out = await fix('a uno b dos', null, {
      glossary: [
        { term: 'A 7', aliases: ['uno'] },
        { term: 'Dós', aliases: ['dos'] },
      ],
    });
    assert.deepEqual([out.text, out.refused], ['a uno b Dós', 'numbers']);
    assert.deepEqual(
      out.changes.map(change => change.after),
      ['Dós'],
    );
  });
});
