/** The bundles that a window runs. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
let done = process.env.EARSHOT_BUILT !== undefined;

/** Builds them, unless the run of all tests has: other tests run from the same folder then. */
export function buildBundles(): void {
  if (!done) execFileSync(process.execPath, [join(root, 'esbuild.mjs')], { cwd: root, stdio: 'inherit' });
  done = true;
}
