/** Subtitles as people bring them: what is read of them, and what stays when their words are replaced. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { check, formatted } from '../../text/subtitles/check.ts';
import { readCues, writeCues } from '../../text/subtitles/convert.ts';
import { tokensOf, type SubtitleFormat } from '../../text/subtitles/inline.ts';
import { reducedIn, unclearIn } from '../../text/subtitles/losses.ts';
import { beginsWithName, parseSubtitles } from '../../text/subtitles/parse.ts';
import { withTexts } from '../../text/subtitles/retext.ts';
import { readSpeech } from '../../text/subtitles/units.ts';
import { cpuMsOf } from '../security/cpu.ts';

const said = (text: string, format: SubtitleFormat): string[] => readSpeech(text, format).units.map(unit => unit.text);
/** With every piece of speech in the words of `translate`. */
const inWords = (text: string, format: SubtitleFormat, translate: (words: string) => string, both = false): string => {
  const speech = readSpeech(text, format);
  return withTexts(
    speech,
    speech.units.map(unit => translate(unit.text)),
    { both },
  ).text;
};
const capitals = (words: string): string => words.toUpperCase();

const ODD = `1
00:00:01,000 --> 00:00:03,000
First line.

This stands after a blank line.

2
-00:00:00,500 --> 00:00:04,000
It begins before zero.

3
00:00:05,0000 --> 00:00:06,0000
Four digits here.

4
00:00:07,000 -> 00:00:08,000
A short arrow.

5
00: 00: 09,000 --> 00: 00: 10,000
Spaces within.

6
00:00:11,000 --> 00:00:11,000
No length.

7
00：00：12，000 －－＞ 00：00：13，000
Full width.

#8.
00:00:1x,000 --> 00:00:15,000
Unreadable.

9
00:00:16.000 → 00:00:17.000
Another arrow.
`;
const ROLLING = `WEBVTT
Kind: captions
Language: en

00:00:00.160 --> 00:00:03.429 align:start position:0%
 
So,<00:00:00.960><c> do</c><00:00:01.520><c> your</c><00:00:02.159><c> friends</c>

00:00:03.429 --> 00:00:03.439 align:start position:0%
So, do your friends
 

00:00:03.439 --> 00:00:05.749 align:start position:0%
So, do your friends
like<00:00:03.760><c> the job</c>

00:00:05.749 --> 00:00:05.759 align:start position:0%
like the job
 
`;
const STYLED = `[Script Info]
; a comment
Title: Film
PlayResX: 640

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, Alignment
Style: Default,Georgia,24,&H0000FFFF,2
Style: Sign,Georgia,30,&H00FF00FF,8

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,nobody reads this
Dialogue: 0,0:00:01.00,0:00:02.00,Default,Anna,0,0,0,,Hello, there.
Dialogue: 1,0:00:03.00,0:00:04.00,Sign,,0,0,0,,{\\pos(320,40)\\fad(200,200)}Train {\\c&H0000FF&}station
Dialogue: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,,{\\p1}m 0 0 l 100 0 100 100 0 100{\\p0}
Dialogue: 0,0:00:07.00,0:00:08.00,Default,,0,0,0,fx,{\\k20}syl
Dialogue: 0,0:00:07.00,0:00:08.00,Default,,0,0,0,,{\\k20}la {\\k30}di{\\kf10}da
Dialogue: 0,0:00:09.00,0:00:10.00,Default,,0,0,0,,- One.\\N- Two.
Dialogue: 1,0:00:09.00,0:00:10.00,Default,,0,0,0,,- One.\\N- Two.

[Fonts]
fontname: x.ttf
ABC,DEF
`;

