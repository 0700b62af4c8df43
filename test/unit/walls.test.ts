import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { breaches } from '../../scripts/walls.ts';
import { notUnderWine } from '../only.ts';

const ROOT = join(import.meta.dirname, '..', '..');

test('no module reaches through a wall', { skip: notUnderWine('esbuild is there for Linux') }, async () => {
  const found = await breaches(ROOT);
  assert.ok(found.modules > 60, `only ${found.modules} modules were read`);
  assert.deepEqual(
    found.breaches.map(({ rule, from, to }) => `${rule}: ${from} → ${to}`),
    [],
  );
});

test(
  'every wall holds something: a breach of each is found',
  { skip: notUnderWine('esbuild is there for Linux') },
  async t => {
    const root = mkdtempSync(join(tmpdir(), 'earshot-house-'));
    t.after(() => rmSync(root, { recursive: true, force: true }));
    const tree: Record<string, string> = {
      'schemas/a.ts': "import type { D } from '../daemon/d.ts';\nexport type A = D;",
      'text/t.ts': "import type { C } from '../client/c.ts';\nexport type T = C;",
      'client/c.ts': "import { two } from '../daemon/two.ts';\nexport type C = typeof two;",
      'cli/c.ts': "import { two } from '../daemon/two.ts';\nexport const c = two;",
      'daemon/d.ts': "import { v } from '../extension/v.ts';\nexport type D = typeof v;",
      'daemon/one.ts': "import { two } from './two.ts';\nexport const one = () => two;",
      'daemon/two.ts': "import type { one } from './one.ts';\nexport const two = null as unknown as typeof one;",
      'daemon/three.ts': "import '../cli/c.ts';\nimport './none.ts';",
      'daemon/four.ts': "import '../test/help.ts';",
      'daemon/five.ts': "import { spawn } from 'node:child_process';\nexport const start = spawn;",
      'daemon/workers/spawn.ts': "export type { ChildProcess } from 'node:child_process';",
      'extension/v.ts': "export * from '../webview/w.ts';\nexport const v = 1;",
      'extension/m.ts': "import '../webview/messages.ts';",
      'webview/w.ts': "export const w = () => import('../daemon/two.ts');",
      'webview/messages.ts': 'export {};',
      'daemon/scheduler/clock.ts': "import { now } from 'node:process';\nexport const at = now;",
      'daemon/scheduler/lib.ts': "import { Type } from 'typebox';\nexport const x = Type;",
      'daemon/scheduler/room.ts': "import type { two } from '../two.ts';\nexport type Two = typeof two;",
      'daemon/contracts/k.ts': "import type { a } from '../left/a.ts';\nexport type K = typeof a;",
      'daemon/left/a.ts': "import type { b } from '../right/b.ts';\nexport const a = null as unknown as typeof b;",
      'daemon/left/a2.ts': 'export const a2 = 1;',
      'daemon/right/b.ts': 'export const b = 1;',
      'daemon/right/b2.ts': "export { a2 } from '../left/a2.ts';",
    };
    for (const [file, text] of Object.entries(tree)) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), text);
    }
    cpSync(join(ROOT, 'package.json'), join(root, 'package.json'));
    const found = (await breaches(root)).breaches.map(({ rule, from, to }) => `${rule}: ${from} → ${to}`).sort();
    assert.deepEqual(
      found.filter(each => !each.startsWith('no-cycles')),
      [
        'cli-knows-only-what-is-shared: cli/c.ts → daemon/two.ts',
        'client-knows-only-what-is-shared: client/c.ts → daemon/two.ts',
        'contracts-know-no-room: daemon/contracts/k.ts → daemon/left/a.ts',
        'daemon-knows-only-what-is-shared: daemon/d.ts → extension/v.ts',
        'daemon-knows-only-what-is-shared: daemon/three.ts → cli/c.ts',
        'extension-knows-only-what-is-shared: extension/v.ts → webview/w.ts',
        'no-folder-cycles: cli → daemon',
        'no-folder-cycles: daemon → cli',
        'no-folder-cycles: daemon → extension',
        'no-folder-cycles: daemon/left → daemon/right',
        'no-folder-cycles: daemon/right → daemon/left',
        'no-folder-cycles: extension → webview',
        'no-folder-cycles: webview → daemon',
        'nothing-unresolved: daemon/four.ts → ../test/help.ts',
        'nothing-unresolved: daemon/three.ts → ./none.ts',
        'programs-start-in-one-place: daemon/five.ts → child_process',
        'scheduler-is-pure: daemon/scheduler/clock.ts → process',
        'scheduler-knows-no-other-room: daemon/scheduler/room.ts → daemon/two.ts',
        'scheduler-uses-no-package: daemon/scheduler/lib.ts → node_modules/typebox/build/index.mjs',
        'schemas-knows-only-what-is-shared: schemas/a.ts → daemon/d.ts',
        'text-knows-only-what-is-shared: text/t.ts → client/c.ts',
        'webview-knows-only-what-is-shared: webview/w.ts → daemon/two.ts',
      ],
    );
    assert.ok(
      found.some(each => each.startsWith('no-cycles: daemon/one.ts') || each.startsWith('no-cycles: daemon/two.ts')),
    );
  },
);
