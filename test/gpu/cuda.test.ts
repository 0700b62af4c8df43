/**
 * The proof for a real GPU (test/gpu/cuda), tried on a virtual one with a stand-in for PyTorch: that it runs to its
 * end, writes what it found, and finds what is wrong. It proves nothing about GPUs.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Report } from './cuda/report.ts';
import { build, virtualGpus, type VirtualGpus } from './virtual/gpus.ts';

const libraries = build(),
  python = spawnSync('python3', ['--version']).status === 0,
  why = 'reason' in libraries ? libraries.reason : python ? false : 'no python3 here',
  STAND_IN = join(import.meta.dirname, 'torch', 'stand-in');
if (why) console.log(`skipped: ${why}`);

describe('the proof for a real GPU, on a virtual one', { skip: why, timeout: 240_000 }, () => {
  let gpus: VirtualGpus, out: string;
  before(() => {
    gpus = virtualGpus(libraries as { nvml: string; control: string }, 1, 30 * 1024 ** 3);
    out = mkdtempSync(join(tmpdir(), 'earshot-cuda-'));
  });
  after(() => {
    gpus.dispose();
    rmSync(out, { recursive: true, force: true });
  });
  const prove = (
    args: string[],
    smi = join(STAND_IN, 'nvidia-smi'),
  ): { status: number | null; report: Report; words: string; page: string } => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(import.meta.dirname, 'cuda', 'main.ts'), '--short', '--out', out, ...args],
      { env: { ...process.env, PYTHONPATH: STAND_IN, EARSHOT_NVIDIA_SMI: smi }, encoding: 'utf8' },
    );
    return {
      status,
      words: `${stdout}\n${stderr}`,
      report: JSON.parse(readFileSync(join(out, 'gpu.json'), 'utf8')) as Report,
      page: readFileSync(join(out, 'gpu.md'), 'utf8'),
    };
  };

  it('runs all its parts, and writes what it found', () => {
    const { status, report, words, page } = prove(['--data', '/nowhere']);
    assert.deepEqual(
      report.parts.map(({ name, state }) => [name, state]),
      [
        ['readings', 'done'],
        ['attribution', 'done'],
        ['sharing', 'done'],
        ['allocator', 'done'],
        ['engines', 'missing'],
      ],
      words,
    );
    const checks = report.parts.flatMap(part => part.checks);
    assert.deepEqual(
      checks.filter(check => !check.held),
      [],
      words,
    );
    assert.ok(checks.length >= 15, words);
    assert.equal(status, 0, words);
    for (const { what } of checks) assert.ok(page.includes(what));
  });

  it('says what does not hold, and fails', () => {
    const misleading = join(out, 'nvidia-smi');
    writeFileSync(
      misleading,
      `#!/bin/sh\nexec '${join(STAND_IN, 'nvidia-smi')}' "$@" | sed 's/<total>[0-9]*/<total>12345/'\n`,
      { mode: 0o700 },
    );
    const { status, report, words } = prove(['--only', 'readings'], misleading);
    assert.equal(status, 1, words);
    assert.deepEqual(
      report.parts[0]!.checks.filter(check => !check.held).map(({ what, measured }) => [what, measured]),
      [['every field of every device', 'totalBytes']],
    );
  });

  it('ends at its limit, with what it had found', () => {
    const { report, page } = prove(['--only', 'allocator', '--minutes', '0.02']);
    for (const { state } of report.parts) assert.equal(state, 'open');
    assert.match(page, /^# On a GPU/);
  });

  it('without PyTorch it says so', () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(import.meta.dirname, 'cuda', 'main.ts'), '--out', out, '--python', 'false'],
      { encoding: 'utf8' },
    );
    assert.equal(status, 2);
    assert.match(stderr, /has no PyTorch/);
  });
});
