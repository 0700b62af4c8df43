/** What a recording is has one list. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isMedia, MEDIA_EXTENSIONS, MEDIA_WHEN } from '../../schemas/media.ts';

test('the menus of the editor are for the recordings of the list, no more and no fewer', () => {
  const { contributes } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
    contributes: Record<string, unknown>;
  };
  const clauses = [...JSON.stringify(contributes).matchAll(/resourceExtname =~ \/(?:[^/\\]|\\.)*\/i/g)]
    .map(([clause]) => JSON.parse(`"${clause}"`) as string)
    .filter(clause => /\b(mp3|flac|mp4)\b/.test(clause));
  assert.ok(clauses.length >= 5, `${clauses.length} menus`);
  for (const clause of clauses) assert.equal(clause, MEDIA_WHEN);
});

test('a name says what it is, whatever its case', () => {
  for (const extension of MEDIA_EXTENSIONS) assert.ok(isMedia(`/r/A.${extension.toUpperCase()}`), extension);
  for (const other of ['/r/mp3', '/r/.mp3', '/r/a.txt', '/r/a.mp3.part']) assert.ok(!isMedia(other), other);
});
