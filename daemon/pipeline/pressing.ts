/** Which jobs no summary may hold up. Pure. */
import type { JobWork } from './work.ts';

export const isSummary = ({ row }: Pick<JobWork, 'row'>): boolean => row.options.source === 'transcript';
/** Something that no summary may hold up. */
export const isPressing = (work: JobWork): boolean => !isSummary(work) && work.row.state !== 'paused';
export const somePress = (jobs: ReadonlyMap<string, JobWork>): boolean => [...jobs.values()].some(isPressing);
