/**
 * What somebody planted under the names that Earshot writes and reads by: a link that leads to a file of yours, a pipe
 * that nobody writes to, a file without end. Nothing is written through it, and nobody waits for it.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pino } from 'pino';
import { modeLike } from '../../client/file-mode.ts';
import { glossaryFor, knownSpeakers, rootOf } from '../../client/folder-defaults.ts';
import { isPlanted } from '../../client/planted.ts';
import { remember } from '../../client/remembered-speakers.ts';
import { withSpeakers } from '../../text/speakers.ts';
import { isOursToMove, openOwn, replaceFile } from '../../client/files.ts';
import { DEFAULTS } from '../../schemas/settings.ts';
import { home as homeOf } from '../../daemon/auth/home.ts';
import { newToken } from '../../daemon/auth/tokens.ts';
import { writeWav } from '../../daemon/audio/wav.ts';
import { readStamp, writeStamp } from '../../daemon/models/folder.ts';
import { createModels } from '../../daemon/models/models.ts';
import { PartFile, sha256Of } from '../../daemon/models/part-file.ts';
import { contentOf, draftIn } from '../../daemon/outputs/draft.ts';
import { moveOriginal } from '../../daemon/outputs/originals.ts';
import { Outputs } from '../../daemon/outputs/outputs.ts';
import { readTranscript } from '../../daemon/outputs/transcript-file.ts';
import { buildTrack } from '../../daemon/outputs/track.ts';
import { backUp } from '../../daemon/store/sqlite/backups.ts';
import { openStore } from '../../daemon/store/sqlite/store.ts';
import { takeLock } from '../../daemon/system/lock.ts';
import { openSettings } from '../../daemon/system/settings-file.ts';
import { openLog } from '../../daemon/telemetry/log.ts';
import { WorkerLog } from '../../daemon/workers/log.ts';
import { ctranslate2 } from '../fixtures/models.ts';
import { ffmpeg, missing } from '../engines/place.ts';
import { failsWith } from '../fixtures/fails-with.ts';

const root = mkdtempSync(join(tmpdir(), 'earshot-planted-'));
after(() => rmSync(root, { recursive: true, force: true }));
const posix = process.platform === 'win32' ? 'links and pipes are those of POSIX' : false;
const silent = pino({ level: 'silent' });
const soon = new AbortController().signal;
let folders = 0;
const folder = (): string => {
  const made = join(root, String(folders++));
  mkdirSync(made);
  return made;
};

/** Every file that is written by a name that others could know; `at`: where to plant something. */
const WRITERS: Record<string, { at(path: string): string; write(path: string): unknown }> = {
  'a file that is replaced': { at: path => `${path}.part`, write: path => replaceFile(path, 'ours', 0o600) },
  'the token': { at: path => `${path}.part`, write: path => newToken(path) },
  'speech of a worker': {
    at: path => `${path}.${process.pid}.part`,
    write: path => writeWav(path, 16_000, [Buffer.alloc(2)]),
  },
  'the settings': { at: path => `${path}.part`, write: path => openSettings(path, silent).set({ concurrentTasks: 3 }) },
  "a model's stamp": {
    at: path => join(dirname(path), 'earshot-model.json.part'),
    write: path => writeStamp(dirname(path), { installedAt: '', files: [] }),
  },
  'a download': {
    at: path => path,
    write: async path => {
      const part = await PartFile.open(path, soon);
      await part.write(Buffer.from('ours'));
      await part.finish();
    },
  },
  'the note of a download': {
    at: path => `${path}.json`,
    write: async path => {
      const part = await PartFile.open(path, soon);
      await part.mark({ source: 'hub' });
      await part.close();
    },
  },
  'the log of the daemon': {
    at: path => join(dirname(path), 'earshotd.log'),
    write: path => openLog(dirname(path), Date.now).log.info('ours'),
  },
  'the log of a worker': { at: path => path, write: path => new WorkerLog(path).note('ours') },
  'the number of the process': { at: path => `${path}.pid`, write: path => takeLock(path).release() },
  'sound that is decoded': {
    at: path => path,
    write: async path => {
      const file = await openOwn(path, 0o600);
      await file.writeFile('ours');
      await file.close();
    },
  },
  'a copy of the database': {
    at: path => join(dirname(path), `earshot-${new Date(0).toISOString().replaceAll(/[:.]/g, '-')}.db.part`),
    write: async path => {
      const store = openStore(':memory:');
      try {
        await backUp(store, dirname(path), 0, 0);
      } finally {
        store.dispose();
      }
    },
  },
};

