/**
 * Earshot for Windows under Wine, as a whole. The bundles must be built.
 *   npm run test:wine [-- WORDS…]   only test files whose path contains one of the words; `windows`: the whole product
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { missing } from './place.ts';

if (missing) {
  console.log(`Not run: ${missing}.`);
  process.exit(0);
}
const bundle = join(import.meta.dirname, '..', '..', 'dist', 'cli.mjs');
if (!existsSync(bundle)) {
  console.log('Run `npm run build` first.');
  process.exit(1);
}
const words = process.argv.slice(2),
  others = words.filter(word => word !== 'windows');
// The product first: it is what people get.
const files = [
  ...(words.length === 0 || words.length > others.length ? ['windows.test.ts'] : []),
  ...(words.length === 0 || others.length > 0 ? ['suites.test.ts'] : []),
];
let failed = 0;
for (const file of files) {
  const { status } = spawnSync(process.execPath, ['--test-reporter=spec', join(import.meta.dirname, file)], {
    stdio: 'inherit',
    env: { ...process.env, EARSHOT_WINE: 'whole', EARSHOT_WINE_WORDS: others.join(' ') },
  });
  if (status !== 0) failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;
