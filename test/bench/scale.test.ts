/**
 * A long queue in short form; docs/scale.md has the long one, and its goals. Limits here leave room for a busy machine.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { flood, history, thinking } from '../../scripts/bench/scale.ts';
import { GOAL_MS, searching } from '../../scripts/bench/search.ts';

it('thinks quickly about 10,000 waiting jobs', { timeout: 60_000 }, async () => {
  const { both } = await thinking(10_000, 100);
  assert.ok(both.median <= 40, `median ${both.median.toFixed(1)} ms`);
});

it('takes hundreds of jobs at once without a flood of events', { timeout: 120_000 }, async () => {
  const report = await flood(200);
  assert.equal(report.completed, 200);
  assert.ok(report.eventsPerStep < 20, `${report.eventsPerStep.toFixed(1)} events a step`);
  assert.ok(report.submitMsPerJob < 10 && report.cpuMsPerStep < 10, JSON.stringify(report));
});

it('shows the first page of a long history at once', () => {
  const { first, completed, search } = history(20_000);
  for (const each of [first, completed]) assert.ok(each.median <= 20, `${each.median.toFixed(1)} ms`);
  assert.ok(search.median <= 200, `${search.median.toFixed(1)} ms`);
});

it('finds words among many thousand utterances at once', { timeout: 60_000 }, () => {
  for (const { what, found, took } of searching(10_000, 10).queries)
    assert.ok(found > 0 && took.median <= GOAL_MS, `${what}: ${found} in ${took.median.toFixed(1)} ms`);
});
