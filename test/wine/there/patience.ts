/** Loaded before each file of tests under Wine: the limits that tests set themselves are of Linux, and grow with it. */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { SLOWNESS } from '../../only.ts';

type Declare = (...args: unknown[]) => unknown;
const runner = createRequire(import.meta.url)('node:test') as Record<'describe' | 'it' | 'test' | 'suite', Declare>;
for (const name of ['describe', 'it', 'test', 'suite'] as const) {
  const declare = runner[name];
  runner[name] = Object.assign(
    (...args: unknown[]) =>
      declare(
        ...args.map(each =>
          typeof each === 'object' && each !== null && 'timeout' in each && typeof each.timeout === 'number'
            ? { ...each, timeout: each.timeout * SLOWNESS }
            : each,
        ),
      ),
    declare,
  );
}
syncBuiltinESMExports();