describe('what subtitles say', () => {
  it('oddly written times lose no words', () => {
    assert.deepEqual(said(ODD, 'srt').sort(), [
      'A short arrow.',
      'Another arrow.',
      'First line.',
      'Four digits here.',
      'Full width.',
      'It begins before zero.',
      'No length.',
      'Spaces within.',
      'This stands after a blank line.',
      'Unreadable.',
    ]);
    for (const { startMs, endMs } of readSpeech(ODD, 'srt').units) assert.ok(startMs >= 0 && endMs > startMs);
    assert.deepEqual(unclearIn(readSpeech(ODD, 'srt')), { texts: 0, times: 1, generated: 0 });
    assert.equal(inWords(ODD, 'srt', capitals), ODD.replace(/^[A-Z][a-z ]*.*$/gm, capitals));
  });
  it('captions that roll say each line once, and show it everywhere', () => {
    const { units, rolling } = readSpeech(ROLLING, 'vtt');
    assert.ok(rolling);
    assert.deepEqual(
      units.map(({ startMs, endMs, text, places }) => [startMs, endMs, text, places.length]),
      [
        [160, 3439, 'So, do your friends', 3],
        [3439, 5759, 'like the job', 2],
      ],
    );
    assert.deepEqual(
      readCues(ROLLING, 'vtt').map(cue => cue.lines),
      [['So, do your friends'], ['like the job']],
    );
    const made = withTexts(readSpeech(ROLLING, 'vtt'), ['Also, machen eure Freunde', 'den Job gern']);
    assert.deepEqual(made.losses, { wordTimes: 2 });
    assert.equal(
      made.text,
      ROLLING.replace(/So,<.*<\/c>/, 'Also, machen eure Freunde')
        .replaceAll('So, do your friends', 'Also, machen eure Freunde')
        .replace(/like<.*<\/c>/, 'den Job gern')
        .replace('like the job', 'den Job gern'),
    );
  });
  it('roll-up captions of television, too; what is really said twice is said twice', () => {
    const cue = (n: number, ...lines: string[]): string =>
      `${n}\n00:00:0${n},000 --> 00:00:0${n + 1},000\n${lines.join('\n')}\n`;
    const up = [cue(1, 'A a'), cue(2, 'A a', 'B b'), cue(3, 'B b', 'C c'), cue(4, 'C c', 'D d')].join('\n');
    assert.deepEqual(said(up, 'srt'), ['A a', 'B b', 'C c', 'D d']);
    const twice = [cue(1, 'No!'), cue(2, 'No!'), cue(3, 'No!', 'Stop it!'), cue(4, 'Why?')].join('\n');
    assert.deepEqual(said(twice, 'srt'), ['No!', 'No!', 'No! Stop it!', 'Why?']);
  });
  it('two speakers in a cue are two, each with a share of its time', () => {
    const text =
      'WEBVTT\n\n00:01.000 --> 00:03.000\n<v Anna>Hi there.</v>\n<v Ben>Hello, Anna.</v>\n\n' +
      '00:04.000 --> 00:06.000\n<v Anna>Yes.</v> <v Ben>No.</v>\n\n' +
      '00:07.000 --> 00:08.000\n- Are you\nthere?\n- I am.\n\n' +
      '00:09.000 --> 00:10.000\nAnn: Hello.\nBen: Hi.\n\n00:11.000 --> 00:12.000\nIt is\n-5 degrees.\n';
    assert.deepEqual(
      readSpeech(text, 'vtt').units.map(({ text: words, speaker }) => [speaker, words]),
      [
        ['Anna', 'Hi there.'],
        ['Ben', 'Hello, Anna.'],
        ['Anna', 'Yes.'],
        ['Ben', 'No.'],
        [null, 'Are you there?'],
        [null, 'I am.'],
        [null, 'Ann: Hello.'],
        [null, 'Ben: Hi.'],
        [null, 'It is -5 degrees.'],
      ],
    );
    assert.equal(
      inWords(text, 'vtt', capitals),
      text
        .replace(/(?<=[>\n] ?)[A-Z-][^<\n]*(?=<\/v>)|It is\n-5 degrees|Ann: Hello|Ben: Hi(?=\.\n)/g, capitals)
        .replace('IT IS\n-5 DEGREES', 'IT IS -5 DEGREES')
        .replace('Are you\nthere?', 'ARE YOU THERE?')
        .replace('I am.', 'I AM.'),
    );
    assert.match(writeCues(readCues(text, 'vtt'), 'srt', ''), /Anna: Hi there\.\nBen: Hello, Anna\.\n/);
    assert.match(writeCues(readCues(text, 'vtt'), 'vtt', ''), /<v Anna>Hi there\.<\/v>\n<v Ben>Hello, Anna\.<\/v>\n/);
  });
  it('how a word is read stands behind it where nothing can stand above', () => {
    for (const [ruby, shown] of [
      ['<ruby>漢<rt>kan</rt>字<rt>ji</rt></ruby>', '漢（kan）字（ji）'],
      ['<ruby>漢<rt>kan</ruby> word', '漢（kan） word'],
    ] as const)
      assert.equal(
        writeCues(readCues(`WEBVTT\n\n00:01.000 --> 00:02.000\n${ruby}\n`, 'vtt'), 'srt', ''),
        `1\n00:00:01,000 --> 00:00:02,000\n${shown}\n`,
      );
  });
  it('character references are signs, and what only looks like a tag is words', () => {
    const vtt = 'WEBVTT\n\n00:01.000 --> 00:03.000\nIt&#39;s &quot;fine&quot; caf&eacute; I <3 you &lt;i&gt;\n';
    assert.deepEqual(said(vtt, 'vtt'), ['It\'s "fine" café I <3 you <i>']);
    assert.match(writeCues(readCues(vtt, 'vtt'), 'srt', ''), /It's "fine" café I <3 you ‹i>/);
    assert.match(writeCues(readCues(vtt, 'vtt'), 'vtt', ''), /It's "fine" café I &lt;3 you ‹i&gt;/);
    const srt = '1\n00:00:01,000 --> 00:00:02,000\na <b and c> d, I <3 you -> always > never\n';
    assert.equal(writeCues(readCues(srt, 'srt'), 'txt', ''), 'a <b and c> d, I <3 you -> always > never\n');
    assert.match(
      inWords(vtt, 'vtt', () => '<b>Tom</b> & --> Co'),
      /\n&lt;b&gt;Tom&lt;\/b&gt; &amp; --&gt; Co\n/,
    );
    assert.match(
      inWords(srt, 'srt', () => '{\\an8}<b>Tom</b> & --> Co'),
      /\n\(\\an8}‹b>Tom‹\/b> & → Co\n/,
    );
  });
  it('tags stay around the words, and go with the word that they belong to', () => {
    const srt = (line: string): string => `1\n00:00:01,000 --> 00:00:02,000\n${line}\n`;
    const translated = (line: string, to: string): string =>
      inWords(srt(line), 'srt', () => to)
        .split('\n')
        .slice(2, -1)
        .join('|');
    assert.equal(translated('<i>Do you have it?</i>', 'Hast du es?'), '<i>Hast du es?</i>');
    assert.equal(
      translated('{\\an8}<font color="#fff">♪ La la ♪</font>', 'Lo lo'),
      '{\\an8}<font color="#fff">♪ Lo lo ♪</font>',
    );
    assert.equal(translated('I saw <i>Titanic</i> there.', 'Dort sah ich Titanic.'), 'Dort sah ich <i>Titanic</i>.');
    assert.equal(
      translated('The <b>train</b> leaves at 5:30.', 'Der Zug fährt um 5:30 ab.'),
      'Der <b>Zug</b> fährt um 5:30 ab.',
    );
    assert.equal(translated('- <i>Yes.</i>', 'Ja.'), '- <i>Ja.</i>');
    assert.equal(translated('It was <b>never</b> so.', 'Es war niemals so.'), 'Es war <b>niemals</b> so.');
    assert.equal(translated('<i>One.</i> <i>Two.</i>', '一。二。').replace(/<\/?i>/g, ''), '一。二。');
  });
});

describe('SubStation', () => {
  it('keeps everything but the words; drawings, comments and effects are none', () => {
    assert.deepEqual(said(STYLED, 'ass'), ['Hello, there.', 'Train station', 'la dida', 'One.', 'Two.']);
    const speech = readSpeech(STYLED, 'ass'),
      made = withTexts(speech, ['Hallo, du.', 'Der Bahnhof', 'la le', 'Eins.', 'Zwei.']);
    assert.equal(
      made.text,
      STYLED.replace('Hello, there.', 'Hallo, du.')
        .replace('Train {\\c&H0000FF&}station', 'Der {\\c&H0000FF&}Bahnhof')
        .replace('{\\k20}la {\\k30}di{\\kf10}da', '{\\k20}la le')
        .replaceAll('- One.\\N- Two.', '- Eins.\\N- Zwei.'),
    );
    assert.deepEqual(made.losses, { wordTimes: 1 });
    assert.deepEqual(unclearIn(speech), { texts: 0, times: 0, generated: 1 });
    const srt = writeCues(readCues(STYLED, 'ass'), 'srt', '');
    assert.doesNotMatch(srt, /m 0 0|nobody/);
    assert.deepEqual(reducedIn(speech), { notes: 1, styles: 2, drawings: 1, texts: 0, formatting: 1, wordTimes: 2 });
  });
  it('of version 4, without a Format line, with commas and odd line ends', () => {
    const ssa =
      '[Events]\r\nDialogue: Marked=0,0:00:01.00,0:00:02.00,*Default,,0000,0000,0000,,Well, yes, {\\i1}no{\\i0}.\r\n';
    assert.equal(
      inWords(ssa, 'ass', () => 'Nun, ja, nein.'),
      ssa.replace('Well, yes, {\\i1}no{\\i0}.', 'Nun, ja, {\\i1}nein.{\\i0}'),
    );
  });
});

describe('formatting WebVTT', () => {
  it('a line of blanks belongs to its cue: words and times stay together', () => {
    const text = 'WEBVTT\n\n00:00:00.160 --> 00:00:03.429\n \nWords of this cue\n';
    assert.equal(formatted(text, 'vtt'), text);
    assert.deepEqual(check(parseSubtitles(text, 'vtt')), []);
  });
  it('header, notes, styles, regions, identifiers and settings stay to the letter', () => {
    const text =
      'WEBVTT - title  \nX: y\n\nNOTE  two  \n  lines  \n\nSTYLE\n::cue {\n  color: red;  \n}\n\nREGION\n' +
      'id:fred  \nwidth:40%\n\n' +
      ' an id \n00:01.000 --> 00:03.000 align:start  position:10%\n<v.loud Ann>Hi &amp; ho\n \nthere\n';
    assert.equal(formatted(text, 'vtt'), text.replace('00:01.000 --> 00:03.000', '00:00:01.000 --> 00:00:03.000'));
  });
  it('text that an empty line parts from its cue is named, and joined by the fix', () => {
    const subtitles = parseSubtitles('1\n00:00:01,000 --> 00:00:03,000\nOne.\n\nTwo.\n', 'srt'),
      [problem] = check(subtitles);
    assert.deepEqual([problem!.code, problem!.line], ['parted', 4]);
    const { from, to, lines } = problem!.fix!;
    assert.equal(
      subtitles.lines.toSpliced(from, to - from, ...lines).join('\n'),
      '1\n00:00:01,000 --> 00:00:03,000\nOne.\nTwo.\n',
    );
  });
});

/** Anything that may stand in a file, rich in what means something. */
const pieces = [
  ...['\n', '\n\n', '\r\n', '\r', ' ', '1\n', '- ', '♪ ', 'word ', 'Ann: Hi', '你好', '<', '>', '&amp;', '&', '{', '}'],
  ...['00:00:01,000 --> 00:00:02,000\n', '0:0:1.5 -> 0:0:2\n', '-00:00:01,000 --> 00:00:00,500\n', '-->', 'WEBVTT\n'],
  ...['NOTE x\n', 'STYLE\n', '<i>', '</i>', '<v Ann>', '<00:00:01.000>', '<c>', '<br>', '{\\an8}', '{\\p1}', '{\\p0}'],
  ...[
    '[Events]\n',
    'Format: Start, End, Text\n',
    'Dialogue: 0,0:00:01.00,0:00:02.00,D,,0,0,0,,',
    '\\N',
    '\\h',
    '\\{',
    '{\\k20}',
  ],
];
const anything = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...pieces) },
      { weight: 1, arbitrary: fc.string({ maxLength: 6 }) },
    ),
    { maxLength: 40 },
  )
  .map(parts => parts.join(''));