describe('a link under a name that is written', { skip: posix }, () => {
  for (const [name, { at, write }] of Object.entries(WRITERS))
    test(`${name}: nothing is written through it`, async () => {
      const path = join(folder(), 'file'),
        precious = join(root, 'precious');
      writeFileSync(precious, 'mine');
      symlinkSync(precious, at(path));
      await Promise.resolve(write(path)).catch(() => {});
      assert.equal(readFileSync(precious, 'utf8'), 'mine');
      rmSync(precious);
      // Nor made, where a link leads to nothing.
      const again = join(folder(), 'file');
      symlinkSync(precious, at(again));
      await new Promise(resolve => resolve(write(again))).catch(() => {});
      assert.equal(existsSync(precious), false);
    });
});

test('an original that moves to another disk takes no planted name, and changes no other file', async () => {
  const from = folder(),
    to = folder(),
    path = join(from, 'talk.wav'),
    precious = join(root, 'precious');
  writeFileSync(path, 'sound');
  utimesSync(path, new Date(5_000), new Date(5_000));
  writeFileSync(precious, 'mine');
  utimesSync(precious, new Date(9_000), new Date(9_000));
  symlinkSync(precious, join(to, 'talk.wav'));
  const { size: bytes, mtimeMs: modifiedAt } = statSync(path);
  let moves = 0;
  const moved = await moveOriginal(path, join(to, 'talk.wav'), { bytes, modifiedAt }, () => {
    moves += 1;
    return Promise.reject(Object.assign(new Error('another disk'), { code: 'EXDEV' }));
  });
  assert.equal(moved, join(to, 'talk (2).wav'));
  assert.equal(moves, 1);
  assert.deepEqual([readFileSync(moved!, 'utf8'), statSync(moved!).mtimeMs], ['sound', 5_000]);
  assert.deepEqual([readFileSync(precious, 'utf8'), statSync(precious).mtimeMs], ['mine', 9_000]);
  assert.ok(lstatSync(join(to, 'talk.wav')).isSymbolicLink());
});

describe('what ffmpeg writes', { skip: posix || missing({ ffmpeg }) }, () => {
  for (const audio of ['mp3', 'm4a'] as const)
    test(`goes into our own file (${audio}), also when a link takes its name meanwhile`, async () => {
      const here = folder(),
        precious = join(root, 'precious');
      writeFileSync(precious, 'mine');
      const draft = draftIn(here, 'track', async (file, path) => {
        rmSync(path);
        symlinkSync(precious, path);
        await buildTrack({
          utterances: [],
          durationMs: 500,
          file,
          path,
          recording: 'talk.wav',
          audio,
          ffmpeg: ffmpeg!,
          sandboxed: false,
        });
        assert.ok((await file.stat()).size > 0);
      });
      await assert.rejects(draft, failsWith('outputNotWritable'));
      assert.equal(readFileSync(precious, 'utf8'), 'mine');
      assert.deepEqual(readdirSync(here), []);
    });
});

describe('a pipe where a file is expected', { skip: posix, timeout: 60_000 }, () => {
  const pipe = (path: string): string => {
    execFileSync('mkfifo', [path]);
    return path;
  };
  test('is not waited for', async () => {
    const here = folder(),
      at = pipe(join(here, 'pipe'));
    await assert.rejects(readTranscript(at), failsWith('noSuchFile'));
    await assert.rejects(sha256Of(at));
    await assert.rejects(openOwn(at, 0o600));
    await assert.rejects(PartFile.open(at, soon));
    assert.equal(await contentOf(at), null);
    new WorkerLog(at).note('ours');
    pipe(join(here, 'earshot-model.json'));
    assert.equal(readStamp(here), null);
    pipe(join(here, 'earshotd.log'));
    const log = openLog(here, Date.now);
    log.log.info('ours');
    assert.deepEqual(log.tail(5), []);
    // Set aside like anything else that holds no settings.
    const settings = pipe(join(here, 'settings.json'));
    openSettings(settings, silent).set({ concurrentTasks: 3 });
    assert.ok(lstatSync(`${settings}.bad`).isFIFO());
    assert.ok(lstatSync(settings).isFile());
  });
});

