/**
 * Adaptive scheduling: from what a while of work measured, how many instances a stage may have, how large its batches
 * are and how long idle models stay. Pure: state and figures in; state, advice and what to write into the journal out.
 *
 * plan.ts adds replicas where work piles up. This keeps what they brought: the throughput of a stage under full load,
 * by number of instances. When one more brought less than GAIN, the number goes back and stays there for a while
 * (devices and neighbours change, so not for ever). Batches likewise: a size that is not faster for each second of
 * sound than the half of it only makes people wait longer for text. Models that come back soon after they went stay
 * longer; they go sooner while jobs wait for memory.
 */
import { bottleneckOf, type Bottleneck } from '../../schemas/reasons.ts';
import type { Stage } from '../../schemas/words.ts';
import type { Advice, Policy } from './snapshot.ts';

/** What a stage did in one window of measurement. */
export interface StageFigures {
  stage: Stage;
  /** Loaded instances on average, and the share of their time in which they worked. */
  instances: number;
  busy: number;
  /** Steps that wait at the end of the window, and their mean wait, ms. */
  queue: number;
  waitMs: number;
  /** Seconds of recording done for each second of wall clock. */
  throughput: number;
  /** By batch size: seconds of recording done, and the ms that took. */
  batches?: Readonly<Record<number, { seconds: number; ms: number }>>;
}
export interface Figures {
  stages: readonly StageFigures[];
  /** Models that were loaded again within keepAlive × 2 of having been let go. */
  reloads: number;
  /** Share of all waiting that was for memory. */
  memoryWait: number;
}
export interface Learned {
  advice: Advice;
  /** Throughput under full load, by stage and number of instances. */
  throughput: Partial<Record<Stage, Record<number, number>>>;
  /** Cost of a second of recording in ms, by stage and batch size. */
  cost: Partial<Record<Stage, Record<number, number>>>;
  /** When a limit is lifted again to be tried anew, by stage. */
  until: Partial<Record<Stage, number>>;
}
/** For the journal: what was changed and the figures that say why. */
export interface Change {
  code: 'replicaDidNotHelp' | 'replicasTriedAgain' | 'smallerBatch' | 'batchTriedAgain' | 'keepLonger' | 'keepShorter';
  args: Record<string, string | number>;
}

export const NOTHING_LEARNED: Learned = { advice: {}, throughput: {}, cost: {}, until: {} };
/** One more instance, or a batch of twice the size, must bring this much. */
const GAIN = 1.05;
const FULL = 0.8;
const AGAIN_MS = 3_600_000;
const NEWEST = 0.5;
const ENOUGH_SECONDS = 60;
/** Keep-alive moves within the setting divided and multiplied by this. */
const KEEP_RANGE = 8;

