/**
 * The library that is loaded into daemons to play tricks on them (shim.c), built once for each version of its source.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Its path; or why it cannot be built. */
export function buildShim(): { library: string } | { reason: string } {
  if (process.platform !== 'linux') return { reason: 'the shim needs Linux' };
  const source = join(import.meta.dirname, 'shim.c');
  const folder = join(
      tmpdir(),
      `earshot-shim-${process.getuid!()}` +
        `-${createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 16)}`,
    ),
    library = join(folder, 'shim.so');
  if (existsSync(library)) return { library };
  const compiler = ['cc', 'gcc', 'clang'].find(name => {
    try {
      execFileSync(name, ['--version'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
  if (!compiler) return { reason: 'the shim needs a C compiler (cc), and there is none here' };
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const part = `${library}.${process.pid}`;
  execFileSync(compiler, ['-shared', '-fPIC', '-O1', '-Wall', '-Wextra', '-Werror', '-o', part, source, '-ldl'], {
    stdio: 'inherit',
  });
  renameSync(part, library);
  return { library };
}
