/** Translations that lose a name. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { faultOf } from '../../daemon/translation/guard.ts';
import { keepsNames } from '../../daemon/translation/names.ts';
import { translate } from '../../daemon/translation/translate.ts';

const KNOWN: Readonly<Record<string, readonly string[]>> = {
  en: ['London', 'Monday', 'Germany'],
  es: ['Londres', 'lunes', 'Alemania'],
};
const knows = (language: string, word: string): boolean => KNOWN[language]?.includes(word) ?? false;

const KEPT = [
  ['en', 'es', 'Then Mr. Dashwood came in.', 'Entonces entró el señor Dashwood.'],
  ['en', 'es', 'We met the Dashwoods there.', 'Allí conocimos a los Dashwood.'],
  ['en', 'de', 'She works for Asterisk now.', 'Sie arbeitet jetzt bei Asterisk.'],
  // Names that have another one there, days of the week, and what begins a sentence.
  ['en', 'es', 'He went to London on Monday.', 'El lunes se fue a Londres.'],
  ['en', 'es', 'Yesterday it rained. Tomorrow it will not.', 'Ayer llovió. Mañana no lloverá.'],
  // German begins every noun like that, and other letters write names in their own way.
  ['de', 'en', 'Er kaufte den Wäschetrockner.', 'He bought the dryer.'],
  ['en', 'ru', 'Then Mr. Dashwood came in.', 'Затем вошёл господин Дэшвуд.'],
] as const;

describe('a name', () => {
  it('that no dictionary has stays in a translation', () => {
    for (const [from, to, source, target] of KEPT) assert.ok(keepsNames(source, target, from, to, knows), target);
  });
  it('that is lost or made another is a fault, where there are dictionaries', () => {
    const source = 'Then Mr. Dashwood came in with the others.';
    for (const target of ['Entonces entró con los demás.', 'Entonces entró el señor Madera con los demás.']) {
      assert.equal(faultOf({ source, target, from: 'en', to: 'es', before: [] }, knows), 'names');
      assert.equal(
        faultOf({ source, target, from: 'en', to: 'es', before: [] }, () => null),
        null,
      );
    }
  });
  const ask = (answers: string[]) =>
    translate(
      {
        text: 'Then Mr. Dashwood came in with the others.',
        from: 'en',
        to: 'es',
        before: [{ source: 'Good morning.', target: 'Buenos días.' }],
        glossary: [],
      },
      { ask: async () => JSON.stringify({ translation: answers.length > 1 ? answers.shift() : answers[0] }) } as never,
      knows,
      new AbortController().signal,
    );
  it('that is lost is asked for again', async () => {
    const right = 'Entonces el señor Dashwood entró con los demás.';
    assert.deepEqual(await ask(['Entonces él entró con los demás.', right]), { text: right, language: 'es' });
  });
  it('that does not come back is better than no translation', async () => {
    const text = 'Entonces él entró con los demás.';
    assert.deepEqual(await ask([text]), { text, language: 'es' });
  });
});
