import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { writeOutputs } from '../../daemon/outputs/deliver.ts';
import { JobWork } from '../../daemon/jobs/work.ts';
import { Outputs } from '../../daemon/outputs/outputs.ts';
import { openStore } from '../../daemon/store/sqlite/store.ts';
import type { JobRow } from '../../daemon/contracts/store.ts';

const folder = mkdtempSync(join(tmpdir(), 'earshot-names-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const store = openStore(':memory:');
const outputs = new Outputs(store);
after(() => store.dispose());
/** What is written beside a recording of this name. */
async function outputsOf(name: string): Promise<string[]> {
  const path = join(folder, name);
  writeFileSync(path, name);
  const row: JobRow = {
    id: name.slice(0, 20),
    path,
    name,
    bytes: 1,
    modifiedAt: 1,
    durationMs: 1000,
    fingerprint: name,
    options: { repair: false, outputs: { formats: ['txt', 'json'] } },
    stages: ['asr'],
    models: {},
    priority: 'normal',
    position: 0,
    state: 'processing',
    createdAt: 0,
    startedAt: 0,
    finishedAt: null,
    language: 'en',
    ingested: true,
    ingestedMs: 1000,
    failure: null,
    warnings: [],
    outputs: [],
    overtaken: 0,
    crashes: 0,
  };
  return (
    await writeOutputs(new JobWork(row, 0), {
      pcm: '',
      outputs,
      ffmpeg: () => '',
      sandboxed: false,
      formats: [],
      signal: new AbortController().signal,
    })
  ).outputs.map(output => output.path);
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
