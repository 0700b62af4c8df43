/** What was asked for shows until it has happened, and for no longer than somebody waits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Asked } from '../../../webview/asked.ts';

test('what was asked for is over when it has happened, or after a while; asked again, the while begins anew', t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let paintings = 0;
  const asked = new Asked<string>(() => (paintings += 1));
  asked.add(['a', 'b']);
  assert.deepEqual([asked.has('a'), asked.has('b'), asked.has('c'), paintings], [true, true, false, 1]);
  asked.delete('a');
  assert.deepEqual([asked.has('a'), asked.has('b')], [false, true]);
  t.mock.timers.tick(6000);
  asked.add(['b']);
  t.mock.timers.tick(6000);
  assert.deepEqual([asked.has('b'), paintings], [true, 2]);
  t.mock.timers.tick(4000);
  assert.deepEqual([asked.has('b'), paintings], [false, 3]);
  asked.add(['a', 'b']);
  asked.clear();
  t.mock.timers.tick(20_000);
  assert.deepEqual([asked.has('a'), asked.has('b'), paintings], [false, false, 4]);
});
