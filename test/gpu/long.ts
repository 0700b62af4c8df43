/**
 * The long form of the virtual GPU scenario: 500 jobs of six models, and the same under the older formula for memory.
 * Prints what it measured; fails when a promise is broken. Run by `npm run test:gpu`.
 */
import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { byFormula, runScenario, type Report } from './scenario.ts';
import { build } from './virtual/gpus.ts';

const { values } = parseArgs({
  options: { jobs: { type: 'string', default: '500' }, seed: { type: 'string', default: '7' } },
});
const libraries = build();
if ('reason' in libraries) {
  console.log(`skipped: ${libraries.reason}`);
  process.exit(0);
}

const jobs = Number(values.jobs),
  seed = Number(values.seed),
  gib = (bytes: number): string => (bytes / 1024 ** 3).toFixed(2);
const ours = await runScenario(libraries, { jobs, seed, trouble: true });
const formula = await runScenario(libraries, { jobs, seed, trouble: true, judge: byFormula });

const row = (name: string, of: (report: Report) => string | number): string =>
  `| ${name} | ${of(ours)} | ${of(formula)} |`;
console.log(
  [
    '| | measured and calibrated | older formula |',
    '| --- | --- | --- |',
    row('jobs completed', r => `${r.completed} of ${r.jobs}`),
    row('seconds', r => r.seconds.toFixed(1)),
    row('allocations refused', r => r.refused),
    row('ended out of memory', r => r.outOfMemory),
    row('workers killed', r => r.killed),
    row('times a device was lost', r => r.lost),
    row('loads', r => r.loads),
    row('order violations', r => r.orderViolations),
    row('cap, GiB', r => r.capBytes.map(gib).join(', ')),
    row('most leased, GiB', r => r.mostLeased.map(gib).join(', ')),
    row('most taken, GiB', r => r.mostByWorkers.map(gib).join(', ')),
    row('used of held memory', r => `${(r.usedOfHeld * 100).toFixed(1)} %`),
  ].join('\n'),
);
console.log(
  [
    '',
    '| device | model | runs | estimate, GiB | true peak, GiB | error |',
    '| --- | --- | --- | --- | --- | --- |',
    ...ours.estimates.map(
      e =>
        `| ${e.device} | ${e.model} | ${e.runs} | ${gib(e.estimateBytes)} | ${gib(e.truePeakBytes)} | ${(e.error * 100).toFixed(1)} % |`,
    ),
  ].join('\n'),
);

assert.deepEqual(ours.notCompleted, {}, 'no job is lost');
assert.equal(ours.orderViolations, 0);
assert.equal(ours.leasesLeft, 0, 'every lease is accounted for');
assert.ok(ours.outOfMemory > 0, 'the devices did run out');
for (const device of [0, 1])
  assert.ok(
    ours.mostLeased[device]! <= ours.capBytes[device]! && ours.mostByWorkers[device]! <= ours.capBytes[device]!,
    'the cap holds',
  );
const judged = ours.estimates.filter(estimate => estimate.runs >= 10),
  close = judged.filter(estimate => Math.abs(estimate.error) <= 0.15);
assert.ok(
  close.length >= judged.length * 0.95,
  `${close.length} of ${judged.length} estimates are within 15 % after 10 runs`,
);
assert.ok(
  ours.usedOfHeld >= formula.usedOfHeld * 1.3,
  `held memory is used ${((ours.usedOfHeld / formula.usedOfHeld - 1) * 100).toFixed(0)} % better`,
);
process.exit(0);
