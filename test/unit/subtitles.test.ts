import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  check,
  figures,
  formatted,
  inLines,
  rebroken,
  sorted,
  USUAL_LIMITS,
  type Problem,
} from '../../text/subtitles/check.ts';
import { readCues, writeCues } from '../../text/subtitles/convert.ts';
import { visible } from '../../text/subtitles/inline.ts';
import {
  cueAt,
  parseSubtitles,
  readTime,
  scenesOf,
  speakersOf,
  writeTime,
  type SubtitleKind,
} from '../../text/subtitles/parse.ts';
import { languageOfName, stemsOf } from '../../extension/subtitles/names.ts';
import { translated } from '../../extension/subtitles/translated.ts';
import { moved, synchronise } from '../../text/subtitles/sync.ts';
import { cpuMsOf } from '../security/cpu.ts';

const SRT =
  '1\n00:00:01,000 --> 00:00:03,000\nJohn: It was <i>not</i> so.\nSecond line.\n\n2\n00:00:03,500 --> ' +
  '00:00:06,000\n- And then?\n\n3\n00:00:15,000 --> 00:00:18,000\nA new scene.\n';
const VTT =
  'WEBVTT - a talk\nKind: captions\n\nNOTE\nmade by hand\n\nintro\n00:01.000 --> 00:03.000 line:0 ' +
  'align:start\n<v Mary>Fish &amp; chips.</v>\n\n00:01:04.000 --> 00:01:06.000\n<v.loud John Dashwood>No.\n';
const codes = (text: string, kind: SubtitleKind = 'srt'): string[] =>
  check(parseSubtitles(text, kind)).map(problem => problem.code);
const repaired = (text: string, kind: SubtitleKind, pick: (problem: Problem) => boolean): string => {
  const subtitles = parseSubtitles(text, kind),
    fix = check(subtitles).find(pick)!.fix!;
  return subtitles.lines.toSpliced(fix.from, fix.to - fix.from, ...fix.lines).join('\n');
};
const cue = (n: number, from: string, to: string, ...lines: string[]): string =>
  `${n}\n${from} --> ${to}\n${lines.join('\n')}\n`;

