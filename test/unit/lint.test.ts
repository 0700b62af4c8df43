/** Rules of the linter that keep a promise: each is broken here, and found. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { complaints, patternsIn } from '../../scripts/patterns.ts';

const ROOT = join(import.meta.dirname, '..', '..');

test('files are opened and written in one place only, and no start loads what it does not need', t => {
  const root = mkdtempSync(join(tmpdir(), 'earshot-lint-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const breaches: Record<string, string> = {
    'daemon/outputs/a.ts': "import { writeFile } from 'node:fs/promises';\nawait writeFile('a', 'b');",
    'daemon/watch/b.ts': "import { copyFileSync } from 'node:fs';\ncopyFileSync('a', 'b');",
    'daemon/c.ts': "import { rename as move } from 'node:fs/promises';\nawait move('a', 'b');",
    'cli/d.ts': "import * as fs from 'node:fs';\nfs.appendFileSync('a', 'b');",
    'client/e.ts': "import fs from 'node:fs/promises';\nawait fs.link('a', 'b');",
    'daemon/f.ts': "import { openSync } from 'node:fs';\nopenSync('a', 'w');",
    'daemon/g.ts': "import { createWriteStream } from 'fs';\ncreateWriteStream('a');",
    'extension/h.ts': "import * as vscode from 'vscode';\nawait vscode.workspace.fs.writeFile(uri, bytes);",
    'daemon/k.ts': "import { createServer } from 'node:http';\ncreateServer();",
    'extension/i.ts': "import { symlink } from 'node:fs/promises';\nawait symlink('a', 'b');",
  };
  const fine: Record<string, string> = {
    'client/files.ts': "import { writeFile } from 'node:fs/promises';\nawait writeFile('a', 'b');",
    'daemon/j.ts':
      "import { readdir, type FileHandle } from 'node:fs/promises';\nexport const a = [readdir, {} as FileHandle];",
    'daemon/l.ts': "import type { Server } from 'node:http';\nexport const b = {} as Server;",
    'scripts/k.ts': "import { writeFileSync } from 'node:fs';\nwriteFileSync('a', 'b');",
  };
  for (const [file, text] of Object.entries({ ...breaches, ...fine })) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  cpSync(join(ROOT, '.oxlintrc.json'), join(root, '.oxlintrc.json'));
  const { stdout } = spawnSync(
    process.execPath,
    [join(ROOT, 'node_modules', 'oxlint', 'bin', 'oxlint'), '--format', 'unix'],
    { cwd: root, encoding: 'utf8' },
  );
  const found = stdout.split('\n').filter(line => line.includes('no-restricted-'));
  assert.deepEqual([...new Set(found.map(line => line.split(':')[0]!))].sort(), Object.keys(breaches).sort(), stdout);
});

test('a pattern that could take long is found, whether it is new or excused without being there', async () => {
  const source = [
    'const a = /(a+)+$/;',
    'const b = (text: string) => text.replace(/<!--.*?-->/g, "");',
    String.raw`const c = /\s+$/u;`,
    'const d = /^[a-z]+$/;',
    'const e = /[*+]{1,3}/;',
    'const f: RegExp = /x*y/g;',
  ].join('\n');
  const patterns = patternsIn('text/x.ts', source);
  assert.deepEqual(
    patterns.map(({ place }) => place),
    ['text/x.ts:1', 'text/x.ts:2', 'text/x.ts:3', 'text/x.ts:4', 'text/x.ts:6'],
  );
  const found = await complaints(patterns, { linear: ['/x*y/g'], bounded: {} });
  assert.deepEqual(
    found.map(each => each.split(': ')[0]),
    ['text/x.ts:1', 'text/x.ts:2', 'text/x.ts:3'],
    found.join('\n'),
  );
});
