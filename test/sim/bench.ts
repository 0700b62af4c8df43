/**
 * npm run bench:sim [-- seed]: every policy on every trace, written to docs/scheduler.md and docs/images/scheduler.svg;
 * and ours where instances slow each other down. About 40 s.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { boundsOf, compare } from './compare.ts';
import { POLICIES } from './policies.ts';
import { plan } from '../../daemon/scheduler/plan.ts';
import { markdown, plot, type Result, type SharedResult } from './report.ts';
import { TRACES } from './traces.ts';
import type { Planner } from './world.ts';
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
/** Ours as it is, and as if it knew nothing of slowdown. */
const unaware: Planner = (snapshot, now) => {
  const models = Object.entries(snapshot.models).map(([id, { gains: _, ...model }]) => [id, model] as const);
  return plan({ ...snapshot, models: Object.fromEntries(models) }, now);
};
const shared: SharedResult[] = [];
for (const sharing of [0.5, 1])
  for (const { name, make } of TRACES.filter(each => each.name !== 'a day')) {
    const spec = { ...make(seed), sharing },
      bounds = boundsOf(spec),
      [ours, blind] = [plan, unaware].map(planner => compare('Earshot', planner, true, spec, bounds));
    console.log(`${name}, sharing ${sharing}: ${ours!.overBound.toFixed(2)}, unaware ${blind!.overBound.toFixed(2)}`);
    shared.push({ sharing, trace: name, ours: ours!, unaware: blind! });
  }
const docs = join(import.meta.dirname, '..', '..', 'docs');
mkdirSync(join(docs, 'images'), { recursive: true });
writeFileSync(join(docs, 'scheduler.md'), wrapped(markdown(results, shared, 'npm run bench:sim', seed)));
writeFileSync(join(docs, 'images', 'scheduler.svg'), plot(results));
