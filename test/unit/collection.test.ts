/** Many recordings in one document: a summary with links, a combined text or subtitle, a table of utterances. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { combined } from '../../text/transcripts/combined.ts';
import type { Job, Transcript } from '../../schemas/job.ts';
import { summary, utterancesCsv, type Collected } from '../../text/messages/collection.ts';
import { job } from './cli/jobs.ts';

const said = (name: string, texts: string[], durationMs: number | null = 10_000): Collected => {
  const base = job(),
    recording = { ...base.recording, name, path: `/r/${name}`, durationMs };
  const transcript: Transcript = {
    earshot: 1,
    recording: { path: recording.path, name, durationMs },
    language: 'en',
    translatedTo: null,
    models: {},
    warnings: [],
    utterances: texts.map((text, index) => ({
      index,
      startMs: index * 2000,
      endMs: index * 2000 + 1500,
      asr: { text, words: [], language: 'en', languageProbability: 1 },
    })),
  };
  return {
    job: {
      ...base,
      recording,
      language: 'en',
      state: 'completed',
      failure: null,
      outputs: [{ kind: 'srt', path: `/r/out/${name}.srt`, bytes: 1 }],
    } as Job,
    transcript,
  };
};
const wayTo = (path: string): string => path.replace('/r/', '');

test('the summary: a row each, with links that survive odd names, and what went wrong', () => {
  const failed = said('b.wav', []);
  failed.job = {
    ...failed.job,
    state: 'failed',
    failure: { code: 'notMedia', args: { path: '/r/b.wav' } },
    outputs: [],
    language: null,
  };
  const text = summary(
    [said('a|b [1] <x>.wav', ['Good | morning.', '<b>All</b>\nof you']), failed, said('silence.wav', [], 3_600_000)],
    { locale: 'en', wayTo },
  );
  const lines = text.split('\n');
  assert.equal(lines[0], '# Transcripts');
  assert.equal(lines[2], '3 recordings, 1:00:20');
  assert.equal(
    lines[6],
    '| [a\\|b \\[1\\] \\<x\\>.wav](<a%7Cb%20%5B1%5D%20%3Cx%3E.wav>) | 0:10 | English | Good \\| morning. ' +
      '\\<b\\>All\\</b\\> of you | [srt](<out/a%7Cb%20%5B1%5D%20%3Cx%3E.wav.srt>) |',
  );
  assert.match(lines[7]!, /\| \*\*failed\*\*: \/r\/b\.wav is not an audio or video file/);
  assert.match(lines[8]!, /\| 1:00:00 \| English \| \(no speech\) \|/);
  for (const line of lines.slice(4, 9)) assert.equal(line.replaceAll('\\|', '').split('|').length, 7, line);
  const long = summary([said('a.wav', ['word '.repeat(200)])], { locale: 'zh-cn', wayTo });
  assert.match(long, /^# 转写文本/);
  assert.ok(/word … \|/.test(long) && !long.includes('wo …'));
});

test('the table of utterances opens in a spreadsheet and runs nothing there', () => {
  const evil = [
    '=HYPERLINK("http://x")',
    '+1',
    '-2',
    '@SUM(A1)',
    ' =1+1',
    '\t=1',
    '＝1',
    'plain, with "quotes"',
    'and; semicolon',
    'two\r\nlines',
    '1-2 fine',
  ];
  const csv = utterancesCsv([said('=cmd.wav', evil)]);
  assert.ok(
    csv.startsWith('\ufeffrecording,path,utterance,start,end,language,text,translation,failed\r\n') &&
      csv.endsWith('\r\n'),
  );
  const rows = parse(csv.slice(1));
  assert.equal(rows.length, evil.length + 1);
  for (const row of rows) {
    assert.equal(row.length, 9);
    for (const value of row) assert.doesNotMatch(value, /^[\s\u00a0]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/u);
  }
  assert.deepEqual(
    rows.slice(1).map(row => row[6]),
    [
      '\'=HYPERLINK("http://x")',
      "'+1",
      "'-2",
      "'@SUM(A1)",
      "' =1+1",
      "'\t=1",
      "'＝1",
      'plain, with "quotes"',
      'and; semicolon',
      'two\r\nlines',
      '1-2 fine',
    ],
  );
  assert.deepEqual(rows[2]!.slice(0, 6), ["'=cmd.wav", '/r/=cmd.wav', '1', '2.000', '3.500', 'en']);
});

test('combined: subtitles go on where the recording before ends, texts stand under their names', () => {
  const both = [
      said('a.wav', ['One.'], 10_000).transcript,
      said('b.wav', ['Two.'], null).transcript,
      said('c.wav', ['Three.']).transcript,
    ],
    empty = said('no.wav', []).transcript;
  const srt = combined(both, 'srt', { text: 'original' });
  assert.deepEqual(
    [...srt.matchAll(/^(\d\d:\d\d:\d\d),\d{3} -->/gm)].map(match => match[1]),
    ['00:00:00', '00:00:10', '00:00:11'],
  );
  assert.equal(combined([empty], 'srt', { text: 'original' }), '');
  assert.match(combined([empty, both[0]!], 'srt', { text: 'original' }), /^1\n00:00:10/);
  assert.match(srt, /^1\n[\s\S]*\n\n2\n[\s\S]*\n\n3\n/);
  assert.match(combined(both, 'txt', { text: 'original' }), /^a\.wav\n=====\n\nOne\.\n\n\nb\.wav\n=====\n\nTwo\.\n/);
  assert.deepEqual(
    [...combined(both, 'md', { text: 'original' }).matchAll(/^# (.*)$/gm)].map(match => match[1]),
    ['a.wav', 'b.wav', 'c.wav'],
  );
  assert.match(combined(both, 'vtt', { text: 'original' }), /^WEBVTT\n/);
});

/** RFC 4180. */
function parse(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    rows.at(-1)!.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    if (end === '\r\n') rows.push([]);
  }
  return rows.slice(0, -1);
}

test('one recording is one, a title is that of whoever asked, times are added up', () => {
  const one = summary([said('a.wav', ['A\u2028b', 'c   d'], null)], { locale: 'en', title: 'My *talk*', wayTo });
  assert.match(one, /^# My \\\*talk\\\*\n\n1 recording, 0:00\n/);
  assert.match(one, /\|  \| English \| A b c d \|/);
  const failed = said('b.wav', ['Some words']);
  failed.job = { ...failed.job, state: 'cancelled', outputs: [], language: null };
  assert.match(
    summary([failed, said('c.wav', ['x'], 5_000)], { locale: 'en', wayTo }),
    /^# Transcripts\n\n2 recordings, 0:15\n[^]*\| \*\*canceled\*\* Some words \|  \|/,
  );
  const just = 'abcde '.repeat(20).trim();
  assert.ok(!summary([said('a.wav', [just])], { locale: 'en', wayTo }).includes('…'));
  assert.match(summary([said('a.wav', [`${just} fghij`])], { locale: 'en', wayTo }), /\| (abcde ){19,20}… \|/);
  assert.ok(summary([said('a.wav', [`${'a'.repeat(119)}😀`])], { locale: 'en', wayTo }).isWellFormed());
});
