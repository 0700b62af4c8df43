/** F5: the editor's task sees when building begins and ends and where an error is; what is launched has source maps. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { formatMessages } from 'esbuild';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { it } from 'node:test';

const root = join(import.meta.dirname, '../..'), json = (name: string): unknown => JSON.parse(readFileSync(join(root, name), 'utf8'));
interface Task { label: string; problemMatcher: { pattern: { regexp: string; file?: number; line?: number }[]; background: { beginsPattern: string; endsPattern: string } } }
const { problemMatcher: { pattern, background } } = (json('.vscode/tasks.json') as { tasks: Task[] }).tasks.find(task => task.label === 'watch')!;

it('watching says so once it has built, and the bundles that are launched know their sources', async () => {
  const watch = spawn(process.execPath, [join(root, 'extension/build.ts'), '--watch'], { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] });
  const said: string[] = [];
  try {
    for await (const line of createInterface(watch.stdout)) { said.push(line); if (new RegExp(background.endsPattern).test(line)) break; }
  } finally { watch.kill(); }
  assert.match(said[0]!, new RegExp(background.beginsPattern));
  assert.equal(said.length, 2, said.join(', '));
  for (const { outFiles } of (json('.vscode/launch.json') as { configurations: { outFiles: string[] }[] }).configurations)
    assert.ok(outFiles.flatMap(files => globSync(files.replace('${workspaceFolder}', root))).includes(join(root, 'dist/extension.cjs')));
  assert.match(readFileSync(join(root, 'dist/extension.cjs'), 'utf8'), /sourceMappingURL=extension\.cjs\.map/);
  assert.ok((json('dist/extension.cjs.map') as { sources: string[] }).sources.includes('../extension/main.ts'));
});

it('an error of the build is found with its file and line', async () => {
  const [text] = await formatMessages([{ text: 'No matching export', location: { file: 'extension/main.ts', line: 3, column: 9, lineText: 'import' } }], { kind: 'error' });
  const found = pattern.map(({ regexp }, i) => new RegExp(regexp).exec(text!.split('\n')[i]!));
  assert.deepEqual([found[0]?.[1], found[2]?.[pattern[2]!.file!], found[2]?.[pattern[2]!.line!]], ['No matching export', 'extension/main.ts', '3']);
});
