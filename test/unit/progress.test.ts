/** How far a job is, as every client shows it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Job } from '../../schemas/job.ts';
import { jobFraction, stageFraction } from '../../schemas/progress.ts';
import { job } from './cli/jobs.ts';

const at = (progress: Partial<Job['progress']>, change: Partial<Job> = {}): Job => {
  const fresh = job(change);
  return { ...fresh, progress: { ...fresh.progress, ...progress } };
};
const step = (done: number, failed = 0) => ({ done, failed, running: 0 });

test('a job is as far as its steps are, and no further than its recording is known', () => {
  const stages = { asr: step(4), repair: step(1, 1) };
  assert.equal(jobFraction(at({ stages })), 0.75);
  assert.equal(stageFraction(at({ stages }), 'repair'), 0.5);
  // All that is known is done; half of the recording is not known yet.
  const reading = { ingested: false, ingestedMs: 30_000, stages: { asr: step(4), repair: step(4) } };
  assert.equal(jobFraction(at(reading)), 0.5);
  const { recording } = job(),
    unknown = { recording: { ...recording, durationMs: null } };
  assert.equal(jobFraction(at(reading, unknown)), null, 'nobody knows how long it is');
  assert.equal(stageFraction(at(reading, unknown), 'asr'), null);
  assert.equal(jobFraction(at(reading, { live: { open: true } as Job['live'] })), null, 'somebody goes on speaking');
  assert.equal(jobFraction(at({ ingested: false, ingestedMs: 0, utterances: 0 }, unknown)), 0, 'nothing is done');
  assert.equal(jobFraction(at({}, { state: 'completed', ...unknown })), 1);
});
