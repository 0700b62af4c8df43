/** The page of what happened to a job: sentences for what people ask about, counts for the rest, every record below. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import '../../fixtures/vscode.ts';
import { job as makeJob } from '../../extension/fake/fixtures.ts';
import { failure } from '../../../schemas/errors.ts';
import type { JournalEntry } from '../../../schemas/rpc.ts';
const { pageOf } = await import('../../../extension/commands/what-happened.ts');

const entry = (kind: string, data: JournalEntry['data'] = {}, more: Partial<JournalEntry> = {}): JournalEntry => ({
  seq: 1,
  at: Date.UTC(2026, 0, 1, 12),
  kind,
  job: 'j',
  index: null,
  stage: null,
  instance: null,
  data,
  ...more,
});

test('what happened is told in sentences; steps are counted; nothing in a name steers the page', () => {
  const job = makeJob({ n: 1, name: 'talk `<b>|#.wav', state: 'failed' }, Date.now());
  const ended = { ...job, failure: failure('emptyFile', { path: '/talk.wav' }), models: { asr: 'whisper-base' } };
  const entries = [
    entry('job.submitted', { recording: '/talk.wav', priority: 'normal' }),
    entry('ingest.finished', { utterances: 3 }),
    entry('step.finished', { token: 1, ms: 1500 }, { stage: 'asr', index: 0 }),
    entry('step.finished', { token: 1, ms: 1500 }, { stage: 'asr', index: 1 }),
    entry(
      'attempt.failed',
      { token: 2, try: 1, failure: failure('outOfMemory', { model: 'M' }) },
      { stage: 'asr', index: 2 },
    ),
    entry('adaptive.replicas', {}),
    entry('some.newer', { code: '```' }),
    entry('instance.loaded', { model: 'whisper-base', ms: 900 }),
  ];
  const page = pageOf(ended, entries, id => (id === 'whisper-base' ? 'Whisper base' : id));
  const heading = page.split('\n')[0]!;
  assert.equal(heading, '# talk \\`\\<b\\>\\|\\#.wav');
  assert.match(page, /It was put into the queue\./);
  assert.match(page, /The recording was read: 3 utterances\./);
  assert.match(page, /Recognize \\#3 failed: M ran out of memory/);
  assert.match(page, /\| Recognize \| Whisper base \|.*\| 3\.0 s \|/);
  assert.match(page, /Whisper base was loaded in 0\.9 s/);
  assert.equal(page.match(/step\.finished/g)?.length, 2, 'only among the records');
  assert.equal(page.match(/```/g)?.length, 2, 'no record ends the block');
});
