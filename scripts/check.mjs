/**
 * What can be said of the code without running it: types of every part, the walls between the rooms, the pages made
 * from the code, the formatter, the linter, the width of lines, the words of names and the time that patterns take.
 *   node scripts/check.mjs      prints what is wrong; exit code 0 when nothing is
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const at = (...parts) => join(root, ...parts);
const types = project => [at('node_modules/typescript/bin/tsc'), '-p', at(project)];

/** Each by its name: the arguments of a Node program, run at the root. */
export const CHECKS = {
  types: types('.'),
  'types of webview': types('webview'),
  'types of test/extension': types('test/extension'),
  walls: [at('scripts/walls.ts')],
  'reference pages': [at('scripts/reference.ts'), '--check'],
  format: [at('node_modules/oxfmt/bin/oxfmt'), '--check', '.'],
  columns: [at('scripts/columns.ts')],
  words: [at('scripts/words.ts')],
  patterns: ['--disable-warning=ExperimentalWarning', at('scripts/patterns.ts')],
  lint: [at('node_modules/oxlint/bin/oxlint'), '--type-aware'],
};

/** Exit status and everything that the check said. */
export function check(name) {
  return new Promise(resolve => {
    const child = spawn(process.execPath, CHECKS[name], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', chunk => (output += chunk));
    child.stderr.on('data', chunk => (output += chunk));
    child.on('error', error => resolve({ status: 1, output: error.message }));
    child.on('close', status => resolve({ status, output }));
  });
}

if (import.meta.main) {
  for (const name of Object.keys(CHECKS)) {
    const { status, output } = await check(name);
    if (status === 0) continue;
    console.log(`✗ ${name}\n${output.trim()}\n`);
    process.exitCode = 1;
  }
}
