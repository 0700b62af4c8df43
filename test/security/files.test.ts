/** Files: what a workspace may have planted where Earshot writes and reads, and who may read what is Earshot's own. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { checkCollection } from '../../cli/collect.ts';
import { readGlossary } from '../../client/folder-defaults.ts';
import { withTarget } from '../../extension/commands/asked-path.ts';
import { home as homeOf, openHome } from '../../daemon/auth/home.ts';
import { checkRecording, factsOf, type RecordingFacts } from '../../daemon/ingest/recording.ts';
import { readPieces } from '../../daemon/ingest/text.ts';
import { moveOriginal } from '../../daemon/outputs/originals.ts';
import { createModels } from '../../daemon/models/models.ts';
import { newToken, sameToken } from '../../daemon/auth/tokens.ts';
import { wavHeader } from '../../daemon/audio/wav.ts';
import { openStore } from '../../daemon/store/sqlite/store.ts';
import { glossaryPlaces } from '../../text/glossary.ts';
import { DEFAULTS } from '../../schemas/settings.ts';
import { remember } from '../../client/remembered-speakers.ts';
import { readSmall } from '../../client/small-file.ts';
import { parseSpeakers } from '../../text/speakers.ts';
import { fileName } from '../../daemon/api/http/upload.ts';
import { failsWith } from '../fixtures/fails-with.ts';
import { silentJob, outputWriter } from '../fixtures/write-outputs.ts';

const root = mkdtempSync(join(tmpdir(), 'earshot-security-files-'));
after(() => rmSync(root, { recursive: true, force: true }));
const posix = process.platform === 'win32' ? 'links and modes are those of POSIX' : false;

const store = openStore(':memory:');
after(() => store.dispose());
const write = outputWriter(store);

describe('outputs', { skip: posix }, () => {
  test('a link planted under a name that is written on the way is not followed', async () => {
    const folder = mkdtempSync(join(root, 'planted-')),
      precious = join(root, 'precious'),
      recording = join(folder, 'talk.wav');
    writeFileSync(precious, 'mine');
    writeFileSync(recording, 'RIFF');
    for (const end of ['txt', 'srt', 'vtt', 'md', 'earshot.json', 'ass'])
      symlinkSync(precious, join(folder, `talk.${end}.part`));
    // The name of a draft, for whoever can guess it.
    symlinkSync(precious, join(folder, '.earshot-job.part'));
    for (const { path } of await write(silentJob(recording, 'talk.wav')))
      assert.ok(lstatSync(path).isFile(), `${path} is a file of its own`);
    symlinkSync(precious, join(folder, '.earshot-job.part'));
    const pcm = join(root, 'pcm');
    writeFileSync(pcm, wavHeader(16_000, 0));
    await write(
      {
        ...silentJob(recording, 'live', { outputs: { formats: [] } }),
        live: { format: 'pcm', open: false, saveTo: join(folder, 'live.wav') },
      },
      pcm,
    );
    assert.ok(lstatSync(join(folder, 'live.wav')).isFile());
    assert.equal(readFileSync(precious, 'utf8'), 'mine');
  });
  test('a file that is not ours stays, whether it is one or a link to one', async () => {
    const folder = mkdtempSync(join(root, 'taken-')),
      recording = join(folder, 'talk.wav'),
      precious = join(root, 'precious2');
    writeFileSync(precious, 'mine');
    writeFileSync(recording, 'RIFF');
    writeFileSync(join(folder, 'talk.txt'), 'notes');
    symlinkSync(precious, join(folder, 'talk.srt'));
    symlinkSync(join(root, 'not there'), join(folder, 'talk.vtt'));
    const written = (await write(silentJob(recording, 'talk.wav'))).map(output => output.path);
    assert.equal(readFileSync(join(folder, 'talk.txt'), 'utf8'), 'notes');
    assert.equal(readFileSync(precious, 'utf8'), 'mine');
    assert.ok(!existsSync(join(root, 'not there')), 'a link that leads nowhere is not followed');
    assert.ok(!written.includes(join(folder, 'talk.txt')) && !written.includes(join(folder, 'talk.srt')));
  });
  test('a name is a name: it leads nowhere else', async () => {
    const folder = mkdtempSync(join(root, 'names-'));
    // Names come from paths that were resolved; even one that did not would stay within the folder, or fail.
    for (const name of ['..', '.', '-y', '..wav']) {
      const path = join(folder, 'a.wav');
      writeFileSync(path, 'RIFF');
      for (const output of await write(silentJob(path, name, { outputs: { formats: ['txt'] } })))
        assert.ok(output.path.startsWith(`${folder}/`), output.path);
    }
  });
});

test(
  'a folder where none can be made is said to be none: nothing tries for ever',
  { skip: process.platform !== 'linux' && 'only Linux has a /proc', timeout: 60_000 },
  async () => {
    const recording = join(root, 'made.wav'),
      nowhere = '/proc/earshot/deeper';
    writeFileSync(recording, 'RIFF');
    const { size: bytes, mtimeMs: modifiedAt } = statSync(recording);
    const outputs = { formats: ['txt' as const], directory: nowhere };
    await assert.rejects(write(silentJob(recording, 'made.wav', { outputs })), failsWith('outputNotWritable'));
    await assert.rejects(remember(join(nowhere, 'speakers.json'), {}), failsWith('outputNotWritable'));
    await assert.rejects(moveOriginal(recording, join(nowhere, 'made.wav'), { bytes, modifiedAt }), { code: 'ENOENT' });
    assert.throws(() => openHome(homeOf({ EARSHOT_STATE: nowhere, EARSHOT_DATA: nowhere })), { code: 'ENOENT' });
    // Also where a file is above it.
    await assert.rejects(
      write(silentJob(recording, 'made.wav', { outputs: { ...outputs, directory: join(recording, 'deeper') } })),
      failsWith('outputNotWritable'),
    );
  },
);

test('what is collected from several recordings replaces no link, folder or device', { skip: posix }, () => {
  const link = join(root, 'all.csv');
  symlinkSync(join(root, 'elsewhere.csv'), link);
  for (const csv of ['/dev/full', '/dev/stdout', root, link])
    assert.throws(() => checkCollection({ csv }, []), failsWith('badRequest'), csv);
  checkCollection({ csv: join(root, 'new.csv') }, []);
});

test('only files are recordings: no folder, device, pipe or link to one', { skip: posix }, async () => {
  const folder = mkdtempSync(join(root, 'kinds-'));
  symlinkSync('/dev/zero', join(folder, 'endless.wav'));
  symlinkSync(folder, join(folder, 'folder.wav'));
  symlinkSync(join(folder, 'loop.wav'), join(folder, 'loop.wav'));
  for (const name of ['endless.wav', 'folder.wav'])
    await assert.rejects(checkRecording(join(folder, name)), failsWith('notAFile'));
  await assert.rejects(checkRecording(join(folder, 'loop.wav')), failsWith('unreadableFile'));
});

test('uploads keep nothing of a path', () => {
  for (const name of [
    '../../etc/passwd',
    '..\\..\\x.wav',
    '/etc/x.wav',
    '....//x',
    'a\0b.wav',
    '\u202egpj.wav',
    '~/x',
    '.bashrc',
    'x'.repeat(5000),
  ]) {
    const safe = fileName(name);
    assert.doesNotMatch(safe, /[/\\\0\u202e~]|^\.|\.\./u, safe);
    assert.ok(safe.length <= 120 && safe.length > 0);
  }
});

test("glossaries are looked for in the recording's own folders only", () => {
  const places = glossaryPlaces('/home/anna/project/day/talk.wav', '/home/anna/project');
  assert.ok(
    places.length > 0 && places.every(path => path.startsWith('/home/anna/project/') && path.includes('/.earshot/')),
    places.join('\n'),
  );
  assert.ok(
    glossaryPlaces('/elsewhere/talk.wav', '/home/anna/project').every(path => !path.startsWith('/home/anna/project/')),
  );
});

describe('models', () => {
  const home = homeOf({ EARSHOT_STATE: join(root, 'state'), EARSHOT_DATA: join(root, 'data') });
  const models = createModels({
    home,
    settings: () => ({ ...DEFAULTS, offline: true }),
    runtimes: { ready: () => false, directory: () => '' } as never,
    emit: () => {},
  });
  test(
    'an import takes models only: no key, no script, and nothing through a link to one',
    { skip: posix },
    async () => {
      const folder = mkdtempSync(join(root, 'import-'));
      writeFileSync(join(folder, 'id_ed25519'), '-----BEGIN OPENSSH PRIVATE KEY-----\n');
      symlinkSync(join(folder, 'id_ed25519'), join(folder, 'model.gguf'));
      symlinkSync('/dev/zero', join(folder, 'endless.gguf'));
      // A pickle is a program: it is never loaded, so it is never taken.
      writeFileSync(join(folder, 'model.bin'), Buffer.from('800363706f736978', 'hex'));
      writeFileSync(join(folder, 'model.pt'), Buffer.from('800363706f736978', 'hex'));
      for (const name of ['id_ed25519', 'model.gguf', 'endless.gguf', 'model.bin', 'model.pt', '.'])
        await assert.rejects(models.import(join(folder, name)), failsWith('modelBroken'), name);
    },
  );
  test('ids lead nowhere', async () => {
    mkdirSync(join(root, 'data', 'models'), { recursive: true });
    const precious = join(root, 'data', 'precious');
    mkdirSync(precious, { recursive: true });
    for (const id of ['../precious', '/', '..', '', '.', 'a/../../precious', '__proto__', 'constructor']) {
      await assert.rejects(models.remove(id), failsWith('unknownModel'), id);
      await assert.rejects(models.verify(id), failsWith('unknownModel'), id);
      await assert.rejects(
        models.install(id, () => {}, new AbortController().signal),
        failsWith('unknownModel'),
        id,
      );
    }
    assert.ok(existsSync(precious));
  });
});

describe('what a folder of a stranger holds for Earshot to read', { skip: posix }, () => {
  test(
    'is a file of a bounded size, or is not read: no pipe is waited for, no device read to its end',
    { timeout: 20_000 },
    async () => {
      const folder = mkdtempSync(join(root, 'small-')),
        at = (name: string): string => join(folder, name);
      const NOTHING: RecordingFacts = { bytes: 0, modifiedAt: 0, fileId: null },
        known = (path: string): Promise<RecordingFacts> => factsOf(path).catch(() => NOTHING);
      execFileSync('mkfifo', [at('pipe.srt')]);
      symlinkSync('/dev/zero', at('endless.srt'));
      mkdirSync(at('folder.srt'));
      writeFileSync(at('large.srt'), '');
      truncateSync(at('large.srt'), 5 * 1024 ** 3);
      writeFileSync(at('good.srt'), '1\n00:00:01,000 --> 00:00:02,000\nHello\n');
      for (const name of ['pipe.srt', 'endless.srt', 'folder.srt', 'large.srt']) {
        await assert.rejects(readSmall(at(name), 1024), name);
        const large = name === 'large.srt' ? 'textTooLarge' : null,
          refused = large ?? (name === 'endless.srt' ? 'recordingChanged' : 'notAFile');
        await assert.rejects(readPieces(at(name), { language: 'en' }, await known(at(name))), failsWith(refused), name);
        await assert.rejects(readGlossary(at(name)), failsWith(large ?? 'badGlossary'), name);
      }
      assert.equal((await readSmall(at('good.srt'), 1024)).length, readFileSync(at('good.srt')).length);
      await assert.rejects(readSmall(at('good.srt'), 10));
      assert.deepEqual(await readPieces(at('good.srt'), { language: 'en' }, await known(at('good.srt'))), {
        pieces: [{ text: 'Hello', startMs: 1000, endMs: 2000, speaker: null }],
        warnings: [],
      });
      await assert.rejects(readPieces(at('nothing.srt'), { language: 'en' }, NOTHING), failsWith('noSuchFile'));
    },
  );
  test('names of voices go into a file of ours: nothing is written through a link, and nothing else is replaced', async () => {
    const folder = mkdtempSync(join(root, 'voices-')),
      precious = join(root, 'profile'),
      at = (...parts: string[]): string => join(folder, ...parts);
    writeFileSync(precious, 'export PATH');
    mkdirSync(at('a', '.earshot'), { recursive: true });
    symlinkSync(precious, at('a', '.earshot', 'speakers.json'));
    mkdirSync(at('b'));
    mkdirSync(at('elsewhere'));
    symlinkSync(at('elsewhere'), at('b', '.earshot'));
    mkdirSync(at('c', '.earshot'), { recursive: true });
    writeFileSync(at('c', '.earshot', 'speakers.json'), 'notes of mine');
    mkdirSync(at('d', '.earshot'), { recursive: true });
    writeFileSync(at('d', '.earshot', 'speakers.json'), '{"scripts":{}}');
    for (const name of ['a', 'b', 'c', 'd'])
      await assert.rejects(
        remember(at(name, '.earshot', 'speakers.json'), { Anna: 'AAAA' }),
        failsWith('outputNotWritable'),
        name,
      );
    assert.equal(readFileSync(precious, 'utf8'), 'export PATH');
    assert.deepEqual(
      [
        existsSync(at('elsewhere', 'speakers.json')),
        readFileSync(at('c', '.earshot', 'speakers.json'), 'utf8'),
        readFileSync(at('d', '.earshot', 'speakers.json'), 'utf8'),
      ],
      [false, 'notes of mine', '{"scripts":{}}'],
    );
    mkdirSync(at('e', '.earshot'), { recursive: true });
    symlinkSync(precious, at('e', '.earshot', 'speakers.json.part'));
    await remember(at('e', '.earshot', 'speakers.json'), { Anna: 'AAAA' });
    await remember(at('e', '.earshot', 'speakers.json'), { Ben: 'BBBB', S1: 'CCCC' });
    assert.deepEqual(parseSpeakers(readFileSync(at('e', '.earshot', 'speakers.json'), 'utf8')), {
      Anna: 'AAAA',
      Ben: 'BBBB',
    });
    assert.equal(readFileSync(precious, 'utf8'), 'export PATH');
  });
  test('of names that are given at once, here and by other processes, none is lost; what a crash left is no hindrance', async () => {
    const path = join(mkdtempSync(join(root, 'voices-')), '.earshot', 'speakers.json'),
      names = Array.from({ length: 20 }, (_, i) => `Speaker ${i}`);
    const module = pathToFileURL(join(import.meta.dirname, '..', '..', 'client', 'remembered-speakers.ts')).href,
      others = Array.from({ length: 2 }, (_, i) =>
        once(
          spawn(
            process.execPath,
            [
              '--input-type=module',
              '-e',
              `const { remember } = await import(${JSON.stringify(module)});
               for (let n = 0; n < 20; n++) await remember(${JSON.stringify(path)}, { ['Other ${i} ' + n]: 'AAAA' });`,
            ],
            { stdio: ['ignore', 'inherit', 'inherit'] },
          ),
          'exit',
        ),
      );
    await Promise.all(names.map(name => remember(path, { [name]: 'AAAA' })));
    assert.deepEqual(
      (await Promise.all(others)).map(([code]) => code as number),
      [0, 0],
    );
    assert.equal(Object.keys(parseSpeakers(readFileSync(path, 'utf8'))).length, 60);
    writeFileSync(`${path}.part`, 'half');
    utimesSync(`${path}.part`, new Date(0), new Date(0));
    await remember(path, { Late: 'AAAA' });
    // As an archive of a stranger's can bring it.
    writeFileSync(`${path}.part`, 'half');
    utimesSync(`${path}.part`, new Date('2100-01-01'), new Date('2100-01-01'));
    await remember(path, { Later: 'AAAA' });
    const { Late, Later } = parseSpeakers(readFileSync(path, 'utf8'));
    assert.deepEqual([Late, Later], ['AAAA', 'AAAA']);
    assert.equal(existsSync(`${path}.part`), false);
  });
});

test('a workspace chooses no program, server or folder of the machine', () => {
  const { contributes, capabilities } = JSON.parse(
    readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8'),
  ) as {
    contributes: { configuration: object };
    capabilities: { untrustedWorkspaces: { restrictedConfigurations: string[] } };
  };
  const settings = Object.entries(
    Object.assign(
      {},
      ...[contributes.configuration].flat().map(each => (each as { properties: object }).properties),
    ) as Record<string, { scope: string }>,
  );
  const own = new Set(Object.keys(DEFAULTS).map(name => `earshot.machine.${name}`));
  assert.ok(settings.length > 30 && settings.some(([name]) => own.has(name)));
  // Of the machine: nothing that a workspace says counts. The daemon's other settings (commands, server, http, sandbox)
  // are none of VS Code's at all.
  for (const [name, { scope }] of settings)
    if (
      name.startsWith('earshot.machine.') ||
      (/path|folders?$|url|command|server|device|http|sandbox/i.test(name) && name !== 'earshot.watchedFolders')
    )
      assert.equal(scope, 'machine', name);
  for (const name of ['commands', 'server', 'http', 'sandbox'])
    assert.ok(!settings.some(([each]) => each.toLowerCase().endsWith(`.${name}`)), name);
  // Of a workspace only once it is trusted.
  for (const name of ['models', 'prompt', 'glossary', 'watchedFolders'])
    assert.ok(capabilities.untrustedWorkspaces.restrictedConfigurations.includes(`earshot.${name}`), name);
});

test('whoever is asked about a path sees where its links lead', { skip: posix }, async () => {
  const target = join(realpathSync(root), 'private.wav'),
    link = join(realpathSync(root), 'holiday.wav'),
    within = join(realpathSync(root), 'linked folder');
  writeFileSync(target, 'sound');
  symlinkSync(target, link);
  symlinkSync(realpathSync(root), within);
  assert.equal(await withTarget(target), target);
  assert.equal(await withTarget(link), `${link} → ${target}`);
  assert.equal(await withTarget(join(within, 'private.wav')), `${join(within, 'private.wav')} → ${target}`);
  // Nothing is there yet; and no other machine is asked by a question.
  for (const path of [join(root, 'nothing.wav'), '//elsewhere/share/x.wav', '\\\\elsewhere\\x.wav'])
    assert.equal(await withTarget(path), path);
});

describe("what is Earshot's own", { skip: posix }, () => {
  test('is closed to others, also where a folder was open before', () => {
    const home = homeOf({ EARSHOT_STATE: join(root, 'own'), EARSHOT_DATA: join(root, 'own-data') });
    for (const folder of [home.state, home.logs, home.audio]) {
      mkdirSync(folder, { recursive: true });
      chmodSync(folder, 0o755);
    }
    openHome(home);
    for (const folder of [home.state, home.run, home.audio, home.logs, home.backups])
      assert.equal(statSync(folder).mode & 0o777, 0o700, folder);
  });
  test('what runs, and weights: nobody else puts anything there, nor a link into which we would write', () => {
    const home = homeOf({ EARSHOT_STATE: join(root, 'own2'), EARSHOT_DATA: join(root, 'own2-data') }),
      umask = process.umask(0);
    try {
      mkdirSync(home.models, { recursive: true });
      openHome(home);
    } finally {
      process.umask(umask);
    }
    for (const folder of [home.models, home.runtimes]) assert.equal(statSync(folder).mode & 0o777, 0o755, folder);
  });
  test("a token is this user's alone, new each time, and put in the place of a planted link", () => {
    const path = join(root, 'token'),
      precious = join(root, 'precious3');
    writeFileSync(precious, 'mine');
    symlinkSync(precious, path);
    const token = newToken(path),
      again = newToken(path);
    assert.match(token, /^[0-9a-f]{64}$/);
    assert.notEqual(token, again);
    assert.equal(lstatSync(path).mode & 0o777, 0o600);
    assert.ok(lstatSync(path).isFile());
    assert.equal(readFileSync(precious, 'utf8'), 'mine');
  });
});

test('tokens are compared in constant time', () => {
  const right = 'a'.repeat(64),
    early = `b${right.slice(1)}`,
    late = `${right.slice(1)}b`;
  assert.ok(
    sameToken(right, right) &&
      !sameToken(right, early) &&
      !sameToken(right, late) &&
      !sameToken(right, '') &&
      !sameToken(right, right.slice(1)),
  );
  assert.match(sameToken.toString(), /timingSafeEqual/);
});
