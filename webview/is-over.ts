import type { JobRow } from './messages.ts';

/** A state of a newer daemon's is not known to be the last. */
export const isOver = ({ state }: Pick<JobRow, 'state'>): boolean =>
  state === 'completed' || state === 'failed' || state === 'cancelled';
