/**
 * Runtimes, really installed: a small pack from the package registry, a Python environment from a local folder; and
 * what goes wrong.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { RuntimeProgress } from '../../daemon/runtimes/build.ts';
import { createRuntimes, type Runtimes, type RuntimesOptions } from '../../daemon/runtimes/runtimes.ts';
import { onPath } from '../../daemon/system/find-program.ts';
import { ownFfmpeg } from '../../daemon/runtimes/ffmpeg.ts';
import { buildPython } from '../../daemon/runtimes/build-python.ts';
import { python, sitePackages } from '../../daemon/runtimes/python.ts';
import { runPython } from '../../daemon/runtimes/python.ts';
import { environment } from '../../daemon/workers/environment.ts';
import { run, SYSTEM_FOLDER } from '../../daemon/workers/spawn.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { DEFAULTS, type Settings } from '../../schemas/settings.ts';
import { posixOnly } from '../only.ts';
import { wheel } from '../fixtures/zip.ts';
import { failsWith, reads } from '../fixtures/fails-with.ts';

const scripts = { skip: posixOnly('scripts as programs') };
const signal = () => new AbortController().signal;
const none = () => {};
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'earshot-runtimes-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const make = (change: Partial<RuntimesOptions> & { set?: Partial<Settings> } = {}): Runtimes =>
  createRuntimes({
    home: { runtimes: join(folder, 'runtimes') },
    settings: () => ({ ...DEFAULTS, ...change.set }),
    ...change,
  });
const left = () => (existsSync(join(folder, 'runtimes')) ? readdirSync(join(folder, 'runtimes')) : []);

/** No npm, and a registry where nobody listens. */
const nowhere = (): NodeJS.ProcessEnv => ({ PATH: folder, npm_config_registry: 'http://127.0.0.1:2/' });

/** A program in a folder of its own, as the only one on PATH besides node. */
const withProgram = (name: string, script: string): NodeJS.ProcessEnv => {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, name), 0o755);
  return { ...process.env, PATH: [bin, '/usr/bin', '/bin'].join(delimiter) };
};

