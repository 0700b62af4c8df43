/**
 * Watched folders on a real pipeline with fake models: files arrive, change, move and go while the daemon looks, sleeps
 * and comes back.
 */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { failsWith } from '../fixtures/fails-with.ts';
import { canLink, removeFolder } from '../fixtures/folders.ts';
import { packets } from '../fixtures/packets.ts';
import { StoreError } from '../../daemon/contracts/store.ts';
import { FolderWatcher } from '../../daemon/watch/folder-watcher.ts';
import { Watch } from '../../daemon/watch/watch.ts';
import type { Job } from '../../schemas/job.ts';
import type { WatchedFolder, WatchSpec } from '../../schemas/watch.ts';
import { fourStages, Harness, type HarnessOptions } from './harness.ts';

const SETTLE = 0.25;

interface Place {
  harness: Harness;
  watch: Watch;
  folder: string;
  add(change?: Partial<WatchSpec>, existing?: 'take' | 'leave'): Promise<WatchedFolder>;
  put(name: string, text?: string): string;
  /** Ends the watching without a word, as a crash does, and begins it anew on the same store. */
  again(): Promise<void>;
  jobs(): Job[];
  why(name: string): Promise<string>;
  until(what: string, look: () => unknown): Promise<void>;
  /** Until so many jobs are there, all completed, and no file is undecided. */
  settled(jobs: number): Promise<Job[]>;
}

async function open(t: TestContext, options: Partial<HarnessOptions> = {}): Promise<Place> {
  const harness = await Harness.open({
    models: fourStages({ asr: 2, repair: 2, nmt: 2, tts: 2 }),
    utterances: () => [1000],
    ...options,
  });
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'earshot-watched-')));
  const make = (): Watch =>
    new Watch({
      store: harness.store,
      queue: harness.pipeline.queue,
      settings: () => harness.settings,
      clock: Date.now,
      log: harness.logger,
      publish: event => harness.events.push(event),
      check: options => harness.pipeline.queue.check(options),
    });
  const place: Place = {
    harness,
    folder,
    watch: make(),
    add: (change, existing) =>
      place.watch.add(
        { path: folder, options: { repair: false, language: 'en' }, settleSeconds: SETTLE, ...change },
        existing,
      ),
    put: (name, text = name) => {
      const path = join(folder, name);
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, text);
      return path;
    },
    again: async () => {
      await place.watch.dispose();
      place.watch = make();
      place.watch.start();
    },
    jobs: () =>
      harness.store
        .list({ limit: 1000 })
        .jobs.map(row => harness.pipeline.presentRow(row))
        .reverse(),
    why: async name => {
      const { decision } = await place.watch.why(join(folder, name));
      return decision.code;
    },
    until: async (what, look) => {
      await harness.until(what, () => Boolean(look()));
    },
    settled: async count => {
      await place.until(
        `${count} jobs`,
        () =>
          place.jobs().length >= count &&
          place.jobs().every(job => job.state === 'completed') &&
          place.watch.list().every(each => each.counts.waiting + each.counts.writing === 0),
      );
      assert.equal(
        place.jobs().length,
        count,
        place
          .jobs()
          .map(job => job.recording.path)
          .join('\n'),
      );
      return place.jobs();
    },
  };
  harness.watch(event => {
    harness.events.push(event);
    place.watch.onEvent(event);
  });
  place.watch.start();
  t.after(async () => {
    await place.watch.dispose();
    await harness.close();
    removeFolder(folder);
  });
  return place;
}

test('takes what is there and what comes, each once, and says why it left the rest', async t => {
  const place = await open(t);
  place.put('old.wav');
  place.put('notes.txt');
  await place.add({ exclude: ['*-draft.*'] });
  await place.settled(1);
  place.put('calls/one.wav');
  place.put('half.wav.part');
  place.put('calls/x-draft.wav');
  place.put('.hidden/x.wav');
  place.put('empty.wav', '');
  place.put('app.ts', 'export {};');
  if (canLink) symlinkSync(join(place.folder, 'old.wav'), join(place.folder, 'link.wav'));
  const jobs = await place.settled(2);
  assert.deepEqual(
    jobs.map(job => [job.recording.name, job.priority]),
    [
      ['old.wav', 'low'],
      ['one.wav', 'low'],
    ],
  );
  const why = await Promise.all(
    [
      'old.wav',
      'calls/one.wav',
      'notes.txt',
      'half.wav.part',
      'calls/x-draft.wav',
      '.hidden/x.wav',
      'link.wav',
      'app.ts',
      'never.wav',
      '../x.wav',
    ].map(place.why),
  );
  assert.deepEqual(why, [
    'taken',
    'taken',
    'notMedia',
    'temporary',
    'excluded',
    'hidden',
    canLink ? 'link' : 'gone',
    'otherContent',
    'gone',
    'notWatched',
  ]);
  // Of two files of the same ending the one that is a recording.
  place.put('broadcast.ts', packets(188).toString('latin1'));
  assert.equal((await place.settled(3)).at(-1)!.recording.name, 'broadcast.ts');
  // Named whole at last.
  renameSync(join(place.folder, 'half.wav.part'), join(place.folder, 'half.wav'));
  await place.settled(4);
  const [first] = await place.watch.files(place.folder, 10);
  assert.deepEqual(
    [first!.path, first!.decision.code, first!.job],
    [join(place.folder, 'half.wav'), 'taken', place.jobs()[3]!.id],
  );
  assert.equal(place.watch.list()[0]!.counts.taken, 4);
});

