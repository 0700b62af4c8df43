/** What is in the VSIX files: two platforms whose native parts npm has installed here, so that nothing is fetched. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fromBuffer } from 'yauzl';
import { packageName } from '../../scripts/package.ts';

const root = join(import.meta.dirname, '../..'),
  out = mkdtempSync(join(tmpdir(), 'earshot-vsix-list-'));
const arch = process.arch,
  linux = process.platform === 'linux';
const skip = linux ? false : 'the installed native parts are those of Linux';
if (skip) console.log(`Not run: ${skip}`);
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

/** Names of the files in a VSIX, and the text of its manifest. */
function contents(path: string): Promise<{ names: string[]; manifest: Record<string, unknown>; readme: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{
    names: string[];
    manifest: Record<string, unknown>;
    readme: string;
  }>();
  fromBuffer(readFileSync(path), { lazyEntries: true }, (error, zip) => {
    if (error) return reject(error);
    const names: string[] = [],
      texts: Record<string, string> = {};
    zip.on('entry', (entry: { fileName: string }) => {
      names.push(entry.fileName);
      if (!/^extension\/(package\.json|readme\.md)$/i.test(entry.fileName)) return zip.readEntry();
      zip.openReadStream(entry as never, (failed, stream) => {
        if (failed) return reject(failed);
        let text = '';
        stream
          .setEncoding('utf8')
          .on('data', (part: string) => {
            text += part;
          })
          .on('end', () => {
            texts[entry.fileName.toLowerCase()] = text;
            zip.readEntry();
          });
      });
    });
    zip.on('end', () =>
      resolve({
        names,
        manifest: JSON.parse(texts['extension/package.json']!) as Record<string, unknown>,
        readme: texts['extension/readme.md']!,
      }),
    );
    zip.readEntry();
  });
  return promise;
}

describe('the packages', { skip, timeout: 120_000 }, () => {
  let said = '';
  before(() => {
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [join(root, 'scripts/package.ts'), '--target', `linux-${arch},alpine-${arch}`, '--out', out],
      { cwd: root, encoding: 'utf8' },
    );
    said = stdout + stderr;
    assert.equal(status, 0, said);
  });
  after(() => rmSync(out, { recursive: true, force: true }));

  it('are made without a warning', () => {
    assert.doesNotMatch(said, /WARN/i);
  });

  for (const [target, sqlite, koffi] of [
    [`linux-${arch}`, `linux-${arch}`, `linux_${arch}`],
    [`alpine-${arch}`, `linuxmusl-${arch}`, `musl_${arch}`],
  ] as const)
    it(`${target} holds what runs there, and nothing else`, async () => {
      const path = join(out, packageName(version, target)),
        { names, manifest, readme } = await contents(path);
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
        'dist/workers/faster-whisper.py',
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
        names.filter(name => /\.map$|\.ts$|__pycache__|\/cli|\.test\.|\.env/.test(name)),
        [],
      );
      assert.deepEqual(manifest.scripts, { 'vscode:uninstall': 'node ./dist/uninstall.cjs' });
      assert.deepEqual(
        [manifest.dependencies, manifest.devDependencies, manifest.private],
        [undefined, undefined, undefined],
      );
      for (const [, picture] of readme.matchAll(/\]\((docs\/images\/[^)]+)\)/g))
        assert.ok(names.includes(`extension/${picture}`), picture);
    });
});
