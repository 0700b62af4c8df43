/** `npm run test:wine`: Earshot for Windows under Wine, as a whole. The bundles must be built. */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
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
const { status } = spawnSync(
  process.execPath,
  ['--test', '--test-concurrency=1', ...globSync(join(import.meta.dirname, '*.test.ts'))],
  { stdio: 'inherit', env: { ...process.env, EARSHOT_WINE: 'whole' } },
);
process.exitCode = status ?? 1;
