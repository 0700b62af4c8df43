// Compiled code is kept between calls: half of what a short command would otherwise spend. Beside the code, not in the
// shared temporary folder, which Node would take: there anybody may have put code first.
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
enableCompileCache(join(import.meta.dirname, '../dist/.earshot-compiled'));
await import('../dist/cli.mjs');
