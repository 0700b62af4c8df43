/** The check of words finds a private one in a name and in a comment, and leaves what people say alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { privateWords } from '../../scripts/words.ts';

const found = (source: string): string[] => privateWords(source).map(({ line, text }) => `${line} ${text}`);

test('names, whole or in parts, of whatever kind', () => {
  assert.deepEqual(found('const told = 1;\nfunction tellPage() {}\nclass A { #news = TELL_MS; }'), [
    '1 told',
    '2 tellPage',
    '3 #news',
    '3 TELL_MS',
  ]);
  assert.deepEqual(found('interface Door { hearers: number; on(mended: string): void }'), [
    '1 Door',
    '1 hearers',
    '1 mended',
  ]);
  assert.match(privateWords('let door;')[0]!.instead, /server/);
});

test('comments where nothing else can be meant', () => {
  assert.deepEqual(found('/**\n * The client is told of it.\n */'), ['1 is told of']);
  assert.deepEqual(found('x(); // the queue hears of it'), ['1 hears of it']);
});

test('not what people say, nor other words, nor texts', () => {
  for (const source of [
    "const text = 'She told me of the door', other = `the news ${text}`;",
    '// What the speaker told, and what was heard.',
    'const outdoors = intellect + heard; // newsletter',
    'const share = all[0]! / 2, pattern = /told/;',
  ])
    assert.deepEqual(found(source), [], source);
});
