/** Times of the same thing done several times, and how the pages in docs/ show them. */
import { cpus } from 'node:os';

export interface Spread {
  median: number;
  p95: number;
  p99: number;
  worst: number;
}
export const spread = (times: readonly number[]): Spread => {
  const sorted = times.toSorted((a, b) => a - b),
    at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  return { median: at(0.5), p95: at(0.95), p99: at(0.99), worst: sorted.at(-1)! };
};
export const timed = (times: number, warm: number, work: () => unknown): Spread => {
  for (let i = 0; i < warm; i++) work();
  return spread(
    Array.from({ length: times }, () => {
      const start = performance.now();
      work();
      return performance.now() - start;
    }),
  );
};
export const ms = (value: number): string => value.toFixed(value < 1 ? 3 : 2);
export const three = (each: Spread): string => `${ms(each.median)} / ${ms(each.p99)} / ${ms(each.worst)}`;
export const machine = (): string => `${cpus()[0]?.model.trim() ?? 'a machine'} (${cpus().length} cores)`;
