/**
 * Whose turn it is when an instance is free.
 *
 * The first job in order shares the model with the next ones (one more than there are instances), as long as they are
 * by themselves at least as pressing as it: a short recording need not wait for the end of a long one, and a job that
 * only age brought to the front does not shut out an urgent one. They take turns by when each had its last; one that
 * had none is first, so that its text appears soon. Live jobs go before recordings, but a recording gets a turn at
 * least every PATIENCE_MS.
 */
import type { Candidate } from './lanes.ts';
import { RANK } from './order.ts';

/**
 * How long things may be put off that are due: a turn, the end of work that is nearly done, a reservation that is near.
 */
export const PATIENCE_MS = 60_000;

export function nextTurn(waiting: readonly Candidate[], instances: number, now: number): Candidate {
  const head = waiting[0]!;
  const room = instances + 1;
  const sharing: Candidate[] = [],
    live: Candidate[] = [];
  for (const candidate of waiting) {
    if (RANK[candidate.job.priority] > RANK[head.job.priority]) continue;
    if (candidate.job.live) live.push(candidate);
    else if (sharing.length < room) sharing.push(candidate);
  }
  const recording = sharing.length ? sharing.reduce(earlierTurn) : null;
  if (!live.length) return recording ?? head;
  const sound = live.reduce(earlierTurn);
  if (!recording || RANK[sound.job.priority] < RANK[recording.job.priority]) return sound;
  return now - (recording.stage.lastStartAt ?? recording.job.createdAt) > PATIENCE_MS ? recording : sound;
}

/** Fewest attempts in flight first, then the longest without a turn, then order. */
function earlierTurn(a: Candidate, b: Candidate): Candidate {
  const running = a.stage.running + (a.from - a.stage.next) - (b.stage.running + (b.from - b.stage.next));
  const since = (a.stage.lastStartAt ?? -1) - (b.stage.lastStartAt ?? -1);
  return (running || since || a.index - b.index) <= 0 ? a : b;
}
