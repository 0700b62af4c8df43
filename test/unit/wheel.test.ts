/** A wheel without Python: from the index that pip's configuration names, as indexes answer. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, win32 } from 'node:path';
import { after, test } from 'node:test';
import { pack } from '../../daemon/runtimes/packs.ts';
import { addressIn, fetchWheel, indexIn, pipConfigs } from '../../daemon/runtimes/wheel.ts';
import { EarshotError } from '../../schemas/errors.ts';
import { zip } from '../fixtures/zip.ts';
import { notUnderWine } from '../only.ts';

const temporary = mkdtempSync(join(tmpdir(), 'earshot-wheel-'));
after(() => rmSync(temporary, { recursive: true, force: true }));
const FILE = 'imageio_ffmpeg-0.8.1-py3-none-win_amd64.whl';

test('where an index keeps a file: in JSON, and in the HTML of older ones and of mirrors', () => {
  const base = 'https://index.test/simple/imageio-ffmpeg/';
  assert.equal(
    addressIn(JSON.stringify({ files: [{ filename: FILE, url: '../../files/x.whl' }] }), FILE, base),
    'https://index.test/files/x.whl',
  );
  const html = `<!DOCTYPE html><html><body><h1>Links for imageio-ffmpeg</h1>
    <a href="https://files.test/a/${FILE}#sha256=f27c" data-dist-info-metadata="sha256=12" >${FILE}</a><br />
    <a href="other.whl?a=1&amp;b=2#sha256=00" data-requires-python="&gt;=3.9">other.whl</a><br /></body></html>`;
  assert.equal(addressIn(html, FILE, base), `https://files.test/a/${FILE}`);
  assert.equal(addressIn(html, 'other.whl', base), `${base}other.whl?a=1&b=2`);
  assert.equal(addressIn(html, 'nothing.whl', base), null);
});

test("pip's configuration, where it lies on each system", () => {
  assert.equal(indexIn('[global]\nindex-url = https://mirror.test/simple\n'), 'https://mirror.test/simple');
  assert.equal(
    indexIn(
      '[install]\nindex_url: https://b.test/\n[global]\nindex-url=https://a.test/\n[list]\nindex-url=https://c.test/',
    ),
    'https://b.test/',
  );
  assert.equal(indexIn('[global]\ncert = /etc/x.pem\n# index-url = https://no.test\n'), null);
  assert.deepEqual(pipConfigs({ APPDATA: 'C:/Roaming', PROGRAMDATA: 'C:/Data' }, 'win32', 'C:/home'), [
    win32.join('C:/Roaming', 'pip', 'pip.ini'),
    win32.join('C:/home', 'pip', 'pip.ini'),
    win32.join('C:/Data', 'pip', 'pip.ini'),
  ]);
  assert.deepEqual(pipConfigs({}, 'linux', '/h').at(-1), '/etc/pip.conf');
  assert.ok(pipConfigs({}, 'darwin', '/h').includes('/h/Library/Application Support/pip/pip.conf'));
});

test('every machine has its wheel, one that Python environments get too', () => {
  const requirements = readFileSync(join(import.meta.dirname, '../../daemon/runtimes/python/requirements.txt'), 'utf8');
  for (const [platform, arch] of [
    ['linux', 'x64'],
    ['linux', 'arm64'],
    ['darwin', 'arm64'],
    ['darwin', 'x64'],
    ['win32', 'x64'],
  ] as const) {
    const found = pack('ffmpeg', { platform, arch, nvidia: false });
    assert.ok(found.kind === 'wheel' && found.wheel && requirements.includes(`sha256:${found.wheel.sha256}`));
    const [, version] = /^imageio_ffmpeg-([\d.]+)-/.exec(found.wheel.file)!;
    assert.ok(requirements.includes(`imageio-ffmpeg==${version} `), version);
  }
  const none = pack('ffmpeg', { platform: 'win32', arch: 'arm64', nvidia: false });
  assert.ok(none.kind === 'wheel' && none.wheel === null);
});

test(
  'fetched with the name and password of the index, checked, and unpacked where it belongs',
  { skip: notUnderWine('fetch') },
  async () => {
    const archive = zip({ 'imageio_ffmpeg/binaries/ffmpeg-win.exe': 'MZ', 'imageio_ffmpeg/__init__.py': '' }),
      asked: [string, string | undefined][] = [];
    const server = createServer((request, response) => {
      asked.push([request.url!, request.headers.authorization]);
      if (request.url === '/simple/imageio-ffmpeg/') response.end(`<a href="../../files/${FILE}#sha256=1">${FILE}</a>`);
      else if (request.url === `/files/${FILE}`) response.end(archive);
      else if (request.url === '/simple/endless/') {
        response.on('error', () => {});
        const more = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(1 << 20, '<a ')));
        };
        response.on('drain', more);
        more();
      } else response.writeHead(404).end();
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo,
      config = join(temporary, 'pip.conf'),
      sha256 = createHash('sha256').update(archive).digest('hex');
    writeFileSync(config, `[global]\nindex-url = http://me:p%40ss@127.0.0.1:${port}/simple/\n`);
    const fetch = (wheel: { file: string; sha256: string; package?: string }): Promise<string> => {
      const directory = mkdtempSync(join(temporary, 'made-'));
      mkdirSync(join(temporary, 'tmp'), { recursive: true });
      return fetchWheel({
        runtime: 'ffmpeg',
        wheel: { package: 'imageio-ffmpeg', ...wheel },
        directory,
        temporary: join(temporary, 'tmp'),
        signal: new AbortController().signal,
        env: { PIP_CONFIG_FILE: config },
      }).then(() => directory);
    };
    try {
      const made = await fetch({ file: FILE, sha256 });
      assert.equal(readFileSync(join(made, 'imageio_ffmpeg', 'binaries', 'ffmpeg-win.exe'), 'utf8'), 'MZ');
      assert.ok(statSync(join(made, 'imageio_ffmpeg', '__init__.py')).isFile());
      assert.ok(!existsSync(join(temporary, 'tmp', FILE)), 'the archive is gone');
      const login = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
      assert.deepEqual(asked, [
        ['/simple/imageio-ffmpeg/', login],
        [`/files/${FILE}`, login],
      ]);
      const why = (detail: RegExp) => (error: unknown) =>
        error instanceof EarshotError &&
        error.failure.code === 'engineInstallFailed' &&
        detail.test(error.failure.detail ?? '');
      await assert.rejects(fetch({ file: 'other.whl', sha256 }), why(/other\.whl is not at/));
      await assert.rejects(fetch({ file: FILE, sha256: sha256.replace(/./, 'x') }), why(/not what it should be/));
      await assert.rejects(fetch({ package: 'endless', file: FILE, sha256 }), why(/does not end/));
    } finally {
      server.closeAllConnections();
      server.close();
    }
  },
);
