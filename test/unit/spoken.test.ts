import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { spokenParts, spokenText } from '../../daemon/engines/piper/spoken.ts';

describe('text as a voice reads it', () => {
  const said = (language: string, cases: Record<string, string>): void => {
    for (const [written, spoken] of Object.entries(cases))
      test(`${language}: ${JSON.stringify(written)}`, () => assert.equal(spokenText(written, language), spoken));
  };
  said('en', {
    'It costs $1,250.75 today.': 'It costs 1250.75 US dollars today.',
    '$3, €20 and £1': '3 US dollars, 20 euros and 1 British pound',
    '$5 million': '5 million US dollars',
    '1,250 people and 3.14': '1250 people and 3.14',
    '1,2,3': '1,2,3',
    'AT&T, R & D': 'AT and T, R and D',
    'See www.asterisk.org.': 'See www dot asterisk dot org.',
    'https://example.com/a': 'example dot com slash a',
    'me@x.org!': 'me at x dot org!',
    'Node.js, e.g. this': 'Node.js, e.g. this',
    'Good 😀👍🏽 ❤️ day': 'Good day',
    'a\u0000b\u200bc\n\nd': 'a b c d',
    '[[h@l@U]] {x} <break/>': 'h@l@U x break/',
    '"Yes," he *said*.': 'Yes, he said.',
  });
  said('es', {
    'Cuesta 1.250,75 € o $1,250.75.': 'Cuesta 1250,75 euros o 1250,75 dólares estadounidenses.',
    'Visite www.asterisk.org': 'Visite www punto asterisk punto org',
  });
  said('de', { '1.250 Leute, 3,5 km': '1250 Leute, 3,5 km' });
  said('fr', { '1 250 000 personnes': '1250000 personnes' });
  said('zh', { '价格 ¥1,234。': '价格 1234人民币。' });
  test('a language nobody knows does not stop it', () => assert.equal(spokenText('1,000 things', 'x-'), '1000 things'));
});

describe('parts', () => {
  test('nothing to say', () => {
    for (const text of ['', '...', '— ♪ —', '😀']) assert.deepEqual(spokenParts(text, 'en'), []);
  });
  test('sentences, not abbreviations', () =>
    assert.deepEqual(
      spokenParts('Mr. J. Dashwood met Dr. Smith. Then he left!', 'en').map(part => part.text),
      ['Mr. J. Dashwood met Dr. Smith.', 'Then he left!'],
    ));
  test('long sentences go clause by clause, and nothing is lost', () => {
    const sentence = `${Array.from({ length: 20 }, (_, n) => `this is clause number ${n}`).join(', ')}.`;
    const parts = spokenParts(sentence, 'en');
    assert.ok(parts.length > 2 && parts.every(part => part.text.length <= 200));
    assert.deepEqual(
      parts.map(part => part.endsSentence),
      parts.map((_, n) => n === parts.length - 1),
    );
    assert.equal(parts.map(part => part.text).join(' '), sentence);
  });
  test('not even a clause: cut all the same', () =>
    assert.ok(spokenParts('word '.repeat(500), 'en').every(part => part.text.length <= 400)));
});
