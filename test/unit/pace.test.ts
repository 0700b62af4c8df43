import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pace } from '../../extension/setup/pace.ts';

test('a pace is of the last seconds, not known at first, and begins anew with another file', () => {
  const pace = new Pace();
  assert.equal(pace.at(0, 0), null);
  assert.equal(pace.at(500, 500), null);
  assert.equal(pace.at(2_000, 2_000), 1000);
  // It stands still: what was long ago counts no more.
  for (let ms = 3_000; ms <= 9_000; ms += 1_000) pace.at(2_000, ms);
  assert.equal(pace.at(2_000, 10_000), 0);
  assert.equal(pace.at(10, 10_100), null);
});
