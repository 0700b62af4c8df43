/** Paths as Windows and macOS compare them, on any system. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { samePath } from '../../client/same-path.ts';
import { inside } from '../../daemon/watch/folder.ts';
import { placesUp } from '../../text/glossary.ts';
import { comparable, wayInto } from '../../text/paths.ts';

const unasked = (drive: string): string => assert.fail(`${drive} was asked for`);

test('Windows: case, slashes and long spellings are the same file, other names are not', () => {
  for (const other of ['c:\\Talks\\a.wav', 'C:/talks/A.WAV', '\\\\?\\C:\\talks\\a.wav', 'C:\\talks\\x\\..\\a.wav'])
    assert.ok(samePath('C:\\talks\\a.wav', other, 'win32', unasked), other);
  assert.ok(!samePath('C:\\talks\\a.wav', 'C:\\talks\\b.wav', 'win32', unasked));
  assert.ok(samePath('\\\\nas\\Talks\\a.wav', '\\\\?\\UNC\\NAS\\talks\\a.wav', 'win32', unasked));
  assert.equal(comparable('C:\\', 'win32'), 'c:\\');
  assert.equal(comparable('C:\\talks\\', 'win32'), 'c:\\talks');
});

test('Windows: a drive that stands for a share, or for a folder, is what it stands for', () => {
  const drives: Record<string, string> = { 'x:\\': '\\\\nas\\talks', 's:\\': 'D:\\Sound', 'd:\\': 'D:\\' };
  const rootOf = (drive: string): string => drives[drive] ?? assert.fail(drive);
  assert.ok(samePath('X:\\2026\\a.wav', '\\\\NAS\\talks\\2026\\a.wav', 'win32', rootOf));
  assert.ok(samePath('D:\\Sound\\a.wav', 's:\\a.wav', 'win32', rootOf));
  assert.ok(!samePath('X:\\2026\\a.wav', '\\\\nas\\other\\2026\\a.wav', 'win32', rootOf));
  const gone = (): string => {
    throw new Error('the network path was not found');
  };
  assert.ok(!samePath('X:\\a.wav', '\\\\nas\\talks\\a.wav', 'win32', gone));
});

test('macOS passes over case and over how accents are made; Linux over neither', () => {
  assert.ok(samePath('/Users/a/Zoë.wav', '/Users/a/zoe\u0308.wav', 'darwin'));
  assert.ok(!samePath('/home/a/Zoë.wav', '/home/a/zoë.wav', 'linux'));
  assert.ok(!samePath('/home/a/Zoë.wav', '/home/a/Zoe\u0308.wav', 'linux'));
  assert.ok(samePath('/home/a//b/', '/home/a/b', 'linux'));
});

test('what lies on another drive lies in no folder', () => {
  assert.equal(wayInto('C:\\talks', 'D:\\talks\\a.wav', 'win32'), null);
  assert.equal(wayInto('C:\\talks', '\\\\nas\\talks\\a.wav', 'win32'), null);
  assert.equal(wayInto('C:\\talks', 'c:\\Talks\\in\\a.wav', 'win32'), 'in/a.wav');
  assert.equal(wayInto('C:\\talks', 'C:\\talks', 'win32'), '');
  assert.equal(wayInto('/talks', '/talks/..and more.wav', 'linux'), '..and more.wav');
  assert.equal(wayInto('/talks', '/talking/a.wav', 'linux'), null);
});

test('the folders of watches and of glossaries are found by the same rule', () => {
  assert.equal(inside('C:\\talks', 'D:\\a.wav', 'win32'), null);
  assert.equal(inside('/talks', '/talks'), '');
  assert.equal(inside('/talks', '/talks/in/a.wav'), 'in/a.wav');
  assert.deepEqual(placesUp('/project/talks/a.wav', '/project'), ['/project/talks', '/project']);
  assert.deepEqual(placesUp('/else/talks/a.wav', '/work'), ['/else/talks']);
});
