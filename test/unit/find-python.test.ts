/** Which Python is taken: Windows' and macOS's places, with what their programs really print. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { uvPython } from '../../daemon/runtimes/build-python.ts';
import { findPython, registered, type Asking } from '../../daemon/runtimes/find-python.ts';
import { isProgram, onPath } from '../../daemon/system/find-program.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { failure } from '../../schemas/errors.ts';
import { failureMessage } from '../../text/messages/messages.ts';
import { failsWith } from '../fixtures/fails-with.ts';
import { posixOnly } from '../only.ts';

const temporary = mkdtempSync(join(tmpdir(), 'earshot-python-'));
after(() => rmSync(temporary, { recursive: true, force: true }));

/** A machine where these programs are, each with what it says when asked for its version. */
function machine(
  platform: NodeJS.Platform,
  programs: Record<string, string>,
  more: Partial<Asking> & { executable?: string; kinds?: Record<string, string> } = {},
): Asking & { asked: string[] } {
  const asked: string[] = [],
    answer = (text: string, status = 0) => ({ status, output: Buffer.from(text), tail: text });
  return {
    asked,
    platform,
    arch: platform === 'darwin' ? 'arm64' : 'x64',
    env: { PATH: '', SystemRoot: 'C:\\Windows' },
    isProgram: path => path in programs,
    ask: async (program, args) => {
      asked.push(program);
      if (args.some(each => each.includes('get_platform')))
        return answer(`${more.kinds?.[program] ?? 'win-amd64'}\r\n`);
      if (args.includes('-c')) return answer(JSON.stringify(more.executable ?? '') + '\r\n');
      const says = programs[program];
      return says === undefined ? null : answer(says, says.startsWith('Python 3') ? 0 : 9009);
    },
    registry: async () => null,
    ...more,
  };
}
const noSetting = { pythonPath: null };

/** As regedit writes it: one from python.org, one of Anaconda's, one that was set up for all users without its path. */
const EXPORT = `\uFEFFWindows Registry Editor Version 5.00\r
\r
[HKEY_CURRENT_USER\\Software\\Python]\r
\r
[HKEY_CURRENT_USER\\Software\\Python\\PythonCore\\3.9]\r
"DisplayName"="Python 3.9 (64-bit)"\r
"SupportUrl"="https://www.python.org/"\r
"SysVersion"="3.9"\r
\r
[HKEY_CURRENT_USER\\Software\\Python\\PythonCore\\3.9\\InstallPath]\r
@="C:\\\\Users\\\\王\\\\AppData\\\\Local\\\\Programs\\\\Python\\\\Python39\\\\"\r
"ExecutablePath"="C:\\\\Users\\\\王\\\\AppData\\\\Local\\\\Programs\\\\Python\\\\Python39\\\\python.exe"\r
"WindowedExecutablePath"="C:\\\\Users\\\\王\\\\AppData\\\\Local\\\\Programs\\\\Python\\\\Python39\\\\pythonw.exe"\r
\r
[HKEY_CURRENT_USER\\Software\\Python\\PythonCore\\3.12\\InstallPath]\r
@="C:\\\\Python312\\\\"\r
\r
[HKEY_CURRENT_USER\\Software\\Python\\ContinuumAnalytics\\Anaconda39-64\\InstallPath]\r
"ExecutablePath"="C:\\\\Users\\\\王\\\\anaconda3\\\\python.exe"\r
`;
const PYTHON39 = 'C:\\Users\\王\\AppData\\Local\\Programs\\Python\\Python39\\python.exe';

test('what registered itself, the newest first', () => {
  assert.deepEqual(registered(EXPORT), ['C:\\Python312\\python.exe', PYTHON39, 'C:\\Users\\王\\anaconda3\\python.exe']);
  assert.deepEqual(registered(''), []);
});

test('Windows: the launcher knows where Python is; without it, the registry does', async () => {
  const launcher = machine(
    'win32',
    { 'C:\\Windows\\py.exe': '', [PYTHON39]: 'Python 3.9.13' },
    { executable: PYTHON39 },
  );
  assert.equal(await findPython(noSetting, {}, launcher), PYTHON39);
  const without = machine('win32', { [PYTHON39]: 'Python 3.9.13' }, { registry: async () => EXPORT });
  assert.equal(await findPython(noSetting, {}, without), PYTHON39, 'the newer one is gone from its place');
});

test("Windows: the Store's Python comes last, and its shop window is none", async () => {
  const store = 'C:\\Users\\a\\AppData\\Local\\Microsoft\\WindowsApps\\python.exe',
    place = '[HKEY_CURRENT_USER\\Software\\Python\\PythonCore\\3.13\\InstallPath]',
    key = (path: string): string => `${place}\r\n"ExecutablePath"="${path.replaceAll('\\', '\\\\')}"\r\n`;
  const both = machine(
    'win32',
    { [store]: 'Python 3.13.1', [PYTHON39]: 'Python 3.9.13' },
    { registry: async () => key(store) + EXPORT },
  );
  assert.equal(await findPython(noSetting, {}, both), PYTHON39);
  const alone = machine('win32', { [store]: 'Python 3.13.1' }, { registry: async () => key(store) });
  assert.equal(await findPython(noSetting, {}, alone), store);
  const window = machine(
    'win32',
    { [store]: 'Python was not found; run without arguments to install from the Microsoft Store' },
    { registry: async () => key(store) },
  );
  await assert.rejects(findPython(noSetting, {}, window), (error: unknown) => {
    const { failure } = error as EarshotError;
    return failure.code === 'noPython' && failure.args.platform === 'win32' && /not found/.test(failure.detail ?? '');
  });
});