test('of two calls at once about one folder no watcher stays behind', async t => {
  const place = await open(t),
    other = realpathSync(mkdtempSync(join(tmpdir(), 'earshot-watched-')));
  t.after(() => rmSync(other, { recursive: true, force: true }));
  const { add, watch } = place;
  await Promise.all([add(), add({ exclude: ['*-draft.*'] })]);
  assert.equal(watch.list().length, 1);
  await Promise.all([
    add(),
    watch.pause([place.folder], true),
    add({ exclude: [] }),
    watch.pause([place.folder], false),
  ]);
  await Promise.all(
    [watch.remove([place.folder], false), watch.remove([place.folder], false)].map(each => each.catch(String)),
  );
  assert.deepEqual(watch.list(), []);
  place.put('left-alone.wav');
  // What comes to a watched folder later is seen later.
  await watch.add({ path: other, options: { repair: false, language: 'en' }, settleSeconds: SETTLE });
  writeFileSync(join(other, 'taken.wav'), 'sound');
  const [job] = await place.settled(1);
  assert.equal(job!.recording.name, 'taken.wav');
});

test('a folder that is looked at twice at once is watched once', { timeout: 30_000 }, async t => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'earshot-watched-'))),
    path = join(root, 'in');
  mkdirSync(path);
  const watcher = (seen: string[]) => {
    const { promise: found, resolve } = Promise.withResolvers<void>();
    const { promise: ready, resolve: isReady } = Promise.withResolvers<void>();
    const one: FolderWatcher = new FolderWatcher({
      path,
      pollMs: null,
      wants: () => true,
      found: each => {
        seen.push(each);
        resolve();
      },
      changed: () => {
        if (one.state === 'watching') isReady();
      },
    });
    return { one, found, ready };
  };
  const mine: string[] = [],
    { one } = watcher(mine);
  await Promise.all([one.check(), one.open()]);
  await one.dispose();
  const other = watcher([]);
  t.after(async () => {
    await other.one.dispose();
    removeFolder(root);
  });
  await other.one.open();
  await other.ready;
  writeFileSync(join(path, 'a.wav'), 'sound');
  await other.found;
  assert.deepEqual(mine, []);
});

test('never twice: copied, touched, renamed, moved, after a restart; but again when it has changed', async t => {
  const place = await open(t);
  await place.add();
  const a = place.put('a.wav');
  await place.settled(1);
  copyFileSync(a, join(place.folder, 'copy.wav'));
  await place.until('the copy is seen', () =>
    place.harness.store.watched.file(place.folder, join(place.folder, 'copy.wav')),
  );
  assert.equal(await place.why('copy.wav'), 'duplicate');
  utimesSync(a, 1, 1);
  mkdirSync(join(place.folder, 'sub'));
  renameSync(a, join(place.folder, 'sub', 'b.wav'));
  await place.until('the new name is seen', () =>
    place.harness.store.watched.file(place.folder, join(place.folder, 'sub', 'b.wav')),
  );
  assert.equal(await place.why('sub/b.wav'), 'renamed');
  await place.until('its job knows', () => place.jobs()[0]!.recording.path.endsWith(join('sub', 'b.wav')));
  await place.watch.dispose();
  renameSync(join(place.folder, 'sub'), join(place.folder, 'other'));
  place.put('while-away.wav');
  await place.again();
  await place.settled(2);
  assert.equal(await place.why('other/b.wav'), 'renamed');
  place.put('other/b.wav', 'something else');
  const jobs = await place.settled(3);
  assert.equal(jobs[2]!.recording.path, join(place.folder, 'other', 'b.wav'));
  assert.equal(await place.why('other/b.wav'), 'taken');
  // Forgotten, it begins anew.
  await place.watch.remove([place.folder], false);
  assert.equal(place.watch.active, false);
  await place.add();
  await place.settled(3);
});

