/** The part of the proof for a GPU (test/gpu/cuda) that runs Whisper, on the CPU: same worker, sandbox and sound. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { python as interpreter } from '../../daemon/runtimes/python.ts';
import { readerOf } from '../gpu/cuda/machine.ts';
import { Section, type Part } from '../gpu/cuda/report.ts';
import { whisper } from '../gpu/cuda/whisper.ts';
import { missing, modelFolder, python } from './place.ts';

const skip = missing({ python, 'whisper-base': modelFolder('whisper-base') });

it('Whisper in the proof for a GPU: the words are right, in its sandbox', { skip, timeout: 120_000 }, async () => {
  const part: Part = { name: '', title: '', state: 'open', why: null, seconds: 0, checks: [], tables: [], notes: [] };
  await whisper(
    {
      python: interpreter(python!),
      env: {},
      reader: readerOf(),
      device: 'cpu',
      totalBytes: 0,
      left: () => 60_000,
      short: true,
    },
    new Section(part, () => {}),
    { model: modelFolder('whisper-base')!, device: { kind: 'cpu' } },
  );
  assert.deepEqual(
    part.checks.map(({ held }) => held),
    [true],
    JSON.stringify(part),
  );
  assert.equal(part.tables[0]!.rows[0]![2], process.platform === 'linux' ? 'on' : 'not on this system');
});
