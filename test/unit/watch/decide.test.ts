/** What is decided about a file of a watched folder, as a table; and the sum of a file's content. */
import assert from 'node:assert/strict';
import {
  mkdtempSync,
  openSync,
  closeSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { checksumOf, pieces } from '../../../daemon/system/checksum.ts';
import {
  byName,
  decide,
  looksInto,
  roomFor,
  type Facts,
  type Place,
  type Verdict,
} from '../../../daemon/watch/decide.ts';
import { innermost, inside, placeOf, requestFor } from '../../../daemon/watch/folder.ts';
import { openForWriting } from '../../../daemon/watch/writers.ts';
import type { FileRow } from '../../../daemon/contracts/watch-store.ts';
import type { WatchSpec } from '../../../schemas/watch.ts';

const place = (change: Partial<Place> = {}): Place => ({ others: [], ...change });
const spec = (path: string, change: Partial<WatchSpec> = {}): WatchSpec => ({
  path,
  options: { repair: true },
  ...change,
});

test('by name and place', () => {
  const table: [string, Partial<Place>, string | null][] = [
    ['talk.wav', {}, null],
    ['a/b/talk.MP4', {}, null],
    ['a/b/talk.wav', { subfolders: false }, 'subfolder'],
    ['notes.txt', {}, 'notMedia'],
    ['wav', {}, 'notMedia'],
    ['broadcast.ts', {}, null],
    ['.wav', {}, 'hidden'],
    ['.sync/talk.wav', {}, 'hidden'],
    ['talk.wav.part', {}, 'temporary'],
    ['talk.mp4.crdownload', {}, 'temporary'],
    ['talk.wav~', {}, 'temporary'],
    ['~talk.wav', {}, 'temporary'],
    ['talk.part.wav', {}, 'temporary'],
    ['talk.tmp', {}, 'temporary'],
    ['party.wav', {}, null],
    ['template.wav', {}, null],
    ['raw/x.wav', { exclude: ['raw/**'] }, 'excluded'],
    ['deep/raw/x.wav', { exclude: ['raw/**'] }, null],
    ['deep/x-draft.wav', { exclude: ['*-draft.wav'] }, 'excluded'],
    ['x.wav', { include: ['*.mp3', 'calls/**'] }, 'notIncluded'],
    ['calls/today/x.wav', { include: ['*.mp3', 'calls/**'] }, null],
    ['deep/x.mp3', { include: ['*.mp3'] }, null],
    ['out/x.wav', { others: [{ path: 'out', code: 'outputsFolder' }] }, 'outputsFolder'],
    ['outer/x.wav', { others: [{ path: 'out', code: 'outputsFolder' }] }, null],
  ];
  for (const [path, change, code] of table)
    assert.equal(byName(path, place(change))?.code ?? null, code, `${path} ${JSON.stringify(change)}`);
  assert.ok(
    looksInto('', place({ subfolders: false })) &&
      !looksInto('a', place({ subfolders: false })) &&
      !looksInto('a/.git', place()) &&
      looksInto('a/b', place()),
  );
});

const known = (change: Partial<FileRow> = {}): FileRow => ({
  folder: '/f',
  path: '/f/a.wav',
  bytes: 9,
  modifiedAt: 1,
  identity: '1:1',
  content: 'c',
  job: null,
  decision: { code: 'taken', args: {} },
  at: 0,
  ...change,
});
const facts = (change: Partial<Facts> = {}): Facts => ({
  path: 'a.wav',
  kind: 'file',
  bytes: 9,
  sameAs: null,
  ours: false,
  unchangedMs: 5000,
  settleMs: 3000,
  room: 4,
  ...change,
});
const word = (verdict: Verdict): string =>
  'decision' in verdict
    ? `${verdict.is} ${verdict.decision.code}`
    : verdict.is === 'ask'
      ? `ask ${verdict.what}`
      : verdict.is;

test('step by step, the cheap before the expensive', () => {
  const table: [Partial<Facts>, string][] = [
    [{ kind: 'none' }, 'settled gone'],
    [{ kind: 'link' }, 'settled link'],
    [{ kind: 'other' }, 'settled notAFile'],
    [{ ours: true }, 'settled output'],
    [{ sameAs: known() }, 'settled taken'],
    [{ sameAs: known({ decision: { code: 'before', args: {} } }) }, 'settled before'],
    [{ sameAs: known({ decision: { code: 'refused', args: {} } }) }, 'ask open'],
    [{ unchangedMs: 2999 }, 'wait writing'],
    [{ bytes: 0 }, 'settled empty'],
    [{ bytes: 0, unchangedMs: 0 }, 'wait writing'],
    [{ room: 0 }, 'wait waiting'],
    [{}, 'ask open'],
    [{ open: true }, 'wait open'],
    [{ open: false }, 'ask content'],
    [{ open: false, content: 'c', taken: null }, 'take'],
    [{ open: false, content: 'c', taken: null, room: 0 }, 'take'],
    [
      { open: false, content: 'c', taken: { folder: '/f', content: 'c', path: '/f/b.wav', job: 'J', there: true } },
      'settled duplicate',
    ],
    [
      { open: false, content: 'c', taken: { folder: '/f', content: 'c', path: '/f/b.wav', job: 'J', there: false } },
      'moved',
    ],
  ];
  for (const [change, said] of table) assert.equal(word(decide(facts(change), place())), said, JSON.stringify(change));
});

test('nothing is ever taken that changes, is ours, is open, or was not read', () => {
  fc.assert(
    fc.property(
      fc.record({
        kind: fc.constantFrom('file', 'link', 'other', 'none'),
        bytes: fc.nat(3),
        ours: fc.boolean(),
        unchangedMs: fc.nat(6000),
        open: fc.option(fc.boolean(), { nil: undefined }),
        content: fc.option(fc.constant('c'), { nil: undefined }),
        path: fc.constantFrom('a.wav', 'a.part', 'a.txt', '.a/b.wav'),
      }),
      some => {
        const { open, content, ...rest } = some;
        const given = facts({
          ...rest,
          ...(open === undefined ? {} : { open }),
          ...(content === undefined ? {} : { content, taken: null }),
        } as Partial<Facts>);
        if (decide(given, place()).is !== 'take') return;
        assert.ok(
          given.kind === 'file' &&
            given.bytes > 0 &&
            !given.ours &&
            given.unchangedMs >= given.settleMs &&
            !given.open &&
            given.content === 'c' &&
            given.path === 'a.wav',
        );
      },
    ),
  );
});

test('files go into the queue by the batch', () => {
  assert.deepEqual(
    [
      [64, 0],
      [64, 47],
      [64, 48],
      [64, 49],
      [64, 64],
      [64, 70],
      [1, 0],
      [1, 1],
      [3, 2],
    ].map(([ahead, unstarted]) => roomFor(ahead!, unstarted!)),
    [64, 17, 16, 0, 0, 0, 1, 0, 1],
  );
});

test('whose a path is: the innermost folder, never outputs nor originals', () => {
  const outer = spec('/f', {
      options: { repair: true, outputs: { formats: ['txt'], directory: '/f/out' } },
      moveTo: '/f/done',
    }),
    inner = spec('/f/calls');
  assert.equal(
    innermost(
      [outer, inner].map(each => ({ spec: each })),
      '/f/calls/a.wav',
    )!.spec,
    inner,
  );
  assert.equal(
    innermost(
      [outer, inner].map(each => ({ spec: each })),
      '/g/a.wav',
    ),
    null,
  );
  const rules = placeOf(outer, [outer, inner]);
  assert.deepEqual(
    ['calls/a.wav', 'out/x/a.wav', 'done/a.wav', 'a.wav'].map(path => byName(path, rules)?.code),
    ['otherFolder', 'outputsFolder', 'originalsFolder', undefined],
  );
  assert.equal(
    byName('a.wav', placeOf(spec('/f', { options: { repair: true, outputs: { formats: [], directory: '/f' } } }), [])),
    null,
  );
  assert.deepEqual(
    [inside('/f', '/f/..a/b.wav'), inside('/f', '/fa/b.wav'), inside('/f', '/f')],
    ['..a/b.wav', null, ''],
  );
  assert.equal(requestFor(outer, '/f/a/b/x.wav').options.outputs!.directory, normalize('/f/out/a/b'));
  assert.deepEqual(
    [requestFor(inner, '/f/calls/x.wav').priority, requestFor(inner, '/f/calls/x.wav').options],
    ['low', { repair: true }],
  );
});

test('the sum of a file: every byte up to a gigabyte, spread pieces beyond', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-content-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const a = join(folder, 'a'),
    b = join(folder, 'b');
  writeFileSync(a, Buffer.alloc(9_000_000, 1));
  writeFileSync(b, Buffer.alloc(9_000_000, 1));
  const sum = await checksumOf(a, 9_000_000);
  assert.equal(await checksumOf(b, 9_000_000), sum);
  const file = openSync(b, 'r+');
  writeSync(file, Buffer.from([2]), 0, 1, 5_000_001);
  closeSync(file);
  assert.notEqual(await checksumOf(b, 9_000_000), sum);
  truncateSync(b, 8_999_999);
  assert.equal(await checksumOf(b, 9_000_000), null, 'cut off while it was read');
  assert.notEqual(await checksumOf(b, 8_999_999), sum);
  for (const bytes of [1, 4 * 1024 ** 2, 1024 ** 3])
    assert.equal(
      pieces(bytes).reduce((all, each) => all + each.length, 0),
      bytes,
    );
  const spread = pieces(50 * 1024 ** 3);
  assert.ok(
    spread.length === 256 &&
      spread[0]!.at === 0 &&
      spread.at(-1)!.at + spread.at(-1)!.length === 50 * 1024 ** 3 &&
      spread.every((each, i) => i === 0 || each.at > spread[i - 1]!.at),
  );
});

test(
  'who has a file open for writing',
  { skip: process.platform === 'linux' ? false : 'only Linux tells' },
  async t => {
    const folder = mkdtempSync(join(tmpdir(), 'earshot-open-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const [read, written, closed] = ['read', 'written', 'closed'].map(name => join(folder, name));
    for (const path of [read, written, closed]) writeFileSync(path!, 'x');
    const files = [openSync(read!, 'r'), openSync(written!, 'a')];
    assert.deepEqual([...(await openForWriting(new Set([read!, written!, closed!])))], [written]);
    for (const file of files) closeSync(file);
    assert.equal((await openForWriting(new Set([read!, written!]))).size, 0);
    assert.equal(readFileSync(read!, 'utf8'), 'x');
  },
);
