/** What a step is given, where several languages are spoken: the pure part of the pipeline between the stages. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { render } from '../../text/transcripts/render.ts';
import type { JobOptions } from '../../schemas/job.ts';
import { JobWork } from '../../daemon/jobs/work.ts';
import { Windows } from '../../daemon/jobs/windows.ts';
import { transcriptOf } from '../../daemon/outputs/deliver.ts';
import { stepInput, withoutModel } from '../../daemon/pipeline/inputs.ts';
import { jobRow } from '../fixtures/job-row.ts';

const FILES = { pcm: '/pcm', speech: '/speech' };
/** Three seconds each, with a second between; `said` by language and text. */
function job(options: Partial<JobOptions>, language: string | null, said: readonly [string, string][]): JobWork {
  const row = jobRow({
    durationMs: 60_000,
    ingestedMs: 60_000,
    options: { repair: true, ...options },
    stages: ['asr', 'repair', 'nmt'],
    language,
  });
  const work = new JobWork(row, 60_000);
  work.windows = new Windows(work.utterances, 8000);
  work.restore(
    said.map(([language, text], index) => ({
      index,
      startMs: index * 4000,
      endMs: index * 4000 + 3000,
      asr: { text, words: [], language, languageProbability: 0.9 },
    })),
  );
  return work;
}
const MIXED: [string, string][] = [
  ['es', 'Buenos días.'],
  ['en', 'Good morning, everyone, and welcome.'],
  ['en', 'It will rain.'],
  ['de', 'Guten Morgen.'],
];

test('a recognizer that was told no language hears each window for itself, and what is around it', () => {
  const work = job({}, 'es', MIXED),
    asr = (index: number) => stepInput('asr', work, index, FILES, 1);
  assert.deepEqual(
    [0, 1, 2, 3].map(index => [asr(index).language, asr(index).expected]),
    [0, 1, 2, 3].map(() => [null, 'es']),
  );
  assert.equal(asr(0).before, undefined);
  assert.deepEqual(asr(1).before, { startSample: 0, endSample: 48_000 });
  // The second and the third utterance are one window; the fourth comes after it.
  assert.deepEqual(asr(2).before, asr(1).before);
  assert.deepEqual(asr(3).before, { startSample: 64_000, endSample: 176_000 });
  assert.deepEqual(asr(1).window?.borders, [120_000]);
});

test('whoever speaks is told in which voice, where one was asked for', () => {
  const spoken = (options: Partial<JobOptions>) => stepInput('tts', job(options, 'en', MIXED), 1, FILES, 1);
  assert.deepEqual([spoken({}).voice, spoken({ voice: 'af_heart' }).voice], [undefined, 'af_heart']);
});

test('a recognizer that was told a language is given that and nothing else', () => {
  const input = stepInput('asr', job({ language: 'pt-BR' }, 'pt-BR', MIXED), 1, FILES, 1);
  assert.equal(input.language, 'pt-BR');
  assert.ok(!('expected' in input) && !('before' in input));
});

test('each utterance is repaired and translated from its own language, and what is in the target stays', () => {
  const work = job({ translateTo: 'en' }, 'es', MIXED);
  assert.deepEqual(
    [0, 1, 2, 3].map(index => stepInput('repair', work, index, FILES, 1).language),
    ['es', 'en', 'en', 'de'],
  );
  assert.deepEqual(
    [0, 3].map(index => stepInput('nmt', work, index, FILES, 1).from),
    ['es', 'de'],
  );
  assert.deepEqual(
    [0, 1, 2, 3].map(index => withoutModel('nmt', work, index, 0)),
    [
      null,
      { text: 'Good morning, everyone, and welcome.', language: 'en' },
      { text: 'It will rain.', language: 'en' },
      null,
    ],
  );
  const given = job({ translateTo: 'en', language: 'es' }, 'es', MIXED);
  assert.equal(withoutModel('nmt', given, 1, 0), null, 'who was given Spanish translates from Spanish');
});

test('the recording is in what most is said in, and its documents say what was detected and what was given', () => {
  const work = job({}, 'es', MIXED);
  assert.equal(work.mostSpoken, 'en');
  assert.equal(
    job({}, null, [
      ['und', 'Ah'],
      ['en', ''],
    ]).mostSpoken,
    null,
  );
  const heard = transcriptOf({ row: { ...work.row, language: 'en' }, made: work.made });
  assert.deepEqual([heard.language, heard.languageSource], ['en', 'detected']);
  assert.match(render(heard, 'md', { text: 'original' }), /^\*1:00 · en, es, de \(detected\)\*$/m);
  const given = transcriptOf(job({ language: 'es', translateTo: 'fr' }, 'es', MIXED));
  assert.deepEqual([given.language, given.languageSource], ['es', 'given']);
  assert.match(render(given, 'md', { text: 'original' }), /^\*1:00 · es → fr\*$/m);
  assert.equal(transcriptOf(job({}, null, [])).languageSource, undefined);
});
