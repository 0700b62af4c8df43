/** Seeded randomness: the same seed gives the same trace on every machine. */
export class Random {
  private state: number;
  constructor(seed: number) { this.state = seed >>> 0; }
  /** [0, 1) (mulberry32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  between(low: number, high: number): number { return low + (high - low) * this.next(); }
  integer(low: number, high: number): number { return Math.floor(this.between(low, high + 1)); }
  /** Time to the next event of a Poisson process, in the unit of `mean`. */
  exponential(mean: number): number { return -mean * Math.log(1 - this.next()); }
  normal(): number { return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next()); }
  pick<T>(items: readonly T[]): T { return items[Math.floor(this.next() * items.length)]!; }
  /** Picks by weight. */
  weighted<T>(items: readonly (readonly [T, number])[]): T {
    let left = this.next() * items.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [item, weight] of items) if ((left -= weight) < 0) return item;
    return items.at(-1)![0];
  }
}