describe('reading subtitles', () => {
  it('finds numbers, times, settings and lines of SubRip and WebVTT', () => {
    const srt = parseSubtitles(SRT, 'srt');
    assert.deepEqual(
      srt.cues.map(c => [c.firstLine, c.timeLine, c.lastLine, c.id, c.startMs, c.endMs]),
      [
        [0, 1, 3, '1', 1000, 3000],
        [5, 6, 7, '2', 3500, 6000],
        [9, 10, 11, '3', 15_000, 18_000],
      ],
    );
    assert.deepEqual(
      scenesOf(srt).map(scene => scene.length),
      [2, 1],
    );
    const vtt = parseSubtitles(VTT, 'vtt');
    assert.deepEqual(
      vtt.others.map(o => [o.kind, o.firstLine, o.lastLine]),
      [
        ['header', 0, 1],
        ['note', 3, 4],
      ],
    );
    assert.deepEqual(
      vtt.cues.map(c => [c.id, c.startMs, c.settings]),
      [
        ['intro', 1000, 'line:0 align:start'],
        [null, 64_000, ''],
      ],
    );
    assert.equal(visible(vtt.cues[0]!.lines[0]!, 'vtt'), 'Fish & chips.');
    assert.deepEqual(codes(SRT), []);
    assert.deepEqual(codes(VTT, 'vtt'), []);
  });
  it('reads what people really write: byte order marks, CRLF, missing numbers and blank lines, other shapes of time', () => {
    const messy =
      '\ufeff1\r\n0:00:01.5 --> 0:00:03,25\r\nOne.\r\n2\r\n00:00:04,000-->00:00:05,000 X1:10 ' +
      'X2:20\r\nTwo.\r\n\r\n00:00:06,000 --> 00:00:07,000\r\nAn --> arrow.';
    const { cues, bom, eol } = parseSubtitles(messy, 'srt');
    assert.deepEqual([bom, eol], [true, '\r\n']);
    assert.deepEqual(
      cues.map(c => [c.id, c.startMs, c.endMs, c.lines]),
      [
        ['1', 1500, 3250, ['One.']],
        ['2', 4000, 5000, ['Two.']],
        [null, 6000, 7000, ['An --> arrow.']],
      ],
    );
    assert.deepEqual(codes(messy), ['timeShape', 'timeShape', 'noBlankLine', 'number']);
    assert.equal(
      formatted(messy, 'srt'),
      '\ufeff1\r\n00:00:01,500 --> 00:00:03,250\r\nOne.\r\n\r\n2\r\n00:00:04,000 --> 00:00:05,000 X1:10 ' +
        'X2:20\r\nTwo.\r\n\r\n3\r\n00:00:06,000 --> 00:00:07,000\r\nAn --> arrow.\r\n',
    );
  });
  it('knows who speaks, in tags and at the beginning of lines', () => {
    assert.deepEqual(speakersOf(parseSubtitles(SRT, 'srt')), [{ name: 'John', line: 2, from: 0, to: 4 }]);
    assert.deepEqual(
      speakersOf(parseSubtitles(VTT, 'vtt')).map(s => [s.name, VTT.split('\n')[s.line]!.slice(s.from, s.to)]),
      [
        ['Mary', 'Mary'],
        ['John Dashwood', 'John Dashwood'],
      ],
    );
    const more = parseSubtitles(
      cue(1, '00:00:01,000', '00:00:02,000', '- Mr. Ávila 2: yes', '张伟：你好', 'at 12:30 we met', 'he said: no'),
      'srt',
    );
    assert.deepEqual(
      speakersOf(more).map(s => s.name),
      ['Mr. Ávila 2', '张伟'],
    );
  });
  it('finds the cue of a line', () => {
    const srt = parseSubtitles(SRT, 'srt');
    assert.deepEqual(
      [0, 3, 4, 7, 11, 12].map(line => cueAt(srt, line)?.id ?? null),
      ['1', '1', null, '2', '3', null],
    );
  });
  it('reads and writes times', () => {
    assert.deepEqual(['1:2', '00:01:02,5', '100:00:00.001', '00:61', 'x', ''].map(readTime), [
      62_000,
      62_500,
      360_000_001,
      61_000,
      null,
      null,
    ]);
    fc.assert(
      fc.property(fc.nat(400_000_000), fc.constantFrom<SubtitleKind>('srt', 'vtt'), (ms, kind) => {
        assert.equal(readTime(writeTime(ms, kind)), ms);
      }),
    );
  });
});

describe('what is wrong with subtitles', () => {
  it('times: overlap, order, end before start, unreadable', () => {
    const bad = [
      cue(1, '00:00:01,000', '00:00:03,000', 'One.'),
      cue(2, '00:00:02,500', '00:00:02,000', 'Two.'),
      cue(3, '00:00:01,500', '00:00:08,000', 'Three.'),
      cue(4, '00:00:0x,000', '00:00:09,000', 'Four.'),
    ].join('\n');
    assert.deepEqual(codes(bad.replace('00:00:0x,000', '00:00:,000')), [
      'endBeforeStart',
      'overlap',
      'order',
      'badTime',
    ]);
    assert.equal(repaired(bad, 'srt', p => p.code === 'overlap').split('\n')[1], '00:00:01,000 --> 00:00:02,500');
    assert.equal(
      repaired(bad, 'srt', p => p.code === 'endBeforeStart').split('\n')[5],
      '00:00:02,000 --> 00:00:02,500',
    );
    assert.deepEqual(
      parseSubtitles(sorted(bad, 'srt'), 'srt')
        .cues.map(c => c.startMs)
        .slice(0, 4),
      [1000, 1500, null, 2500],
    );
  });
  it('reading: too fast, long lines, too many lines, with fixes that only use free room', () => {
    const text = 'This is a line that is a good deal longer than forty-two characters.';
    const quick = [
      cue(1, '00:00:01,000', '00:00:02,000', text),
      cue(2, '00:00:09,000', '00:00:10,000', 'a', 'b', 'c'),
    ].join('\n');
    assert.deepEqual(codes(quick), ['tooFast', 'longLine', 'manyLines']);
    assert.deepEqual(check(parseSubtitles(quick, 'srt'))[0]!.args, [68, 20]);
    assert.equal(repaired(quick, 'srt', p => p.code === 'tooFast').split('\n')[1], '00:00:01,000 --> 00:00:04,400');
    assert.deepEqual(
      repaired(quick, 'srt', p => p.code === 'longLine')
        .split('\n')
        .slice(2, 4),
      ['This is a line that is a good deal', 'longer than forty-two characters.'],
    );
    assert.equal(
      repaired(quick, 'srt', p => p.code === 'manyLines')
        .split('\n')
        .at(-2),
      'a b c',
    );
    assert.equal(
      check(parseSubtitles(quick.replace('00:00:09,000', '00:00:02,100'), 'srt'))[0]!.fix,
      null,
      'no room before the next',
    );
    assert.equal(rebroken(['- Yes.', '- No.', '- Oh.'], USUAL_LIMITS), null);
    assert.deepEqual(
      figures(parseSubtitles(cue(1, '00:00:00,000', '00:00:02,000', '你好，世界'), 'srt').cues[0]!, 'srt'),
      { ms: 2000, characters: 10, cps: 5, widths: [10] },
    );
  });
  it('numbers, empty cues, text that belongs nowhere, a missing header', () => {
    const text = `lost words\n\n${cue(7, '00:00:01,000', '00:00:03,000', 'One.')}\n2\n00:00:04,000 --> 00:00:05,000\n`;
    assert.deepEqual(codes(text), ['stray', 'number', 'empty']);
    assert.equal(repaired(text, 'srt', p => p.code === 'number').split('\n')[2], '1');
    assert.deepEqual(codes('00:01.000 --> 00:02.000\nHi.\n', 'vtt'), ['noHeader']);
    assert.deepEqual(codes('\n\nWEBVTT\n\n00:01.000 --> 00:02.000\nHi.\n', 'vtt'), ['noHeader']);
    assert.deepEqual(codes('', 'vtt'), []);
  });
});

