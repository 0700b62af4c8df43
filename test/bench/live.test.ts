/** Live sessions at the pace of real time in short form; docs/live.md has the long one. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MOST_BEHIND_MS } from '../../schemas/live.ts';
import { fakes, live } from '../../scripts/bench/live.ts';

it('ten live sessions at once keep their order, and text comes soon', { timeout: 60_000 }, async () => {
  const report = await live(fakes(10, 10));
  console.log(
    `latency ${Math.round(report.latency.median)} ms (worst ${Math.round(report.latency.worst)}), recogniser ` +
      `${Math.round(report.asr.median)} ms`,
  );
  assert.deepEqual([report.outOfOrder, report.unfinished, report.unrepaired], [0, 0, 0]);
  assert.ok(report.utterances >= 15, `${report.utterances} utterances`);
  assert.ok(report.mostBehindMs <= MOST_BEHIND_MS / 4, `${report.mostBehindMs} ms waited`);
  // On a busy machine the voice detector itself is late; the page has the promise.
  assert.ok(report.latency.median < 5_000, `${report.latency.median} ms`);
});
