/**
 * How instances that work at once on a device slow each other down, measured from attempts and kept across restarts.
 *
 * What an attempt costs alone on the device is known from those that had it for themselves; like is compared with like:
 * the same model, stage and size of batch. An attempt that had others beside it then says at what pace it went, as a
 * share of its speed alone. A pace is known by device (another device inherits nothing), for all models together and
 * for each; a model begins with what is known for all, a device with no slowdown, and each attempt moves that a bit of
 * the way. What was not measured for an hour is forgotten, so that it is tried again: drivers, clocks and the other
 * programs of a device change.
 */
import type { Store } from '../contracts/store.ts';
import { paceOf } from '../scheduler/gains.ts';
import { MOST_AT_ONCE } from './busy-times.ts';

/** What an attempt was, and how long it took. */
export interface Measured {
  device: string;
  model: string;
  /** What may be compared: the stage and the size of the batch. */
  work: string;
  /** Of its time, the shares with 1, 2, … instances at work. */
  shares: readonly number[];
  /** Seconds of recording, and ms of wall clock. */
  seconds: number;
  ms: number;
}

interface Pace {
  pace: number;
  runs: number;
  /** When it was last measured. */
  at: number;
}
interface Known {
  /** By model ('' for all), by instances at work. */
  paces: Record<string, Record<number, Pace>>;
  /** By model and work: ms for a second of recording, and from how many attempts. */
  alone: Record<string, { cost: number; runs: number }>;
}

const KEY = 'slowdowns';
const ALL = '';
/** What an attempt moves a pace by: soon away from what was assumed, then steadily. */
const EARLY_RUNS = 10,
  EARLY_WEIGHT = 0.2,
  WEIGHT = 0.05;
/** The cost alone is the mean of so many attempts at most; with fewer than the second nothing is compared. */
const ALONE_RUNS = 20,
  ENOUGH_RUNS = 3;
/** An attempt counts as alone, or as with so many, where this share of its time was. */
const ALONE = 0.75,
  MOSTLY = 0.5;
/** A pace this near to full speed is noise. */
const NOISE = 0.1;
/** Shorter attempts are mostly the daemon's own doing. */
const LEAST_MS = 50;
const FORGET_MS = 3_600_000;
/** Costs that are remembered for one device. */
const MOST_COSTS = 1000;

export class Slowdowns {
  private readonly store: Pick<Store, 'meta' | 'setMeta'>;
  private readonly devices: Map<string, Known>;
  private dirty = false;

  constructor(store: Pick<Store, 'meta' | 'setMeta'>) {
    this.store = store;
    this.devices = new Map(Object.entries(JSON.parse(store.meta(KEY) ?? '{}') as Record<string, Known>));
  }

  /** As ModelView.gains; undefined where nothing is measured. `now`: wall clock, ms. */
  gains(device: string, model: string, now: number): number[] | undefined {
    const known = this.devices.get(device);
    if (!known) return undefined;
    const gains = [1];
    for (let count = 2; count <= MOST_AT_ONCE; count++) {
      const pace = paceAt(known, model, count, now);
      if (pace === undefined) continue;
      // One more never brings more than the one before it did; between two that were measured it goes straight.
      const from = gains.length,
        before = gains[from - 1]!,
        step = Math.max(0, before - (gains[from - 2] ?? 0)),
        gain = Math.min(count * pace, before + step * (count - from));
      for (let i = from + 1; i <= count; i++) gains.push(before + ((gain - before) * (i - from)) / (count - from));
    }
    return gains.length > 1 ? gains : undefined;
  }

  /** The pace of an attempt that had so many instances at work for such shares of its time; 1: as if alone. */
  pace(device: string, model: string, shares: readonly number[], now: number): number {
    const known = this.devices.get(device);
    if (!known) return 1;
    return shares.reduce((sum, share, i) => sum + share * (paceAt(known, model, i + 1, now) ?? 1), 0);
  }

  measured({ device, model, work, shares, seconds, ms }: Measured, now: number): void {
    if (seconds <= 0 || ms < LEAST_MS) return;
    let known = this.devices.get(device);
    if (!known) this.devices.set(device, (known = { paces: {}, alone: {} }));
    const name = `${model} ${work}`;
    if (shares[0]! >= ALONE) {
      this.learnAlone(known, name, (ms * this.pace(device, model, shares, now)) / seconds);
      return;
    }
    const alone = known.alone[name],
      count = shares.findIndex((share, i) => i > 0 && share >= MOSTLY) + 1;
    if (!alone || alone.runs < ENOUGH_RUNS || count === 0) return;
    const share = shares[count - 1]!,
      others = shares.map((each, i) => (i === count - 1 ? 0 : each)),
      rest = this.pace(device, model, others, now);
    const measured = ((alone.cost * seconds) / ms - rest) / share;
    // Twice the work at once for nothing is believed, and a little more than full speed: the rest is an accident.
    const believed = Math.min(1.25, Math.max(1 / (2 * count), measured));
    const assumed = paceOf(this.gains(device, model, now), count);
    for (const group of [model, ALL]) {
      const before = freshPace(known, group, count, now),
        runs = (before?.runs ?? 0) + 1,
        pace = before?.pace ?? assumed,
        weight = runs <= EARLY_RUNS ? EARLY_WEIGHT : WEIGHT;
      (known.paces[group] ??= {})[count] = { pace: pace + (believed - pace) * weight, runs, at: now };
    }
    this.dirty = true;
  }

  private learnAlone(known: Known, name: string, cost: number): void {
    const before = known.alone[name];
    if (!before && Object.keys(known.alone).length >= MOST_COSTS) return;
    const runs = Math.min(ALONE_RUNS, (before?.runs ?? 0) + 1);
    known.alone[name] = { runs, cost: before ? before.cost + (cost - before.cost) / runs : cost };
    this.dirty = true;
  }

  save(): void {
    if (!this.dirty) return;
    this.store.setMeta(KEY, JSON.stringify(Object.fromEntries(this.devices)));
    this.dirty = false;
  }
}

function freshPace(known: Known, group: string, count: number, now: number): Pace | undefined {
  const each = known.paces[group]?.[count];
  return each && now - each.at < FORGET_MS ? each : undefined;
}

/** As it is used: of the model, else of all; undefined where it was not measured lately. */
function paceAt(known: Known, model: string, count: number, now: number): number | undefined {
  const pace = (freshPace(known, model, count, now) ?? freshPace(known, ALL, count, now))?.pace;
  return pace !== undefined && pace > 1 - NOISE ? 1 : pace;
}
