/** Runs inhost/*.mocha.ts inside a real extension host. */
import assert from 'node:assert/strict';
import { build } from 'esbuild';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildBundles } from './bundles.ts';
import { fakeHome, recorder } from './fake/place.ts';
import { hostUnavailable } from './host/install.ts';
import { runMocha } from './host/run-mocha.ts';

const root = join(import.meta.dirname, '../..');
const unavailable = await hostUnavailable();
if (unavailable) console.log(`Not run: ${unavailable}`);

test('inside the extension host', { skip: unavailable ?? false, timeout: 300_000 }, async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'earshot-inhost-'));
  try {
    buildBundles();
    const source = join(import.meta.dirname, 'inhost'),
      names = readdirSync(source).filter(name => name.endsWith('.mocha.ts'));
    // Tests are modules of the host: the editor's API and native packages come from outside.
    await build({
      entryPoints: names.map(name => join(source, name)),
      outdir: join(scratch, 'tests'),
      outExtension: { '.js': '.cjs' },
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node22',
      external: ['vscode', 'better-sqlite3'],
      sourcemap: 'inline',
      logLevel: 'warning',
      define: { 'import.meta.url': '"file:///none"', 'import.meta.dirname': '""' },
    });
    const workspace = join(scratch, 'workspace');
    mkdirSync(workspace);
    for (const name of ['talk.wav', 'talk 2.mp3', 'missing.wav'])
      cpSync(join(root, 'samples/sense-and-sensibility.flac'), join(workspace, name));
    writeFileSync(join(workspace, 'notes.txt'), 'not a recording\n');
    const result = await runMocha({
      extension: root,
      workspace,
      files: names.map(name => join(scratch, 'tests', name.replace(/\.ts$/, '.cjs'))),
      env: { ...fakeHome(scratch), EARSHOT_TEST_MANIFEST: join(root, 'package.json'), EARSHOT_TEST_FFMPEG: recorder() },
      // Texts stream into documents here; transcript.test.ts has the transcript editor.
      settings: { 'earshot.document.open': 'untitled' },
      ...(process.env.GREP ? { grep: process.env.GREP } : {}),
    });
    console.log(result.output);
    assert.ok(result.passed > 0);
    // A report shows the beginning of a message: of Mocha's, what failed stands behind what passed.
    assert.equal(result.failed, 0, result.output.slice(Math.max(0, result.output.search(/^ +\d+ failing$/m))));
    assert.deepEqual(result.strays, []);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});