describe('a folder that is imported as a model', { skip: posix, timeout: 180_000 }, () => {
  const home = homeOf({ EARSHOT_STATE: join(root, 'state'), EARSHOT_DATA: join(root, 'data') });
  const models = createModels({
    home,
    settings: () => ({ ...DEFAULTS, offline: true }),
    runtimes: { ready: () => false, directory: () => '' } as never,
    emit: () => {},
  });
  const whisper = (at: string): string => {
    mkdirSync(at, { recursive: true });
    writeFileSync(join(at, 'model.bin'), ctranslate2('WhisperSpec'));
    for (const name of ['tokenizer.json', 'vocabulary.json']) writeFileSync(join(at, name), '{}');
    return at;
  };
  test('takes nothing along that its links lead to', async () => {
    const at = whisper(join(folder(), 'whisper')),
      secret = join(root, 'secret.json');
    writeFileSync(secret, '{"password": "xyzzy"}');
    symlinkSync(secret, join(at, 'config.json'));
    await assert.rejects(models.import(at), /link that leads out/);
    const folders = existsSync(home.models) ? readdirSync(home.models, { recursive: true }) : [];
    assert.deepEqual(folders, []);
    rmSync(join(at, 'config.json'));
    symlinkSync('tokenizer.json', join(at, 'config.json'));
    assert.equal((await models.import(at)).state, 'installed');
  });
  test("a hub's cache is links to its own blobs, and taken", async () => {
    const cache = join(folder(), 'models--x--whisper'),
      at = whisper(join(cache, 'snapshots', 'abc'));
    mkdirSync(join(cache, 'blobs'));
    writeFileSync(join(cache, 'blobs', '0123'), '{}');
    symlinkSync(join('..', '..', 'blobs', '0123'), join(at, 'config.json'));
    assert.equal((await models.import(at)).state, 'installed');
  });
  test('is looked at elsewhere: a header that takes long to read holds up nobody', async () => {
    const u32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer),
      u64 = (value: bigint): Buffer => Buffer.from(BigUint64Array.of(value).buffer);
    const at = join(folder(), 'endless.gguf');
    // Pairs that each hold an array of a billion empty strings, in a file that goes on with zeros.
    writeFileSync(at, Buffer.concat([Buffer.from('GGUF'), u32(3), u64(0n), u64(65_536n), u64(1n), Buffer.from('k')]));
    appendFileSync(at, Buffer.concat([u32(9), u32(8), u64(10n ** 9n)]));
    truncateSync(at, 2 ** 40);
    const before = process.threadCpuUsage();
    await assert.rejects(models.import(at), /larger than that of any model/);
    const { user, system } = process.threadCpuUsage(before);
    assert.ok((user + system) / 1000 < 100, `${(user + system) / 1000} ms of this thread`);
  });
});

