/**
 * Whoever writes a text cannot make its readers think for long: texts that patterns and loops could stumble over, as
 * large as they are taken, are read in a time that grows with their length.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readTextPieces } from '../../daemon/ingest/long-text.ts';
import { factsOf } from '../../daemon/ingest/recording.ts';
import { parseJson } from '../../daemon/system/json.ts';
import { cutText, readPieces } from '../../daemon/ingest/text.ts';
import { unitsOf } from '../../daemon/repair/units.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { MAX_REQUEST_PARTS } from '../../schemas/rpc.ts';
import { parseGlossary, withTerm } from '../../text/glossary.ts';
import { recordingLinks } from '../../text/links.ts';
import { check, formatted, inLines, sorted } from '../../text/subtitles/check.ts';
import { readCues, writeCues } from '../../text/subtitles/convert.ts';
import { parseSubtitles, speakersOf } from '../../text/subtitles/parse.ts';
import { atomsOf } from '../../text/transcripts/atoms.ts';
import { tokens } from '../../text/transcripts/align.ts';
import { failsWith } from '../fixtures/fails-with.ts';
import { cpuMsOf } from './cpu.ts';

/** Of the processor, whatever else the machine does. In one pass each of these takes some milliseconds. */
const MOST_MS = 400;

function linear(name: string, texts: readonly string[], read: (text: string) => unknown): void {
  test(name, () => {
    for (const text of texts) {
      const ms = cpuMsOf(() => read(text), MOST_MS);
      assert.ok(ms < MOST_MS, `${Math.round(ms)} ms for ${JSON.stringify(text.slice(0, 40))}… of ${text.length}`);
    }
  });
}

const cue = (text: string, times = '00:00:01.000 --> 00:00:02.000'): string => `WEBVTT\n\n${times}\n${text}\n`;
const K = 1024;

describe('glossaries', () => {
  const lines = [
    `a${' '.repeat(20 * K)}x(`,
    `a${' '.repeat(10 * K)}(${' '.repeat(10 * K)}b`,
    'a（'.repeat(20 * K),
    `${'a（b）'.repeat(10 * K)}(`,
  ];
  linear('a line', lines, text => assert.throws(() => parseGlossary(`${text}=`, 'terms.txt')));
  linear(
    'a list or a table of Markdown',
    [
      ...lines.map(line => `- ${line}`),
      `- ${'<!--'.repeat(40 * K)}`,
      `- ${'*a '.repeat(20 * K)}`,
      `- ${' **a _b `c __d'.repeat(10 * K)}`,
      `-${' '.repeat(100 * K)}[ ]`,
      '| a | b |\n'.repeat(20 * K),
      `${'\n'.repeat(200 * K)}-`,
    ],
    text => [parseGlossary(text, 'terms.md'), withTerm(text, 'terms.md', 'new')],
  );
  linear('a table of a spreadsheet', ['"'.repeat(200 * K), 'a,'.repeat(100 * K), '\n\r'.repeat(100 * K)], text => {
    try {
      parseGlossary(`term,aliases\n${text}`, 'terms.csv');
    } catch (error) {
      assert.ok(error instanceof EarshotError, String(error));
    }
  });
});

linear(
  'links in Markdown',
  [
    '`'.repeat(200 * K),
    '`a``b'.repeat(40 * K),
    Array.from({ length: 600 }, (_, n) => '`'.repeat(n)).join(' '),
    '](a '.repeat(50 * K),
    '](a ('.repeat(40 * K),
    '](a "'.repeat(40 * K),
    `](${'(a'.repeat(100 * K)}`,
    `](a${' '.repeat(200 * K)}x`,
    '](<'.repeat(60 * K),
    '](\\)'.repeat(50 * K),
    `${'](]'.repeat(60 * K)}<`,
    `${'](a(b)'.repeat(40 * K)} x`,
  ],
  recordingLinks,
);

