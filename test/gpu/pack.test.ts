/** The archive that takes the proof to another machine: unpacked in a clean folder, it runs there without a network. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { packCuda } from '../../scripts/pack-cuda.ts';
import type { Report } from './cuda/report.ts';
import { build, virtualGpus } from './virtual/gpus.ts';

const libraries = build(),
  python = spawnSync('python3', ['--version']).status === 0,
  skip = 'reason' in libraries ? libraries.reason : python ? false : 'no python3 here',
  STAND_IN = join(import.meta.dirname, 'torch', 'stand-in'),
  /** A network that leads nowhere, where this system lets us have one. */
  ALONE = ['unshare', '--map-root-user', '--net'],
  canBeAlone = spawnSync(ALONE[0]!, [...ALONE.slice(1), 'true']).status === 0;
if (skip) console.log(`skipped: ${skip}`);

it('runs in a clean folder, without a network', { skip, timeout: 180_000 }, async () => {
  const gpus = virtualGpus(libraries as { nvml: string; control: string }, 1, 30 * 1024 ** 3),
    folder = mkdtempSync(join(tmpdir(), 'earshot-packed-'));
  try {
    await packCuda(folder, 1);
    const { EARSHOT_VGPU, EARSHOT_VGPU_CONTROL, EARSHOT_NVML, PATH } = process.env;
    const [program, ...args] = [
      ...(canBeAlone ? ALONE : []),
      join(folder, 'run.sh'),
      ...['--short', '--only', 'attribution', '--out', join(folder, 'out')],
    ];
    const { status, stdout, stderr } = spawnSync(program!, args, {
      cwd: folder,
      env: { PATH, HOME: folder, PYTHONPATH: STAND_IN, EARSHOT_VGPU, EARSHOT_VGPU_CONTROL, EARSHOT_NVML },
      encoding: 'utf8',
    });
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    const { parts } = JSON.parse(readFileSync(join(folder, 'out', 'gpu.json'), 'utf8')) as Report;
    assert.deepEqual([parts[0]!.name, parts[0]!.state], ['attribution', 'done']);
    assert.ok(parts[0]!.checks.length >= 5);
  } finally {
    gpus.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
});
