import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AGREED_MS, Agreement, type Heard } from '../../daemon/pipeline/agreement.ts';

/** Of passes that each hear so much more than the one before, ms. */
const passesEach =
  (ms: number) =>
  (...texts: string[]): string[] => {
    const agreement = new Agreement();
    return texts.map((text, n) => {
      const { stable, unstable } = agreement.hear(text, 500 + n * ms);
      return `${stable}|${unstable}`;
    });
  };
const passes = passesEach(AGREED_MS);

describe('what a streaming model says', () => {
  test('is stable but for its last word, which may be half of one', () => {
    // As sherpa-onnx answers for a recording of its own, piece by piece, from the streaming Zipformer for English.
    const answers = ['', 'after', 'after early', 'after early nightfa', 'after early nightfall the ye'];
    const agreement = new Agreement();
    assert.deepEqual(
      answers.map(text => {
        const { stable, unstable } = agreement.grow(text);
        return `${stable}|${unstable}`;
      }),
      ['|', '|after', 'after| early', 'after early| nightfa', 'after early nightfall the| ye'],
    );
  });
  test('goes on where another recognizer left off', () => {
    const agreement = new Agreement();
    agreement.hear('After early', 500);
    agreement.hear('After early', 500 + AGREED_MS);
    assert.deepEqual(agreement.grow('AFTER'), { stable: 'After early', unstable: '' });
    assert.deepEqual(agreement.grow('AFTER EARLY NIGHT'), { stable: 'After early', unstable: ' NIGHT' });
  });
  test('is counted by characters where words have no blanks between them', () => {
    const { stable, unstable } = new Agreement().grow('今天天');
    assert.deepEqual([stable, unstable], ['今天', '天']);
  });
});

describe('what passes agree on', () => {
  test('is stable, and the rest may change', () => {
    assert.deepEqual(passes('The house', 'The house of', 'The horse over there', 'The house over there'), [
      '|The house',
      'The house| of',
      'The house| over there',
      'The house over there|',
    ]);
  });
  test('is what they say of sound that goes on: over nearly the same they agree on anything', () => {
    assert.deepEqual(
      passesEach(AGREED_MS / 2)('The house', 'The house of', 'The house off', 'The horse off', 'The house off the'),
      ['|The house', '|The house of', 'The house| off', 'The house| off', 'The house off| the'],
    );
    const often = passesEach(AGREED_MS / 4)('a', 'a b', 'b b', 'a b', 'a b', 'a b', 'a b', 'a b');
    assert.deepEqual(often, ['|a', '|a b', '|b b', ...Array<string>(4).fill('|a b'), 'a b|']);
  });
  test('takes words for the same whatever signs and capitals they have; the signs behind the last word wait', () => {
    assert.deepEqual(passes('so.', 'So, we go.', 'So, we go on.', 'So we go on'), [
      '|so',
      'So|, we go',
      'So, we go| on',
      'So, we go on|',
    ]);
  });
  test('stays when a pass hears less, or nothing', () => {
    assert.deepEqual(passes('one two three', 'one two three', '', 'one', 'one two three four', 'one two three four'), [
      '|one two three',
      'one two three|',
      'one two three|',
      'one two three|',
      'one two three| four',
      'one two three four|',
    ]);
  });
  test('goes by characters where words have no blanks between them', () => {
    assert.deepEqual(passes('今天天', '今天天气很', '今天天气很好。'), ['|今天天', '今天天|气很', '今天天气很|好']);
  });
  test('only grows, and with the rest begins as the newest pass where nothing else was stable', () => {
    const words = fc.array(fc.constantFrom('a', 'b,', 'C.', 'd', '好', '-', 'e!'), { maxLength: 8 });
    fc.assert(
      fc.property(fc.array(words, { maxLength: 6 }), texts => {
        const agreement = new Agreement();
        let before: Heard = { stable: '', unstable: '' };
        let endMs = 0;
        for (const text of texts.map(each => each.join(' '))) {
          const heard = agreement.hear(text, (endMs += AGREED_MS));
          assert.ok(heard.stable.startsWith(before.stable));
          if (!heard.stable) assert.ok(text.startsWith(heard.unstable));
          before = heard;
        }
        // The same once more: all of it is stable, but for the signs behind it.
        const last = texts.at(-1)?.join(' ') ?? '';
        const { unstable } = agreement.hear(last, endMs + AGREED_MS);
        assert.match(unstable, /^[^\p{L}\p{N}]*$/u);
      }),
    );
  });
});
