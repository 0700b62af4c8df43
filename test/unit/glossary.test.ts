import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { EarshotError } from '../../schemas/errors.ts';
import { glossaryPlaces, mergeGlossaries, parseGlossary, withTerm } from '../../text/glossary.ts';

const bad =
  (line?: number) =>
  (error: unknown): boolean =>
    error instanceof EarshotError &&
    error.failure.code === 'badGlossary' &&
    (line === undefined || error.failure.args.line === line);

describe('a glossary', () => {
  it('as lines and as JSON', () => {
    assert.deepEqual(
      parseGlossary(
        '\ufeff# names\nAsterisk\n\nDashwood (Dash wood, Dashwoods) = 达什伍德\r\nPBX = central telefónica\n',
        'g.txt',
      ),
      [
        { term: 'Asterisk' },
        { term: 'Dashwood', aliases: ['Dash wood', 'Dashwoods'], translation: '达什伍德' },
        { term: 'PBX', translation: 'central telefónica' },
      ],
    );
    assert.deepEqual(parseGlossary('["a", {"term": "b", "aliases": ["c"]}]', 'g.json'), [
      { term: 'a' },
      { term: 'b', aliases: ['c'] },
    ]);
    assert.throws(() => parseGlossary('fine\n= nothing', 'g.txt'), bad(2));
    for (const text of ['[{"word": "b"}]', '[1,', '[{"term": "b", "aliases": "c"}]', '[{"term": ""}]'])
      assert.throws(() => parseGlossary(text, 'g.json'), bad());
  });
  it('as Markdown: a table or a list, with words for people around it', () => {
    const text =
      '# Names\n\nWho is who in the calls.\n\n| Term | Heard as | Translation |\n|:---|---|---|\n| **Asterisk** | hasta risk; asterix | |\n| PBX | | central telefónica |\n\nAnd some more:\n\n- Dashwood (Dash wood) = 达什伍德\n* `Digium`\n- [ ] ask Ann\n\n```\n- not this\n```\n';
    assert.deepEqual(parseGlossary(text, '.earshot/glossary.md'), [
      { term: 'Asterisk', aliases: ['hasta risk', 'asterix'] },
      { term: 'PBX', translation: 'central telefónica' },
      { term: 'Dashwood', aliases: ['Dash wood'], translation: '达什伍德' },
      { term: 'Digium' },
    ]);
    assert.deepEqual(parseGlossary('| 译文 | 术语 |\n|--|--|\n| 达什伍德 | Dashwood |', 'g.md'), [
      { term: 'Dashwood', translation: '达什伍德' },
    ]);
    assert.deepEqual(parseGlossary('| a | b |\n|--|--|\n| PBX | centralita |', 'g.md'), [
      { term: 'PBX', translation: 'centralita' },
    ]);
  });
  it('as CSV, with a first line or without, quotes, semicolons', () => {
    const wanted = [
      { term: 'Asterisk', aliases: ['hasta risk', 'asterix'] },
      { term: 'a, b', translation: 'say "c"' },
    ];
    assert.deepEqual(
      parseGlossary(
        '\ufeffterm,aliases,translation\r\nAsterisk,hasta risk;asterix,\r\n"a, b",,"say ""c"""\r\n',
        'g.csv',
      ),
      wanted,
    );
    assert.deepEqual(parseGlossary('Asterisk,hasta risk;asterix,\n"a, b",,"say ""c"""', 'g.csv'), wanted);
    assert.deepEqual(parseGlossary('translation;term\ncentralita;PBX\n', 'g.csv'), [
      { term: 'PBX', translation: 'centralita' },
    ]);
    assert.throws(() => parseGlossary('term,aliases\nfine,\n,x\n', 'g.csv'), bad(3));
  });
  it('is looked for from the recording upwards to the workspace', () => {
    assert.deepEqual(
      glossaryPlaces('/w/a/b/x.wav', '/w').filter(p => p.endsWith('md')),
      ['/w/a/b/.earshot/glossary.md', '/w/a/.earshot/glossary.md', '/w/.earshot/glossary.md'],
    );
    assert.deepEqual(
      glossaryPlaces('/elsewhere/x.wav', '/w').filter(p => p.endsWith('md')),
      ['/elsewhere/.earshot/glossary.md'],
    );
    assert.deepEqual(glossaryPlaces('/elsewhere/x.wav', null).length, 2);
    assert.deepEqual(mergeGlossaries([[{ term: 'A' }], [{ term: 'a', translation: 'x' }, { term: 'b' }]]), [
      { term: 'A' },
      { term: 'b' },
    ]);
  });
  it('takes one more term in its own way', () => {
    const made = withTerm('', 'g.md', 'Dash|wood')!;
    assert.equal(made, '| Term | Aliases | Translation |\n| --- | --- | --- |\n| Dash\\|wood |  |  |\n');
    assert.deepEqual(
      parseGlossary(withTerm(made, 'g.md', 'PBX')!, 'g.md').map(e => e.term),
      ['Dash|wood', 'PBX'],
    );
    assert.equal(withTerm(made, 'g.md', 'dash|WOOD'), null);
    assert.equal(withTerm('# Names\r\n\r\n- A', 'g.md', 'B'), '# Names\r\n\r\n- A\r\n- B\r\n');
    assert.equal(withTerm('| T |\n|--|\n| A |\n\nMore.\n', 'g.md', 'B'), '| T |\n|--|\n| A |\n| B |\n\nMore.\n');
    assert.equal(withTerm('', 'g.csv', 'a, b'), 'term,aliases,translation\n"a, b",,\n');
  });
  it('whatever was added is read back', () =>
    fc.assert(
      fc.property(
        fc.stringMatching(/^[\p{L}\p{N}][\p{L}\p{N}'’ |,;.-]{0,30}[\p{L}\p{N}]$/u),
        fc.constantFrom('g.md', 'g.csv'),
        (term, path) => {
          const clean = term.replace(/\s+/gu, ' '),
            text = withTerm(withTerm('', path, 'First')!, path, clean);
          if (text !== null)
            assert.deepEqual(
              parseGlossary(text, path).map(e => e.term),
              ['First', clean],
            );
        },
      ),
    ));
  it('anything can stand in a Markdown glossary', () =>
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom('|', '| a | b |', '|--|--|', '- x', '```', '- (', '| |'), fc.string())),
        lines => {
          for (const each of parseGlossary(lines.join('\n'), 'g.md'))
            assert.ok(each.term.length > 0 && each.term.length <= 200);
        },
      ),
    ));
});
