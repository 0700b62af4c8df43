/** The short form of the virtual GPU scenario; `npm run test:gpu` runs the long one. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { build } from './virtual/gpus.ts';
import { runScenario } from './scenario.ts';

const libraries = build();
if ('reason' in libraries) console.log(`skipped: ${libraries.reason}`);

it(
  'loses no job on two GPUs with outsiders, kills and a device that falls off',
  { skip: 'reason' in libraries ? libraries.reason : false, timeout: 180_000 },
  async () => {
    const report = await runScenario(libraries as { nvml: string; control: string }, {
      jobs: 80,
      seed: 3,
      trouble: true,
    });
    console.log(JSON.stringify(report));
    assert.deepEqual(report.notCompleted, {});
    assert.equal(report.completed, 80);
    assert.equal(report.orderViolations, 0);
    assert.equal(report.leasesLeft, 0);
    for (const device of [0, 1]) {
      assert.ok(report.mostLeased[device]! <= report.capBytes[device]!, 'leases stay within the cap');
      assert.ok(report.mostByWorkers[device]! <= report.capBytes[device]!, 'and so does what workers really take');
    }
    assert.ok(report.killed > 0 && report.loads >= 6, 'there was trouble');
  },
);