describe('npm packs', () => {
  test('the sherpa pack: installed once, whole, only what this machine needs; quick when it is there', async t => {
    const runtimes = make(),
      progress: RuntimeProgress[] = [];
    assert.equal(runtimes.ready('sherpa'), false);
    try {
      await Promise.all([
        runtimes.install('sherpa', now => progress.push(now), signal()),
        runtimes.install('sherpa', none, signal()),
      ]);
    } catch (error) {
      if (
        error instanceof EarshotError &&
        /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT/.test(error.failure.detail ?? '')
      ) {
        t.skip('the package registry cannot be reached');
        return;
      }
      throw error;
    }
    const directory = runtimes.directory('sherpa');
    assert.ok(runtimes.ready('sherpa'));
    assert.deepEqual(left(), [basename(directory)]);
    assert.ok(existsSync(join(directory, 'node_modules', '@ricky0123', 'vad-web', 'dist', 'silero_vad_v5.onnx')));
    assert.equal(existsSync(join(directory, 'node_modules', 'onnxruntime-web')), false);
    assert.equal(
      readdirSync(join(directory, 'node_modules')).filter(name => name.startsWith('sherpa-onnx-')).length,
      2,
    );
    assert.deepEqual(progress.at(-1), { step: 'done', fraction: 1 });
    const loaded = await run(
      process.execPath,
      [
        '-e',
        `process.stdout.write(require(${JSON.stringify(join(directory, 'node_modules', 'sherpa-onnx-node'))}).version)`,
      ],
      { cwd: SYSTEM_FOLDER, env: environment('local') },
    );
    assert.match(loaded.output.toString(), /^\d+\.\d+\.\d+$/);
    const before = process.cpuUsage();
    for (let i = 0; i < 100; i++) assert.ok(runtimes.ready('sherpa'));
    assert.ok(process.cpuUsage(before).user < 100_000, 'a look costs a stat');
  });
  test('without npm the same files come, each checked', async t => {
    const npm = onPath('npm');
    if (npm === null) return t.skip('npm is not installed, so there is nothing to compare with');
    const asked = await run(npm, ['config', 'get', 'registry'], { cwd: SYSTEM_FOLDER, env: environment('installer') });
    const env = { PATH: join(folder, 'nothing'), npm_config_registry: asked.output.toString().trim() },
      other = createRuntimes({ home: { runtimes: join(folder, 'other') }, settings: () => DEFAULTS });
    const runtimes = make({ env });
    const both = Promise.all([
      runtimes.install('dictionaries', none, signal()),
      other.install('dictionaries', none, signal()),
    ]);
    try {
      await both;
    } catch (error) {
      if (!/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT/.test((error as EarshotError).failure.detail ?? '')) throw error;
      t.skip('the package registry cannot be reached');
      return;
    }
    const files = (place: string): string[] =>
      globSync('node_modules/**', { cwd: place, withFileTypes: true })
        .filter(each => each.isFile() && !each.name.startsWith('.'))
        .map(each => relative(place, join(each.parentPath, each.name)))
        .map(
          path =>
            `${path} ${createHash('sha256')
              .update(readFileSync(join(place, path)))
              .digest('hex')}`,
        )
        .sort();
    const ours = files(runtimes.directory('dictionaries'));
    assert.ok(ours.length > 20, String(ours.length));
    assert.deepEqual(ours, files(other.directory('dictionaries')));
  });
  test('neither npm nor a registry: what was asked is said, nothing is left behind', async () => {
    await assert.rejects(
      make({ env: nowhere() }).install('sherpa', none, signal()),
      (error: unknown) =>
        failsWith('engineInstallFailed')(error) && /ECONNREFUSED/.test((error as EarshotError).failure.detail ?? ''),
    );
    assert.deepEqual(left(), []);
  });
  test('npm fails: its last words are kept, nothing is left behind', scripts, async () => {
    const env = withProgram('npm', 'echo "npm error code E404" >&2; exit 1');
    await assert.rejects(make({ env }).install('sherpa', none, signal()), (error: unknown) => {
      reads((error as EarshotError).failure, /sherpa/, /sherpa/);
      return failsWith('engineInstallFailed')(error) && /E404/.test((error as EarshotError).failure.detail ?? '');
    });
    assert.deepEqual(left(), []);
  });
  test(
    'cancelled while npm works: it ends, nothing is left behind, and the next time begins anew',
    scripts,
    async () => {
      const started = join(folder, 'started'),
        stop = new AbortController();
      const env = withProgram('npm', `echo $$ > "${started}.tmp"; mv "${started}.tmp" "${started}"; exec sleep 600`);
      const runtimes = make({ env }),
        installing = runtimes.install('sherpa', none, stop.signal);
      installing.catch(none);
      while (!existsSync(started)) await setTimeout(10);
      const pid = Number(readFileSync(started, 'utf8'));
      stop.abort();
      await assert.rejects(installing, failsWith('cancelled'));
      assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
      assert.deepEqual(left(), []);
    },
  );
  test('a full disk: named before, and when npm is what runs into it', scripts, async () => {
    await assert.rejects(
      make({ freeBytes: async () => 1000 }).install('sherpa', none, signal()),
      (error: unknown) => failsWith('diskFull')(error) && (error as EarshotError).failure.args.freeBytes === 1000,
    );
    const env = withProgram('npm', 'echo "npm error ENOSPC: no space left on device, write" >&2; exit 1');
    await assert.rejects(make({ env }).install('sherpa', none, signal()), failsWith('diskFull'));
  });
  test('offline', async () => {
    await assert.rejects(make({ set: { offline: true } }).install('sherpa', none, signal()), failsWith('offline'));
  });
  test('what a killed process left is swept away; what a living one builds is not', scripts, async () => {
    const dead = (await run('/bin/sh', ['-c', 'echo $$'], { cwd: SYSTEM_FOLDER, env: environment('local') })).output
      .toString()
      .trim();
    mkdirSync(join(folder, 'runtimes', `.building-${dead}-llama-x`), { recursive: true });
    mkdirSync(join(folder, 'runtimes', `.building-${process.ppid}-llama-x`), { recursive: true });
    await assert.rejects(make({ env: nowhere() }).install('sherpa', none, signal()), failsWith('engineInstallFailed'));
    assert.deepEqual(left(), [`.building-${process.ppid}-llama-x`]);
  });
});

