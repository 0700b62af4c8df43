import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { silentJob, outputWriter } from '../fixtures/write-outputs.ts';
import { openStore } from '../../daemon/store/sqlite/store.ts';

const folder = mkdtempSync(join(tmpdir(), 'earshot-names-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const store = openStore(':memory:');
after(() => store.dispose());
const write = outputWriter(store);
/** What is written beside a recording of this name. */
async function outputsOf(name: string): Promise<string[]> {
  const path = join(folder, name);
  writeFileSync(path, name);
  const row = { ...silentJob(path, name, { outputs: { formats: ['txt', 'json'] } }), id: name.slice(0, 20) };
  const outputs = await write(row);
  return outputs.map(output => output.path);
}

test('outputs of recordings whose names are as long as a name may be: short enough, and never one over the other', async () => {
  const names = [
    `${'n'.repeat(251)}.wav`,
    `${'n'.repeat(250)}x.wav`,
    `${'名'.repeat(83)}.wavx`,
    `${'👩‍👩‍👧'.repeat(13)}.wav`,
  ];
  const written: string[] = [];
  for (const name of names) written.push(...(await outputsOf(name)));
  assert.equal(new Set(written).size, 2 * names.length);
  for (const path of written) assert.ok(existsSync(path) && Buffer.byteLength(basename(path)) <= 250, path);
  assert.match(basename(written.at(-1)!), /^(👩‍👩‍👧)+\.earshot\.json$/u, 'no half of a sign that is made of several');
  assert.deepEqual(await outputsOf(names[0]!), written.slice(0, 2), 'the same again');
});
test('a name that is short enough stays as it is', async () =>
  assert.deepEqual(
    (await outputsOf('talk.wav')).map(path => basename(path)),
    ['talk.txt', 'talk.earshot.json'],
  ));
