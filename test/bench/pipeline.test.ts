/** The pipeline law in short form; docs/pipeline.md has the long one. Best of three: other programs on the machine only ever add. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { bound, law, type LawOptions, type LawReport } from './law.ts';

async function holds(limit: number, least: number, options: LawOptions): Promise<LawReport> {
  const tries: number[] = [];
  for (let run = 0; run < 3; run++) {
    const report = await law(options);
    tries.push(report.units / least);
    if (report.units <= limit * least) return report;
  }
  assert.fail(`over the bound by ${tries.map(each => `${((each - 1) * 100).toFixed(1)} %`).join(', ')}; ${((limit - 1) * 100).toFixed(0)} % are allowed`);
}

it('ends two and ten utterances within 3 % of what no schedule can beat', { timeout: 120_000 }, async () => {
  await holds(1.03, bound(2), { unitMs: 300, jobs: [2] });
  const { cpuMsPerStep } = await holds(1.03, bound(10), { unitMs: 150, jobs: [10] });
  assert.ok(cpuMsPerStep < 10, `a step costs ${cpuMsPerStep.toFixed(1)} ms of CPU`);
});

it('ends two utterances at 7.5 units with two recognisers and two translators', { timeout: 120_000 }, async () => {
  await holds(1.05, 7.5, { unitMs: 300, jobs: [1, 1], wide: 2 });
});