const formats = fc.constantFrom<SubtitleFormat>('srt', 'vtt', 'ass');

describe('whatever stands in a file', () => {
  it('its parts together are the file', () =>
    fc.assert(
      fc.property(anything, formats, (text, format) => {
        assert.equal(
          tokensOf(text, format)
            .map(token => token.raw)
            .join(''),
          text,
        );
        if (format === 'ass') return;
        const { lines, starts } = parseSubtitles(text, format);
        for (const [n, line] of lines.entries()) assert.equal(text.slice(starts[n], starts[n]! + line.length), line);
      }),
      { numRuns: 300 },
    ));
  it('the same words change nothing, and other words only what was said', () =>
    fc.assert(
      fc.property(anything, formats, (text, format) => {
        const speech = readSpeech(text, format);
        assert.equal(
          inWords(text, format, words => words),
          text,
        );
        assert.equal(
          inWords(text, format, words => words, true),
          text,
        );
        const places = speech.units.flatMap(unit => unit.places).sort((a, b) => a.from - b.from);
        let rest = '',
          at = 0;
        for (const { from, to, tokens } of places) {
          assert.ok(from >= at && to > from);
          assert.equal(text.slice(from, to), tokens.map(token => token.raw).join(''));
          rest += `${text.slice(at, from)}\ue000`;
          at = to;
        }
        // What is put in begins and ends with a letter of its own, so that the rest can be told from it.
        const made = inWords(text, format, () => '\ue001x\ue002');
        assert.equal(
          made.replace(/[^\ue001\ue002]*?\ue001[^]*?\ue002[^\ue001]*/g, ''),
          made.includes('\ue001') ? '' : made,
        );
        const bare = withTexts(
          speech,
          speech.units.map(() => '\ue000'),
        ).text.replace(/(<[^<>]*>|\{[^{}]*\})*\ue000/g, '\ue000');
        assert.equal(bare.split('\ue000').length, (rest + text.slice(at)).split('\ue000').length);
      }),
      { numRuns: 300 },
    ));
  it('a translation says as much as its source, and is read again as what was written', () =>
    fc.assert(
      fc.property(anything, formats, (text, format) => {
        const before = readSpeech(text, format);
        if (before.rolling || before.units.some(unit => unit.places.length > 1)) return;
        // A name stays where one begins a line: it tells its speaker from the next.
        const texts = before.units.map((unit, n) => `${beginsWithName(unit.text) ? 'Ann: ' : ''}satz${n}`);
        assert.deepEqual(said(withTexts(before, texts).text, format).sort(), texts.sort());
      }),
      { numRuns: 300 },
    ));
  it('is read in time that grows with its length', () => {
    const times = '00:00:01,000 --> 00:00:02,000\n',
      event = '[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,D,,0,0,0,,';
    for (const [format, head, part] of [
      ['srt', `1\n${times}`, 'word\n'],
      ['srt', `1\n${times}`, '- x\n'],
      ['srt', `1\n${times}x\n\n`, 'stray\n\n'],
      ['srt', `1\n${times}`, '<i>x</i>'],
      ['srt', '', '-->\n'],
      ['srt', '', '00:00:01,000 -> '],
      ['vtt', `WEBVTT\n\n${times}`, '<v A'],
      ['vtt', `WEBVTT\n\n${times}`, '<v A>x</v>\n<v B>y</v>\n'],
      ['vtt', 'WEBVTT\n\n', '00:01.000 --> 00:02.000\na\nb\n\n'],
      ['ass', event, '{x'],
      ['ass', event, 'x\\N'],
      ['ass', '[Events]\nDialogue: ', ','],
    ] as const) {
      const text = head + part.repeat(20_000 / part.length),
        ms = cpuMsOf(() => {
          const speech = readSpeech(text, format);
          withTexts(
            speech,
            speech.units.map(unit => `Ü ${unit.text}`),
          );
          writeCues(readCues(text, format), 'vtt', '');
          if (format !== 'ass') check(parseSubtitles(text, format));
        }, 4000);
      assert.ok(ms < 4000, `${format} ${JSON.stringify(part)}`);
    }
  });
});
