/** Whether two ways to read a device say the same of it. */
import type { DeviceReading } from './reading.ts';

/**
 * By how much a field may lie outside of two readings that were taken before and after: absolute, and as a share of it.
 * `same`: not at all. Sensors move meanwhile, and nvidia-smi rounds memory to MiB.
 */
const SLACK = {
  name: 'same',
  driver: 'same',
  pciBus: 'same',
  totalBytes: [2 * 1024 ** 2, 0.001],
  freeBytes: [2 * 1024 ** 2, 0.001],
  temperatureC: [3, 0],
  fan: [0.1, 0],
  utilization: [0.3, 0],
  memoryUtilization: [0.3, 0],
  powerW: [15, 0.3],
  powerLimitW: [1, 0],
  clockMhz: [300, 0.5],
} as const satisfies Partial<Record<keyof DeviceReading, 'same' | readonly [absolute: number, share: number]>>;

export type ComparedField = keyof typeof SLACK;
export const COMPARED = Object.keys(SLACK) as ComparedField[];
type Compared = Pick<DeviceReading, ComparedField>;

/** True too where one of them does not report it: that is no disagreement about its value. */
export function agrees(field: ComparedField, theirs: Partial<Compared>, before: Compared, after: Compared): boolean {
  const slack = SLACK[field],
    value = theirs[field] ?? null,
    [was, is] = [before[field], after[field]];
  if (value === null || was === null || is === null) return true;
  if (slack === 'same') return String(was).toLowerCase() === String(value).toLowerCase();
  const margin = slack[0] + slack[1] * Math.abs(Number(value));
  return (
    Number(value) >= Math.min(Number(was), Number(is)) - margin &&
    Number(value) <= Math.max(Number(was), Number(is)) + margin
  );
}
