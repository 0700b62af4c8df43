/** Translations that lose a denial. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { translate } from '../../daemon/translation/translate.ts';
import { faultOf } from '../../daemon/translation/guard.ts';
import { keepsNegation } from '../../daemon/translation/negation.ts';

const KEPT = [
  ['en', 'es', 'Do not open this door.', 'No abra esta puerta.'],
  ['en', 'es', 'That is not possible.', 'Eso es imposible.'],
  ['en', 'fr', "I don't know him.", 'Je ne le connais pas.'],
  ['en', 'fr', 'He never came.', "Il n'est jamais venu."],
  ['en', 'de', 'She cannot come tomorrow.', 'Sie kann morgen nicht kommen.'],
  ['en', 'de', 'I did not see anybody.', 'Ich habe niemanden gesehen.'],
  ['es', 'en', 'No lo he visto nunca.', "I've never seen it."],
  ['es', 'en', 'No quiero café.', "I don't want coffee."],
  ['fr', 'en', "Je n'ai rien dit.", 'I said nothing.'],
  ['de', 'en', 'Das ist nicht möglich.', 'That is impossible.'],
  ['it', 'en', 'Non ho tempo.', 'I have no time.'],
  ['pt', 'en', 'Não sei.', "I don't know."],
  ['ru', 'en', 'Я не знаю.', 'I do not know.'],
  ['en', 'ru', 'I do not know.', 'Я не знаю.'],
  // No denials, or none that has to stay one.
  ['en', 'es', 'Not only the door, the window too.', 'La puerta y también la ventana.'],
  ['en', 'es', "Isn't it nice?", '¿Es bonito, verdad?'],
  ['en', 'es', 'No.', 'Claro.'],
  ['es', 'en', 'No obstante, vino.', 'Still, he came.'],
  ['en', 'de', 'Open the door.', 'Öffnen Sie die Tür.'],
  // Nobody here knows these languages.
  ['en', 'sw', 'Do not go.', 'Nenda.'],
] as const;
const LOST = [
  ['en', 'es', 'Do not open this door.', 'Abra esta puerta.'],
  ['en', 'fr', "I don't know him.", 'Je le connais.'],
  ['en', 'de', 'She cannot come tomorrow.', 'Sie kommt morgen.'],
  ['es', 'en', 'No quiero café.', 'I want coffee.'],
  ['fr', 'en', "Je n'ai rien dit, il n'est pas venu.", 'I said that he came.'],
  ['it', 'en', 'Non ho tempo per questo.', 'I have time for this.'],
  ['pt', 'es', 'Não fui eu.', 'Fui yo.'],
  ['ru', 'en', 'Я не знаю его.', 'I know him.'],
] as const;

describe('a denial', () => {
  it('stays one in a translation, in whatever words', () => {
    for (const [from, to, source, target] of KEPT) assert.ok(keepsNegation(source, target, from, to), target);
  });
  it('that is lost is a fault', () => {
    for (const [from, to, source, target] of LOST) {
      assert.ok(!keepsNegation(source, target, from, to), target);
      assert.equal(
        faultOf({ source, target, from, to, before: [] }, () => null),
        'negation',
        target,
      );
    }
  });
  it('that is lost is asked for again', async () => {
    const answers = ['Abra esta puerta ahora.', 'No abra esta puerta ahora.'];
    const made = await translate(
      {
        text: 'Do not open this door now.',
        from: 'en',
        to: 'es',
        before: [{ source: 'Good morning.', target: 'Buenos días.' }],
        glossary: [],
      },
      { ask: async () => JSON.stringify({ translation: answers.shift() ?? 'No abra.' }) } as never,
      () => null,
      new AbortController().signal,
    );
    assert.deepEqual(made, { text: 'No abra esta puerta ahora.', language: 'es' });
  });
});
