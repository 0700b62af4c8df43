/** Answers to programs name no folder of this machine that they did not name themselves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemOf } from '../../daemon/api/http/problem.ts';
import { ERRORS, thrown, type ErrorCode } from '../../schemas/errors.ts';
import { sentence } from '../../text/messages/messages.ts';
import { withNamesOnly } from '../../text/messages/names-only.ts';

/** A failure of this code in which everything that can be a path is one. */
const full = (code: ErrorCode, path: string) => ({
  code,
  args: Object.fromEntries(
    Object.entries(ERRORS[code]).map(([name, kind]) => [name, (kind as string).startsWith('text') ? path : 1]),
  ),
  detail: `at ${path}`,
});

test('no failure over HTTP, whatever its code, shows where something lies', () => {
  for (const place of [
    '/home/ann/.local/state/earshot/uploads/01M8/talk.wav',
    'C:\\Users\\ann\\uploads\\01M8\\talk.wav',
  ])
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      const { message, status } = problemOf(thrown(full(code, place)));
      assert.doesNotMatch(message, /\bann\b|uploads|01M8/, `${code}: ${message}`);
      assert.ok(status >= 400);
    }
});

test('an assistant is told of a path as it named it, and of no other', () => {
  for (const locale of ['en', 'zh-cn'] as const) {
    const said = (path: string): string =>
      sentence(
        withNamesOnly(full('noSuchFile', path), each => (each === '/home/ann/a.wav' ? '~/a.wav' : undefined)),
        locale,
      );
    assert.match(said('/home/ann/a.wav'), /~\/a\.wav/);
    assert.match(said('/home/ann/b.wav'), /b\.wav/);
    assert.doesNotMatch(said('/home/ann/b.wav'), /\bann\b/);
  }
});
