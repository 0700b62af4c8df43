/** Locked packages without npm: what is taken, from where, and what of an archive is not. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { pack, type Machine } from '../../daemon/runtimes/packs.ts';
import { fetchPackages, registryOf, wantedPackages } from '../../daemon/runtimes/registry-packages.ts';
import { unpack } from '../../daemon/runtimes/tarball.ts';
import { environment } from '../../daemon/workers/environment.ts';
import { run, SYSTEM_FOLDER } from '../../daemon/workers/spawn.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { posixOnly } from '../only.ts';

const temporary = mkdtempSync(join(tmpdir(), 'earshot-packages-'));
after(() => rmSync(temporary, { recursive: true, force: true }));
let count = 0;
const place = (): string => {
  const made = join(temporary, `place-${++count}`);
  mkdirSync(made);
  return made;
};

/** An archive of a folder `package`, as tar makes it. */
async function archive(files: Record<string, string>, options: string[] = [], link?: string): Promise<Buffer> {
  const folder = place();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, 'package', name, '..'), { recursive: true });
    writeFileSync(join(folder, 'package', name), text, { mode: name.endsWith('.sh') ? 0o755 : 0o644 });
  }
  if (link) symlinkSync(link, join(folder, 'package', 'a-link'));
  const { status, tail } = await run('/bin/tar', ['-czf', join(folder, 'a.tgz'), ...options, '-C', folder, 'package'], {
    cwd: SYSTEM_FOLDER,
    env: environment('local'),
  });
  assert.equal(status, 0, tail);
  return readFileSync(join(folder, 'a.tgz'));
}
const unpacked = async (bytes: Buffer): Promise<string> => {
  const target = place();
  await unpack(Readable.from([gunzipSync(bytes)]), target);
  return target;
};

