/**
 * Instances that work at once on one device slow each other down. A gain is the throughput of n of them in units of one
 * alone: 1 for the first; n where they share nothing, 1 for any n where they share everything. Gains are measured
 * (pipeline/slowdowns.ts); here is what follows from them. Pure.
 */
import type { ModelView } from './snapshot.ts';

/** One more must bring this much of what an instance alone does, however small its memory is. */
const LEAST = 0.1;
/** And so much for all of the device's memory: half of it is worth an eighth of an instance. */
const FOR_ALL_MEMORY = 0.25;

/** Gain of `count` instances. What was never measured goes on as it went last; nothing measured: no slowdown. */
export function gainOf(gains: readonly number[] | undefined, count: number): number {
  if (!gains?.length) return count;
  if (count <= 0) return 0;
  if (count <= gains.length) return gains[count - 1]!;
  const last = gains[gains.length - 1]!,
    step = last - (gains[gains.length - 2] ?? 0);
  return Math.max(last / 2, last + step * (count - gains.length));
}

/** What one more brings beside `count` others, in instances: 1 where they share nothing; below 0 where it harms. */
export const gainOfOneMore = (gains: readonly number[] | undefined, count: number): number =>
  gainOf(gains, count + 1) - gainOf(gains, count);

/** The speed of each of `count` instances at work, as a share of its speed alone. */
export const paceOf = (gains: readonly number[] | undefined, count: number): number =>
  gains && count > 1 ? gainOf(gains, count) / count : 1;

/** The least that one more instance of the model must bring on the device to be worth its memory, in instances. */
export const worthOfMemory = (model: ModelView, device: { id: string; cap: number }): number =>
  Math.max(LEAST, (FOR_ALL_MEMORY * (model.need[device.id] ?? 0)) / Math.max(1, device.cap));
