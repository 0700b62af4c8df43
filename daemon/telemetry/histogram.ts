/**
 * Durations counted by size. Histograms of minutes add up to the histogram of a month; percentiles do not. Buckets are
 * HdrHistogram's: exact below 16, then 16 to each doubling.
 */
const STEPS = 16,
  STEP_BITS = 4,
  LARGEST = 2 ** 31 - 1;
/** No bucket is wider than this share of its values. */
export const BUCKET_WIDTH = 1 / STEPS;

function bucketOf(value: number): number {
  const whole = Math.min(LARGEST, Math.max(0, Math.round(value)));
  if (whole < STEPS) return whole;
  const shift = 31 - Math.clz32(whole) - STEP_BITS;
  return shift * STEPS + (whole >> shift);
}
/** The least and the largest whole number in a bucket. */
function boundsOf(bucket: number): [number, number] {
  if (bucket < STEPS) return [bucket, bucket];
  const size = 2 ** (Math.floor(bucket / STEPS) - 1),
    least = (STEPS + (bucket % STEPS)) * size;
  return [least, least + size - 1];
}

export class Histogram {
  count = 0;
  sum = 0;
  private readonly counts = new Map<number, number>();

  add(value: number): void {
    this.count += 1;
    this.sum += value;
    const bucket = bucketOf(value);
    this.counts.set(bucket, (this.counts.get(bucket) ?? 0) + 1);
  }
  merge(other: Histogram): void {
    this.count += other.count;
    this.sum += other.sum;
    for (const [bucket, count] of other.counts) this.counts.set(bucket, (this.counts.get(bucket) ?? 0) + count);
  }

  get mean(): number {
    return this.count ? this.sum / this.count : 0;
  }
  /** By nearest rank, right within `BUCKET_WIDTH`; 0 when nothing was counted. `share`: 0.95 for the 95th. */
  percentile(share: number): number {
    const counts = [...this.counts].sort(([a], [b]) => a - b),
      // What was stored before buckets were has none: percentiles are of the rest.
      rank = Math.ceil(counts.reduce((sum, [, count]) => sum + count, 0) * share);
    let seen = 0;
    for (const [bucket, count] of counts) {
      seen += count;
      if (seen < rank) continue;
      const [least, largest] = boundsOf(bucket);
      return (least + largest) / 2;
    }
    return 0;
  }
  /** How many were no larger than each of these, which ascend. */
  upTo(limits: readonly number[]): number[] {
    const counts = [...this.counts].map(([bucket, count]) => ({ largest: boundsOf(bucket)[1], count }));
    return limits.map(limit => counts.reduce((sum, { largest, count }) => sum + (largest <= limit ? count : 0), 0));
  }

  /** For the store: bucket and count in turn. The sum is stored beside it. */
  encode(): string {
    return JSON.stringify([...this.counts].flat());
  }
  /** What `encode` wrote; `count`: of all values, also those whose buckets are not known. */
  static decode(buckets: string | null, count: number, sum: number): Histogram {
    const histogram = new Histogram(),
      flat = JSON.parse(buckets ?? '[]') as number[];
    for (let i = 0; i + 1 < flat.length; i += 2) histogram.counts.set(flat[i]!, flat[i + 1]!);
    histogram.count = count;
    histogram.sum = sum;
    return histogram;
  }
}
