import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { EarshotError } from '../../schemas/errors.ts';
import { DEFAULTS } from '../../schemas/settings.ts';
import { findFfmpeg } from '../../daemon/runtimes/ffmpeg.ts';
import { cutLock, type Lock } from '../../daemon/runtimes/lock.ts';
import { findNpm } from '../../daemon/runtimes/npm.ts';
import { llamaBuilds, pack, type Machine } from '../../daemon/runtimes/packs.ts';
import { findPython } from '../../daemon/runtimes/find-python.ts';
import { parseVersion, python } from '../../daemon/runtimes/python.ts';
import { sharedWork } from '../../daemon/system/shared-work.ts';
import { posixOnly } from '../only.ts';

const temporary = mkdtempSync(join(tmpdir(), 'earshot-runtimes-'));
after(() => rmSync(temporary, { recursive: true, force: true }));

/** A program that prints a line. */
const program = (folder: string, name: string, prints: string): string => {
  const path = join(temporary, folder, name);
  mkdirSync(join(temporary, folder), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho '${prints}'\n`);
  chmodSync(path, 0o755);
  return path;
};
const failsWith = (code: string) => (error: unknown) => error instanceof EarshotError && error.failure.code === code;
const linux: Machine = { platform: 'linux', arch: 'x64', nvidia: false };

describe('packs', () => {
  test("only this machine's CPU build of llama is kept, with what it needs", () => {
    const found = pack('llama', linux);
    assert.equal(found.kind, 'npm');
    const names = Object.keys(found.kind === 'npm' ? found.lock.packages : {});
    assert.deepEqual(
      names.filter(name => name.includes('@node-llama-cpp/')),
      ['node_modules/@node-llama-cpp/linux-x64'],
    );
    assert.ok(names.includes('node_modules/node-llama-cpp') && names.includes('node_modules/lifecycle-utils'));
  });
  test('an NVIDIA GPU brings the CUDA builds, in another folder', () => {
    assert.deepEqual(llamaBuilds({ ...linux, nvidia: true }), [
      '@node-llama-cpp/linux-x64',
      '@node-llama-cpp/linux-x64-cuda',
      '@node-llama-cpp/linux-x64-cuda-ext',
    ]);
    assert.notEqual(pack('llama', { ...linux, nvidia: true }).hash, pack('llama', linux).hash);
    assert.notEqual(pack('python', { ...linux, nvidia: true }).hash, pack('python', linux).hash);
    assert.deepEqual(llamaBuilds({ platform: 'darwin', arch: 'arm64', nvidia: true }), [
      '@node-llama-cpp/mac-arm64-metal',
    ]);
  });
  test('Macs that newer packages have left get the last that are built for them', () => {
    const of = (arch: string, release: string): string => {
      const found = pack('python', { platform: 'darwin', arch, release, nvidia: false });
      return found.kind === 'python' ? found.requirements : '';
    };
    for (const older of [of('x64', '25.0.0'), of('arm64', '22.6.0')]) {
      assert.match(older, /requirements-older-mac\.txt$/);
      const list = readFileSync(older, 'utf8');
      // The versions whose wheels are for macOS 12, as `pip install --dry-run` and uv found them.
      for (const pin of ['onnxruntime==1.19.2 ', 'av==14.1.0 ', 'sentencepiece==0.2.2 ', 'numpy==2.0.2 '])
        assert.ok(list.includes(pin), pin);
    }
    assert.match(of('arm64', '23.0.0'), /requirements\.txt$/);
  });
  test('every supported machine has its native builds in the locks', () => {
    for (const [platform, arch] of [
      ['linux', 'x64'],
      ['linux', 'arm64'],
      ['darwin', 'arm64'],
      ['darwin', 'x64'],
      ['win32', 'x64'],
    ] as const) {
      const llama = pack('llama', { platform, arch, nvidia: false });
      const names = Object.keys(llama.kind === 'npm' ? llama.lock.packages : {});
      assert.equal(names.filter(name => name.includes('@node-llama-cpp/')).length, 1, `${platform} ${arch}`);
    }
  });
  test('the VAD model comes without the runtime for browsers', () => {
    const found = pack('sherpa', linux);
    const names = Object.keys(found.kind === 'npm' ? found.lock.packages : {});
    assert.ok(names.includes('node_modules/@ricky0123/vad-web'));
    assert.ok(!names.some(name => /onnxruntime-web|protobufjs/.test(name)));
  });
  test('locks name no registry', () => {
    for (const id of ['llama', 'llama-3.21', 'sherpa', 'dictionaries', 'postgres'] as const)
      assert.doesNotMatch(
        readFileSync(join(import.meta.dirname, `../../daemon/runtimes/${id}/package-lock.json`), 'utf8'),
        /"resolved"/,
      );
    for (const list of ['requirements.txt', 'requirements-cuda.txt', 'requirements-older-mac.txt'])
      assert.doesNotMatch(
        readFileSync(join(import.meta.dirname, '../../daemon/runtimes/python', list), 'utf8'),
        /https?:/,
      );
  });
});

test('cutting a lock drops a package and what only it needed', () => {
  const lock: Lock = {
    lockfileVersion: 3,
    packages: {
      '': { dependencies: { a: '1', b: '1' } },
      'node_modules/a': { dependencies: { shared: '1', only: '1' } },
      'node_modules/b': { optionalDependencies: { shared: '1', native: '1' } },
      'node_modules/shared': {},
      'node_modules/only': {},
      'node_modules/native': { dependencies: { deep: '1' } },
      'node_modules/native/node_modules/deep': {},
      'node_modules/deep': {},
    },
  };
  const cut = cutLock(lock, name => name === 'only');
  assert.deepEqual(Object.keys(cut.packages), [
    '',
    'node_modules/a',
    'node_modules/b',
    'node_modules/shared',
    'node_modules/native',
    'node_modules/native/node_modules/deep',
  ]);
  assert.deepEqual(cut.packages['node_modules/a']!.dependencies, { shared: '1' });
  assert.deepEqual(Object.keys(cutLock(lock, name => name === 'native').packages).includes('node_modules/deep'), false);
});

describe('Python', () => {
  test('versions are read and old ones refused', { skip: posixOnly('scripts as programs') }, async () => {
    assert.deepEqual(parseVersion('Python 3.11.7\n'), [3, 11]);
    assert.equal(parseVersion('was not found; run without arguments to install'), null);
    program('old', 'python3', 'Python 3.8.10');
    const good = program('good', 'python', 'Python 3.12.1');
    assert.equal(
      await findPython({ pythonPath: null }, { PATH: `${join(temporary, 'old')}:${join(temporary, 'good')}` }),
      good,
    );
    await assert.rejects(
      findPython({ pythonPath: null }, { PATH: `${join(temporary, 'old')}` }),
      failsWith('noPython'),
    );
    await assert.rejects(findPython({ pythonPath: null }, { PATH: temporary }), failsWith('noPython'));
  });
  test('a chosen Python that is not there is an error, not a reason to take another', async () => {
    await assert.rejects(
      findPython({ pythonPath: join(temporary, 'nowhere') }, process.env),
      (error: unknown) =>
        failsWith('noPython')(error) && (error as EarshotError).failure.args.path === join(temporary, 'nowhere'),
    );
  });
  test('interpreters by platform', () => {
    assert.match(python('/x', 'linux'), /[\\/]x[\\/]bin[\\/]python$/);
    assert.match(python('/x', 'win32'), /Scripts.python\.exe$/);
  });
});

test('npm is found, or not', { skip: posixOnly('scripts as programs') }, () => {
  assert.equal(findNpm({ PATH: temporary }), null);
  assert.equal(findNpm({ PATH: join(program('npm', 'npm', '11'), '..') })?.program, join(temporary, 'npm', 'npm'));
});

test("on Windows npm's script is given to Node, since its program is one of a shell", () => {
  const folder = join(temporary, 'nodejs'),
    script = join(folder, 'node_modules', 'npm', 'bin', 'npm-cli.js');
  mkdirSync(join(script, '..'), { recursive: true });
  for (const name of ['npm.cmd', 'node.exe']) writeFileSync(join(folder, name), '');
  assert.equal(findNpm({ Path: folder }, 'win32'), null, 'without its script there is none');
  writeFileSync(script, '');
  assert.deepEqual(findNpm({ Path: folder }, 'win32'), { program: join(folder, 'node.exe'), args: [script] });
});

describe('ffmpeg', () => {
  const directory = join(temporary, 'env');
  const bundled = join(
    directory,
    'lib',
    'python3.11',
    'site-packages',
    'imageio_ffmpeg',
    'binaries',
    'ffmpeg-linux-x86_64-v7',
  );
  mkdirSync(join(bundled, '..'), { recursive: true });
  writeFileSync(bundled, '');
  const runtimes = { directory: () => directory, ready: () => true },
    none = { directory: () => directory, ready: () => false };
  test(
    'the setting, then the one that the Python runtime brought, then PATH',
    { skip: posixOnly('scripts as programs') },
    () => {
      const chosen = program('chosen', 'my-ffmpeg', ''),
        onPath = program('path', 'ffmpeg', '');
      assert.equal(findFfmpeg({ ffmpegPath: chosen }, runtimes, { PATH: join(temporary, 'path') }), chosen);
      assert.equal(findFfmpeg({ ffmpegPath: null }, runtimes, { PATH: join(temporary, 'path') }), bundled);
      assert.equal(findFfmpeg({ ffmpegPath: null }, none, { PATH: join(temporary, 'path') }), onPath);
    },
  );
  test('none at all, or a chosen one that is gone', () => {
    assert.throws(() => findFfmpeg({ ffmpegPath: null }, none, { PATH: temporary }), failsWith('noFfmpeg'));
    assert.throws(
      () => findFfmpeg({ ...DEFAULTS, ffmpegPath: '/nowhere/ffmpeg' }, runtimes, process.env),
      failsWith('noFfmpeg'),
    );
    assert.ok(existsSync(bundled));
  });
});

describe('shared work', () => {
  test('two callers, one run; it ends when the last has left', async () => {
    const shared = sharedWork<number>();
    let starts = 0,
      aborted = false;
    const heard: string[] = [],
      first = new AbortController(),
      second = new AbortController();
    const start = async (report: (n: number) => void, signal: AbortSignal) => {
      starts++;
      report(1);
      await new Promise<void>((_, reject) =>
        signal.addEventListener('abort', () => {
          aborted = true;
          reject(new EarshotError('cancelled'));
        }),
      );
    };
    const one = shared.run(
      'k',
      n => heard.push(`one ${n}`),
      first.signal,
      async (report, signal) => {
        await Promise.resolve();
        await start(report, signal);
      },
    );
    const two = shared.run('k', n => heard.push(`two ${n}`), second.signal, start);
    await Promise.resolve().then(() => {}); // both hear the first report
    first.abort();
    await assert.rejects(one, failsWith('cancelled'));
    assert.equal(aborted, false);
    assert.ok(shared.running('k'));
    second.abort();
    await assert.rejects(two, failsWith('cancelled'));
    assert.deepEqual([starts, aborted, heard], [1, true, ['one 1', 'two 1']]);
    assert.equal(shared.running('k'), false);
  });
  test('who comes while it is being cancelled gets a new run', async () => {
    const shared = sharedWork<number>();
    let starts = 0;
    const blocked = (_: unknown, signal: AbortSignal) => {
      starts++;
      return new Promise<void>((_resolve, reject) =>
        signal.addEventListener('abort', () => setImmediate(reject, new EarshotError('cancelled'))),
      );
    };
    const first = shared.run('k', () => {}, new AbortController().signal, blocked);
    void shared.cancel('k');
    const second = shared.run(
      'k',
      () => {},
      new AbortController().signal,
      async () => {
        starts++;
      },
    );
    await assert.rejects(first, failsWith('cancelled'));
    await second;
    assert.equal(starts, 2);
  });
});
