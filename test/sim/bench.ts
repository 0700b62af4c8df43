/**
 * npm run bench:sim [-- seed]: every policy on every trace, written to docs/scheduler.md and docs/images/scheduler.svg.
 * About 20 s.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { boundsOf, compare } from './compare.ts';
import { POLICIES } from './policies.ts';
import { markdown, plot, type Result } from './report.ts';
import { TRACES } from './traces.ts';
import { wrapped } from '../../scripts/wrap.ts';

const seed = Number(process.argv[2] ?? 1);
const results: Result[] = TRACES.map(({ name, make }) => {
  const spec = make(seed),
    bounds = boundsOf(spec);
  const rows = POLICIES.map(({ name: policy, planner, calibrates }) =>
    compare(policy, planner, calibrates, spec, bounds),
  );
  console.log(`${name}: ${rows.map(row => `${row.policy} ${row.overBound.toFixed(2)}`).join(', ')}`);
  return { trace: name, jobs: spec.jobs.length, bounds, rows };
});
const docs = join(import.meta.dirname, '..', '..', 'docs');
mkdirSync(join(docs, 'images'), { recursive: true });
writeFileSync(join(docs, 'scheduler.md'), wrapped(markdown(results, 'npm run bench:sim', seed)));
writeFileSync(join(docs, 'images', 'scheduler.svg'), plot(results));
