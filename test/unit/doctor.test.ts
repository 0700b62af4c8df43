import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { disk, engines, examine, gpu, memory, node, socket, type Examined } from '../../daemon/doctor.ts';
import type { Device } from '../../schemas/device.ts';
import { failure } from '../../schemas/errors.ts';
import { checkMessage } from '../../text/messages/messages.ts';
import type { Asking } from '../../daemon/runtimes/find-python.ts';
import type { Model } from '../../schemas/model.ts';
import { DEFAULTS } from '../../schemas/settings.ts';
import { posixOnly } from '../only.ts';

const GiB = 1024 ** 3;
const temporary = mkdtempSync(join(tmpdir(), 'earshot-doctor-'));
after(() => rmSync(temporary, { recursive: true, force: true }));
const device = (kind: 'gpu' | 'cpu', free: number, health: Device['health'] = 'ok'): Device =>
  ({
    kind,
    health,
    name: kind === 'gpu' ? 'RTX' : 'CPU',
    driver: kind === 'gpu' ? '560.1' : null,
    memory: { free },
  }) as Device;

describe('single checks', () => {
  test('node, disk, memory', () => {
    assert.deepEqual([node('24.1.0').status, node('20.20.2').status], ['ok', 'problem']);
    assert.deepEqual(
      [disk(10 * GiB, '/').status, disk(2 * GiB, '/').status, disk(100, '/').status],
      ['ok', 'warning', 'problem'],
    );
    assert.deepEqual(
      [8, 2, 0.5].map(free => memory([device('cpu', free * GiB)])?.status),
      ['ok', 'warning', 'problem'],
    );
    assert.equal(memory([]), null);
  });
  test('GPU: none, fine, degraded, lost, a driver that is at odds with itself', () => {
    assert.deepEqual(gpu([device('cpu', 1)], []), { id: 'gpu', status: 'warning', args: {} });
    assert.deepEqual(gpu([device('gpu', 1), device('gpu', 1)], []), {
      id: 'gpu',
      status: 'ok',
      args: { names: 'RTX (driver 560.1), RTX (driver 560.1)' },
    });
    const metal = (excluded: boolean): string => {
      const mac = { ...device('cpu', 1), metal: { name: 'Apple M1 Pro', limitBytes: 10 * GiB, excluded } } as Device;
      return checkMessage(gpu([mac], []), 'en').what;
    };
    assert.match(
      metal(false),
      /^Apple M1 Pro \(Metal\), up to 10\.\d GB of memory, for repair, translation and summaries/,
    );
    assert.match(metal(true), /exclude/);
    assert.equal(gpu([device('gpu', 1, 'degraded')], []).status, 'warning');
    assert.equal(gpu([device('gpu', 1, 'lost')], []).status, 'problem');
    assert.deepEqual(gpu([], [failure('driverMismatch')]), {
      id: 'gpu',
      status: 'problem',
      args: { problem: 'driverMismatch' },
    });
  });
  test('engines', () => {
    assert.deepEqual(engines({ ready: id => id !== 'llama' }), {
      id: 'engines',
      status: 'warning',
      args: { names: 'llama' },
    });
    assert.equal(engines({ ready: () => true }).status, 'ok');
  });
  test("the socket's folder is this user's alone", { skip: posixOnly('modes of folders') }, () => {
    const path = join(temporary, 'run');
    assert.equal(socket(path, 'linux'), null);
    mkdirSync(path, { mode: 0o700 });
    assert.equal(socket(path, 'linux')?.status, 'ok');
    chmodSync(path, 0o755);
    assert.deepEqual(socket(path, 'linux'), { id: 'socket', status: 'problem', args: { path, mode: '755' } });
    assert.equal(socket(path, 'win32'), null);
  });
});

test("what the kernel's sandbox stops itself, and what is refused for it, in both languages", () => {
  const said = (abi: number, locale: 'en' | 'zh-cn'): string =>
    checkMessage({ id: 'sandbox', status: 'ok', args: { abi } }, locale).what;
  assert.match(said(2, 'en'), /Landlock 2 stops: reading and writing files\. .*here also: emptying files, .*signal/);
  assert.match(said(2, 'zh-cn'), /Landlock 2 阻止：读写文件。.*还包括：清空文件、.*信号/);
  assert.match(said(7, 'en'), /Landlock 7 stops: reading and writing files, emptying files, .*\. .* stops the rest\./);
  assert.doesNotMatch(said(7, 'en') + said(7, 'zh-cn'), /also|还包括/);
});