describe('subtitles', () => {
  const texts = [
    `<v ${' '.repeat(40 * K)}`,
    `<v ${'a '.repeat(20 * K)}`,
    '<v'.repeat(100 * K),
    '{\\an8'.repeat(40 * K),
    `${'word '.repeat(40 * K)}`,
    'a long line of words that does not fit, and more of them\n'.repeat(3 * K),
    '字'.repeat(60 * K),
    '字\n'.repeat(60 * K),
    '-'.repeat(200 * K),
    '&amp'.repeat(50 * K),
    'A B C '.repeat(30 * K),
  ];
  const whole = [
    ...texts.map(text => cue(text)),
    '\n'.repeat(200 * K),
    '1\n'.repeat(100 * K),
    '-->\n'.repeat(50 * K),
    `${' '.repeat(200 * K)}-->`,
    `${'1'.repeat(200 * K)} -->`,
    `00:00:01.000 -->${' '.repeat(200 * K)}`,
    'NOTE\n'.repeat(50 * K),
  ];
  for (const kind of ['srt', 'vtt'] as const) {
    linear(`read (${kind})`, whole, text => speakersOf(parseSubtitles(text, kind)));
    linear(`checked (${kind})`, whole, text => check(parseSubtitles(text, kind)));
    linear(`formatted and sorted (${kind})`, whole, text => [formatted(text, kind), sorted(text, kind)]);
    linear(`made into other formats (${kind})`, whole, text => {
      const cues = readCues(text, kind);
      for (const to of ['srt', 'vtt', 'ass', 'txt', 'md'] as const) writeCues(cues, to, 'title');
    });
  }
  const event = (text: string): string =>
    `[Events]\nFormat: Start, End, Text\nDialogue: 0:00:01.00,0:00:02.00,${text}\n`;
  linear(
    'of SubStation',
    [
      ...texts.map(text => event(text.replaceAll('\n', '\\N'))),
      event(`{${'\\a7'.repeat(60 * K)}`),
      event(`{${'\\i1'.repeat(60 * K)}x}`),
      `[Events]\nFormat:${' '.repeat(200 * K)}`,
      `[Events]\nFormat: ${'a,'.repeat(100 * K)}`,
      `[Events]\nDialogue:${' '.repeat(200 * K)}\n`,
    ],
    text => readCues(text, 'ass'),
  );
  linear('broken into lines', [...texts, `x${' '.repeat(200 * K)}y`], text => inLines(text));
});

describe('what was said', () => {
  linear('a word of marks only, however long', [')'.repeat(40 * K), '-'.repeat(40 * K), '.'.repeat(40 * K)], text => {
    const zeros = Array<number>(text.length).fill(0);
    atomsOf(text, 'en', { startMs: zeros, endMs: zeros });
    unitsOf(text, []);
    tokens(`a${text}`);
  });
  linear('a text that ends in blanks', [`a${' '.repeat(200 * K)}`], tokens);
  linear('a text of empty lines', ['\n'.repeat(100 * K), ' \n'.repeat(50 * K), '\n \n a'.repeat(20 * K)], text =>
    cutText(text, 'en'),
  );
});

describe('messages of clients', () => {
  const M = K * K;
  linear(
    'of nothing but brackets and commas',
    [`${'['.repeat(10 * M)}${']'.repeat(10 * M)}`, `[${'{},'.repeat(6 * M)}1]`, `{"a":[${'1,'.repeat(10 * M)}1]}`],
    text => {
      for (const most of [undefined, MAX_REQUEST_PARTS])
        assert.throws(() => parseJson(Buffer.from(text), most), SyntaxError);
    },
  );
  const n = MAX_REQUEST_PARTS / 2 - 2;
  linear(
    'of as many parts as a request may have',
    [
      `${'['.repeat(n)}${']'.repeat(n)}`,
      `[${'{},'.repeat(n)}1]`,
      `{${Array.from({ length: n }, (_, i) => `"k${i}":1`).join(',')}}`,
    ],
    text => parseJson(Buffer.from(text), MAX_REQUEST_PARTS),
  );
  test('sound is one text, however long', () => {
    const audio = 'A'.repeat(15 * M);
    assert.deepEqual(parseJson(Buffer.from(JSON.stringify({ type: 'append', audio }))), { type: 'append', audio });
  });
});

test('a long text holds up nobody, and says the same', { timeout: 60_000 }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-long-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'long.srt'),
    clock = (n: number): string => new Date(n * 1000).toISOString().slice(11, 19);
  writeFileSync(
    path,
    Array.from(
      { length: 3_000 },
      (_, n) => `${n + 1}\n${clock(n)},000 --> ${clock(n)},900\n- <i>Yes</i>.\n- No.\n`,
    ).join('\n'),
  );
  const facts = await factsOf(path),
    before = process.threadCpuUsage(),
    read = await readTextPieces(path, { language: 'en' }, facts),
    { user, system } = process.threadCpuUsage(before);
  assert.ok((user + system) / 1000 < 200, `${(user + system) / 1000} ms of this thread`);
  assert.deepEqual(read, await readPieces(path, { language: 'en' }, facts));
  writeFileSync(path, '\0'.repeat(100 * K));
  await assert.rejects(readTextPieces(path, { language: 'en' }, await factsOf(path)), failsWith('notText'));
});
