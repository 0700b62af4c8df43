/** An entry of the setting earshot.watchedFolders as the daemon takes it. */
import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { join, normalize } from 'node:path';
import { test } from 'node:test';
import { specOf, written } from '../../../extension/watched/entry.ts';

test("paths start at the root, at home, or in the workspace; without one a relative path is nobody's", () => {
  const path = (value: unknown, base: string | null = '/w'): string | undefined => specOf(value, base, 'user')?.path;
  assert.deepEqual(
    ['/a', '~', '~/b', 'c/d', '.'].map(each => path({ path: each })),
    ['/a', homedir(), join(homedir(), 'b'), normalize('/w/c/d'), normalize('/w')],
  );
  assert.deepEqual(
    [path({ path: 'c' }, null), path({}), path('x'), path(null), path({ path: 7 })],
    [undefined, undefined, undefined, undefined, undefined],
  );
  assert.deepEqual(
    [written('/w/c/d', '/w'), written('/w', '/w'), written(join(homedir(), 'b'), null), written('/x', '/w')],
    ['c/d', '.', '~/b', '/x'],
  );
});

test("the settle time's earlier name is still read, and the present one goes first", () => {
  const settle = (entry: object): unknown => specOf({ path: '/a', ...entry }, null, 'me')?.settleSeconds;
  assert.deepEqual(
    [settle({ quietSeconds: 5 }), settle({ quietSeconds: 5, settleSeconds: 2 }), settle({ quietSeconds: 'x' })],
    [5, 2, undefined],
  );
});

test('a whole recipe, and one whose values are nonsense', () => {
  assert.deepEqual(
    specOf(
      {
        path: '/a',
        language: 'de',
        repair: false,
        translateTo: 'en',
        speak: true,
        summary: true,
        prompt: 'x',
        models: { asr: 'tiny', summary: 'qwen', none: 'y' },
        formats: ['srt', 'exe'],
        output: 'out',
        moveTo: '/done',
        include: ['*.mp3'],
        exclude: ['x*'],
        subfolders: false,
        settleSeconds: 5,
        pollSeconds: 10,
        priority: 'high',
      },
      '/w',
      'me',
    ),
    {
      path: '/a',
      owner: 'me',
      options: {
        repair: false,
        language: 'de',
        translateTo: 'en',
        speak: true,
        summary: true,
        prompt: 'x',
        models: { asr: 'tiny', summary: 'qwen' },
        outputs: { formats: ['srt'], directory: normalize('/w/out') },
      },
      moveTo: '/done',
      include: ['*.mp3'],
      exclude: ['x*'],
      subfolders: false,
      settleSeconds: 5,
      pollSeconds: 10,
      priority: 'high',
    },
  );
  assert.deepEqual(
    specOf(
      {
        path: '/a',
        language: 7,
        formats: 'srt',
        include: 'x',
        settleSeconds: -1,
        priority: 'soon',
        models: 'x',
        repair: 'no',
        summary: 'yes',
      },
      null,
      'me',
    ),
    { path: '/a', owner: 'me', options: { repair: true } },
  );
});
