/**
 * Rendered documents against stored ones. After a wanted change: EARSHOT_GOLDEN=write node --test
 * test/golden/formats.test.ts, then read the difference.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Value } from 'typebox/value';
import { cuesOf, type Cue } from '../../text/transcripts/cues.ts';
import { render } from '../../text/transcripts/render.ts';
import { passagesOf } from '../../text/transcripts/passages.ts';
import { columns } from '../../text/subtitles/width.ts';
import { Transcript } from '../../schemas/job.ts';
import { TEXT_FORMATS, type TextFormat } from '../../schemas/words.ts';
import {
  chinese,
  dialogue,
  english,
  hostile,
  paces,
  scripts,
  silent,
  spanish,
  talk,
  translations,
  utterance,
} from './transcripts.ts';

type Text = 'original' | 'translation' | 'bilingual';
const golden = (name: string, transcript: Transcript, text: Text, formats: readonly TextFormat[]): void => {
  for (const format of formats)
    test(`${name} ${text} ${format}`, () => {
      const made = render(transcript, format, { text }),
        path = join(import.meta.dirname, 'formats', `${name}.${text}.${format}`);
      if (process.env.EARSHOT_GOLDEN === 'write') writeFileSync(path, made);
      assert.equal(made, readFileSync(path, 'utf8'));
    });
};

describe('documents', () => {
  golden('english', english, 'original', TEXT_FORMATS);
  golden('spanish', spanish, 'translation', ['srt', 'txt', 'md']);
  golden('spanish', spanish, 'bilingual', ['srt', 'vtt', 'ass', 'txt', 'md', 'html', 'csv', 'ttml', 'fcpxml', 'edl']);
  golden('chinese', chinese, 'original', ['srt', 'txt']);
  golden('hostile', hostile, 'original', ['srt', 'vtt', 'ass', 'md', 'txt', 'html', 'csv', 'ttml', 'fcpxml', 'edl']);
  golden('silent', silent, 'original', TEXT_FORMATS);
  golden('dialogue', dialogue, 'original', ['srt', 'vtt', 'ass', 'txt', 'md', 'html', 'csv', 'ttml']);
  golden('paces', paces, 'original', ['srt', 'ass', 'txt', 'md']);
  golden('translations', translations, 'translation', ['srt', 'txt']);
  golden('translations', translations, 'bilingual', ['srt', 'md']);
  golden('scripts', scripts, 'original', ['srt']);
  golden('scripts', scripts, 'translation', ['srt', 'txt']);
  golden('scripts', scripts, 'bilingual', ['srt', 'txt']);
  golden('talk', talk, 'original', ['json', 'srt', 'txt', 'md']);
});

describe('what holds for every document', () => {
  test('json is the transcript again, and its schema', () => {
    for (const transcript of [english, spanish, chinese, hostile, silent, dialogue]) {
      const parsed: unknown = JSON.parse(render(transcript, 'json', { text: 'original' }));
      assert.deepEqual(parsed, JSON.parse(JSON.stringify(transcript)));
      assert.ok(Value.Check(Transcript, parsed));
    }
  });
  test('a translation that was not asked for shows the original', () =>
    assert.equal(render(english, 'txt', { text: 'translation' }), render(english, 'txt', { text: 'original' })));
  test('a job that still runs shows what is there', () => {
    const running: Transcript = {
      ...english,
      utterances: [english.utterances[4]!, { index: 1, startMs: 40_000, endMs: 45_000 }],
    };
    assert.equal(render(running, 'txt', { text: 'original' }), 'Yes.\n');
    assert.equal(render({ ...running, utterances: running.utterances.slice(1) }, 'srt', { text: 'original' }), '');
  });
  test('SubRip knows no tags, overrides or arrows from speech', () =>
    assert.doesNotMatch(render(hostile, 'srt', { text: 'original' }).replace(/^\d\d:.*$/gm, ''), /<\w|<\/|\{\\|-->/));
  test('WebVTT has escaped them', () =>
    assert.doesNotMatch(render(hostile, 'vtt', { text: 'original' }).replace(/^\d\d:.*$/gm, ''), /[<>]/));
  test('ASS has no override of speech', () =>
    assert.doesNotMatch(render(hostile, 'ass', { text: 'original' }).split('[Events]')[1]!, /(?<!\\)\{|\\an8|a\\N/));
});

describe('cues', () => {
  const word = fc.stringMatching(/^[a-z]{1,12}[.,?]?$/);
  const texts = fc.array(word, { minLength: 1, maxLength: 90 }).map(words => words.join(' '));
  const transcript = fc
    .array(
      fc.record({ text: texts, translation: texts, gapMs: fc.nat(4000), pace: fc.integer({ min: 20, max: 200 }) }),
      { minLength: 1, maxLength: 5 },
    )
    .map(parts => {
      let at = 0;
      const utterances = parts.map(({ text, translation, gapMs, pace }, n) => {
        const made = utterance(n, at + gapMs, text, 'en', { nmt: { text: translation, language: 'es' } }, pace);
        at = made.endMs;
        return made;
      });
      return {
        earshot: 1 as const,
        recording: { path: 'r', name: 'r', durationMs: at },
        language: 'en',
        translatedTo: 'es',
        models: {},
        utterances,
        warnings: [],
      };
    });
  const whole = (cues: readonly Cue[]): string =>
    cues.flatMap(cue => (cue.second ? cue.lines.slice(0, -cue.second) : cue.lines)).join(' ');

  test('two lines of 42 columns, in order, never over one another, nothing lost', () => {
    fc.assert(
      fc.property(transcript, fc.constantFrom('original' as const, 'translation' as const), (made, text) => {
        const passages = passagesOf(made, text),
          cues = cuesOf(passages, made.recording.durationMs);
        assert.equal(whole(cues), passages.map(passage => passage.main.text).join(' '));
        cues.forEach((cue, n) => {
          assert.ok(cue.lines.length <= 2 && cue.lines.every(line => columns(line) <= 42), cue.lines.join(' / '));
          assert.ok(
            Number.isInteger(cue.startMs) && cue.endMs > cue.startMs && cue.startMs >= (cues[n - 1]?.endMs ?? 0),
            `${n}: ${cue.startMs} to ${cue.endMs} after ${cues[n - 1]?.endMs}`,
          );
        });
      }),
      { numRuns: 60 },
    );
  });
  test('bilingual: each language whole, the original on top', () => {
    fc.assert(
      fc.property(transcript, made => {
        const passages = passagesOf(made, 'bilingual'),
          cues = cuesOf(passages, made.recording.durationMs);
        assert.equal(whole(cues), passages.map(passage => passage.main.text).join(' '));
        assert.equal(
          cues.flatMap(cue => cue.lines.slice(cue.lines.length - cue.second)).join(' '),
          passages.flatMap(passage => passage.second?.text ?? []).join(' '),
        );
        for (const cue of cues) assert.ok(cue.lines.length - cue.second <= 2);
      }),
      { numRuns: 40 },
    );
  });
  test('speech at an ordinary pace can be read', () => {
    for (const cue of cuesOf(passagesOf(english, 'original'), 60_000)) {
      const cps = (cue.lines.join(' ').length * 1000) / (cue.endMs - cue.startMs);
      assert.ok(
        cps <= 20 && cue.endMs - cue.startMs >= 700 && cue.endMs - cue.startMs <= 7500,
        `${cue.lines.join(' / ')}: ${cps} characters a second`,
      );
    }
  });
  test('a repaired text keeps the times of the words around the change', () => {
    const heard = utterance(0, 0, 'one two three plato forma seven eight', 'en');
    const repaired = { ...heard, repair: { text: 'one two three plataforma seven eight.', changes: [] } };
    const cues = (made: typeof heard): [number, number][] =>
      cuesOf(passagesOf({ ...english, utterances: [made] }, 'original'), 60_000).map(cue => [cue.startMs, cue.endMs]);
    assert.deepEqual(
      cues(repaired).map(([start]) => start),
      cues(heard).map(([start]) => start),
    );
  });
  test('full-width text keeps to 16 characters a line', () => {
    for (const cue of cuesOf(passagesOf(chinese, 'original'), 12_000))
      for (const line of cue.lines) assert.ok([...line].length <= 16 && !/^[，。、]/.test(line), line);
  });
});
