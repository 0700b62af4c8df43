/** `node scripts/bench/store.ts`: what 100,000 stored jobs cost. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ulid } from '../../daemon/system/ids.ts';
import { openStore } from '../../daemon/store/sqlite/store.ts';
import { row } from '../../test/contract/store.ts';

const directory = mkdtempSync(join(tmpdir(), 'earshot-bench-'));
const store = openStore(join(directory, 'earshot.db'));
const JOBS = 100_000,
  BATCH = 1_000;
const began = performance.now();
for (let n = 0; n < JOBS; n += BATCH)
  store.submit(
    Array.from({ length: BATCH }, (_, i) =>
      row({ id: ulid(n + i), state: 'completed', path: `/recordings/${n}/talk-${i}.wav`, finishedAt: n + i }),
    ),
  );
console.log(`submit, in batches of ${BATCH}: ${((performance.now() - began) / JOBS).toFixed(3)} ms a job`);
const timed = (name: string, work: () => unknown): void => {
  work();
  const times = Array.from({ length: 20 }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  }).sort((a, b) => a - b);
  console.log(`${name}: median ${times[10]!.toFixed(2)} ms, worst of 20 ${times[19]!.toFixed(2)} ms`);
};
timed('first page of 100', () => store.list({ limit: 100 }));
timed('first page of 100 completed', () => store.list({ states: ['completed'], limit: 100 }));
timed('search in 100,000 paths', () => store.list({ search: 'talk-77', limit: 100 }));
store.dispose();
rmSync(directory, { recursive: true });
