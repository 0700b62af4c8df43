import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { page, shipped, written } from '../../scripts/licenses.ts';

test('THIRD_PARTY.md lists what is shipped and fetched, as the lock files have it', () => {
  assert.equal(written(), page(written()), 'run npm run licenses');
});

const PERMISSIVE =
  'MIT|MIT-0|ISC|0BSD|BSD-[23]-Clause|Apache-2\\.0|BlueOak-1\\.0\\.0|CC-BY-4\\.0|CC0-1\\.0|Unicode-3\\.0|Unlicense' +
  // A font, unchanged and under its own name.
  '|OFL-1\\.1';

test('what is shipped may be shipped under our own license', () => {
  const all = shipped();
  assert.ok(all.length > 30);
  for (const { name, licence } of all)
    assert.match(licence, new RegExp(`^\\(?(${PERMISSIVE})( OR .*| AND .*)?\\)?$`), `${name}: ${licence}`);
});

test('every lock file is of the package.json beside it', () => {
  for (const folder of [
    '.',
    ...['llama', 'llama-3.21', 'sherpa', 'dictionaries', 'postgres'].map(name => `daemon/runtimes/${name}`),
  ]) {
    const read = (name: string): Record<string, unknown> =>
      JSON.parse(readFileSync(join(import.meta.dirname, '../..', folder, name), 'utf8')) as Record<string, unknown>;
    const wanted = read('package.json'),
      locked = (read('package-lock.json').packages as Record<string, Record<string, unknown>>)['']!;
    for (const kind of ['version', 'dependencies', 'devDependencies', 'optionalDependencies', 'engines'])
      assert.deepEqual(locked[kind], wanted[kind], `${folder}: ${kind}`);
  }
});