const found = onPath('python3');
const venv =
  found !== null &&
  (await runPython(found, ['-c', 'import venv, ensurepip, pip'], {}, process.env).catch(() => null))?.status === 0;

describe('the Python environment', () => {
  test('no Python', async () => {
    await assert.rejects(make({ env: { PATH: folder } }).install('python', none, signal()), failsWith('noPython'));
    await assert.rejects(
      make({ set: { pythonPath: '/nowhere/python3' } }).install('python', none, signal()),
      (error: unknown) =>
        failsWith('noPython')(error) && (error as EarshotError).failure.args.path === '/nowhere/python3',
    );
    assert.deepEqual(left(), []);
  });
  test('a Python without venv, as Debian has it', scripts, async () => {
    const env = withProgram(
      'python3',
      'case "$*" in "-I --version") echo "Python 3.11.2";; *) echo "The virtual environment was not created ' +
        'successfully because ensurepip is not available." >&2; exit 1;; esac',
    );
    await assert.rejects(
      make({ env }).install('python', none, signal()),
      (error: unknown) => failsWith('noPython')(error) && (error as EarshotError).failure.args.missing === 'venv',
    );
  });
  describe('from a lock', { skip: venv ? false : 'no Python with venv and pip on this machine' }, () => {
    const { file, bytes } = wheel('earshot-probe', '1.2.3', { 'earshot_probe.py': 'answer = 42\n' });
    const options = (digest: string, env: NodeJS.ProcessEnv) => {
      writeFileSync(join(folder, file), bytes);
      writeFileSync(join(folder, 'requirements.txt'), `earshot-probe==1.2.3 --hash=sha256:${digest}\n`);
      return {
        requirements: join(folder, 'requirements.txt'),
        settings: { pythonPath: null },
        step: none,
        signal: signal(),
        directory: join(folder, 'env'),
        env: { ...env, PIP_NO_INDEX: '1', PIP_FIND_LINKS: folder },
      };
    };
    const right = createHash('sha256').update(bytes).digest('hex');
    /** A python3 that behaves as Debian's without python3-venv. */
    const debian = () =>
      withProgram(
        'python3',
        'case "$*" in "-I -m venv --without-pip "*) ;; "-I -m venv "*) echo "ensurepip is not available" >&2; ' +
          `exit 1;; esac\nexec "${found}" "$@"`,
      );
    test('exactly the locked packages', async () => {
      const build = options(right, { ...process.env, PATH: [dirname(found!), '/usr/bin', '/bin'].join(delimiter) });
      await buildPython(build);
      assert.equal(
        (
          await runPython(
            python(build.directory),
            ['-c', 'import earshot_probe; print(earshot_probe.answer)'],
            {},
            process.env,
          )
        ).output
          .toString()
          .trim(),
        '42',
      );
      assert.ok(existsSync(join(sitePackages(build.directory)!, 'earshot_probe.py')));
    });
    test("without venv's own pip, by the system's; a package with another digest is refused", async () => {
      await buildPython(options(right, debian()));
      assert.ok(existsSync(join(sitePackages(join(folder, 'env'))!, 'earshot_probe.py')));
      rmSync(join(folder, 'env'), { recursive: true });
      await assert.rejects(buildPython(options('0'.repeat(64), debian())), (error: unknown) => {
        reads(
          (error as EarshotError).failure,
          /^The engines' Python environment could not/,
          /^无法安装引擎组件“Python 环境”。/,
        );
        return failsWith('engineInstallFailed')(error) && /HASH/i.test((error as EarshotError).failure.detail ?? '');
      });
    });
  });
});

test('ffmpeg without Python: the real one, and it works', async t => {
  const runtimes = make();
  try {
    await runtimes.install('ffmpeg', none, signal());
  } catch (error) {
    if (!/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT/.test((error as EarshotError).failure.detail ?? '')) throw error;
    t.skip('the package index cannot be reached');
    return;
  }
  const ffmpeg = ownFfmpeg(runtimes);
  assert.ok(ffmpeg !== null && ffmpeg.startsWith(runtimes.directory('ffmpeg')), String(ffmpeg));
  const { status, output } = await run(ffmpeg, ['-version'], { cwd: SYSTEM_FOLDER, env: environment('local') });
  assert.equal(status, 0);
  assert.match(output.toString(), /^ffmpeg version /);
});
