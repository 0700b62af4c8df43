import assert from 'node:assert/strict';
import { normalize } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { EarshotError } from '../../schemas/errors.ts';
import { glossaryPlaces, mergeGlossaries, parseGlossary, placesUp, termsOf, withTerm } from '../../text/glossary.ts';

const bad =
  (line?: number) =>
  (error: unknown): boolean =>
    error instanceof EarshotError &&
    error.failure.code === 'badGlossary' &&
    (line === undefined || error.failure.args.line === line);

describe('a glossary', () => {
  it('as a setting: lines that the settings page edits, or what a job takes; nothing that is typed is lost', () => {
    assert.deepEqual(
      termsOf([
        'Asterisk',
        'Dashwood (Dash wood, Dashwoods) = 达什伍德',
        ' ',
        'Smith (the elder',
        { term: 'PBX', aliases: ['P.B.X.', 3], translation: 'central telefónica' },
        { aliases: ['x'] },
        7,
        null,
      ]),
      [
        { term: 'Asterisk' },
        { term: 'Dashwood', aliases: ['Dash wood', 'Dashwoods'], translation: '达什伍德' },
        { term: 'Smith (the elder' },
        { term: 'PBX', aliases: ['P.B.X.'], translation: 'central telefónica' },
      ],
    );
  });

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
  it('as JSON must be a list: anything else is refused with its reason, never read as terms', () => {
    const refusal = (text: string): string | undefined => {
      try {
        return `read as ${JSON.stringify(parseGlossary(text, 'names.json'))}`;
      } catch (error) {
        assert.ok(bad()(error), String(error));
        return (error as EarshotError).failure.detail;
      }
    };
    for (const text of ['{}', '{"term": "Asterisk"}', '"Asterisk"', ' null\n'])
      assert.equal(refusal(text), 'not a list of terms', text);
    assert.equal(refusal('["Asterisk", {"term": ""}]'), 'entry 2');
    assert.match(refusal('Asterisk\nPBX\n') ?? '', /not valid JSON/);
    assert.deepEqual(parseGlossary('[]', 'names.json'), []);
  });
  it('as Markdown: a table or a list, with words for people around it', () => {
    const text =
      '# Names\n\nWho is who in the calls.\n\n| Term | Heard as | Translation |\n|:---|---|---|\n| ' +
      '**Asterisk** | hasta risk; asterix | |\n| PBX | | central telefónica |\n\nAnd some more:\n\n- Dashwood ' +
      '(Dash wood) = 达什伍德\n* `Digium`\n- [ ] ask Ann\n\n```\n- not this\n```\n';
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
      ['/w/a/b/.earshot/glossary.md', '/w/a/.earshot/glossary.md', '/w/.earshot/glossary.md'].map(normalize),
    );
    assert.deepEqual(
      glossaryPlaces('/elsewhere/x.wav', '/w').filter(p => p.endsWith('md')),
      [normalize('/elsewhere/.earshot/glossary.md')],
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
  it('whatever stands above, terms of a list and a table below are found, unless they stand in code', () =>
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom('|', '| a | b |', '|--|--|', '- x', '```', '- (', '| |'), fc.string())),
        lines => {
          const table = '| Term | Translation |\n|--|--|\n| Known | bekannt |',
            text = `${lines.join('\n')}\n\n${table}\n\n- Listed = gelistet\n`,
            found = parseGlossary(text, 'g.md');
          const inCode = lines.filter(line => /^\s*(```|~~~)/.test(line)).length % 2 === 1;
          assert.deepEqual(
            found.slice(-2),
            inCode
              ? parseGlossary(lines.join('\n'), 'g.md').slice(-2)
              : [
                  { term: 'Known', translation: 'bekannt' },
                  { term: 'Listed', translation: 'gelistet' },
                ],
          );
          for (const { term } of found) assert.ok(term.length > 0 && term.length <= 200 && term === term.trim());
        },
      ),
    ));
  it('lines: blanks, comments, marks of every kind; what is too long is no term', () => {
    const lines = (text: string) => parseGlossary(text, 'g.txt');
    assert.deepEqual(lines('  # a comment\n \n  Term （a， b、c；d;） = x y  \rNext\r\n'), [
      { term: 'Term', aliases: ['a', 'b', 'c', 'd'], translation: 'x y' },
      { term: 'Next' },
    ]);
    assert.deepEqual(lines('a'.repeat(200)), [{ term: 'a'.repeat(200) }]);
    assert.throws(() => lines('a'.repeat(201)), bad(1));
    assert.deepEqual(lines(`a = ${'b'.repeat(200)}`).length, 1);
    assert.throws(() => lines(`fine\n\na = ${'b'.repeat(201)}`), bad(3));
    assert.deepEqual(lines(`a (${'b'.repeat(200)}, ${'c'.repeat(201)}, ,d)`)[0]!.aliases, ['b'.repeat(200), 'd']);
    assert.equal(lines(`a (${Array.from({ length: 60 }, (_, n) => `b${n}`).join(',')})`)[0]!.aliases!.length, 50);
    assert.equal(lines(Array.from({ length: 2100 }, (_, n) => `t${n}`).join('\n')).length, 2000);
    assert.deepEqual(lines(' [{"term": "a", "translation": "b", "aliases": []}]'), [
      { term: 'a', translation: 'b', aliases: [] },
    ]);
    for (const json of ['[', '[1]', '[null]', '[{"term":"a","translation":""}]', '[{"term":"a","x":1}]'])
      assert.throws(() => parseGlossary(json, 'g.json'), bad(), json);
    const many = Array.from({ length: 51 }, () => 'a');
    assert.throws(() => lines(JSON.stringify([{ term: 'a', aliases: many }])), bad());
    assert.equal(lines(JSON.stringify([{ term: 'a', aliases: many.slice(1) }])).length, 1);
    assert.throws(() => lines(JSON.stringify([{ term: 'a'.repeat(201) }])), bad());
  });
  it('Markdown: how a cell looks is not what it says; tables begin anew', () => {
    const markdown = (text: string) => parseGlossary(text, 'g.markdown');
    assert.deepEqual(
      markdown('- **A** (*b*, `c`) = __d__\n+ E <!-- who --> \n* f\\_g\n- [x] done\n-no list\n~~~\n- code\n~~~\n- H'),
      [{ term: 'A', aliases: ['b', 'c'], translation: 'd' }, { term: 'E' }, { term: 'f_g' }, { term: 'H' }],
    );
    assert.deepEqual(markdown('| Also | Name | Translated |\n|:-:|--|-|\n| x；y | N | z |\n|  | M |\n| q | | |'), [
      { term: 'N', aliases: ['x', 'y'], translation: 'z' },
      { term: 'M' },
    ]);
    assert.deepEqual(
      markdown('| a |\n|--|\n| One |\n\n| b | c | d | e |\n|--|--|--|--|\n| Two | 2, zwei | deux | x |'),
      [{ term: 'One' }, { term: 'Two', aliases: ['2', 'zwei'], translation: 'deux' }],
    );
    assert.deepEqual(markdown('| no | table |\n| One | two |'), [], 'without a line below its head it is none');
    assert.deepEqual(markdown('| T |\n|--|\n| One |\ntext\n| Two |'), [{ term: 'One' }]);
    assert.deepEqual(markdown('|\n||\n| T |\n|--|\n|x|'), [{ term: 'x' }]);
  });
  it('CSV: tabs, semicolons, quotes, every kind of line end; the line of a fault is where its row begins', () => {
    const table = (text: string) => parseGlossary(text, 'G.CSV');
    assert.deepEqual(table('a\tb\n\nc\td'), [
      { term: 'a', translation: 'b' },
      { term: 'c', translation: 'd' },
    ]);
    assert.deepEqual(table('a;b\rc;d\r'), [
      { term: 'a', translation: 'b' },
      { term: 'c', translation: 'd' },
    ]);
    assert.deepEqual(table('only'), [{ term: 'only' }]);
    assert.deepEqual(table('"two\nlines",x\n'), [{ term: 'two\nlines', translation: 'x' }]);
    assert.deepEqual(table(' "q" , z\na"b,c'), [
      { term: 'q', translation: 'z' },
      { term: 'a"b', translation: 'c' },
    ]);
    assert.deepEqual(table(''), []);
    assert.throws(() => table('"a\nb",c\r\n,d\r\n'), bad(3));
    assert.throws(() => table('a,b\n"",d'), bad(2));
  });
  it('places: never above the root, never beside it', () => {
    const folders = (recording: string, root: string | null) => placesUp(recording, root);
    assert.deepEqual(folders('/w/a/x.wav', '/w'), ['/w/a', '/w']);
    assert.deepEqual(folders('/w/x.wav', '/w'), ['/w']);
    assert.deepEqual(folders('/wx/a/x.wav', '/w'), ['/wx/a']);
    assert.deepEqual(folders('/x.wav', '/w'), ['/']);
    assert.deepEqual(folders('/a/b/x.wav', '/'), ['/a/b', '/a', '/']);
    assert.equal(mergeGlossaries([Array.from({ length: 2100 }, (_, n) => ({ term: `t${n}` }))]).length, 2000);
  });
  it('one more term in every kind of file', () => {
    for (const [text, path, term, made] of [
      ['term\r\nA\r\n', 'g.csv', 'say "b"', 'term\r\nA\r\n"say ""b""",,\r\n'],
      ['A', 'g.csv', 'B', 'A\nB,,\n'],
      ['| T | U |\n|--|--|', 'g.md', 'B', '| T | U |\n|--|--|\n| B |  |\n'],
      ['* A\n', 'g.md', 'B', '* A\n- B\n'],
      ['Words.\n', 'g.md', 'B', 'Words.\n\n| Term | Aliases | Translation |\n| --- | --- | --- |\n| B |  |  |\n'],
      ['', 'g.md', 'a\\b', '| Term | Aliases | Translation |\n| --- | --- | --- |\n| a\\\\b |  |  |\n'],
    ] as const)
      assert.equal(withTerm(text, path, term), made, text);
  });
});
