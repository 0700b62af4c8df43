/** What the daemon believes of a process that opens strangers' media. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { listener } from '../../daemon/ingest/answers.ts';
import type { FromChild } from '../../daemon/ingest/channel.ts';

const utterances = (...rows: [index: number, startMs: number, endMs: number][]): FromChild => ({
  type: 'utterances',
  rows: rows.map(([index, startMs, endMs]) => ({ index, startMs, endMs })),
});

test('all that an honest one says', () => {
  const fits = listener();
  const story: FromChild[] = [
    { type: 'started', durationMs: null },
    { type: 'progress', ms: 0, taken: 0 },
    utterances([0, 0, 900], [1, 900, 2000]),
    utterances([2, 5000, 5001]),
    {
      type: 'done',
      durationMs: 6000,
      warnings: [{ code: 'truncatedFile', args: { path: '/r', readMs: 6000 }, detail: 'x' }],
    },
    { type: 'failed', failure: { code: 'notMedia', args: { path: '/r' } } },
  ];
  for (const message of story) assert.ok(fits(message), JSON.stringify(message));
});

test('nothing else: no other shape, no utterance out of its place, no figure that is none', () => {
  for (const message of [
    null,
    7,
    'done',
    [],
    {},
    { type: 'done' },
    { type: 'exec', command: 'x' },
    { type: 'started', durationMs: -1 },
    { type: 'started', durationMs: 1, more: 1 },
    { type: 'progress', ms: 1.5, taken: 0 },
    { type: 'progress', ms: 1e300, taken: 0 },
    { type: 'failed', failure: { code: 'nonsense', args: {} } },
    { type: 'failed', failure: { code: 'notMedia', args: {}, detail: 'x'.repeat(1_000_000) } },
    { type: 'utterances', rows: [{ index: 0, startMs: 0, endMs: 1, text: 'x' }] },
    utterances([1, 0, 900]),
    utterances([0, 900, 900]),
    utterances([0, 0, 900], [1, 800, 1000]),
    utterances([0, 0, 900], [0, 900, 1000]),
    utterances([0, -5, 900]),
  ])
    assert.ok(!listener()(message), JSON.stringify(message)?.slice(0, 80));
  const one = listener();
  assert.ok(one(utterances([0, 0, 900])) && !one(utterances([0, 900, 1000])));
  fc.assert(fc.property(fc.jsonValue(), value => !listener()(value)));
});
