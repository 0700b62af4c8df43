/** The queue as the panel lists it, and the places a row can move to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PRIORITIES } from '../../../schemas/words.ts';
import {
  arrange,
  between,
  drop,
  heightOf,
  matches,
  sameShape,
  step,
  totals,
  twins,
} from '../../../webview/queue/order.ts';
import type { JobRow } from '../../../webview/messages.ts';

const row = (id: string, change: Partial<JobRow> = {}): JobRow => ({
  id,
  name: `${id}.wav`,
  folder: '/recordings',
  state: 'pending',
  priority: 'normal',
  position: 0,
  stages: [],
  note: null,
  lastWords: '',
  durationMs: 60_000,
  createdAt: 0,
  finishedAt: null,
  startAt: null,
  endAt: null,
  languages: '',
  model: '',
  outputs: 0,
  ...change,
});
const ids = (rows: readonly JobRow[], filter: 'all' | 'active' | 'failed' | 'done' = 'all', search = ''): string[] =>
  arrange(rows, filter, search).map(item => item.id);

const ROWS = [
  row('done', { state: 'completed', finishedAt: 10 }),
  row('later', { position: 2 }),
  row('sooner', { position: 1 }),
  row('urgent', { priority: 'urgent', position: 9 }),
  row('low', { priority: 'low' }),
  row('failed', { state: 'failed', finishedAt: 20 }),
  row('cancelled', { state: 'cancelled', createdAt: 5 }),
  row('running', { state: 'processing' }),
];

test('what runs stands first, then what waits by priority and place, then what ended, newest first', () => {
  assert.deepEqual(ids(ROWS), [
    'header running',
    'running',
    'header waiting',
    'urgent',
    'sooner',
    'later',
    'low',
    'header finished',
    'failed',
    'done',
    'cancelled',
  ]);
  assert.deepEqual(
    arrange(ROWS, 'all', '').flatMap(item => (item.kind === 'header' ? item.count : [])),
    [1, 4, 3],
  );
});

test('filters leave out what they name, and empty sections with it', () => {
  assert.deepEqual(ids(ROWS, 'failed'), ['header finished', 'failed']);
  assert.deepEqual(ids(ROWS, 'done'), ['header finished', 'done']);
  assert.deepEqual(ids(ROWS, 'active').slice(-1), ['low']);
  assert.deepEqual(ids([]), []);
});

test('every word of a search must occur somewhere', () => {
  const talk = row('a', { name: 'Talk.wav', folder: '/Berlin', lastWords: 'guten Morgen' });
  assert.ok(matches(talk, 'talk berlin') && matches(talk, 'MORGEN') && matches(talk, ''));
  assert.ok(!matches(talk, 'talk paris'));
  assert.deepEqual(ids([talk, row('b')], 'all', 'berlin'), ['header waiting', 'a']);
});

const waiting = fc
  .uniqueArray(fc.record({ position: fc.integer({ min: 0, max: 99 }), priority: fc.constantFrom(...PRIORITIES) }), {
    selector: each => each.position,
    minLength: 2,
    maxLength: 12,
  })
  .map(all => all.map((each, i) => row(`job${i}`, each)));

/** What the daemon does with a move: it takes a place beside another row, and its priority where one is given. */
function moved(rows: readonly JobRow[], move: NonNullable<ReturnType<typeof step>>): string[] {
  const items = arrange(rows, 'all', '').flatMap(item => (item.kind === 'job' ? item.row : []));
  const self = items.find(each => each.id === move.id)!,
    rest = items.filter(each => each.id !== move.id),
    at = rest.findIndex(each => each.id === (move.before ?? move.after)) + (move.after === undefined ? 0 : 1);
  const order = [...rest.slice(0, at), { ...self, priority: move.priority ?? self.priority }, ...rest.slice(at)];
  return ids(order.map((each, position) => ({ ...each, position })));
}

