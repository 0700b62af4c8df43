import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isShortened, sentencesOf } from '../../text/sentences.ts';
import { inLines } from '../../text/subtitles/check.ts';
import { atomsOf, endsSentence } from '../../text/transcripts/atoms.ts';
import { timelineOf } from '../../text/transcripts/timing.ts';

describe('where sentences end', () => {
  it('a point that shortens a word ends none', () => {
    for (const [language, text, ...wanted] of [
      [
        'en',
        'On Jan. 5 the U.S. Senate met Mr. Smith. It was late.',
        'On Jan. 5 the U.S. Senate met Mr. Smith. ',
        'It was late.',
      ],
      ['en', 'See No. 5 on p. 12. Then go.', 'See No. 5 on p. 12. ', 'Then go.'],
      ['en', 'J. S. Bach wrote it. No. He did not.', 'J. S. Bach wrote it. ', 'No. ', 'He did not.'],
      [
        'de',
        'Am 3. Mai kam Dr. Meier, z. B. mit Nr. 5 an. Er ging.',
        'Am 3. Mai kam Dr. Meier, z. B. mit Nr. 5 an. ',
        'Er ging.',
      ],
      [
        'fr',
        'Le 5 janv. 2020 M. Dupont est venu. Il est parti.',
        'Le 5 janv. 2020 M. Dupont est venu. ',
        'Il est parti.',
      ],
      [
        'es',
        'El Sr. García vive en EE. UU. desde ayer. ¿Por qué?',
        'El Sr. García vive en EE. UU. desde ayer. ',
        '¿Por qué?',
      ],
      ['zh', '他来了。我走了。', '他来了。', '我走了。'],
    ] as const)
      assert.deepEqual(sentencesOf(text, language), wanted);
    assert.deepEqual(sentencesOf('One. Two.', 'no language'), ['One. ', 'Two.']);
  });
  it('together they are the text', () =>
    fc.assert(
      fc.property(fc.array(fc.constantFrom('Mr.', 'U.S.', ' ', 'Jan.', '5', 'word', '. ', '!', '\n', '。')), parts => {
        for (const language of ['en', 'de', 'und'])
          assert.equal(sentencesOf(parts.join(''), language).join(''), parts.join(''));
      }),
    ));
  it('a word is shortened only where the sentence goes on', () => {
    assert.deepEqual(
      [
        isShortened('No.', '5'),
        isShortened('No.', 'He'),
        isShortened('(Jan.', '5'),
        isShortened('end.', 'The'),
        isShortened('U.S.', ''),
      ],
      [true, false, true, false, false],
    );
  });
});

describe('where lines break', () => {
  it('not behind "Jan." or "U.S."', () => {
    for (const text of [
      'They signed the agreement on Jan. 5 in the end of the year',
      'It was the first time the U.S. Senate had ever voted on it',
      'And that is what we were told by Mr. Smith about the matter',
      'The whole story can be found in No. 17 of that old magazine',
    ]) {
      const lines = inLines(text);
      assert.equal(lines.length, 2);
      assert.doesNotMatch(lines[0]!, /\.$/, lines.join(' | '));
    }
  });
  it('not behind abbreviations of German, French and Spanish', () => {
    for (const [text, kept] of [
      ['Das gilt für alle Gäste am Abend, z. B. für Herrn Dr. Müller und sie', 'Dr. Müller'],
      ['Wir treffen uns heute mit Herrn Dr. Müller und reden über das alles', 'Dr. Müller'],
      ['Nous avons rencontré hier au soir M. Dupont et ses deux enfants', 'M. Dupont'],
      ['Ayer por la mañana vimos al Sr. García y a la mujer de su hermano', 'Sr. García'],
      ['Trajeron fruta de toda clase, p. ej. uvas y manzanas de la montaña', 'p. ej. uvas'],
    ] as const) {
      const lines = inLines(text);
      assert.equal(lines.length, 2, text);
      assert.ok(
        lines.some(line => line.includes(kept)),
        lines.join(' | '),
      );
    }
  });
  it('between words where a script writes no spaces, in lines of about one length', () => {
    for (const [text, lines] of [
      [
        '今天我们要讨论的是铁路的历史以及它对社会经济发展的影响，这是一个非常有意思的话题',
        ['今天我们要讨论的是铁路的历史以及它对社会', '经济发展的影响，这是一个非常有意思的话题'],
      ],
      [
        'これは日本語の長い文章です。二行に分ける必要があります。「引用」も。',
        ['これは日本語の長い文章です。二行に', '分ける必要があります。「引用」も。'],
      ],
    ] as const)
      assert.deepEqual(inLines(text), lines);
    const marks = inLines(
      '「はい」と、「いいえ」と、（たぶん）と、「もう一度」と言いました。そして、「さようなら」と。',
    );
    for (const line of marks) assert.doesNotMatch(line, /^[、。」）]|[「（]$/u, marks.join(' | '));
  });
  it('in scripts from right to left as in others: the words in their order, as they are stored', () => {
    for (const text of [
      'هذا نص عربي طويل جدا يجب أن يقسم إلى سطرين لأنه أطول من المسموح به في السطر',
      'זהו משפט ארוך בעברית שצריך להתחלק לשתי שורות כי הוא ארוך מדי לשורה אחת',
    ]) {
      const lines = inLines(text);
      assert.equal(lines.length, 2);
      assert.equal(lines.join(' '), text);
      assert.ok(lines.every(line => line.length <= 42 && line.length > 28));
    }
  });
  it('and no sentence ends there for the cues of a transcript', () => {
    const text = 'On Jan. 5 the U.S. Senate met. It was late.',
      atoms = atomsOf(text, 'en', timelineOf(text, [], 0, 5000));
    assert.deepEqual(
      atoms.filter(endsSentence).map(atom => atom.text),
      ['met.', 'late.'],
    );
  });
});
