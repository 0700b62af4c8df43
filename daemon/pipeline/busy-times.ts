/** How many instances worked at once on each device, and for how long, while an attempt ran. */

/** An attempt's length, ms, and the shares of it in which 1, 2, … instances worked on its device, itself among them. */
export interface Span {
  ms: number;
  shares: number[];
}

/** More at once count as so many. */
export const MOST_AT_ONCE = 8;

interface Device {
  busy: number;
  at: number;
  /** ms with so many at work, all in all. */
  total: Float64Array;
}

export class BusyTimes {
  private readonly devices = new Map<string, Device>();
  private readonly running = new Map<string, { device: Device; before: Float64Array }>();

  /** Instances at work there now. */
  busy(device: string): number {
    return this.devices.get(device)?.busy ?? 0;
  }

  /** The instance begins an attempt. `now`: ms, of a clock that nobody sets. */
  begin(instance: string, device: string, now: number): void {
    if (this.running.has(instance)) return;
    let known = this.devices.get(device);
    if (!known) this.devices.set(device, (known = { busy: 0, at: now, total: new Float64Array(MOST_AT_ONCE + 1) }));
    advance(known, now);
    known.busy++;
    this.running.set(instance, { device: known, before: known.total.slice() });
  }

  /** Its attempt is over, whatever became of it. Null where none was begun, or it took no time. */
  end(instance: string, now: number): Span | null {
    const run = this.running.get(instance);
    if (!run) return null;
    const { device, before } = run;
    this.running.delete(instance);
    advance(device, now);
    device.busy--;
    const spans = Array.from({ length: MOST_AT_ONCE }, (_, i) => device.total[i + 1]! - before[i + 1]!),
      ms = spans.reduce((sum, span) => sum + span, 0);
    return ms > 0 ? { ms, shares: spans.map(span => span / ms) } : null;
  }
}

function advance(device: Device, now: number): void {
  device.total[Math.min(device.busy, MOST_AT_ONCE)]! += Math.max(0, now - device.at);
  device.at = now;
}
