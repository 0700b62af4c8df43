/** What is in the VSIX files: two platforms whose native parts npm has installed here, so that nothing is fetched. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { buffer } from 'node:stream/consumers';
import { fromBuffer } from 'yauzl';
import { makePackage, packageName, pageForUsers } from '../../scripts/package.ts';

const root = join(import.meta.dirname, '../..'),
  out = mkdtempSync(join(tmpdir(), 'earshot-vsix-list-'));
const arch = process.arch,
  linux = process.platform === 'linux';
const skip = linux ? false : 'the installed native parts are those of Linux';
if (skip) console.log(`Not run: ${skip}`);
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

/** Everything that may be in a package; the native parts are named one by one below. */
const ALLOWED = [
  /^\[Content_Types\]\.xml$/,
  /^extension\.vsixmanifest$/,
  /^extension\/(package|package\.nls|package\.nls\.zh-cn)\.json$/,
  /^extension\/(readme|changelog|THIRD_PARTY)\.md$/i,
  /^extension\/LICENSE\.txt$/,
  /^extension\/l10n\/bundle\.l10n\.zh-cn\.json$/,
  /^extension\/syntaxes\/[a-z-]+\.(tmLanguage|language-configuration|injection)?\.?json$/,
  /^extension\/media\/(walkthrough\/)?[a-z-]+\.(svg|png)$/,
  /^extension\/samples\/sense-and-sensibility\.flac$/,
  /^extension\/dist\/(extension|uninstall)\.cjs$/,
  /^extension\/dist\/(earshotd|fleet-postgres|[a-z]+-(child|launch|worker))\.mjs$/,
  /^extension\/dist\/sql\/\d+-[a-z]+\.sql$/,
  /^extension\/dist\/fonts\/noto-sans-[a-z-]+-\d{3}-normal\.woff$/,
  /^extension\/dist\/registry\.json$/,
  /^extension\/dist\/(dictionaries|llama|llama-[\d.]+|postgres|sherpa)\/package(-lock)?\.json$/,
  /^extension\/dist\/python\/[a-z-]+\.txt$/,
  /^extension\/dist\/ffmpeg\/wheels\.json$/,
  /^extension\/dist\/webview\/[a-z]+\.(js|css|ttf)$/,
  /^extension\/dist\/workers\/([a-z\d-]+\/)?[a-z\d_-]+\.(mjs|py)$/,
  /^extension\/dist\/node_modules\/better-sqlite3\/(LICENSE|package\.json|lib\/(methods\/)?[a-z\d-]+\.js|prebuilds\/[a-z\d-]+\.node)$/,
  /^extension\/dist\/node_modules\/koffi\/(LICENSE\.txt|package\.json|(src\/koffi\/)?(src\/)?[a-z_]+\.(c?js|txt))$/,
  /^extension\/dist\/node_modules\/@koromix\/koffi-[a-z\d-]+\/(index\.js|package\.json|[a-z\d_]+\/koffi\.node)$/,
];
/** What nobody may learn from a package: where it was made, and keys. */
const SECRETS = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\b(?:ghp|gho|ghs)_\w{30,}|\bgithub_pat_\w{30,}|\bnpm_\w{30,}|\bAKIA[A-Z\d]{16}\b|\bhf_\w{30,}/,
  /sourceMappingURL=/,
];

/** The files in a VSIX by name, as Latin-1. */
function contents(path: string): Promise<Map<string, string>> {
  const { promise, resolve, reject } = Promise.withResolvers<Map<string, string>>();
  fromBuffer(readFileSync(path), { lazyEntries: true }, (error, zip) => {
    if (error) return reject(error);
    const files = new Map<string, string>();
    zip.on('entry', (entry: { fileName: string }) =>
      zip.openReadStream(entry as never, (failed, stream) => {
        if (failed) return reject(failed);
        buffer(stream).then(bytes => {
          files.set(entry.fileName, bytes.toString('latin1'));
          zip.readEntry();
        }, reject);
      }),
    );
    zip.on('end', () => resolve(files));
    zip.readEntry();
  });
  return promise;
}

describe('the packages', { skip, timeout: 120_000 }, () => {
  let said = '';
  before(() => {
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [join(root, 'scripts/package.ts'), '--target', `linux-${arch}`, '--out', out],
      { cwd: root, encoding: 'utf8' },
    );
    said = stdout + stderr;
    assert.equal(status, 0, said);
  });
  after(() => rmSync(out, { recursive: true, force: true }));

  it('have a page with pictures by https alone, where somebody says where they can be had', () => {
    const page = pageForUsers('https://example.org/images'),
      pictures = [...page.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)].map(([, address]) => address!);
    assert.ok(pictures.length >= 4);
    for (const picture of pictures) assert.match(picture, /^https:\/\/example\.org\/images\/[a-z-]+\.png$/);
  });

  it('are not made for machines that lack a part which cannot be left out', async () => {
    for (const target of ['alpine-x64', 'win32-arm64'])
      await assert.rejects(makePackage(target, out), /no such target/, target);
  });

  it('are made without a warning', () => {
    assert.doesNotMatch(said, /WARN/i);
  });

  for (const [target, sqlite, koffi] of [[`linux-${arch}`, `linux-${arch}`, `linux_${arch}`]] as const)
    it(`${target} holds what runs there, and nothing else`, async () => {
      const path = join(out, packageName(version, target)),
        files = await contents(path),
        names = [...files.keys()],
        manifest = JSON.parse(files.get('extension/package.json')!) as Record<string, unknown>,
        readme = files.get('extension/readme.md')!;
      assert.ok(statSync(path).size <= 15e6);
      assert.deepEqual(names.filter(name => name.endsWith('.node')).sort(), [
        `extension/dist/node_modules/@koromix/koffi-linux-${arch}/${koffi}/koffi.node`,
        `extension/dist/node_modules/better-sqlite3/prebuilds/${sqlite}.node`,
      ]);
      for (const needed of [
        'dist/extension.cjs',
        'dist/uninstall.cjs',
        'dist/earshotd.mjs',
        'dist/ingest-child.mjs',
        'dist/workers/faster-whisper/worker.py',
        'dist/workers/faster-whisper/encoding.py',
        'dist/webview/queue.js',
        'package.nls.zh-cn.json',
        'l10n/bundle.l10n.zh-cn.json',
        'media/icon.png',
        'samples/sense-and-sensibility.flac',
        'changelog.md',
        'LICENSE.txt',
      ])
        assert.ok(names.includes(`extension/${needed}`), needed);
      assert.deepEqual(
        names.filter(name => !ALLOWED.some(allowed => allowed.test(name)) || name.endsWith('/cnoke.cjs')),
        [],
        'what is for nobody who runs it',
      );
      for (const [name, text] of files)
        for (const secret of [root, homedir(), ...SECRETS])
          assert.ok(typeof secret === 'string' ? !text.includes(secret) : !secret.test(text), `${name}: ${secret}`);
      assert.deepEqual(manifest.scripts, { 'vscode:uninstall': 'node ./dist/uninstall.cjs' });
      assert.deepEqual(
        [manifest.dependencies, manifest.devDependencies, manifest.private],
        [undefined, undefined, undefined],
      );
      // Its page is for people who use it.
      assert.match(readme, /Right-click a recording/);
      assert.doesNotMatch(readme, /!\[|<img/, 'no picture that cannot be loaded');
    });
});