let server: Server | null = null;
afterEach(() => server?.close());
/** A registry with these answers; `asked` gets every request. */
async function registry(answers: Record<string, Buffer | string>, asked: [string, string | undefined][] = []) {
  server = createServer((request, response) => {
    asked.push([request.url!, request.headers.authorization]);
    const answer = answers[request.url!];
    response.writeHead(answer === undefined ? 404 : 200).end(answer);
  });
  await new Promise<void>(resolve => server!.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/npm/`, asked };
}
const integrity = (bytes: Buffer): string => `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
const signal = new AbortController().signal;

test(
  'archives in the ways of tar: long paths, numbers, modes; what is no file, or lies outside, is left out',
  { skip: posixOnly('GNU tar') },
  async () => {
    const long = `${'a-long-name-of-a-folder/'.repeat(12)}end.txt`;
    for (const format of ['ustar', 'pax', 'gnu']) {
      const files = { 'package.json': '{}', 'bin/run.sh': '#!/bin/sh\n', 'große Dateien/ü.bin': 'x'.repeat(100_000) };
      const bytes = await archive(
        format === 'ustar' ? files : { ...files, [long]: 'far' },
        [`--format=${format}`],
        '/etc',
      );
      const target = await unpacked(bytes);
      assert.equal(readFileSync(join(target, 'große Dateien/ü.bin'), 'utf8').length, 100_000);
      if (format !== 'ustar') assert.equal(readFileSync(join(target, long), 'utf8'), 'far');
      assert.ok(!readdirSync(target).includes('a-link'), 'links are left out');
    }
    const outside = await archive({ 'a.txt': 'a' }, ['--transform', 's,package/a.txt,package/../../a.txt,']);
    assert.deepEqual(readdirSync(await unpacked(outside)), []);
    const whole = gunzipSync(await archive({ 'a.txt': 'a'.repeat(5000) }));
    await assert.rejects(unpack(Readable.from([whole.subarray(0, 3000)]), place()), /cut off/);
    whole[10] = 0x41;
    await assert.rejects(unpack(Readable.from([whole]), place()), /damaged/);
  },
);

test(
  'a package from where its user said, with the key for that place alone, and only when it is the locked one',
  { skip: posixOnly('GNU tar') },
  async () => {
    const good = await archive({ 'package.json': '{"name":"@a/b"}' }),
      moved = await archive({ 'package.json': '{"name":"c"}' });
    const { url, asked } = await registry({
      '/npm/@a/b/-/b-1.0.0.tgz': good,
      '/npm/c/2.0.0': JSON.stringify({ dist: { tarball: '/elsewhere/c.tgz' } }),
      '/elsewhere/c.tgz': moved,
    });
    const npmrc = join(place(), 'npmrc');
    writeFileSync(npmrc, `registry = ${url}\n//${new URL(url).host}/npm/:_authToken=\${OUR_KEY}\n`);
    const directory = place();
    const fetching = (lock: Record<string, object>): Promise<void> =>
      fetchPackages({
        runtime: 'sherpa',
        directory,
        temporary: place(),
        signal,
        lock: { packages: { '': {}, ...lock } },
        env: { NPM_CONFIG_USERCONFIG: npmrc, OUR_KEY: 'k1' },
      });
    await fetching({
      'node_modules/@a/b': { version: '1.0.0', integrity: integrity(good) },
      'node_modules/@a/b/node_modules/c': { version: '2.0.0', integrity: integrity(moved) },
      'node_modules/other': { version: '1.0.0', integrity: integrity(good), os: ['plan9'], optional: true },
    });
    assert.equal(readFileSync(join(directory, 'node_modules/@a/b/package.json'), 'utf8'), '{"name":"@a/b"}');
    assert.equal(
      readFileSync(join(directory, 'node_modules/@a/b/node_modules/c/package.json'), 'utf8'),
      '{"name":"c"}',
    );
    assert.deepEqual(Object.fromEntries(asked)['/npm/@a/b/-/b-1.0.0.tgz'], 'Bearer k1');
    assert.equal(Object.fromEntries(asked)['/elsewhere/c.tgz'], undefined, 'the key is for another place');
    await assert.rejects(
      fetching({ 'node_modules/@a/b': { version: '1.0.0', integrity: integrity(moved) } }),
      (error: unknown) => error instanceof EarshotError && /not what it should be/.test(error.failure.detail ?? ''),
    );
    await assert.rejects(
      fetching({ 'node_modules/nowhere': { version: '1.0.0', integrity: integrity(good) } }),
      (error: unknown) =>
        error instanceof EarshotError &&
        error.failure.code === 'engineInstallFailed' &&
        /nowhere 1\.0\.0 is not at/.test(error.failure.detail ?? ''),
    );
  },
);

test('the registry of a scope, of the environment, and the usual one', () => {
  assert.equal(registryOf('', {}).of('a'), 'https://registry.npmjs.org/');
  assert.equal(registryOf('registry=https://one.test/r', {}).of('a'), 'https://one.test/r/');
  const both = registryOf('@our:registry="https://ours.test/"\nregistry=https://one.test/\n; no=1', {
    NPM_CONFIG_REGISTRY: 'https://two.test/',
  });
  assert.deepEqual([both.of('a'), both.of('@our/a')], ['https://two.test/', 'https://ours.test/']);
  const keys = registryOf('//one.test/:_auth=QQ==\n//one.test/deep/:_authToken=t', {});
  assert.equal(keys.authorization('https://one.test/a/-/a.tgz'), 'Basic QQ==');
  assert.equal(keys.authorization('https://one.test/deep/a'), 'Bearer t');
  assert.equal(keys.authorization('https://one.test.evil/a'), undefined);
});

test('of each lock every machine gets its own native parts and no other', () => {
  const names = (machine: Machine): string[] => {
    const found = pack('sherpa', machine);
    return found.kind === 'npm' ? wantedPackages(found.lock, machine).map(({ name }) => name) : [];
  };
  for (const [platform, arch, native] of [
    ['win32', 'x64', 'sherpa-onnx-win-x64'],
    ['darwin', 'arm64', 'sherpa-onnx-darwin-arm64'],
    ['linux', 'x64', 'sherpa-onnx-linux-x64'],
  ] as const) {
    const found = names({ platform, arch, nvidia: false });
    assert.deepEqual(
      found.filter(name => /^sherpa-onnx-(win|darwin|linux)/.test(name)),
      [native],
    );
    assert.ok(found.includes('@ricky0123/vad-web') && found.includes('sherpa-onnx-node'));
  }
});
