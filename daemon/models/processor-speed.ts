/** How fast this machine computes, by a short calculation: for models that never ran here. */

/** What the calculation does on one core of the machine of reference, which has two (registry.json, `figures`). */
const REFERENCE_GFLOPS = 0.9,
  REFERENCE_CORES = 2;
/** More cores than this help a recognizer little. */
const USEFUL_CORES = 8;
const SIZE = 128,
  ROUNDS = 10;

/** How many times slower than the machine of reference; below 1: faster. Keeps its thread for about 50 ms. */
export function slowness(cores: number, gflops = measuredGflops()): number {
  const here = gflops * Math.min(USEFUL_CORES, Math.max(1, cores));
  return Math.min(20, Math.max(0.05, (REFERENCE_GFLOPS * REFERENCE_CORES) / here));
}

/** The best of some rounds: a busy machine slows only some of them. */
function measuredGflops(): number {
  const a = new Float32Array(SIZE * SIZE).map((_, i) => (i % 7) / 7),
    b = a.toReversed(),
    c = new Float32Array(SIZE * SIZE);
  let bestMs = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now();
    multiply(a, b, c);
    bestMs = Math.min(bestMs, performance.now() - began);
  }
  return (2 * SIZE ** 3) / Math.max(1e-3, bestMs) / 1e6;
}

function multiply(a: Float32Array, b: Float32Array, into: Float32Array): void {
  for (let row = 0; row < SIZE; row++)
    for (let k = 0; k < SIZE; k++) {
      const x = a[row * SIZE + k]!;
      for (let column = 0; column < SIZE; column++) into[row * SIZE + column]! += x * b[k * SIZE + column]!;
    }
}