/** Anything that may stand in a file, rich in what means something. */
const anything = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '',
        ' ',
        '1',
        '2',
        '17',
        'WEBVTT',
        'NOTE',
        'NOTE x',
        'STYLE',
        '-->',
        '00:00:01,000 --> 00:00:02,000',
        '00:01.000 --> 00:00.500 line:0',
        '1:2 --> 3:4',
        '00:00:09,000 -->',
        'Name: hello',
        '<v Ann>Hi',
        'plain words',
      ),
      fc.string({ maxLength: 12 }),
    ),
    { maxLength: 25 },
  )
  .chain(lines => fc.constantFrom('\n', '\r\n', '\r').map(eol => lines.join(eol)));

describe('whatever stands in a file', () => {
  it('can be read, and every line belongs to one block at most', () =>
    fc.assert(
      fc.property(anything, fc.constantFrom<SubtitleKind>('srt', 'vtt'), (text, kind) => {
        const { cues, others, lines } = parseSubtitles(text, kind),
          blocks = [...cues, ...others].sort((a, b) => a.firstLine - b.firstLine);
        let last = -1;
        for (const block of blocks) {
          assert.ok(block.firstLine > last && block.lastLine >= block.firstLine && block.lastLine < lines.length);
          last = block.lastLine;
        }
        for (const problem of check(parseSubtitles(text, kind))) {
          assert.ok(problem.line < lines.length && problem.from <= problem.to);
          if (problem.fix) assert.ok(problem.fix.from <= problem.fix.to && problem.fix.to <= lines.length);
        }
      }),
      { numRuns: 400 },
    ));
  it('formatting keeps every cue and every word, and doing it twice changes nothing', () =>
    fc.assert(
      fc.property(anything, fc.constantFrom<SubtitleKind>('srt', 'vtt'), (text, kind) => {
        const once = formatted(text, kind),
          words = (from: string): string[] =>
            parseSubtitles(from, kind).cues.flatMap(c => c.lines.map(line => line.trimEnd()));
        assert.equal(formatted(once, kind), once);
        assert.deepEqual(words(once), words(text));
        const times = (from: string): unknown[] => parseSubtitles(from, kind).cues.map(c => [c.startMs, c.endMs]);
        assert.deepEqual(times(once), times(text));
        if (kind === 'srt')
          assert.ok(!codes(once).some(code => code === 'number' || code === 'noBlankLine' || code === 'timeShape'));
      }),
      { numRuns: 400 },
    ));
  it('two hours are read, checked and formatted in a moment', () => {
    const long = Array.from({ length: 2400 }, (_, n) =>
      cue(
        n + 1,
        writeTime(n * 3000, 'srt'),
        writeTime(n * 3000 + 2500, 'srt'),
        'Some words are said here,',
        'and some more below.',
      ),
    ).join('\n');
    const ms = cpuMsOf(() => {
      assert.deepEqual(check(parseSubtitles(long, 'srt')), []);
      assert.equal(formatted(long, 'srt'), long);
    }, 1000);
    assert.ok(ms < 1000, `${ms}`);
  });
});

