/** What two people made of one text, in one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { merged } from '../../text/merge.ts';

const base = 'First line.\nSecond line has words.\nThird line.\n';

test('changes at different places both stand', () => {
  assert.deepEqual(
    merged(base.replace('First', 'My first'), base, base.replace('Third line.', 'Third line.\nA fourth.')),
    { text: 'My first line.\nSecond line has words.\nThird line.\nA fourth.\n', conflicts: 0 },
  );
});

test('in one line, too, by words', () => {
  assert.deepEqual(merged(base.replace('Second', 'My second'), base, base.replace('words', 'many words')), {
    text: base.replace('Second line has words', 'My second line has many words'),
    conflicts: 0,
  });
});

test('where both changed the same words, what the person wrote stands, and is counted', () => {
  assert.deepEqual(merged(base.replace('words', 'mine'), base, base.replace('words', 'theirs')), {
    text: base.replace('words', 'mine'),
    conflicts: 1,
  });
});

test('what only one side changed is that side; nothing is lost where both did the same', () => {
  const text = fc.array(fc.constantFrom('a b', 'c', '', 'd e f', 'g'), { maxLength: 8 }).map(lines => lines.join('\n'));
  fc.assert(
    fc.property(text, text, (one, other) => {
      assert.deepEqual(merged(one, one, other), { text: other, conflicts: 0 });
      assert.deepEqual(merged(other, one, one), { text: other, conflicts: 0 });
      assert.deepEqual(merged(other, one, other), { text: other, conflicts: 0 });
    }),
  );
});
