/**
 * What must hold whatever happened to a daemon: every job there and over, nothing finished twice, order kept, equal
 * recordings give equal texts.
 */
import assert from 'node:assert/strict';
import type { Job } from '../../schemas/job.ts';
import type { Store } from '../../daemon/contracts/store.ts';

/** Looks into the store of a daemon that has stopped. Returns how much it has seen. */
export function lawsHold(
  store: Store,
  jobs: readonly Pick<Job, 'id' | 'stages'>[],
  {
    alike = true,
  }: { /** They are copies of one recording with the same options, and all completed. */ alike?: boolean } = {},
): { steps: number; attempts: number } {
  assert.deepEqual(store.openAttempts(), [], 'no attempt is left open');
  let shape: string | undefined,
    steps = 0,
    attempts = 0;
  for (const job of jobs) {
    assert.ok(store.job(job.id), `job ${job.id} is there`);
    const utterances = store.utterances(job.id);
    const entries = store.log({ job: job.id, limit: 1_000_000 }),
      finished = entries.filter(entry => entry.kind === 'step.finished').map(entry => `${entry.stage} ${entry.index}`);
    assert.equal(new Set(finished).size, finished.length, 'no step is finished twice');
    if (alike) {
      const text = JSON.stringify(
        utterances.map(utterance => [
          utterance.startMs,
          utterance.endMs,
          utterance.asr?.text,
          utterance.repair?.text,
          utterance.nmt?.text,
        ]),
      );
      assert.equal(text, (shape ??= text), 'every copy of the recording gives the same');
      assert.equal(finished.length, utterances.length * job.stages.length, 'every step is finished');
    }
    steps += finished.length;
    attempts += entries.filter(entry => entry.kind === 'attempt.started').length;
    for (const stage of job.stages) {
      const firstStart = new Map<number, number>();
      for (const entry of entries)
        if (entry.kind === 'attempt.started' && entry.stage === stage)
          for (let index = entry.index!; index < (entry.data.to as number); index++)
            if (!firstStart.has(index)) firstStart.set(index, entry.seq);
      const order = [...firstStart].sort((a, b) => a[1] - b[1] || a[0] - b[0]).map(([index]) => index);
      assert.deepEqual(
        order,
        order.toSorted((a, b) => a - b),
        `${stage} starts in order`,
      );
    }
  }
  return { steps, attempts };
}
