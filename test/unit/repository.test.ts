/** Where a repository begins, and what it leaves out. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ignore, isIgnored, repositoryOf } from '../../client/repository.ts';

const LINE = '.earshot/speakers.json';

test('a repository is found from below; a line is added once, and all others stay', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-git-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const deep = join(folder, 'a/b/talk.wav'),
    list = join(folder, '.gitignore');
  mkdirSync(join(folder, 'a/b'), { recursive: true });
  assert.equal(repositoryOf(deep), null);
  // A worktree's is a file.
  writeFileSync(join(folder, '.git'), 'gitdir: elsewhere\n');
  assert.equal(repositoryOf(deep), folder);
  assert.equal(await isIgnored(folder, LINE), false);
  writeFileSync(list, 'node_modules\r\n\n# mine\ndist');
  await ignore(folder, LINE);
  assert.equal(readFileSync(list, 'utf8'), `node_modules\n\n# mine\ndist\n${LINE}\n`);
  await ignore(folder, LINE);
  assert.equal(readFileSync(list, 'utf8').split(LINE).length, 2);
  assert.equal(await isIgnored(folder, LINE), true);
});

test('a list that is a link leads nowhere: the link is replaced, and what it led to stays', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'earshot-git-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'precious'), 'precious\n');
  symlinkSync(join(folder, 'precious'), join(folder, '.gitignore'));
  await ignore(folder, LINE);
  assert.equal(readFileSync(join(folder, 'precious'), 'utf8'), 'precious\n');
});
