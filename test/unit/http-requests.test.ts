/** What requests of the HTTP endpoint ask for, as clients of every language write it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpProblem } from '../../daemon/api/http/problem.ts';
import { speechWanted } from '../../daemon/api/http/speech.ts';
import { wantedOf } from '../../daemon/api/http/transcribe.ts';

const wanted = (fields: Record<string, string | string[]>) =>
  wantedOf(
    { fields: new Map(Object.entries(fields).map(([name, value]) => [name, [value].flat()])), file: '/x' },
    'transcribe',
    { modelFor: (_stage, name) => name },
  );
const refused = (code: string) => (error: unknown) =>
  error instanceof HttpProblem && error.status === 400 && error.code === code;

test('a form: yes and no as every language writes them', () => {
  for (const yes of ['true', 'True', 'TRUE', '1', 'yes', 'on']) assert.equal(wanted({ stream: yes }).stream, true, yes);
  for (const no of ['false', 'False', '0', 'no', 'off', '', ' ', 'null', 'undefined', 'None'])
    assert.equal(wanted({ stream: no, repair: no }).stream, false, no);
  assert.throws(() => wanted({ stream: 'maybe' }), refused('bad_type'));
  assert.throws(() => wanted({ repair: '2' }), refused('bad_type'));
});

test('a form: a field that says nothing is as if it were not there', () => {
  for (const nothing of ['null', 'undefined', 'None', ''])
    assert.deepEqual(
      wanted({
        model: nothing,
        language: nothing,
        prompt: nothing,
        response_format: nothing,
        'timestamp_granularities[]': nothing,
      }),
      wanted({}),
      nothing,
    );
  assert.equal(wanted({ language: 'auto' }).options.language, undefined);
  assert.equal(wanted({ language: 'EN-us' }).options.language, 'en');
});

test('a form: granularities one by one, as JSON or with commas', () => {
  for (const both of [['word', 'segment'], '["word", "segment"]', "['word','segment']", 'word,segment'])
    for (const name of ['timestamp_granularities[]', 'timestamp_granularities']) {
      const { words, segments } = wanted({ [name]: both });
      assert.deepEqual([words, segments], [true, true], `${name}=${JSON.stringify(both)}`);
    }
  const { words, segments } = wanted({ timestamp_granularities: '["word"]' });
  assert.deepEqual([words, segments], [true, false]);
  assert.throws(() => wanted({ timestamp_granularities: '["letter"]' }), refused('bad_granularity'));
});

test('a form: fields that change nothing here are checked all the same', () => {
  for (const [name, good, bad, code] of [
    [
      'temperature',
      ['0', '0.0', '1', ' 0.5 ', '1e-3', 'null', ''],
      ['abc', '-0.1', '1.01', '2', 'NaN', '0,5'],
      'bad_temperature',
    ],
    ['include[]', ['logprobs', '', '["logprobs"]'], ['words', 'logprobs,words'], 'bad_include'],
    ['include', ['logprobs'], ['words'], 'bad_include'],
    [
      'chunking_strategy',
      ['auto', 'null', '{"type":"server_vad"}'],
      ['none at all', '[]', '1', '{'],
      'bad_chunking_strategy',
    ],
  ] as const) {
    for (const value of good) assert.deepEqual(wanted({ [name]: value }), wanted({}), `${name}=${value}`);
    for (const value of bad) assert.throws(() => wanted({ [name]: value }), refused(code), `${name}=${value}`);
  }
});

test('a form: of a long prompt the end counts, whole words of it', () => {
  const { prompt } = wanted({ prompt: `${'word '.repeat(450)}Dashwood` }).options;
  assert.ok(
    prompt!.length <= 2000 && prompt!.length > 1950 && prompt!.startsWith('word word') && prompt!.endsWith('Dashwood'),
  );
  assert.ok(wanted({ prompt: '𠮷'.repeat(1500) }).options.prompt!.isWellFormed());
});

test('a body: null is as if it were not there, numbers may be text', () => {
  const plain = speechWanted({ input: 'Hi.' });
  assert.deepEqual(
    speechWanted({
      input: 'Hi.',
      speed: null,
      stream_format: null,
      response_format: null,
      voice: null,
      model: null,
      language: null,
    }),
    plain,
  );
  assert.equal(speechWanted({ input: 'Hi.', speed: '1.5' }).speed, 1.5);
  assert.equal(speechWanted({ input: 'Hi.', voice: { id: 'nova' } }).voice, 'nova');
  for (const [body, code] of [
    [{ speed: 'fast' }, 'bad_speed'],
    [{ speed: '' }, 'bad_speed'],
    [{ speed: [1] }, 'bad_speed'],
    [{ stream_format: 'sse' }, 'bad_stream_format'],
    [{ stream_format: 1 }, 'bad_type'],
    [{ voice: { id: {} } }, 'bad_type'],
    [{ instructions: 1 }, 'bad_type'],
    [{ input: null }, 'no_input'],
    [{ response_format: 'constructor' }, 'bad_response_format'],
  ] as const)
    assert.throws(() => speechWanted({ input: 'Hi.', ...body }), refused(code), JSON.stringify(body));
});