describe('one format into another', () => {
  it('SubRip, WebVTT and SubStation and back: times, words, emphasis, place', () => {
    const cues = readCues(
      `${SRT}\n4\n00:00:20,000 --> 00:00:21,000\n{\\an8}<font color="red">Up & <b>there</b></font>\n`,
      'srt',
    );
    assert.deepEqual(cues.at(-1), {
      startMs: 20_000,
      endMs: 21_000,
      speaker: null,
      lines: ['Up & <b>there</b>'],
      top: true,
    });
    for (const format of ['srt', 'vtt', 'ass'] as const)
      assert.deepEqual(readCues(writeCues(cues, format, 'x'), format), cues, format);
    assert.match(writeCues(cues, 'vtt', 'x'), /00:00:20\.000 --> 00:00:21\.000 line:0\nUp &amp; <b>there<\/b>\n$/);
  });
  it('a backslash that was said breaks no line of SubStation, and comes back', () => {
    const cues = readCues('1\n00:00:01,000 --> 00:00:02,000\nC:\\New {folder}\n', 'srt');
    assert.deepEqual(readCues(writeCues(cues, 'ass', 'x'), 'ass')[0]!.lines, ['C:\\New {folder}']);
  });
  it('a voice becomes a name, and a name of SubStation a voice', () => {
    const cues = readCues(VTT, 'vtt');
    assert.match(writeCues(cues, 'srt', ''), /^1\n00:00:01,000 --> 00:00:03,000\n\{\\an8\}Mary: Fish & chips\.\n/);
    assert.equal(readCues(writeCues(cues, 'ass', ''), 'ass')[1]!.speaker, 'John Dashwood');
  });
  it('a text to read has paragraphs by pause and speaker', () => {
    assert.equal(
      writeCues(readCues(SRT, 'srt'), 'txt', ''),
      'John: It was not so. Second line. - And then?\n\nA new scene.\n',
    );
    assert.equal(
      writeCues(readCues(SRT, 'srt'), 'md', 'A *talk*'),
      '# A \\*talk\\*\n\n**[00:01]** John: It was not so. Second line. - And then?\n\n**[00:15]** A new scene.\n',
    );
  });
});

