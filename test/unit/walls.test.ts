import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { breaches } from '../walls.ts';

const ROOT = join(import.meta.dirname, '..', '..');

test('no module reaches through a wall', async () => {
  const found = await breaches(ROOT);
  assert.ok(found.modules > 60, `only ${found.modules} modules were read`);
  assert.deepEqual(found.breaches.map(({ rule, from, to }) => `${rule}: ${from} → ${to}`), []);
});

test('every wall holds something: a breach of each is found', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'earshot-house-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const tree: Record<string, string> = {
    'schemas/a.ts': "import type { D } from '../daemon/d.ts';\nexport type A = D;",
    'daemon/d.ts': "import { v } from '../extension/v.ts';\nexport type D = typeof v;",
    'daemon/one.ts': "import { two } from './two.ts';\nexport const one = () => two;", 'daemon/two.ts': "import type { one } from './one.ts';\nexport const two = null as unknown as typeof one;",
    'extension/v.ts': "export * from '../webview/w.ts';\nexport const v = 1;", 'extension/m.ts': "import '../webview/messages.ts';",
    'webview/w.ts': "export const w = () => import('../daemon/two.ts');", 'webview/messages.ts': 'export {};',
    'daemon/scheduler/clock.ts': "import { now } from 'node:process';\nexport const at = now;", 'daemon/scheduler/lib.ts': "import { Type } from 'typebox';\nexport const x = Type;",
    'daemon/scheduler/room.ts': "import type { two } from '../two.ts';\nexport type Two = typeof two;",
    'daemon/cli/c.ts': "import { two } from '../two.ts';\nexport const c = two;", 'daemon/three.ts': "import './cli/c.ts';\nimport './none.ts';",
  };
  for (const [file, text] of Object.entries(tree)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  cpSync(join(ROOT, 'package.json'), join(root, 'package.json'));
  const found = (await breaches(root)).breaches.map(({ rule, from, to }) => `${rule}: ${from} → ${to}`).sort();
  assert.deepEqual(found.filter((each) => !each.startsWith('no-cycles')), [
    'cli-goes-through-the-socket: daemon/cli/c.ts → daemon/two.ts',
    'daemon-does-not-need-the-cli: daemon/three.ts → daemon/cli/c.ts',
    'daemon-shares-only-schemas: daemon/d.ts → extension/v.ts',
    'extension-shares-only-schemas: extension/v.ts → webview/w.ts',
    'nothing-unresolved: daemon/three.ts → ./none.ts',
    'scheduler-is-pure: daemon/scheduler/clock.ts → process',
    'scheduler-knows-no-other-room: daemon/scheduler/room.ts → daemon/two.ts',
    'scheduler-uses-no-package: daemon/scheduler/lib.ts → node_modules/typebox/build/index.mjs',
    'schemas-import-nothing-of-ours: schemas/a.ts → daemon/d.ts',
    'webview-shares-only-schemas: webview/w.ts → daemon/two.ts',
  ]);
  assert.ok(found.some((each) => each.startsWith('no-cycles: daemon/one.ts') || each.startsWith('no-cycles: daemon/two.ts')));
});
