/** Answers beside busy programs, in short form; docs/neighbours.md has the figures. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cases, measure, ratios } from '../../scripts/bench/neighbours.ts';
import { missing, modelFolder, sherpa } from '../engines/place.ts';

const needs = { sherpa, 'piper-en-us-joe-medium': modelFolder('piper-en-us-joe-medium') };
describe('beside four busy programs', { skip: missing(needs), timeout: 180_000 }, () => {
  it('a worker answers, and it is known how much later', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'earshot-neighbours-'));
    try {
      const piper = cases(folder, 1).find(({ setup }) => setup.stage === 'tts')!,
        report = await measure(piper, 1),
        { usual, worst } = ratios(report);
      console.log(`beside four busy programs: ${usual.toFixed(2)} x alone`);
      assert.deepEqual([report.alone.length, report.beside.length], [1, 1]);
      // How busy the machine is besides is not for a test to say; the page has the promise.
      assert.ok(usual > 0 && worst >= usual && Number.isFinite(worst), `${usual}, ${worst}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