// Elsewhere the settle time must do (test/unit/watch/decide.test.ts).
const linuxOnly = { skip: process.platform !== 'linux' && 'only Linux says which files a program has open' };
test('waits until a file is whole, however long somebody holds it open', linuxOnly, async t => {
  const place = await open(t);
  await place.add();
  const path = join(place.folder, 'slow.wav'),
    file = openSync(path, 'a');
  appendFileSync(file, 'first');
  await place.until('it is held', () =>
    place.harness.events.some(event => event.type === 'watch' && event.folder.counts.writing === 1),
  );
  await place.harness.until('the writer is known', async () => (await place.why('slow.wav')) === 'open');
  assert.equal(place.jobs().length, 0);
  appendFileSync(file, ' and last');
  closeSync(file);
  const [job] = await place.settled(1);
  assert.equal(job!.recording.bytes, 'first and last'.length);
});

test('a name that changes while the store cannot be written is known once it can', async t => {
  const place = await open(t);
  await place.add();
  const path = place.put('talk.wav');
  await place.settled(1);
  const { watched } = place.harness.store,
    { putFiles } = watched;
  let refused = 0;
  Object.assign(watched, {
    putFiles: () => {
      refused++;
      throw new StoreError('diskFull', { path: place.harness.home.database });
    },
  });
  renameSync(path, join(place.folder, 'lecture.wav'));
  await place.until('the store to refuse', () => refused > 0);
  Object.assign(watched, { putFiles });
  await place.until('the new name', () => watched.file(place.folder, join(place.folder, 'lecture.wav')));
  assert.equal(await place.why('lecture.wav'), 'renamed');
  await place.settled(1);
});

test('thousands do not flood the queue', async t => {
  const place = await open(t, { settings: { watchAhead: 8 } });
  for (let i = 0; i < 40; i++) place.put(`many/${i}.wav`);
  let most = 0;
  const look = place.harness.store.activeJobs.bind(place.harness.store),
    pending = (): number => look().filter(job => job.startedAt === null).length;
  place.harness.watch(event => {
    most = Math.max(most, pending());
    place.watch.onEvent(event);
  });
  await place.add();
  await place.settled(40);
  assert.ok(most > 1 && most <= 8, `${most} waited at once`);
});

test('a file that is renamed or changed while its job waits', async t => {
  const place = await open(t);
  place.harness.pipeline.queue.setQueue(false);
  await place.add();
  place.put('a.wav');
  place.put('b.wav');
  await place.until('two jobs', () => place.jobs().length === 2);
  renameSync(join(place.folder, 'a.wav'), join(place.folder, 'c.wav'));
  await place.until('the job follows', () => place.jobs().some(job => job.recording.name === 'c.wav'));
  appendFileSync(join(place.folder, 'b.wav'), ' more');
  await place.until('a third job', () => place.jobs().length === 3);
  place.harness.pipeline.queue.setQueue(true);
  await place.until('all ended', () => place.jobs().every(job => job.finishedAt !== null));
  assert.deepEqual(
    place
      .jobs()
      .map(job => [job.recording.name, job.state])
      .sort(),
    [
      ['b.wav', 'cancelled'],
      ['b.wav', 'completed'],
      ['c.wav', 'completed'],
    ],
  );
});

