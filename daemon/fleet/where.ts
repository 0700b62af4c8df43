/** Whether a job is done here or goes to the fleet. Pure. */
import type { JobRow } from '../contracts/store.ts';

export type Use = 'always' | 'noGpu' | 'busy' | 'never';

/** Only recordings that are files: live sound and summaries are for whoever waits in front of this machine. */
export const isLendable = ({ live, options }: Pick<JobRow, 'live' | 'options'>): boolean =>
  !live && options.source === undefined;

export interface Here {
  hasGpu: boolean;
  /** Jobs that are not over and are done here. */
  unfinished: number;
}

export function goesToFleet(row: Pick<JobRow, 'live' | 'options'>, use: Use, here: Here): boolean {
  if (!isLendable(row)) return false;
  switch (use) {
    case 'never':
      return false;
    case 'always':
      return true;
    case 'noGpu':
      return !here.hasGpu;
    case 'busy':
      return here.unfinished > 0;
  }
}

/** Whether a machine may take another's job now. `unstarted`: of those that it has taken. */
export function hasRoom(
  share: 'always' | 'idle' | 'never',
  { own, taken, unstarted }: { own: number; taken: number; unstarted: number },
): boolean {
  const AHEAD = 1,
    MOST = 4;
  if (share === 'never' || (share === 'idle' && own > 0)) return false;
  return unstarted < AHEAD && taken < MOST;
}
