/**
 * Subtitles as a job's source: each cue is an utterance at its own time, translated and written back where it stood.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { writeOutputs } from '../../daemon/outputs/deliver.ts';
import { MAX_TEXT_BYTES } from '../../daemon/ingest/text.ts';
import type { ModelCard } from '../../schemas/model.ts';
import type { Format } from '../../schemas/words.ts';
import { encodeText } from '../../text/encode.ts';
import { fakeModel, Harness } from './harness.ts';

const SRT =
  '1\n00:00:10,000 --> 00:00:12,000\n<i>First words.</i>\n\n2\n00:00:05,000 --> ' +
  '00:00:06,500\nBefore\nthem.\n\n3\n00:00:20,000 --> 00:00:21,000\n♪\n';

describe('subtitles as a source', { timeout: 180_000 }, () => {
  let harness: Harness;
  afterEach(() => harness.close());

  /** A daemon whose recordings are these bytes, and that writes outputs. */
  async function opened(bytes: string | Uint8Array, model: Partial<ModelCard> = {}): Promise<void> {
    harness = await Harness.open({ models: [fakeModel('n', 'nmt', {}, model)] });
    Object.assign(harness.deps, {
      deliver: (work: Parameters<typeof writeOutputs>[0], signal: AbortSignal) =>
        writeOutputs(work, {
          outputs: harness.outputs,
          ffmpeg: () => '',
          sandboxed: false,
          formats: [],
          signal,
          pcm: '',
        }),
    });
    harness.recording = name => {
      const path = join(harness.recordings, name);
      writeFileSync(path, bytes);
      return path;
    };
  }
  const translatedJob = async (
    name: string,
    formats: Format[],
    text: 'translation' | 'bilingual' = 'translation',
    more = {},
  ) => {
    const [job] = await harness.ended(
      await harness.submit([name], {
        source: 'text',
        language: 'en',
        repair: false,
        translateTo: 'de',
        outputs: { formats, text },
        ...more,
      }),
    );
    return job!;
  };
  const codesOf = (job: { warnings: readonly { code: string }[] }): string[] => job.warnings.map(({ code }) => code);
  const written = (name: string, encoding: BufferEncoding = 'utf8'): string =>
    readFileSync(join(harness.recordings, name), encoding);

  it('keep what is not understood to the letter, and say what was left alone or left out', async () => {
    const ass =
      '[Script Info]\r\nTitle: Film\r\n\r\n[V4+ Styles]\r\nFormat: Name, Fontname\r\n' +
      'Style: Sign,Georgia\r\n\r\n[Events]\r\n' +
      'Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\r\n' +
      'Comment: 0,0:00:00.00,0:00:01.00,Sign,,0,0,0,,a comment\r\n' +
      'Dialogue: 0,0:00:01.00,0:00:02.00,Sign,Anna,0,0,0,,{\\pos(3,4)}Hello, you.\r\n' +
      'Dialogue: 0,0:00:05.00,0:00:06.00,Sign,,0,0,0,,{\\p1}m 0 0 l 100 0{\\p0}\r\n' +
      'Dialogue: 0,0:00:0x.00,0:00:08.00,Sign,,0,0,0,,Late.\r\n';
    await opened(ass);
    const job = await translatedJob('sign.ass', ['ass', 'srt']);
    assert.equal(job.state, 'completed', JSON.stringify(job.failure));
    assert.equal(written('sign.de.ass'), ass.replace('Hello, you.', '[de] Hello, you.').replace('Late.', '[de] Late.'));
    assert.equal(
      written('sign.de.srt'),
      '1\n00:00:01,000 --> 00:00:02,000\nAnna: [de] Hello, you.\n\n2\n00:00:06,000 --> 00:00:08,000\n[de] Late.\n',
    );
    assert.deepEqual(
      job.warnings.map(({ code, args }) => [code, { ...args, path: basename(String(args.path)) }]),
      [
        ['subtitlesUnclear', { path: 'sign.ass', texts: 0, times: 1, generated: 0 }],
        [
          'subtitlesReduced',
          { path: 'sign.de.srt', notes: 1, styles: 1, drawings: 1, texts: 0, formatting: 1, wordTimes: 0 },
        ],
      ],
    );
    assert.deepEqual(
      harness.utterances(job).map(each => each.speaker),
      ['Anna', undefined],
    );
  });

  it('are read in the encoding that they are in, and the job says which was guessed', async () => {
    const text = '1\n00:00:01,000 --> 00:00:02,000\nCaf\xe9 ol\xe9.\n';
    await opened(Buffer.from(text, 'latin1'));
    const job = await translatedJob('cafe.srt', ['srt'], 'bilingual');
    assert.equal(written('cafe.en-de.srt', 'latin1'), '1\n00:00:01,000 --> 00:00:02,000\nCafé olé.\n[de] Café olé.\n');
    assert.deepEqual(
      job.warnings.map(({ code, args }) => [code, args.encoding]),
      [['textDecoded', 'windows-1252']],
    );
  });

  it('are written in the encoding that they are in, and in UTF-8 where it lacks a character', async () => {
    const cue = (words: string): string => `1\r\n00:00:01,000 --> 00:00:02,000\r\n${words}\r\n`;
    await opened(Buffer.from(cue('Café olé.'), 'latin1'));
    const kept = await translatedJob('old.srt', ['srt', 'vtt']);
    assert.deepEqual(
      readFileSync(join(harness.recordings, 'old.de.srt')),
      Buffer.from(cue('[de] Café olé.'), 'latin1'),
    );
    assert.match(written('old.de.vtt'), /Café/);
    assert.deepEqual(codesOf(kept), ['textDecoded']);
    await harness.close();
    await opened(encodeText(`\ufeff${cue('Good morning.')}`, 'utf-16be')!);
    await translatedJob('wide.srt', ['srt']);
    assert.deepEqual(
      readFileSync(join(harness.recordings, 'wide.de.srt')),
      Buffer.from(encodeText(`\ufeff${cue('[de] Good morning.')}`, 'utf-16be')!),
    );
    await harness.close();
    await opened(Buffer.from(cue('D\xeckuji.'), 'latin1'));
    const chosen = await translatedJob('chosen.srt', ['srt'], 'translation', { encoding: 'cp1250' });
    assert.equal(chosen.state, 'completed', JSON.stringify(chosen.failure));
    assert.deepEqual(codesOf(chosen), []);
    assert.deepEqual(
      readFileSync(join(harness.recordings, 'chosen.de.srt')),
      Buffer.from(cue('[de] D\xeckuji.'), 'latin1'),
    );
    const other = await translatedJob('other.srt', ['srt'], 'translation', { encoding: 'iso-2022-jp' });
    assert.deepEqual(codesOf(other), ['textEncoded']);
    await assert.rejects(
      translatedJob('none.srt', ['srt'], 'translation', { encoding: 'nonsense' }),
      /unknownEncoding/,
    );
  });
  it('whose numbers a program changes or drops stay as they were, and the job says so', async () => {
    const cue = (...words: string[]): string =>
      words.map((each, n) => `${n + 1}\n00:00:0${n},000 --> 00:00:0${n},900\n${each}\n`).join('\n');
    const careless = "console.log('(' + process.argv[1].replace('3', '8').replace('1,250 dollars', 'money') + ')')";
    await opened(cue('Take 3 pills a day.', 'It costs 1,250 dollars.', 'It is 5 o’clock.'), {
      engine: 'command',
      parameters: { argv: JSON.stringify([process.execPath, '-e', careless, '--', '{text}']) },
    });
    const job = await translatedJob('doses.srt', ['srt']);
    assert.equal(job.state, 'completed', JSON.stringify(job.failure));
    assert.deepEqual(
      job.warnings.map(({ code, args }) => [code, args]),
      [['notTranslated', { count: 2, numbers: 2 }]],
    );
    assert.equal(
      written('doses.de.srt'),
      cue(
        '[not translated:\nnumbers] Take 3 pills a day.',
        '[not translated: numbers]\nIt costs 1,250 dollars.',
        '(It is 5 o’clock.)',
      ),
    );
  });
  it('that are no text, too large or changed meanwhile are named as what they are', async () => {
    await opened(Buffer.from([0x50, 0x4b, 3, 4, 0, 0, 0]));
    assert.deepEqual((await translatedJob('zip.srt', ['srt'])).failure?.code, 'notText');
    await harness.close();
    await opened(Buffer.alloc(MAX_TEXT_BYTES + 1, 'a'));
    assert.deepEqual((await translatedJob('large.srt', ['srt'])).failure, {
      code: 'textTooLarge',
      args: { path: join(harness.recordings, 'large.srt'), mostBytes: MAX_TEXT_BYTES },
    });
    await harness.close();
    await opened(SRT);
    const deliver = harness.deps.deliver;
    Object.assign(harness.deps, {
      deliver: (...given: Parameters<typeof deliver>) => {
        writeFileSync(join(harness.recordings, 'film.srt'), SRT.replace('First', 'Other'));
        return deliver(...given);
      },
    });
    const job = await translatedJob('film.srt', ['srt']);
    assert.deepEqual(
      job.warnings.map(({ code }) => code),
      ['recordingChanged'],
    );
    assert.match(written('film.de.srt'), /\[de\] First words\./);
  });

  it('are translated cue by cue, and keep their times', async () => {
    await opened(SRT);
    const [job] = await harness.ended(
      await harness.submit(['film.srt'], {
        source: 'text',
        repair: false,
        translateTo: 'de',
        outputs: { formats: ['srt', 'vtt'], text: 'translation' },
      }),
    );
    assert.equal(job!.state, 'completed', JSON.stringify(job!.failure));
    assert.deepEqual(
      harness.utterances(job!).map(u => [u.startMs, u.endMs, u.asr!.text, u.nmt!.text]),
      [
        [5000, 6500, 'Before them.', '[de] Before them.'],
        [10_000, 12_000, 'First words.', '[de] First words.'],
      ],
    );
    assert.equal(
      readFileSync(join(harness.recordings, 'film.de.srt'), 'utf8'),
      SRT.replace('First words.', '[de] First words.').replace('Before\nthem.', '[de] Before them.'),
    );
    assert.match(
      readFileSync(join(harness.recordings, 'film.de.vtt'), 'utf8'),
      /^WEBVTT\n\n00:00:10\.000 --> 00:00:12\.000\n<i>\[de\] First words\.<\/i>\n\n00:00:05\.000/,
    );
  });

  it('without a word in them say so', async () => {
    harness = await Harness.open({ models: [fakeModel('n', 'nmt')] });
    const [job] = await harness.ended(
      await harness.submit(['film.vtt'], { source: 'text', repair: false, translateTo: 'de' }),
    );
    assert.deepEqual([job!.state, job!.failure?.code], ['failed', 'noWords']);
  });
});
