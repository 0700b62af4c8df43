/**
 * When jobs are expected to start and to end, from measured times: a job starts at a stage when the instances of its model have done what
 * stands in front of it, and ends when its slowest stage has. Worked out in one pass over the queue, and only when somebody asks.
 */
import type { Lane, Lanes } from './lanes.ts';
import type { JobView, StageView } from './snapshot.ts';

export interface Forecast { startAt: Float64Array; endAt: Float64Array }

export function forecast(order: readonly JobView[], lanes: Lanes, now: number, loadMs: (lane: Lane) => number): Forecast {
  const startAt = new Float64Array(order.length), endAt = new Float64Array(order.length);
  const free = new Map<Lane, number>();
  const freeAt = (lane: Lane): number => {
    let at = free.get(lane);
    if (at === undefined) free.set(lane, at = now + (lane.instances.length ? 0 : loadMs(lane)));
    return at;
  };
  for (let i = 0; i < order.length; i++) {
    let start = Infinity, end = now;
    for (const stage of order[i]!.stages as StageView[]) {
      if (stage.finished) continue;
      const lane = lanes.of(order[i]!, stage);
      if (!lane) continue;
      const begin = freeAt(lane), width = Math.max(1, lane.instances.length), work = stage.leftSeconds * lane.model.msPerSecond;
      if (start === Infinity) start = begin;
      // Stages overlap: a later one ends no sooner than the one before plus its own last utterance, which is short beside the whole.
      end = Math.max(end, begin + work / width, begin + work);
      free.set(lane, begin + work / width);
    }
    startAt[i] = start === Infinity ? now : start;
    endAt[i] = end;
  }
  return { startAt, endAt };
}
