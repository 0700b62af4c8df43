/** The transcript editor over a job that wrote no JSON: the daemon writes it, and alone knows which name is free. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { executed } from '../../fixtures/vscode.ts';
import { emptyState } from '../../../extension/connection/mirror.ts';
import { job } from '../cli/jobs.ts';
const { openEditor } = await import('../../../extension/transcript/open.ts');

test('somebody’s own file of the name that the transcript would have stays', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-editor-')),
    own = join(folder, 'talk.earshot.json'),
    written = join(folder, 'talk.wav.earshot.json');
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(own, 'notes of mine');
  const state = emptyState(),
    done = job({ state: 'completed', recording: { ...job().recording, path: join(folder, 'talk.wav') }, outputs: [] });
  state.jobs.set(done.id, done);
  const asked: unknown[] = [];
  const call = async (...request: unknown[]): Promise<{ path: string }> => {
    asked.push(request);
    return { path: written };
  };
  await openEditor({ daemon: { state, call } } as never, done.id);
  assert.deepEqual(asked, [['job/write', { id: done.id, format: 'json', directory: homedir() }]]);
  assert.deepEqual([readdirSync(folder), readFileSync(own, 'utf8')], [['talk.earshot.json'], 'notes of mine']);
  const [command, uri, editor] = executed.at(-1)!;
  assert.deepEqual([command, String(uri), editor], ['vscode.openWith', `file://${written}`, 'earshot.transcript']);
});
