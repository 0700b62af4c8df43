/** What a check says of the sources, file by file. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

/**
 * Prints what is wrong in the files that git keeps under these patterns, and ends with 1 where anything is.
 * @param wrongIn lines from 1, and what is wrong there
 */
export function checkSources(patterns: readonly string[], wrongIn: (text: string) => { line: number; why: string }[]) {
  const { stdout } = spawnSync('git', ['ls-files', '-z', ...patterns], { cwd: ROOT, encoding: 'utf8' });
  for (const file of stdout.split('\0').filter(Boolean))
    for (const { line, why } of wrongIn(readFileSync(join(ROOT, file), 'utf8'))) {
      console.log(`${file}:${line}: ${why}`);
      process.exitCode = 1;
    }
}
