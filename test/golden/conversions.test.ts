/**
 * Subtitles as people really have them, into every format, and what is found wrong with them, against stored ones.
 * After a wanted change: EARSHOT_GOLDEN=write node --test test/golden/conversions.test.ts, then read the difference.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { combined } from '../../text/transcripts/combined.ts';
import { sameCues } from '../../text/transcripts/same-cues.ts';
import { check, formatted, sorted, type Limits } from '../../text/subtitles/check.ts';
import { readCues, SUBTITLE_FORMATS, writeCues, type SubtitleFormat } from '../../text/subtitles/convert.ts';
import { parseSubtitles, scenesOf, speakersOf, type SubtitleKind } from '../../text/subtitles/parse.ts';
import { readSpeech } from '../../text/subtitles/units.ts';
import type { Transcript } from '../../schemas/job.ts';
import { dialogue, english, scripts, silent, spanish, translations } from './transcripts.ts';

const folder = join(import.meta.dirname, 'formats');
function compare(name: string, made: string): void {
  const path = join(folder, name);
  if (process.env.EARSHOT_GOLDEN === 'write') writeFileSync(path, made);
  assert.equal(made, readFileSync(path, 'utf8'));
}

const SRT = `
0
00:00:01,000 --> 00:00:03,000
{\\an8}<i>Mary:</i> Hello & <font color="#fff">welcome</font>.

lost between

00:00:02,500 --> 00:00:02,000 X1:1
- Yes.
- No, I would rather not do that today, if you will let me stay.

7
0:0:4.5 --> 00:00:05,100
This one line has far too many characters for the time that it is on the screen, and for its width.
8
00:00:05,120 --> 00:00:05,900
One, two, three, four and five, six,
seven, eight
nine
ten
00:00:05,500 --> 00:00:09,000
{\\a7}

12
00:00:09:000 --> 00:00:10,000
张伟：你好，我们今天在这里见面，是为了讨论一件非常非常重要的事情，请大家认真听。

13
00:00:30,000 --> xx
Never.

Chapter
01:00:00,000 --> 01:00:02,000
Much later   
`;
const VTT = `\ufeffWEBVTT - a title

NOTE
about it
all

STYLE
::cue { color: red }

REGION
id:fred

intro
00:01.000 --> 00:03.000 line:0 align:start
<v.loud Mary Ann>Fish &amp; <c.x>chips</c> &lt;b&gt; &nbsp;.</v>

00:02.000 --> 00:04.000 line:90%
<v John>No.
<i>Well</i>

NOTES are no notes
00:00:04.000-->00:00:04.000 region:fred
<b>Zero</b>

3
00:00:06.000  -->  00:00:07.5
&lrm;Right&rlm; &copy;
`;
const ASS = `\ufeff[Script Info]
Title: x
Dialogue: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,not here

[V4+ Styles]
Format: Name, Fontname
Style: Default,Arial

[EVENTS]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,nor this
Dialogue: 0,0:00:05.50,0:00:07.00,Default,Ann,0,0,0,,{\\i1}Late{\\i0}, with, commas\\Nand {\\b1\\u1}more{\\u0\\b0}\\hhere
Dialogue: 0,0:00:01.05,0:00:02.5,Default,,0,0,0,,{\\an8}Early\\none
Dialogue: 0,0:00:0x.00,0:00:02.50,Default,,0,0,0,,broken
Dialogue: 0,1:01:01.123,1:01:02.00,Default,Bob,0,0,0,,{\\pos(1,2)}a \\\u2060Nb
`;

describe('conversions', () => {
  for (const [name, text, from] of [
    ['messy', SRT, 'srt'],
    ['notes', VTT, 'vtt'],
    ['styled', ASS, 'ass'],
  ] as [string, string, SubtitleFormat][])
    for (const to of [...SUBTITLE_FORMATS, 'txt', 'md'] as const)
      test(`${name}.${from} into ${to}`, () =>
        compare(`${name}.${from}.${to}`, writeCues(readCues(text, from), to, 'A\ttitle, *or* not')));

  test('what is read aloud of them', () => {
    const lines = (text: string, format: SubtitleFormat): string =>
      readSpeech(text, format)
        .units.map(unit => `${unit.startMs}-${unit.endMs} ${unit.text}`)
        .join('\n');
    compare('spoken.txt', `${lines(SRT, 'srt')}\n\n${lines(VTT, 'vtt')}\n\n${lines(ASS, 'ass')}\n`);
  });
});

describe('problems of subtitles', () => {
  const report = (text: string, kind: SubtitleKind, limits?: Limits): string =>
    check(parseSubtitles(text, kind), limits)
      .map(({ code, line, from, to, args, fix }) =>
        [
          `${line + 1}:${from + 1}-${to + 1} ${code} ${args.join(', ')}`.trim(),
          ...(fix
            ? [`    lines ${fix.from + 1} to ${fix.to + 1} become`, ...fix.lines.map(each => `      |${each}`)]
            : []),
        ].join('\n'),
      )
      .join('\n');
  for (const [name, text, kind] of [
    ['messy', SRT, 'srt'],
    ['notes', VTT, 'vtt'],
  ] as [string, string, SubtitleKind][]) {
    test(`${name}: found`, () => compare(`${name}.problems.txt`, `${report(text, kind)}\n`));
    test(`${name}: found under narrow limits`, () =>
      compare(`${name}.narrow.txt`, `${report(text, kind, { charactersPerSecond: 12, lineLength: 30, lines: 1 })}\n`));
    test(`${name}: formatted`, () => compare(`${name}.formatted.${kind}`, formatted(text, kind)));
    test(`${name}: sorted`, () => compare(`${name}.sorted.${kind}`, sorted(text, kind)));
    test(`${name}: its parts`, () => {
      const parsed = parseSubtitles(text, kind);
      const parts = {
        others: parsed.others,
        cues: parsed.cues.map(({ lines, ...cue }) => ({ ...cue, lines: lines.length })),
        speakers: speakersOf(parsed),
        scenes: scenesOf(parsed).map(scene => scene.length),
        quick: scenesOf(parsed, 500).map(scene => scene.length),
      };
      compare(
        `${name}.parts.txt`,
        `${Object.entries(parts)
          .map(([key, all]) => `${key}\n${all.map(each => `  ${JSON.stringify(each)}`).join('\n')}`)
          .join('\n')}\n`,
      );
    });
  }
});

describe('many recordings in one', () => {
  const all: Transcript[] = [
    english,
    silent,
    { ...spanish, recording: { ...spanish.recording, durationMs: null } },
    { ...silent, recording: { ...silent.recording, durationMs: null } },
    dialogue,
  ];
  for (const format of ['srt', 'vtt', 'ass', 'txt', 'md'] as const)
    test(`as ${format}`, () => compare(`combined.${format}`, combined(all, format, { text: 'bilingual' })));
  test('none at all', () => {
    assert.equal(combined([], 'srt', { text: 'original' }), '');
    assert.match(combined([], 'ass', { text: 'original' }), /^Title: $/m);
  });
});

describe('subtitles that were made from subtitles', () => {
  for (const [name, transcript] of [
    ['translations', translations],
    ['scripts', scripts],
  ] as const)
    for (const text of ['original', 'translation', 'bilingual'] as const)
      test(`${name} ${text}`, () => compare(`same.${name}.${text}.srt`, sameCues(transcript, 'srt', text)));
});
