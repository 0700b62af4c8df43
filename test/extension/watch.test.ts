/** F5: the editor's task sees when building begins and ends and where an error is; what is launched has source maps. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { formatMessages } from 'esbuild';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { it } from 'node:test';
import { buildBundles } from './bundles.ts';

const root = join(import.meta.dirname, '../..'),
  json = (name: string): unknown => JSON.parse(readFileSync(join(root, name), 'utf8'));
interface Task {
  label: string;
  problemMatcher: {
    pattern: { regexp: string; file?: number; line?: number }[];
    background: { beginsPattern: string; endsPattern: string };
  };
}
const {
  problemMatcher: { pattern, background },
} = (json('.vscode/tasks.json') as { tasks: Task[] }).tasks.find(task => task.label === 'watch')!;

it(
  'watching builds the daemon, the extension and its pages, says so once, and again when any of them changes',
  { timeout: 180_000 },
  async () => {
    const out = mkdtempSync(join(tmpdir(), 'earshot-watch-'));
    const built = [
      'earshotd.mjs',
      'workers/fake.mjs',
      'workers/faster-whisper/worker.py',
      'registry.json',
      'extension.cjs',
      'webview/transcript.js',
    ].map(file => join(out, file));
    const watch = spawn(process.execPath, [join(root, 'esbuild.mjs'), '--watch', '--out', out], {
        cwd: root,
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
      lines = createInterface(watch.stdout)[Symbol.asyncIterator]();
    const round = async (): Promise<string[]> => {
      const said: string[] = [];
      for (;;) {
        const { value, done } = await lines.next();
        if (done) return said;
        said.push(value);
        if (new RegExp(background.endsPattern).test(value)) return said;
      }
    };
    try {
      const said = await round();
      assert.match(said[0]!, new RegExp(background.beginsPattern));
      assert.equal(said.length, 2, said.join(', '));
      assert.deepEqual(
        built.filter(file => !existsSync(file)),
        [],
      );
      for (const source of [
        'daemon/pipeline/pipeline.ts',
        'daemon/engines/fake/worker.ts',
        'daemon/engines/faster-whisper/worker.py',
        'extension/main.ts',
        'webview/transcript/wave.ts',
      ]) {
        // Of a file that changed a moment ago esbuild looks at the text, and that stays.
        const then = new Date(Date.now() - 60_000);
        utimesSync(join(root, source), then, then);
        assert.equal((await round()).length, 2, source);
      }
    } finally {
      watch.kill();
      rmSync(out, { recursive: true, force: true });
    }
  },
);

it('what is launched has source maps', () => {
  buildBundles();
  for (const { outFiles, preLaunchTask } of (
    json('.vscode/launch.json') as { configurations: { outFiles: string[]; preLaunchTask: string }[] }
  ).configurations) {
    assert.equal(preLaunchTask, 'watch');
    for (const bundle of ['extension.cjs', 'earshotd.mjs'])
      assert.ok(
        outFiles
          .flatMap(files => globSync(files.replace('${workspaceFolder}', root)))
          .includes(join(root, 'dist', bundle)),
      );
  }
  assert.match(readFileSync(join(root, 'dist/extension.cjs'), 'utf8'), /sourceMappingURL=extension\.cjs\.map/);
  assert.ok((json('dist/extension.cjs.map') as { sources: string[] }).sources.includes('../extension/main.ts'));
});

it('an error of the build is found with its file and line', async () => {
  const [text] = await formatMessages(
    [{ text: 'No matching export', location: { file: 'extension/main.ts', line: 3, column: 9, lineText: 'import' } }],
    { kind: 'error' },
  );
  const found = pattern.map(({ regexp }, i) => new RegExp(regexp).exec(text!.split('\n')[i]!));
  assert.deepEqual(
    [found[0]?.[1], found[2]?.[pattern[2]!.file!], found[2]?.[pattern[2]!.line!]],
    ['No matching export', 'extension/main.ts', '3'],
  );
});
