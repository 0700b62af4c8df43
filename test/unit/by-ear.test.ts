/** What is asked of the sound, and what is made of its answers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Alternative } from '../../daemon/contracts/alternatives.ts';
import { questionsAbout, type Heard } from '../../daemon/repair/alternatives.ts';
import { isOpen, repairByBoth, repairByEar } from '../../daemon/repair/by-ear.ts';
import type { Dictionary } from '../../daemon/repair/dictionaries.ts';
import type { Judge } from '../../daemon/repair/judge.ts';

const KNOWN = new Set(
  'the call hall is now first in line please dial your extension sixteen number and meet with or'.split(' '),
);
const dictionary: Dictionary = {
  knows: word => KNOWN.has(word),
  suggest: word => (word === 'extention' ? ['extension', 'ex tension'] : word === 'Extention' ? ['Extension'] : []),
};
const heard = (text: string, more: Partial<Heard> = {}): Heard => ({
  text,
  words: text.split(' ').map(word => ({ text: word, probability: 0.7 })),
  language: 'en',
  glossary: [],
  readable: true,
  hypotheses: [],
  ...more,
});
const texts = (given: Heard): string[] => questionsAbout(given, dictionary).map(one => one.text);

describe('what is asked of the sound', () => {
  it('near words for those that no dictionary knows, written as the recognizer would', () => {
    const [one] = questionsAbout(heard('dial your (extention), please'), dictionary);
    assert.deepEqual(
      { from: one!.from, to: one!.to, text: one!.text, written: one!.written, unknown: one!.unknown },
      { from: 2, to: 3, text: 'extension', written: '(extension),', unknown: true },
    );
    assert.deepEqual(texts(heard('dial your extension please')), []);
  });

  it('is dearer where the word may be a name', () => {
    const [plain] = questionsAbout(heard('dial your extention'), dictionary),
      [name] = questionsAbout(heard('dial your Extention'), dictionary),
      [first] = questionsAbout(heard('please. Extention'), dictionary);
    assert.equal(name!.prior, plain!.prior - 3);
    assert.equal(first!.prior, plain!.prior, 'a sentence begins with a capital');
    const sure = heard('dial your extention', {
      words: ['dial', 'your', 'extention'].map(text => ({ text, probability: 1 })),
    });
    assert.equal(questionsAbout(sure, dictionary)[0]!.prior, plain!.prior - 5, 'no dictionary has all words');
  });

  it('other answers of the recognizer, but no other numbers, no new unknown words, and one word more or less at most', () => {
    const instead = (text: string, from = 1, to = 2): string[] =>
      texts(heard('the call is 16 now', { hypotheses: [{ from, to, text }] }));
    assert.deepEqual(instead('hall'), ['hall']);
    assert.deepEqual(instead('calle'), []);
    assert.deepEqual(instead('17', 3, 4), []);
    assert.deepEqual(instead('sixteen', 3, 4), []);
    assert.deepEqual(instead('hall is first'), []);
    assert.deepEqual(instead('CALL'), [], 'nothing but capitals');
    assert.deepEqual(
      texts(heard('the call is now', { readable: false, hypotheses: [{ from: 1, to: 2, text: 'hall' }] })),
      [],
      'nobody would say how it reads',
    );
  });

  it('leaves words that exist where the recognizer was sure of them', () => {
    const instead = (probability: number): string[] =>
      texts(
        heard('the call is now', {
          hypotheses: [{ from: 1, to: 2, text: 'hall' }],
          words: ['the', 'call', 'is', 'now'].map(word => ({ text: word, probability })),
        }),
      );
    assert.deepEqual(instead(0.79), ['hall']);
    assert.deepEqual(instead(0.8), []);
  });

  it('leaves articles and other small words, which no small model judges', () => {
    const instead = (from: number, to: number, text: string): string[] =>
      texts(heard('the call is now', { hypotheses: [{ from, to, text }] }));
    assert.deepEqual(instead(2, 3, 'in'), []);
    assert.deepEqual(instead(1, 3, 'call it'), []);
    assert.deepEqual(instead(1, 3, 'hall is'), ['hall is']);
  });

  it('two words as one at no price; a word that is only left out has one', () => {
    // As Whisper heard Italian and Russian prompts, and a Spanish recording.
    const known = (words: string): Dictionary => ({
      knows: word => words.split(' ').includes(word),
      suggest: () => [],
    });
    const prior = (words: string, from: number, text: string, language: string): number | undefined =>
      questionsAbout(
        heard(words, { language, hypotheses: [{ from, to: from + 2, text }] }),
        known(`${words} ${text}`),
      )[0]?.prior;
    const joined = prior('entrerete al rivo del responsabile', 1, "all'arrivo", 'it');
    assert.equal(prior('номер не верен введите', 1, 'неверен', 'ru'), joined);
    assert.equal(prior('está a disposición de todos', 0, 'esta', 'es'), joined! - 2.5, '“a” would be gone');
  });

  it('terms of the glossary that may have been misheard; a term that stands there is never asked about', () => {
    const glossary = [{ term: 'extention' }, { term: 'Digium' }];
    assert.deepEqual(texts(heard('dial your extention', { glossary })), []);
    const [one] = questionsAbout(heard('the digeum call', { glossary }), null);
    assert.deepEqual([one!.text, one!.source, one!.from], ['Digium', 'glossary', 1]);
  });
});

const input = (text: string, glossary: { term: string; aliases?: string[] }[] = []) => ({
  text,
  words: text.split(' ').map((word, n) => ({ text: word, startMs: n, endMs: n + 1, probability: 0.9 })),
  language: 'en',
  before: '',
  glossary,
});
const instead = (more: Partial<Alternative>): Alternative => ({
  from: 2,
  to: 3,
  text: 'extension',
  source: 'dictionary',
  unknown: true,
  prior: 6,
  gain: -3,
  ...more,
});

describe('what is made of it', () => {
  it('takes what the sound does not speak against, keeps what stands around, and names the change', () => {
    const { text, changes } = repairByEar(input('dial your extention, please'), [
      instead({}),
      instead({ text: 'intention', gain: -5.5 }),
    ]);
    assert.equal(text, 'dial your extension, please');
    assert.deepEqual(changes, [{ from: 2, to: 3, before: 'extention', after: 'extension', source: 'dictionary' }]);
    assert.equal(repairByEar(input('dial your extention'), [instead({ gain: -6.5 })]).text, 'dial your extention');
  });

  it('leaves words that exist to those who read', async () => {
    const other = instead({ unknown: false, source: 'model', text: 'sixteen', from: 1, to: 2, prior: -0.5, gain: 0.4 }),
      given = input('dial sixty now');
    assert.equal(repairByEar(given, [other]).text, 'dial sixty now');
    assert.ok(isOpen([other]));
    const asked: string[] = [];
    const reads = (nats: number): Judge => ({
      open: async () => ({
        weigh: async ({ prefix, heard: was, candidates, suffix }) => {
          asked.push(`${prefix}|${was}|${candidates.join()}|${suffix}`);
          return candidates.map(() => nats);
        },
      }),
    });
    const signal = new AbortController().signal;
    assert.equal((await repairByBoth(given, [other], reads(4), signal)).text, 'dial sixteen now');
    assert.equal((await repairByBoth(given, [other], reads(-4), signal)).text, 'dial sixty now');
    assert.equal(asked[0], 'dial|sixty|sixteen| now');
    assert.ok(!isOpen([instead({ gain: -12 })]), 'the sound has decided');
  });

  it('asks a reader about what speaks most for it, and nothing that the sound has decided', async () => {
    const asked: string[] = [],
      judge: Judge = {
        open: async () => ({
          weigh: async ({ candidates }) => {
            asked.push(...candidates);
            return candidates.map(() => 0);
          },
        }),
      };
    const given = input('dial your extention before sixty two three four'),
      certain = instead({ prior: 6, gain: -1 }),
      nearer = instead({ text: 'intention', prior: 5, gain: -6 }),
      known = (from: number, gain: number): Alternative =>
        instead({ unknown: false, source: 'model', text: `other${from}`, from, to: from + 1, prior: -0.8, gain });
    assert.ok(!isOpen([certain, nearer]), 'the word is decided');
    assert.ok(isOpen([certain, { ...nearer, gain: -0.5 }]), 'two stand as near as each other');
    const { text } = await repairByBoth(
      given,
      [certain, nearer, known(3, -1.5), known(4, -0.1), known(5, -1), known(6, -0.5), known(7, -2)],
      judge,
      new AbortController().signal,
    );
    assert.deepEqual(asked, ['other4', 'other6']);
    assert.equal(text, 'dial your extension before sixty two three four', 'what is certain needs no reader');
  });

  it('the glossary counts where the sound agrees, its aliases always, and its terms are never mended', () => {
    const glossary = [{ term: 'Digium', aliases: ['digital yum'] }];
    const term = instead({ text: 'Digium', source: 'glossary', unknown: false, prior: 2 });
    assert.equal(repairByEar(input('this is digeum', glossary), [{ ...term, gain: -1 }]).text, 'this is Digium');
    assert.equal(repairByEar(input('this is digeum', glossary), [{ ...term, gain: -3 }]).text, 'this is digeum');
    assert.equal(repairByEar(input('call digital yum now', glossary), []).text, 'call Digium now');
    assert.equal(repairByEar(input('this is Digium', glossary), [instead({ gain: 5 })]).text, 'this is Digium');
  });

  it('refuses what the guard refuses: other numbers, names that go', () => {
    const out = repairByEar(input('dial number 16'), [instead({ text: '17', gain: 5 })]);
    assert.equal(out.text, 'dial number 16');
    assert.equal(out.refused, 'numbers');
  });
});
