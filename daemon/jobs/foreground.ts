/** Which jobs no summary may hold up. Pure. */
import type { JobWork } from './work.ts';

export const isSummary = ({ row }: Pick<JobWork, 'row'>): boolean => row.options.source === 'transcript';
/** Something that no summary may hold up. */
export const isForeground = (work: JobWork): boolean => !isSummary(work) && work.row.state !== 'paused';
export function anyForeground(jobs: ReadonlyMap<string, JobWork>): boolean {
  for (const work of jobs.values()) if (isForeground(work)) return true; // mostly the first
  return false;
}