test('outputs are never taken, the original goes where it was told to', async t => {
  const place = await open(t);
  place.harness.deps.deliver = async work => {
    const path = join(place.folder, `${work.row.name}.es.wav`);
    const { bytes } = await place.harness.outputs.write(
      work.row,
      () => path,
      file => file.writeFile(`spoken ${work.row.name}`),
    );
    return { outputs: [{ kind: 'audio', path, bytes }] };
  };
  await assert.rejects(place.add({ moveTo: place.folder }), failsWith('originalsStay', { path: place.folder }));
  await place.add({ moveTo: join(place.folder, 'done') });
  place.put('sub/a.wav');
  place.put('b.wav');
  await place.settled(2);
  await place.until(
    'both are moved',
    () =>
      existsSync(join(place.folder, 'done', 'sub', 'a.wav')) &&
      existsSync(join(place.folder, 'done', 'b.wav')) &&
      place.jobs().every(job => job.recording.path.includes('done')),
  );
  assert.deepEqual(
    [await place.why('a.wav.es.wav'), await place.why('sub/a.wav'), await place.why('done/b.wav')],
    ['output', 'moved', 'moved'],
  );
  await place.until('the output is known by what is in it', () =>
    place.harness.store.watched.file(place.folder, join(place.folder, 'b.wav.es.wav')),
  );
  renameSync(join(place.folder, 'b.wav.es.wav'), join(place.folder, 'mine.wav'));
  await place.until('its new name is seen', () =>
    place.harness.store.watched.file(place.folder, join(place.folder, 'mine.wav')),
  );
  assert.equal(await place.why('mine.wav'), 'output');
  // The same recording once more is still the same.
  place.put('again.wav', 'b.wav');
  await place.until('it is seen', () =>
    place.harness.store.watched.file(place.folder, join(place.folder, 'again.wav')),
  );
  assert.equal(await place.why('again.wav'), 'duplicate');
  await place.again();
  await place.settled(2);
  assert.deepEqual(readdirSync(join(place.folder, 'done')).sort(), ['b.wav', 'sub']);
});

test('paused, gone, back; polled; what was there before is left if so wished; one folder within another', async t => {
  const place = await open(t);
  const inner = join(place.folder, 'inner');
  place.put('before.wav');
  place.put('inner/x.wav');
  await place.add({}, 'leave');
  await place.watch.add({
    path: inner,
    options: { repair: true, language: 'en' },
    settleSeconds: SETTLE,
    pollSeconds: 0.2,
  });
  const [job] = await place.settled(1);
  assert.ok(job!.stages.includes('repair'));
  assert.deepEqual([await place.why('before.wav'), await place.why('inner/x.wav')], ['before', 'taken']);
  await place.watch.pause([place.folder], true);
  place.put('paused.wav');
  assert.equal(await place.why('paused.wav'), 'folderPaused');
  await place.again();
  assert.deepEqual(
    place.watch.list().map(each => each.state === 'paused'),
    [true, false],
  );
  await place.watch.pause([place.folder], false);
  await place.settled(2);
  const state = (): string => place.watch.list()[1]!.state;
  renameSync(inner, `${inner}-away`);
  await place.until('it is missing', () => state() === 'missing');
  await place.watch.pause([inner], true);
  renameSync(`${inner}-away`, inner);
  place.put('inner/y.wav');
  await place.watch.pause([inner], false);
  const jobs = await place.settled(3);
  assert.deepEqual([jobs[2]!.recording.name, state()], ['y.wav', 'polling']);
  await assert.rejects(
    place.watch.add({ path: join(place.folder, 'none'), options: { repair: true } }),
    /noSuchFolder/,
  );
  await assert.rejects(place.add({ options: { repair: true, models: { asr: 'none' } } }), /unknownModel/);
  await assert.rejects(place.watch.pause(['/none'], true), /notWatched/);
});

test('each recording is taken with the glossary and the voices that lie there then', async t => {
  const place = await open(t),
    glossary = join(place.folder, '.earshot', 'glossary.csv'),
    terms = (): (string | undefined)[][] =>
      place.jobs().map(job => (job.options.glossary ?? []).map(each => each.term));
  await place.add({ options: { repair: false, language: 'en', glossary: [{ term: 'Own' }], speakers: {} } });
  place.put('1.wav');
  await place.settled(1);
  place.put('.earshot/glossary.csv', 'Asterisk,,\n');
  place.put('.earshot/speakers.json', JSON.stringify({ speakers: { Anna: 'AAAA' } }));
  place.put('calls/2.wav');
  await place.settled(2);
  assert.deepEqual(place.jobs()[1]!.options.speakers, { known: { Anna: 'AAAA' } });
  // One that cannot be read holds the recording until somebody mends it.
  writeFileSync(glossary, ',nothing,\n');
  place.put('3.wav');
  await place.until('the reason', () => place.watch.list()[0]!.counts.waiting === 1);
  const { decision } = await place.watch.why(join(place.folder, '3.wav'));
  assert.deepEqual([decision.code, decision.failure?.code], ['retry', 'badGlossary']);
  writeFileSync(glossary, 'PBX,,\n');
  await place.again();
  await place.settled(3);
  assert.deepEqual(terms(), [['Own'], ['Own', 'Asterisk'], ['Own', 'PBX']]);
  await place.add({ glossary: false });
  place.put('4.wav');
  await place.settled(4);
  assert.deepEqual(terms()[3], []);
});