describe('who may read what is made of a recording', { skip: posix }, () => {
  for (const [mode, expected] of [
    [0o600, 0o600],
    [0o640, 0o640],
    [0o644, 0o644],
    [0o666, 0o644],
    [0o400, 0o600],
  ] as const)
    test(`of ${mode.toString(8)}: ${expected.toString(8)}, also when it is written again`, async () => {
      const before = process.umask(0o022);
      const store = openStore(':memory:');
      try {
        const path = join(folder(), 'talk.wav'),
          outputs = new Outputs(store),
          owner = { id: 'job', path, createdAt: 0 };
        writeFileSync(path, 'RIFF');
        chmodSync(path, mode);
        const text = join(dirname(path), 'talk.txt');
        await outputs.write(
          owner,
          () => text,
          file => file.writeFile('said'),
        );
        assert.equal(statSync(text).mode & 0o777, expected);
        await outputs.rewrite(owner, text, 'said again', () => Promise.resolve(true));
        assert.deepEqual([statSync(text).mode & 0o777, readFileSync(text, 'utf8')], [expected, 'said again']);
      } finally {
        store.dispose();
        process.umask(before);
      }
    });
  test('of one in a closed folder, or of another group, elsewhere: only who may read it there', async t => {
    const closed = folder(),
      elsewhere = folder(),
      path = join(closed, 'talk.wav'),
      open = (at: string): boolean =>
        (statSync(at).mode & 0o011) === 0o011 && (at === dirname(at) || open(dirname(at)));
    writeFileSync(path, 'RIFF');
    chmodSync(path, 0o644);
    chmodSync(root, 0o755);
    try {
      chmodSync(closed, 0o700);
      assert.equal(await modeLike(path, elsewhere), 0o600);
      assert.equal(await modeLike(path, closed), 0o644);
      assert.equal(await modeLike(path, join(closed, 'below')), 0o644);
      chmodSync(closed, 0o755);
      assert.equal(await modeLike(path, elsewhere), open(closed) ? 0o644 : 0o600);
      if (process.getuid!() !== 0) return t.diagnostic('another group is not tried: only root may give a folder one');
      chmodSync(path, 0o640);
      assert.equal(await modeLike(path, elsewhere), open(closed) ? 0o640 : 0o600);
      chownSync(elsewhere, 0, 65_534);
      chmodSync(elsewhere, 0o2775);
      assert.equal(await modeLike(path, elsewhere), 0o600);
    } finally {
      chmodSync(root, 0o700);
    }
  });
  test('voices can be read by nobody who may not read the recording', async () => {
    for (const [mode, expected] of [
      [0o600, 0o600],
      [0o644, 0o644],
    ] as const) {
      const at = folder(),
        path = join(at, '.earshot', 'speakers.json');
      writeFileSync(join(at, 'talk.wav'), 'RIFF');
      chmodSync(join(at, 'talk.wav'), mode);
      await remember(path, { Anna: 'AAAA' }, join(at, 'talk.wav'));
      assert.equal(statSync(path).mode & 0o777, expected);
      chmodSync(path, 0o640);
      await remember(path, { Ben: 'AAAA' }, join(at, 'talk.wav'));
      assert.equal(statSync(path).mode & 0o777, 0o640, 'as somebody set it');
    }
  });
  test('what a job writes into a shared folder is not more open than its recording', async () => {
    const store = openStore(':memory:');
    try {
      const closed = folder(),
        shared = folder(),
        path = join(closed, 'talk.wav');
      writeFileSync(path, 'RIFF');
      chmodSync(path, 0o644);
      chmodSync(closed, 0o700);
      const owner = { id: 'job', path, createdAt: 0 };
      const { path: text } = await new Outputs(store).write(
        owner,
        () => join(shared, 'talk.txt'),
        file => file.writeFile('said'),
      );
      assert.equal(statSync(text).mode & 0o777, 0o600);
    } finally {
      store.dispose();
    }
  });
  test('a recording that moves to another disk keeps its mode', async () => {
    const path = join(folder(), 'talk.wav');
    writeFileSync(path, 'sound');
    chmodSync(path, 0o600);
    const { size: bytes, mtimeMs: modifiedAt } = statSync(path);
    const moved = await moveOriginal(path, join(folder(), 'talk.wav'), { bytes, modifiedAt }, () =>
      Promise.reject(Object.assign(new Error('another disk'), { code: 'EXDEV' })),
    );
    assert.equal(statSync(moved!).mode & 0o777, 0o600);
  });
  test('the database and its copies are ours alone, whatever the umask', async () => {
    const before = process.umask(0);
    const here = folder(),
      store = openStore(join(here, 'queue.db'));
    try {
      await backUp(store, here, 0, 0);
      for (const name of readdirSync(here)) assert.equal(statSync(join(here, name)).mode & 0o077, 0, name);
    } finally {
      store.dispose();
      process.umask(before);
    }
  });
});