test('a step goes one place, a drop to where it was dropped, whatever the priorities are', () => {
  fc.assert(
    fc.property(waiting, fc.nat(), fc.nat(), fc.boolean(), (rows, a, b, below) => {
      const items = arrange(rows, 'all', ''),
        before = items.map(item => item.id),
        from = 1 + (a % rows.length),
        to = 1 + (b % rows.length);
      for (const by of [-1, 1] as const) {
        const move = step(items, before[from]!, by),
          there = from + by;
        if (there < 1 || there > rows.length) assert.equal(move, null);
        else {
          const expected = before.filter((_, i) => i !== from);
          expected.splice(there, 0, before[from]!);
          assert.deepEqual(moved(rows, move!), expected);
        }
      }
      const move = drop(items, before[from]!, before[to]!, below);
      if (from === to) return assert.equal(move, null);
      const after = moved(rows, move!);
      assert.equal(after.indexOf(before[from]!), after.indexOf(before[to]!) + (below ? 1 : -1));
    }),
  );
});

test('only what waits can be moved', () => {
  const items = arrange(ROWS, 'all', '');
  assert.equal(step(items, 'running', 1), null);
  assert.equal(step(items, 'gone', 1), null);
  assert.equal(step(items, 'urgent', -1), null);
  assert.equal(drop(items, 'low', 'running', true), null);
  assert.equal(drop(items, 'failed', 'low', true), null);
});

test('a row is arranged anew where its place may differ, not for its progress', () => {
  const [one] = ROWS;
  assert.ok(sameShape(one, { ...one!, lastWords: 'and so on', endAt: 9 }));
  for (const change of [{ state: 'failed' }, { priority: 'low' }, { position: 7 }, { finishedAt: 11 }] as const)
    assert.ok(!sameShape(one, { ...one!, ...change }));
  assert.ok(!sameShape(undefined, one!));
});

test('totals count every row once, and the last end of what is to come', () => {
  const { running, waiting, done, failed, endAt } = totals([
    ...ROWS,
    row('x', { endAt: 500 }),
    row('y', { state: 'processing', endAt: 900 }),
    row('z', { state: 'completed', endAt: 9999 }),
  ]);
  assert.deepEqual(
    { running, waiting, done, failed, endAt },
    { running: 2, waiting: 5, done: 2, failed: 1, endAt: 900 },
  );
});

test('every kind of line has a height', () => {
  for (const item of arrange(ROWS, 'all', '')) assert.ok(heightOf(item) > 0);
});

const stage = (running: number): JobRow['stages'][number] => ({
  stage: 'asr',
  done: 1,
  running,
  failed: 0,
  total: 9,
  fraction: 0,
});

test('of a paused queue, what still runs is running; what has begun and stopped waits, and nobody knows when it ends', () => {
  const rows = [
    row('busy', { state: 'processing', stages: [stage(1)], endAt: 500 }),
    row('held', { state: 'processing', stages: [stage(0)], endAt: 900 }),
    row('next', { endAt: 2000 }),
  ];
  const sections = (paused: boolean): string[] =>
    arrange(rows, 'all', '', paused).flatMap(item => (item.kind === 'job' ? [`${item.section} ${item.id}`] : []));
  assert.deepEqual(sections(false), ['running busy', 'running held', 'waiting next']);
  assert.deepEqual(sections(true), ['running busy', 'waiting held', 'waiting next']);
  assert.deepEqual(totals(rows, true), { running: 1, waiting: 2, done: 0, failed: 0, endAt: null });
  assert.equal(totals(rows).endAt, 2000);
  assert.ok(!sameShape(rows[0], { ...rows[0]!, stages: [stage(0)] }));
});

test('rows of one recording are told apart; of the same name elsewhere they are others', () => {
  const rows = [
    row('a', { name: 'talk.wav' }),
    row('b', { name: 'talk.wav' }),
    row('c', { name: 'talk.wav', folder: '/x' }),
  ];
  assert.deepEqual([...twins(rows)], ['/recordings/talk.wav']);
});

test('a range goes either way, over headers, and to what is there', () => {
  const items = arrange(ROWS, 'all', ''),
    jobs = items.flatMap(item => (item.kind === 'job' ? [item.id] : []));
  assert.deepEqual(between(items, jobs[0]!, jobs.at(-1)!), jobs);
  assert.deepEqual(between(items, jobs[3]!, jobs[1]!), jobs.slice(1, 4));
  assert.deepEqual(between(items, 'gone', jobs[2]!), [jobs[2]]);
});