const machine: Examined = {
  home: { data: temporary, run: join(temporary, 'nowhere') },
  settings: { ...DEFAULTS, sandbox: 'off' },
  env: { PATH: temporary },
  devices: [],
  problems: [],
  platform: 'linux',
  runtimes: { directory: () => temporary, ready: () => false },
  models: {
    list: () => [],
    ready: () => false,
    defaults: async () => ({ models: { asr: 'whisper-base', tts: 'voice' }, substitutions: [] }),
  },
  hub: { reachable: async () => false },
  freeBytes: async () => 50 * GiB,
};

test("somebody else's ffmpeg does until ours is there", { skip: posixOnly('a script as a program') }, async () => {
  const standIn = join(temporary, 'path', 'ffmpeg');
  mkdirSync(dirname(standIn));
  writeFileSync(standIn, '#!/bin/sh\necho ffmpeg version 5.1', { mode: 0o755 });
  const [waiting] = (await examine({ ...machine, env: { PATH: dirname(standIn) } })).checks.filter(
    check => check.id === 'ffmpeg',
  );
  assert.deepEqual([waiting!.status, waiting!.args], ['warning', { path: standIn, version: '5.1' }]);
  assert.match(JSON.stringify(checkMessage(waiting!, 'en')), /5\.1 at .*until Earshot's own is installed/);
});

/** A machine where no Python is found. */
const without = (platform: NodeJS.Platform, arch: string, release: string): Asking => ({
  platform,
  arch,
  release,
  env: {},
  isProgram: () => false,
  ask: async () => null,
  registry: async () => null,
});
test('on each system: Python that is missing, and the one command that brings it', async () => {
  for (const [platform, arch, release, range, command] of [
    ['win32', 'x64', '10.0.22631', '3.9 or newer', 'winget install -e --id Python.Python.3.12 --architecture x64'],
    ['darwin', 'x64', '24.1.0', '3.9 to 3.12', 'xcode-select --install'],
    ['darwin', 'arm64', '22.6.0', '3.9 to 3.12', 'xcode-select --install'],
    ['darwin', 'arm64', '24.1.0', '3.9 or newer', 'xcode-select --install'],
    ['linux', 'x64', '6.1.0', '3.9 or newer', 'apt install python3-venv'],
  ] as const) {
    const how = without(platform, arch, release),
      { checks } = await examine({ ...machine, platform, asking: how }),
      check = checks.find(({ id }) => id === 'python')!,
      { what, todo } = checkMessage(check, 'en');
    assert.equal(check.status, 'problem');
    assert.ok(what.startsWith(`${range} was not found; recognition works without it`), what);
    assert.ok(todo?.includes(command), todo);
  }
});

test('on each system: every line that is not well says what to do about it, in both languages', async () => {
  const mac = { name: 'Apple M1 Pro', cores: 16, limitBytes: 10 * GiB, leasedBytes: 0, excluded: false };
  for (const [platform, arch, release] of [
    ['win32', 'x64', '10.0.22631'],
    ['darwin', 'x64', '22.6.0'],
    ['darwin', 'arm64', '24.1.0'],
    ['linux', 'x64', '6.1.0'],
  ] as const)
    for (const isBroken of [false, true]) {
      const silicon = platform === 'darwin' && arch === 'arm64',
        cpu = { ...device('cpu', (isBroken ? 0.5 : 2) * GiB), ...(silicon ? { metal: mac } : {}) } as Device;
      const { checks } = await examine({
        ...machine,
        platform,
        asking: without(platform, arch, release),
        devices: [cpu],
        settings: { ...DEFAULTS, sandbox: 'auto', ffmpegPath: isBroken ? '/nowhere/ffmpeg' : null },
        models: isBroken
          ? { ...machine.models, list: () => [{ card: { id: 'whisper-base' }, state: 'broken' } as Model] }
          : machine.models,
        freeBytes: async () => (isBroken ? 0.1 : 3) * GiB,
      });
      const lines = checks.map(check => ({ ...check, ...checkMessage(check, 'en') }));
      for (const check of checks.filter(({ status }) => status !== 'ok'))
        for (const locale of ['en', 'zh-cn'] as const) {
          const { todo } = checkMessage(check, locale),
            // Nothing is wrong with a machine that has none.
            isFine = check.id === 'gpu';
          assert.ok(isFine || todo, `${platform} ${check.id} ${locale}`);
          assert.ok(platform === 'linux' || !/apt |Debian/.test(todo ?? ''), `${platform}: ${todo}`);
        }
      const todo = (id: string): string => lines.find(line => line.id === id)?.todo ?? '';
      assert.match(todo('models'), /earshot models install/);
      assert.match(todo('disk'), /earshot models prune/);
      assert.match(todo('ffmpeg'), isBroken ? /earshot settings reset ffmpegPath/ : /with the first recording/);
      const status = Object.fromEntries(lines.map(line => [line.id, line.status]));
      assert.equal(status.gpu, silicon ? 'ok' : 'warning');
      // No other system has one: that is said, and not taken from the machine that this runs on.
      if (platform !== 'linux') assert.match(todo('sandbox'), /only open recordings and models that you trust/);
    }
});

test('a bare machine: everything that is missing is said, in words, in both languages', async () => {
  const { checks } = await examine(machine);
  assert.deepEqual(Object.fromEntries(checks.map(check => [check.id, check.status])), {
    node: 'ok',
    python: 'problem',
    ffmpeg: 'warning',
    gpu: 'warning',
    disk: 'ok',
    models: 'warning',
    engines: 'warning',
    network: 'warning',
    sandbox: 'warning',
  });
  assert.equal(checks.find(check => check.id === 'models')?.args.names, 'whisper-base, voice');
  for (const check of checks)
    for (const locale of ['en', 'zh-cn'] as const) {
      const { name, what } = checkMessage(check, locale);
      assert.ok(name && what && !/undefined|NaN/.test(what), `${check.id} ${locale}: ${name} ${what}`);
    }
  const broken = await examine({
    ...machine,
    settings: { ...DEFAULTS, offline: true, ffmpegPath: '/nowhere/ffmpeg' },
    models: { ...machine.models, list: () => [{ card: { id: 'whisper-base' }, state: 'broken' } as Model] },
  });
  const status = Object.fromEntries(broken.checks.map(check => [check.id, check.status]));
  assert.deepEqual([status.models, status.ffmpeg, status.network], ['problem', 'problem', 'ok']);
});

test('the way to the network is said, without its password, and what stands in it', async () => {
  const proxy = 'proxy.example.org:3128';
  const machine = (reached: boolean): Examined => ({
    home: { data: temporary, run: temporary },
    settings: { ...DEFAULTS, sandbox: 'off' },
    env: { PATH: temporary, https_proxy: `http://me:secret@${proxy}` },
    devices: [],
    problems: [],
    runtimes: { directory: () => temporary, ready: () => false },
    models: { list: () => [], ready: () => false, defaults: async () => ({ models: {}, substitutions: [] }) },
    hub: { reachable: async () => reached, obstacle: () => 'certificate' },
    freeBytes: async () => 50 * GiB,
  });
  const found = async (reached: boolean, env = machine(reached).env) =>
    (await examine({ ...machine(reached), env })).checks.find(check => check.id === 'network')!;
  const way = { url: DEFAULTS.hubUrl, proxy: `http://${proxy}` };
  assert.deepEqual(await found(true), { id: 'network', status: 'ok', args: way });
  const socks = await found(true, { PATH: temporary, ALL_PROXY: `socks5://me:secret@${proxy}` });
  assert.match(checkMessage(socks, 'en').what, / directly: Earshot cannot use the proxy socks5:\/\/proxy\.example/);
  const refused = await found(false);
  assert.deepEqual(refused.args, { ...way, why: 'certificate' });
  assert.match(
    checkMessage(refused, 'en').what,
    /through the proxy http:\/\/proxy\.example\.org:3128: its certificate/,
  );
});
