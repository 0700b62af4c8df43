/** What the sound of an utterance may have said instead of some of its words, by the recognizer itself. */
import { Type, type Static } from 'typebox';
import { Closed } from '../../schemas/words.ts';

export const Alternative = Closed({
  /** Words [from, to) of the utterance might be `text`. */
  from: Type.Integer({ minimum: 0 }),
  to: Type.Integer({ minimum: 1 }),
  text: Type.String({ minLength: 1, maxLength: 500 }),
  source: Type.Enum(['model', 'dictionary', 'glossary']),
  /** It would take the place of a word that no dictionary knows. */
  unknown: Type.Boolean(),
  /** What speaks for it before the sound is asked, in nats: near in sound, no word more, surely not a name. */
  prior: Type.Number(),
  /** How much better than what was recognized it fits the sound, in nats. */
  gain: Type.Number(),
});
export type Alternative = Static<typeof Alternative>;
