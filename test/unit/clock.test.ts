import assert from 'node:assert/strict';
import { it } from 'node:test';
import { forwardClock } from '../../daemon/system/clock.ts';

it("the daemon's time follows the clock forward, and its own pace when somebody sets it back", () => {
  let system = 1_000_000,
    steady = 0;
  const clock = forwardClock(
    () => system,
    () => steady,
  );
  const pass = (ms: number): void => {
    system += ms;
    steady += ms;
  };
  pass(100);
  assert.equal(clock(), 1_000_100);
  system += 3_600_000;
  assert.equal(clock(), 4_600_100);
  system -= 7_200_000;
  for (let i = 0; i < 1000; i++) {
    pass(0.25);
    clock();
  }
  assert.equal(clock(), 4_600_350);
  system += 7_200_000;
  pass(50);
  assert.equal(clock(), 4_600_400);
});
