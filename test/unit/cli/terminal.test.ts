import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clean, cleanLines, painter } from '../../../cli/terminal.ts';
import { bar, cut, fit, fitEnd, pad, table, width, wrap } from '../../../cli/layout.ts';

test('nothing from outside steers the terminal', () => {
  assert.equal(clean('a\u001b[31mred\u001b[0m\u0007 b\r\nc\td'), 'a�[31mred�[0m� b c d');
  assert.equal(clean('\u009b2J \u202efdp.exe \u2066x\u2069'), '�2J �fdp.exe �x�');
  assert.equal(cleanLines('one\r\n\u001b]0;title\u0007two'), 'one\n�]0;title�two');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      assert.doesNotMatch(clean(text), /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
      assert.doesNotMatch(cleanLines(text), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    }),
  );
});

test('widths are columns, not characters', () => {
  assert.equal(width('识别 ok'), 7);
  assert.equal(pad('识别', 6), '识别  ');
  assert.equal(fit('识别完成了', 6), '识别…');
  assert.equal(fit('👩‍👩‍👧 family', 5), '👩‍👩‍👧 f…');
  assert.equal(fitEnd('a/long/path/talk.wav', 9), '…talk.wav');
  assert.equal(fit('short', 10), 'short');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 40 }), (text, columns) => {
      const safe = clean(text);
      assert.ok(width(fit(safe, columns)) <= columns, JSON.stringify([safe, fit(safe, columns)]));
      assert.ok(width(fitEnd(safe, columns)) <= columns);
    }),
  );
});

test('a painted line is cut with its colours closed', () => {
  const painted = painter({ isTTY: true } as NodeJS.WriteStream, { TERM: 'xterm' })('red', 'abcdefgh');
  assert.equal(width(cut(painted, 4)), 4);
  assert.ok(cut(painted, 4).endsWith('\u001b[39m'));
});

test('colours only where they are wanted', () => {
  const colours = (env: NodeJS.ProcessEnv, isTTY: boolean): boolean =>
    painter({ isTTY } as NodeJS.WriteStream, env)('red', 'x') !== 'x';
  assert.deepEqual(
    [
      colours({}, true),
      colours({ NO_COLOR: '1' }, true),
      colours({ TERM: 'dumb' }, true),
      colours({}, false),
      colours({ FORCE_COLOR: '1' }, false),
      colours({ NO_COLOR: '1', FORCE_COLOR: '1' }, false),
    ],
    [true, false, false, false, true, false],
  );
});

test('text is wrapped under itself, also without blanks', () => {
  assert.deepEqual(wrap('one two three four', 24, 8), ['one two three four'.slice(0, 18)]);
  assert.deepEqual(wrap('alpha beta gamma delta', 28, 8), ['alpha beta gamma', '        delta']);
  const chinese = wrap('这是一个没有空格的很长的句子它应该在列的末尾换行', 30, 8);
  assert.ok(chinese.length >= 2 && chinese.every(line => width(line) <= 30));
});

test('a table keeps to the width by cutting what may give', () => {
  const rows = [
    ['aaa', 'a very long name of a recording.wav', '12'],
    ['b', '识别识别识别识别识别识别识别识别', '7'],
  ];
  const lines = table(
    [{ title: 'ID' }, { title: 'NAME', give: true }, { title: 'N', align: 'right' }],
    rows,
    30,
    text => text,
  );
  assert.equal(lines.length, 3);
  for (const line of lines) assert.ok(width(line) <= 30, line);
  assert.match(lines[1]!, /…  12$/);
  assert.match(lines[2]!, /…\s+7$/);
});

test('a table leaves out what may be dropped before anything is wider than the terminal', () => {
  const columns = [
      { title: 'MODEL' },
      { title: 'LANGUAGES', give: true },
      { title: 'NOTHING', drop: 0 },
      { title: 'USED', drop: 1 },
      { title: 'LICENSE', give: true, drop: 2 },
      { title: '' },
    ],
    rows = [['qwen2.5-coder-0.5b-instruct', 'en de fr es it', '', 'yesterday', 'Apache-2.0', '']];
  const at = (total: number): string[] => {
    const lines = table(columns, rows, total, text => text);
    for (const line of lines) assert.ok(width(line) <= total, line);
    return lines[0]!.split(/ +/);
  };
  assert.deepEqual(at(80), ['MODEL', 'LANGUAGES', 'NOTHING', 'USED', 'LICENSE']);
  assert.deepEqual(at(65), ['MODEL', 'LANGUAGES', 'USED', 'LICENSE']);
  assert.deepEqual(at(48), ['MODEL', 'LANGUAGES', 'LICENSE']);
  assert.deepEqual(at(45), ['MODEL', 'LANGUAGES']);
});

test('bars', () => {
  assert.equal(bar(0, 4), '░░░░');
  assert.equal(bar(1, 4), '████');
  assert.equal(bar(0.5, 4), '██░░');
  assert.equal(bar(0.55, 4), '██▎░');
  assert.equal(bar(7, 2), '██');
  fc.assert(
    fc.property(fc.double({ min: -1, max: 2, noNaN: true }), fc.integer({ min: 1, max: 60 }), (share, columns) => {
      assert.equal(width(bar(share, columns)), columns);
    }),
  );
});