describe('in a folder where everybody may write', { skip: posix }, () => {
  /** A file that a crash would have left of talk.txt, planted by somebody else. */
  const asideOf = (path: string): string =>
    join(dirname(path), `.earshot-${createHash('sha256').update('talk.txt').digest('hex').slice(0, 24)}.old`);
  const shared = (): string => {
    const at = folder();
    chmodSync(at, 0o1777);
    writeFileSync(asideOf(join(at, 'talk.txt')), 'planted');
    return at;
  };
  test("nobody's file is taken for one of ours that a crash left", async () => {
    const at = shared(),
      planted = asideOf(join(at, 'talk.txt')),
      us = process.getuid!();
    assert.equal(await isOursToMove(planted, us), true);
    assert.equal(await isOursToMove(planted, us + 1), us + 1 === 0);
    chmodSync(at, 0o777);
    assert.equal(await isOursToMove(planted, us + 1), true);
  });
  test("somebody else's project, glossary and voices hold for none of our recordings, and keep none of our voices", async t => {
    const us = process.getuid!(),
      at = folder(),
      own = join(at, 'own'),
      recording = join(own, 'talk.wav'),
      voices = join(at, '.earshot', 'speakers.json'),
      files = {
        [join(at, '.earshot', 'glossary.md')]: '| term |\n| --- |\n| Planted |\n',
        [voices]: withSpeakers(null, { Mallory: 'AAAA' }),
      };
    mkdirSync(own);
    mkdirSync(join(at, '.earshot'));
    for (const [path, text] of Object.entries(files)) writeFileSync(path, text);
    const heard = async () => ({
      root: rootOf(recording, root),
      terms: (await glossaryFor(recording, at, [])).entries.map(({ term }) => term),
      known: Object.keys(await knownSpeakers(recording, at)),
    });
    // In a folder of ours alone they are ours, whoever's name they have.
    assert.deepEqual([(await heard()).terms, (await heard()).known], [['Planted'], ['Mallory']]);
    chmodSync(at, 0o1777);
    for (const path of [...Object.keys(files), join(at, '.earshot')]) {
      assert.equal(isPlanted(path, us), false, path);
      assert.equal(isPlanted(path, us + 1), us !== 0, path);
    }
    if (us !== 0) return t.diagnostic('only root can be two users: the rest is not tried');
    for (const path of [...Object.keys(files), join(at, '.earshot')]) chownSync(path, 65_534, 65_534);
    assert.deepEqual(await heard(), { root, terms: [], known: [] });
    assert.equal(rootOf(recording, '/elsewhere'), null);
    await assert.rejects(remember(voices, { Anna: 'AAAA' }, recording), failsWith('outputNotWritable'));
    assert.ok(!readFileSync(voices, 'utf8').includes('Anna'));
  });
  test('what somebody planted stops no text, and no empty file is left of it', async t => {
    if (process.getuid!() !== 0) return t.skip('only root can be two users');
    const at = shared(),
      path = join(at, 'talk.txt'),
      draft = new URL('../../daemon/outputs/draft.ts', import.meta.url).href;
    chmodSync(root, 0o755);
    try {
      const script =
        `const { draftIn, publish, putBack } = await import(${JSON.stringify(draft)});` +
        `const [at, path] = process.argv.slice(-2);` +
        `await putBack(path);` +
        `await publish(await draftIn(at, 'job', file => file.writeFile('said')), path);`;
      const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, at, path], {
        uid: 65_534,
        gid: 65_534,
        cwd: '/',
        encoding: 'utf8',
        timeout: 90_000,
      });
      if (/EACCES|Cannot find module|ERR_MODULE_NOT_FOUND/.test(stderr ?? '') || status === null)
        return t.skip(`another user cannot run this: ${stderr}`);
      assert.equal(status, 0, stderr);
      assert.deepEqual(readdirSync(at).sort(), [asideOf(path).slice(at.length + 1), 'talk.txt'].sort());
      assert.equal(readFileSync(path, 'utf8'), 'said');
    } finally {
      chmodSync(root, 0o700);
    }
  });
});

test('settings are those that there are: what every object has is none', () => {
  const settings = openSettings(join(folder(), 'settings.json'), silent);
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf'])
    assert.throws(
      () => settings.set(JSON.parse(`{${JSON.stringify(name)}: 1}`) as Record<string, unknown>),
      failsWith('unknownSetting', { name }),
    );
});