describe('subtitles that do not fit their recording', () => {
  const vocabulary = (
    'the quick brown fox jumps over a lazy dog while seven wise owls watch from old trees and nobody says what ' +
    'they think about rivers mountains cities trains or rain'
  ).split(' ');
  /** A talk of so many words, half a second each, with cues of eight words; every tenth word misheard. */
  const talk = (
    count: number,
    seed = 1,
  ): {
    words: { text: string; startMs: number; endMs: number }[];
    cues: { startMs: number; endMs: number; lines: string[] }[];
  } => {
    let state = seed;
    const random = (): number => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return state / 2_147_483_648;
    };
    const said = Array.from({ length: count }, (_, i) => ({
      text: vocabulary[Math.floor(random() * vocabulary.length)]!,
      startMs: i * 500 + Math.floor(i / 40) * 2000,
      endMs: 0,
    })).map(w => ({ ...w, endMs: w.startMs + 400 }));
    const cues = Array.from({ length: Math.ceil(count / 8) }, (_, n) => said.slice(n * 8, n * 8 + 8)).map(part => ({
      startMs: part[0]!.startMs,
      endMs: part.at(-1)!.endMs,
      lines: [part.map(w => w.text).join(' ')],
    }));
    return { cues, words: said.map(word => (random() < 0.1 ? { ...word, text: 'hm' } : word)) };
  };
  const off = (
    cues: { startMs: number; endMs: number; lines: string[] }[],
    scale: number,
    shiftMs: number,
  ): typeof cues =>
    cues.map(c => ({
      ...c,
      startMs: Math.round((c.startMs - shiftMs) / scale),
      endMs: Math.round((c.endMs - shiftMs) / scale),
    }));

  for (const [name, scale, shiftMs] of [
    ['right already', 1, 0],
    ['late', 1, -3210],
    ['early', 1, 61_500],
    ['a film of 25 frames shown at 23.976', 25 / (24_000 / 1001), 0],
    ['a slow clock', 1.0021, 900],
  ] as const) {
    it(`${name}: found within a tenth of a second`, () => {
      const { words, cues } = talk(1200),
        sync = synchronise(off(cues, scale, shiftMs), words, 'srt')!;
      for (const [n, c] of off(cues, scale, shiftMs).entries())
        assert.ok(
          Math.abs(moved(c.startMs, sync) - cues[n]!.startMs) < 100,
          `cue ${n} is ${moved(c.startMs, sync) - cues[n]!.startMs} ms off, ${JSON.stringify(sync)}`,
        );
    });
  }
  it('a short recording is moved, not stretched', () => {
    const { words, cues } = talk(60),
      sync = synchronise(off(cues, 1, 2500), words, 'srt')!;
    assert.equal(sync.scale, 1);
    assert.ok(Math.abs(sync.shiftMs - 2500) < 150, JSON.stringify(sync));
  });
  it('another text is refused', () => {
    assert.equal(
      synchronise(
        talk(400).cues.map(c => ({ ...c, lines: c.lines.map(line => [...line].reverse().join('')) })),
        talk(400).words,
        'srt',
      ),
      null,
    );
    assert.equal(synchronise([], talk(40).words, 'srt'), null);
  });
  it('goes by characters where there are no spaces', () => {
    const text = '今天天气很好我们一起去公园散步看见许多花和鸟然后坐在湖边喝茶聊天直到太阳下山才慢慢走回家去吃晚饭';
    const words = [...text].map((c, i) => ({ text: c, startMs: 5000 + i * 300, endMs: 5300 + i * 300 }));
    const cues = Array.from({ length: 5 }, (_, n) => ({
      startMs: n * 3000,
      endMs: n * 3000 + 3000,
      lines: [text.slice(n * 10, n * 10 + 10)],
    }));
    assert.ok(Math.abs(synchronise(cues, words, 'srt')!.shiftMs - 5000) < 100);
  });
});

describe('subtitles in another language', () => {
  const made = (source: string, format: 'srt' | 'vtt' | 'ass', texts: string[]): string =>
    translated(
      source,
      format,
      texts.map((text, index) => ({ index, startMs: 0, endMs: 0, nmt: { text, language: 'de' } })),
      USUAL_LIMITS,
    ).text;
  it('keep numbers, times, settings, voices, notes and whole italics', () => {
    assert.equal(
      made(VTT, 'vtt', ['Fisch & Pommes.', 'Nein.']),
      VTT.replace('Fish &amp; chips.', 'Fisch &amp; Pommes.').replace(
        '<v.loud John Dashwood>No.',
        '<v.loud John Dashwood>Nein.',
      ),
    );
    const srt =
      '\ufeff7\r\n00:00:05,000 --> 00:00:06,000 X1:1\r\n<i>Later\r\nin the text.</i>\r\n\r\n8\r\n00:00:01,000 ' +
      '--> 00:00:02,000\r\nFirst.\r\n\r\n9\r\n00:00:07,000 --> 00:00:08,000\r\n♪\r\n';
    assert.equal(
      made(srt, 'srt', ['Zuerst.', 'Später im Text.']),
      srt.replace('Later\r\nin the text.', 'Später im Text.').replace('First.', 'Zuerst.'),
    );
  });
  it('break long lines anew, also where there are no spaces', () => {
    assert.deepEqual(
      inLines('一二三四五六七八九十'.repeat(5)).map(line => line.length),
      [21, 20, 9],
    );
    assert.deepEqual(inLines('A short one.'), ['A short one.']);
    assert.ok(inLines('word '.repeat(40)).every(line => line.length <= 42));
  });
  it('are called by their language', () => {
    assert.deepEqual(
      ['film.de.srt', 'film.pt-BR.forced.vtt', 'film.srt', 'my.great.film.srt', 'film.xx.srt'].map(languageOfName),
      ['de', 'pt-BR', null, null, null],
    );
    assert.deepEqual(stemsOf('/a/film.de.forced.srt'), ['film.de.forced', 'film.de', 'film']);
  });
});
