/** The part of the proof for a GPU (test/gpu/cuda) that runs real engines, on the CPU: same workers, sandbox, sound. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { home } from '../../daemon/auth/home.ts';
import { python as interpreter } from '../../daemon/runtimes/python.ts';
import { engines } from '../gpu/cuda/engines.ts';
import { readerOf } from '../gpu/cuda/machine.ts';
import { Section, type Part } from '../gpu/cuda/report.ts';
import { missing, modelFolder, python } from './place.ts';

const needs = ['whisper-base', 'qwen2.5-coder-0.5b-instruct'],
  skip = missing({ python, ...Object.fromEntries(needs.map(id => [id, modelFolder(id)])) });

it('the engines in the proof for a GPU answer, each in its sandbox', { skip, timeout: 200_000 }, async () => {
  const part: Part = { name: '', title: '', state: 'open', why: null, seconds: 0, checks: [], tables: [], notes: [] };
  await engines(
    {
      python: interpreter(python!),
      env: {},
      reader: readerOf(),
      device: 'cpu',
      totalBytes: 0,
      left: () => 0,
      short: true,
    },
    new Section(part, () => {}),
    { data: home().data, device: { kind: 'cpu' } },
  );
  assert.deepEqual(
    part.checks.map(({ held }) => held),
    [true, true],
    JSON.stringify(part),
  );
  assert.deepEqual(part.notes, []);
  for (const { rows } of part.tables)
    assert.equal(rows[0]!.at(-1), process.platform === 'linux' ? 'on' : 'not on this system');
});
