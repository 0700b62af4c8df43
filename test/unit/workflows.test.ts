/** The hosted runners: they run what a person runs, on every system. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..'),
  read = (path: string): string => readFileSync(join(ROOT, path), 'utf8').replaceAll('\r\n', '\n'),
  { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> },
  ci = read('.github/workflows/ci.yml');

/** npm's own; all else is a script of the package. */
const OWN = new Set(['ci', 'install']);
/** Scripts of the package that command lines call; throws where one calls npm in a way that is not known here. */
function called(commands: string): string[] {
  return [...commands.matchAll(/\bnpm (\S+)(?: (\S+))?/g)].flatMap(([, what = '', name = '']) =>
    what === 'run' ? [name] : OWN.has(what) ? [] : [what],
  );
}

describe('workflows', () => {
  const workflows = globSync('.github/workflows/*.yml', { cwd: ROOT });
  test('every command that they run is a script of the package', () => {
    const lines = workflows.flatMap(path => [...read(path).matchAll(/^ *- run: (.+)$/gm)].map(([, line = '']) => line));
    assert.ok(lines.length >= 4, lines.join('\n'));
    const names = lines.flatMap(called);
    assert.ok(names.includes('test') && names.includes('test:wine'), names.join(', '));
    for (const name of names) assert.ok(Object.hasOwn(scripts, name), `npm run ${name}`);
    // What the scripts run is there, too.
    for (const name of names)
      for (const [file] of scripts[name]!.matchAll(/\b[\w/-]+\.(?:ts|mjs)\b/g))
        assert.ok(existsSync(join(ROOT, file)), `${name}: ${file}`);
  });
  test('each system of the matrix runs the whole suite: the command of the checks that must pass here', () => {
    const systems = /os: \[(.+)\]/.exec(ci)?.[1]?.split(', ') ?? [];
    assert.deepEqual(systems.map(system => system.split('-')[0]).sort(), ['macos', 'ubuntu', 'windows']);
    const here = read('.ci/run').trim().split('\n').at(-1)!;
    assert.deepEqual(called(here), ['test']);
    assert.match(ci, /runs-on: \$\{\{ matrix\.os \}\}[\s\S]+?^ {6}- run: npm test$/m);
    assert.doesNotMatch(ci, /continue-on-error|\|\| true/, 'a failure is one');
  });
});
