/** Node ends longer timers at once, ms. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * The time of day as the daemon sees it: it follows the system's clock forward (a machine that slept, a clock that was
 * slow), but when somebody sets that one back it goes on at its own pace. Otherwise every pause and every order that
 * rests on it would stand still for as long.
 */
export function forwardClock(
  system: () => number = Date.now,
  steady: () => number = () => performance.now(),
): () => number {
  let time = system(),
    at = steady();
  return () => {
    const now = steady();
    time = Math.max(system(), time + now - at);
    at = now;
    return Math.floor(time);
  };
}
