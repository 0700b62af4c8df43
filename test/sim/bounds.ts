/**
 * Lower bounds on the makespan that no policy can beat, so that a figure says how far from the best possible it is at
 * most:
 *  - memory-time: each second of work holds its model's memory; all of it over all that the devices have;
 *  - slots: all work over the attempts that may run at once;
 *  - longest job: a job's own chain, from its arrival;
 *  - configurations: a device can hold only certain sets of instances at once. The linear program that mixes these sets
 *    over time so that each
 *    model gets its work done in the least time. It is at least as strong as the first two.
 * Loads, releases and decoding cost nothing here, and instances share a device without slowing each other, as in the
 * simulated world.
 */
import type { WorldSpec } from './world.ts';

export interface Bounds {
  memoryTimeMs: number;
  slotsMs: number;
  longestJobMs: number;
  configurationsMs: number;
  bestMs: number;
}
export interface Ceilings {
  utilization: number;
  instancesPerDevice: number;
  loadedModels: number;
  concurrentTasks: number;
}

export function lowerBounds(spec: WorldSpec, ceilings: Ceilings): Bounds {
  const arrivals = [...new Set(spec.jobs.map(job => job.at))].sort((a, b) => a - b);
  // What arrives from a time on cannot be done before that time plus its own bound; a few times are enough.
  const cuts = arrivals.filter((_, i) => i % Math.max(1, Math.ceil(arrivals.length / 24)) === 0);
  const best = { memoryTimeMs: 0, slotsMs: 0, longestJobMs: 0, configurationsMs: 0 };
  for (const cut of cuts) {
    const work = workByModel(spec, cut);
    const capacity = spec.devices.reduce((sum, device) => sum + device.totalBytes * ceilings.utilization, 0);
    const total = [...work.values()].reduce((sum, ms) => sum + ms, 0);
    const weight = [...work].reduce((sum, [model, ms]) => sum + ms * peakOf(spec, model), 0);
    best.memoryTimeMs = Math.max(best.memoryTimeMs, cut + weight / capacity);
    best.slotsMs = Math.max(
      best.slotsMs,
      cut +
        total /
          Math.min(ceilings.concurrentTasks, ceilings.loadedModels, spec.devices.length * ceilings.instancesPerDevice),
    );
    best.configurationsMs = Math.max(best.configurationsMs, cut + configurationBound(spec, work, ceilings));
  }
  for (const job of spec.jobs) {
    const speeds = job.stages.map(stage => spec.models.find(model => model.id === stage.model)!.msPerSecond);
    // The longest utterance passes every stage; a live job ends no sooner than its last word.
    const chain = Math.max(...job.utteranceSeconds) * speeds.reduce((a, b) => a + b, 0);
    const live = job.live
      ? job.utteranceSeconds.reduce((a, b) => a + b, 0) * 1000 +
        job.utteranceSeconds.at(-1)! * speeds.reduce((a, b) => a + b, 0)
      : 0;
    best.longestJobMs = Math.max(best.longestJobMs, job.at + Math.max(chain, live));
  }
  return { ...best, bestMs: Math.max(...Object.values(best)) };
}

function workByModel(spec: WorldSpec, from: number): Map<string, number> {
  const work = new Map<string, number>();
  for (const job of spec.jobs) {
    if (job.at < from) continue;
    const seconds = job.utteranceSeconds.reduce((a, b) => a + b, 0);
    for (const { model } of job.stages)
      work.set(model, (work.get(model) ?? 0) + seconds * spec.models.find(each => each.id === model)!.msPerSecond);
  }
  return work;
}
const peakOf = (spec: WorldSpec, model: string): number => spec.models.find(each => each.id === model)!.peakBytes;

/**
 * The least time in which mixed configurations of identical devices do the work: the dual program, whose slack basis is
 * feasible at once.
 */
function configurationBound(spec: WorldSpec, work: ReadonlyMap<string, number>, ceilings: Ceilings): number {
  const models = [...work.keys()],
    devices = spec.devices.filter(device => device.kind === 'gpu');
  const capacity = Math.max(...devices.map(device => device.totalBytes)) * ceilings.utilization;
  const configurations: number[][] = [];
  const extend = (from: number, counts: number[], bytes: number, size: number): void => {
    if (size) configurations.push([...counts]);
    if (size === ceilings.instancesPerDevice) return;
    for (let m = from; m < models.length; m++) {
      const peak = peakOf(spec, models[m]!);
      if (bytes + peak > capacity) continue;
      counts[m] = counts[m]! + 1;
      extend(m, counts, bytes + peak, size + 1);
      counts[m] = counts[m]! - 1;
    }
  };
  extend(
    0,
    models.map(() => 0),
    0,
    0,
  );
  const slots = Math.min(ceilings.concurrentTasks, ceilings.loadedModels);
  // max Σ work·y  subject to  Σ count·y − u − size·z ≤ 0 for each configuration,  devices·u + slots·z ≤ 1.
  const rows = configurations.map(counts => [...counts, -1, -counts.reduce((a, b) => a + b, 0)]);
  rows.push([...models.map(() => 0), devices.length, slots]);
  const limits = [...configurations.map(() => 0), 1];
  return maximize([...models.map(model => work.get(model)!), 0, 0], rows, limits);
}

/** The simplex method for max c·x, A x ≤ b, x ≥ 0 with b ≥ 0; Bland's rule keeps it from cycling. Returns the value. */
export function maximize(c: readonly number[], a: readonly (readonly number[])[], b: readonly number[]): number {
  const columns = c.length,
    rows = a.length;
  const table = a.map((row, i) => Float64Array.from([...row, b[i]!]));
  const goal = Float64Array.from([...c, 0]);
  // Columns hold the non-basic variables, rows the basic ones; `names` are for Bland's rule.
  const across = Array.from({ length: columns }, (_, j) => j),
    down = Array.from({ length: rows }, (_, i) => columns + i);
  for (let step = 0; step < 100_000; step++) {
    let enter = -1;
    for (let j = 0; j < columns; j++) if (goal[j]! > 1e-9 && (enter < 0 || across[j]! < across[enter]!)) enter = j;
    if (enter < 0) return -goal[columns]!;
    let leave = -1,
      least = Infinity;
    for (let i = 0; i < rows; i++) {
      const by = table[i]![enter]!;
      if (by <= 1e-9) continue;
      const ratio = table[i]![columns]! / by;
      if (ratio < least - 1e-12 || (ratio < least + 1e-12 && leave >= 0 && down[i]! < down[leave]!)) {
        least = ratio;
        leave = i;
      }
    }
    if (leave < 0) return Infinity;
    const pivotRow = table[leave]!,
      pivot = pivotRow[enter]!;
    for (let j = 0; j <= columns; j++) pivotRow[j] = j === enter ? 1 / pivot : pivotRow[j]! / pivot;
    for (const row of [...table, goal]) {
      if (row === pivotRow) continue;
      const factor = row[enter]!;
      if (factor === 0) continue;
      for (let j = 0; j <= columns; j++)
        row[j] = j === enter ? -factor * pivotRow[j]! : row[j]! - factor * pivotRow[j]!;
    }
    [across[enter], down[leave]] = [down[leave]!, across[enter]!];
  }
  throw new Error('The linear program did not end');
}
