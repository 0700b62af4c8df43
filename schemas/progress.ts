/** How far a job is, for all who show it. */
import type { Job } from './job.ts';
import type { Stage } from './words.ts';

type Shown = Pick<Job, 'state' | 'stages' | 'progress' | 'recording' | 'live'>;

/** How much of the recording its utterances are of, 0 to 1; null: nobody knows how long it is. */
function known({ progress, recording: { durationMs }, live }: Shown): number | null {
  if (progress.ingested) return 1;
  // Nobody knows how long somebody goes on speaking.
  if (live?.open || !durationMs) return null;
  return Math.min(1, progress.ingestedMs / durationMs);
}

const ended = ({ progress }: Shown, stage: Stage): number => {
  const { done = 0, failed = 0 } = progress.stages[stage] ?? {};
  return done + failed;
};

/** Of one stage, 0 to 1; null: something is done, but not known of how much. */
export function stageFraction(job: Shown, stage: Stage): number | null {
  const { utterances } = job.progress,
    share = known(job);
  if (utterances === 0 || ended(job, stage) === 0) return 0;
  return share === null ? null : Math.min(1, ended(job, stage) / utterances) * share;
}

/** Over all its stages, 0 to 1; null: something is done, but not known of how much. */
export function jobFraction(job: Shown): number | null {
  if (job.state === 'completed') return 1;
  let sum = 0;
  for (const stage of job.stages) {
    const part = stageFraction(job, stage);
    if (part === null) return null;
    sum += part;
  }
  return sum / Math.max(1, job.stages.length);
}
