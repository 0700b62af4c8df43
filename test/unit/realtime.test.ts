/** What a realtime connection gets of a live session, event by event. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RequestContext } from '../../daemon/api/http/request-context.ts';
import { Take } from '../../daemon/api/http/realtime/take.ts';
import { atFirst } from '../../daemon/api/http/realtime/wanted.ts';
import type { Job } from '../../schemas/job.ts';
import type { StateEvent } from '../../schemas/rpc.ts';
import { job as madeJob, JOB_ID, utterance } from './cli/jobs.ts';

function take(turns: 'server' | 'client') {
  const said: string[] = [],
    cancelled: string[] = [];
  let on: (event: StateEvent) => void = () => {},
    items = 0;
  const job = madeJob({ stages: ['asr'], live: { open: true } });
  const context = {
    listen: (listener: typeof on) => {
      on = listener;
      return () => {
        on = () => {};
      };
    },
    present: () => job,
    queue: { cancel: (ids: string[]) => cancelled.push(...ids) },
    live: {
      open: async () => job,
      append: async (_: string, offset: number, data: string) => ({
        received: offset + Buffer.from(data, 'base64').length,
        behindMs: 0,
      }),
      close: () => job,
    },
  } as unknown as RequestContext;
  const made = new Take(
    context,
    { ...atFirst(), turns },
    {
      started: at => {
        said.push(`started ${items} ${at}`);
        return String(items++);
      },
      committed: (item, at) => said.push(`committed ${item} ${at}`),
      delta: (item, delta) => said.push(`delta ${item} ${delta}`),
      completed: (item, text) => said.push(`completed ${item} ${text}`),
      failed: item => said.push(`failed ${item}`),
      broken: () => said.push('broken'),
    },
  );
  const hear = (index: number, stable: string): void =>
    on({
      type: 'partial',
      job: JOB_ID,
      partial: { index, startMs: index * 10_000, endMs: index * 10_000 + 1000, stable, unstable: ' perhaps' },
    });
  return {
    made,
    said,
    cancelled,
    hear,
    utter: (index: number, text: string) =>
      on({ type: 'utterance', job: JOB_ID, utterance: utterance(index, 'asr', text) }),
    end: (change: Partial<Job> = { state: 'completed' }) => on({ type: 'job', job: { ...job, ...change } }),
    ready: () => new Promise(setImmediate),
  };
}

describe('a take of a realtime connection', () => {
  test('what is stable comes at once, the rest with its utterance; another text in the end is said whole', async () => {
    const { made, said, hear, utter, end, ready } = take('server');
    await ready();
    hear(0, '');
    hear(0, 'so far');
    hear(0, 'so far so');
    utter(0, 'so far so good');
    hear(0, 'so far so late');
    hear(1, 'the horse');
    utter(1, 'the house');
    hear(2, 'noise');
    made.commit();
    end();
    assert.deepEqual(said, [
      'started 0 0',
      'delta 0 so far',
      'delta 0  so',
      'committed 0 9000',
      'delta 0  good',
      'completed 0 so far so good',
      'started 1 10000',
      'delta 1 the horse',
      'committed 1 19000',
      'completed 1 the house',
      'started 2 20000',
      'delta 2 noise',
      'committed 2 0',
      'completed 2 ',
    ]);
  });

  test('what the client commits is one item, whose text comes utterance by utterance', async () => {
    const { made, said, hear, utter, end, ready } = take('client');
    await ready();
    hear(0, 'so');
    utter(0, 'so far');
    assert.deepEqual(said, []);
    made.commit();
    utter(1, 'so good');
    end();
    await made.ended;
    assert.deepEqual(said, [
      'started 0 null',
      'committed 0 null',
      'delta 0 so far',
      'delta 0  so good',
      'completed 0 so far so good',
    ]);
  });

  test('a job that fails, or that somebody cancels, leaves nothing open', async () => {
    const failed = take('client');
    await failed.ready();
    failed.made.commit();
    failed.end({ state: 'failed', progress: { ...madeJob().progress, utterances: 0 } });
    assert.deepEqual(failed.said, ['started 0 null', 'committed 0 null', 'failed 0']);
    const gone = take('server');
    await gone.ready();
    gone.end({ state: 'cancelled' });
    await gone.made.ended;
    assert.deepEqual(gone.said, ['broken']);
    const left = take('server');
    await left.ready();
    left.made.cancel();
    await left.ready();
    left.utter(0, 'late');
    assert.deepEqual([left.said, left.cancelled], [[], [JOB_ID]]);
  });
});