test("macOS: Homebrew's and python.org's before Apple's, which is none without the developer tools", async () => {
  const brew = machine('darwin', { '/opt/homebrew/bin/python3': 'Python 3.13.0', '/usr/bin/python3': 'Python 3.9.6' });
  assert.equal(await findPython(noSetting, {}, brew), '/opt/homebrew/bin/python3');
  assert.ok(!brew.asked.includes('/usr/bin/python3'));
});

test('Windows: one for another processor, or for 32 bits, has no packages', async () => {
  const [arm, small, right] = ['C:\\arm\\python.exe', 'C:\\32\\python.exe', 'C:\\64\\python.exe'] as const;
  const registry = async (): Promise<string> =>
    [arm, small, right]
      .map(
        (path, n) =>
          `[HKEY_CURRENT_USER\\Software\\Python\\PythonCore\\3.1${3 - n}\\InstallPath]\r\n` +
          `"ExecutablePath"="${path.replaceAll('\\', '\\\\')}"\r\n`,
      )
      .join('\r\n');
  const kinds = { [arm]: 'win-arm64', [small]: 'win32', [right]: 'win-amd64' },
    programs = { [arm]: 'Python 3.13.1', [small]: 'Python 3.12.1', [right]: 'Python 3.11.1' };
  assert.equal(await findPython(noSetting, {}, machine('win32', programs, { registry, kinds })), right);
  const { [right]: _, ...wrong } = programs;
  await assert.rejects(findPython(noSetting, {}, machine('win32', wrong, { registry, kinds })), failsWith('noPython'));
});

test('older Macs take a Python that packages are built for, and say which where there is none', async () => {
  const programs = { '/usr/local/bin/python3': 'Python 3.14.0', '/usr/local/bin/python3.12': 'Python 3.12.4' },
    intel = { arch: 'x64', release: '24.1.0' },
    ventura = { arch: 'arm64', release: '22.6.0' };
  for (const older of [intel, ventura]) {
    assert.equal(
      await findPython(noSetting, {}, machine('darwin', programs, older)),
      '/usr/local/bin/python3.12',
      older.arch,
    );
    const { '/usr/local/bin/python3.12': _, ...tooNew } = programs;
    await assert.rejects(findPython(noSetting, {}, machine('darwin', tooNew, older)), (error: unknown) => {
      const { what, todo } = failureMessage((error as EarshotError).failure, 'en');
      return /3\.9 to 3\.12/.test(what) && /xcode-select --install/.test(todo ?? '');
    });
  }
  const newer = machine('darwin', programs, { arch: 'arm64', release: '23.0.0' });
  assert.equal(await findPython(noSetting, {}, newer), '/usr/local/bin/python3');
  assert.deepEqual(
    [uvPython({ platform: 'darwin', ...intel }), uvPython({ platform: 'linux', arch: 'x64' })],
    ['3.12', null],
  );
});

test(
  'Linux: every folder of PATH, and names with a version where the plain one is too old',
  { skip: posixOnly('scripts as programs') },
  async () => {
    const program = (folder: string, name: string, prints: string): void => {
      writeFileSync(join(folder, name), `#!/bin/sh\necho '${prints}'\n`);
      chmodSync(join(folder, name), 0o755);
    };
    const first = mkdtempSync(join(temporary, 'a-')),
      second = mkdtempSync(join(temporary, 'b-'));
    program(first, 'python3', 'Python 3.8.10');
    program(second, 'python3.11', 'Python 3.11.2');
    assert.equal(await findPython(noSetting, { PATH: `${first}:${second}` }), join(second, 'python3.11'));
    program(second, 'python3', 'Python 3.10.1');
    assert.equal(await findPython(noSetting, { PATH: `${first}:${second}` }), join(second, 'python3'));
  },
);

test(
  'a program that can be started and not looked at is one, on Windows',
  { skip: posixOnly('a link to itself as an alias') },
  () => {
    // Windows' aliases answer so to stat; here a link to itself does.
    symlinkSync('python.exe', join(temporary, 'python.exe'));
    assert.ok(isProgram(join(temporary, 'python.exe'), 'win32'));
    assert.ok(!isProgram(join(temporary, 'python.exe'), 'linux'));
    assert.ok(!isProgram(join(temporary, 'nothing.exe'), 'win32'));
    assert.ok(!isProgram(temporary, 'win32'));
    assert.equal(onPath('python', { Path: `C:\\nowhere;${temporary}` }, 'win32'), join(temporary, 'python.exe'));
  },
);

test('what to do is one command, on each system, in both languages', () => {
  for (const [platform, command] of [
    ['win32', 'winget install -e --id Python.Python.3.12'],
    ['darwin', 'xcode-select --install'],
    ['linux', 'apt install python3-venv'],
  ] as const)
    for (const locale of ['en', 'zh-cn'] as const)
      assert.ok(failureMessage(failure('noPython', { needed: '3.9', platform }), locale).todo?.includes(command));
  for (const locale of ['en', 'zh-cn'] as const)
    assert.match(
      failureMessage(failure('noPython', { needed: '3.9', missing: 'store' }), locale).what,
      /Microsoft Store/,
    );
});