export function adapt(
  learned: Learned,
  figures: Figures,
  policy: Pick<Policy, 'adaptive' | 'batchMaximum' | 'batchMinimum' | 'keepAliveSeconds' | 'minimumConcurrentTasks'>,
  now: number,
): { learned: Learned; changes: Change[] } {
  if (!policy.adaptive) return { learned: NOTHING_LEARNED, changes: [] };
  const changes: Change[] = [];
  const replicas = { ...learned.advice.replicas },
    batch = { ...learned.advice.batch },
    until = { ...learned.until };
  const throughput = { ...learned.throughput },
    cost = { ...learned.cost };

  for (const each of figures.stages) {
    const { stage } = each,
      count = Math.round(each.instances);
    if ((until[stage] ?? Infinity) <= now) {
      if (replicas[stage] !== undefined)
        changes.push({ code: 'replicasTriedAgain', args: { stage, replicas: replicas[stage] } });
      if (batch[stage] !== undefined) changes.push({ code: 'batchTriedAgain', args: { stage, size: batch[stage] } });
      delete replicas[stage];
      delete batch[stage];
      delete until[stage];
      delete throughput[stage];
      delete cost[stage];
    }
    if (count >= 1 && Math.abs(each.instances - count) < 0.2 && each.busy >= FULL && each.queue > count) {
      const known = (throughput[stage] = blend(throughput[stage], count, each.throughput));
      const fewer = known[count - 1];
      const floor = stage === 'asr' ? policy.minimumConcurrentTasks : 1;
      if (fewer !== undefined && count - 1 >= floor && known[count]! < GAIN * fewer && replicas[stage] !== count - 1) {
        replicas[stage] = count - 1;
        until[stage] = now + AGAIN_MS;
        changes.push({
          code: 'replicaDidNotHelp',
          args: { stage, replicas: count - 1, before: round(fewer), after: round(known[count]!) },
        });
      }
    }
    for (const [size, done] of Object.entries(each.batches ?? {}))
      if (done.seconds >= ENOUGH_SECONDS) cost[stage] = blend(cost[stage], Number(size), done.ms / done.seconds);
    const largest = Math.min(policy.batchMaximum, batch[stage] ?? policy.batchMaximum),
      half = Math.ceil(largest / 2);
    const whole = cost[stage]?.[largest],
      halved = cost[stage]?.[half];
    if (
      largest > half &&
      half >= policy.batchMinimum &&
      whole !== undefined &&
      halved !== undefined &&
      halved < GAIN * whole
    ) {
      batch[stage] = half;
      until[stage] = Math.max(until[stage] ?? 0, now + AGAIN_MS);
      changes.push({ code: 'smallerBatch', args: { stage, size: half, before: round(whole), after: round(halved) } });
    }
  }

  const keep = learned.advice.keepAliveSeconds ?? policy.keepAliveSeconds;
  let keepAliveSeconds = keep;
  if (figures.memoryWait > 0.3) keepAliveSeconds = Math.max(policy.keepAliveSeconds / KEEP_RANGE, keep / 2);
  else if (figures.reloads >= 2) keepAliveSeconds = Math.min(policy.keepAliveSeconds * KEEP_RANGE, keep * 2);
  keepAliveSeconds = Math.round(keepAliveSeconds);
  if (keepAliveSeconds !== keep)
    changes.push(
      keepAliveSeconds > keep
        ? { code: 'keepLonger', args: { seconds: keepAliveSeconds, before: keep, reloads: figures.reloads } }
        : { code: 'keepShorter', args: { seconds: keepAliveSeconds, before: keep, share: round(figures.memoryWait) } },
    );

  const advice: Advice = {
    ...(Object.keys(replicas).length ? { replicas } : {}),
    ...(Object.keys(batch).length ? { batch } : {}),
    ...(keepAliveSeconds === policy.keepAliveSeconds ? {} : { keepAliveSeconds }),
  };
  return { learned: { advice, throughput, cost, until }, changes };
}

function blend(known: Record<number, number> | undefined, key: number, value: number): Record<number, number> {
  const before = known?.[key];
  return { ...known, [key]: before === undefined ? value : before + (value - before) * NEWEST };
}
const round = (value: number): number => Math.round(value * 100) / 100;

/** What `bottleneck` looks at. */
export interface Load {
  stages: readonly (Pick<StageFigures, 'stage' | 'busy' | 'waitMs' | 'queue'> & { done: number })[];
  /** Share of the time in which a model was being loaded, and of all waiting that was for memory. */
  loading: number;
  memoryWait: number;
}

/** The one thing that holds the queue up, or null when nothing waits worth speaking of. */
export function bottleneck(load: Load): Bottleneck | null {
  const waits = load.stages.map(each => each.waitMs * Math.max(1, each.done + each.queue));
  const total = waits.reduce((a, b) => a + b, 0);
  if (total < 1000 || load.stages.every(each => each.queue === 0)) return null;
  if (load.memoryWait > 0.5) return bottleneckOf('memoryShort', { share: round(load.memoryWait) });
  if (load.loading > 0.5) return bottleneckOf('loading', { share: round(load.loading) });
  let worst = 0;
  for (let i = 1; i < waits.length; i++) if (waits[i]! > waits[worst]!) worst = i;
  const each = load.stages[worst]!;
  if (each.busy < 0.5) return null;
  return bottleneckOf('stageBusy', {
    stage: each.stage,
    busyShare: round(each.busy),
    waitShare: round(waits[worst]! / total),
  });
}
