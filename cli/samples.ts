/** `npm start` without files: the main job on the two recordings that come with Earshot. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EarshotError } from '../schemas/errors.ts';
import type { Job, JobOptions } from '../schemas/job.ts';
import { durationText } from '../text/messages/figures.ts';
import { wrap } from './layout.ts';
import { EXIT, type Session } from './session.ts';
import { sayOutcome, watchJobs } from './watch.ts';

const ROOT = join(import.meta.dirname, '..');
const FORMATS = ['txt', 'srt', 'vtt', 'json'] as const;

/** English: recognized and repaired. Spanish: also translated into English and spoken. */
const SAMPLES: { file: string; options: Omit<JobOptions, 'outputs'> }[] = [
  { file: 'sense-and-sensibility.flac', options: { repair: true } },
  { file: 'asterisk-es.flac', options: { repair: true, translateTo: 'en', speak: true } },
];

/** Runs both anew and writes into out/. */
export async function samples(session: Session, { output = join(ROOT, 'out') }: { output?: string }): Promise<void> {
  const begun = Date.now();
  const paths = SAMPLES.map(({ file }) => join(ROOT, 'samples', file));
  for (const path of paths) if (!existsSync(path)) throw new EarshotError('noSuchFile', { path });
  const client = await session.client();
  const { results } = await client.call('job/submit', {
    jobs: SAMPLES.map(({ options }, i) => ({
      recording: paths[i]!,
      onDuplicate: 'create' as const,
      options: { ...options, outputs: { formats: [...FORMATS], directory: output } },
    })),
  });
  const jobs: Job[] = [];
  for (const result of results)
    if ('failure' in result) session.fail(result.failure);
    else jobs.push(result.job);
  if (jobs.length === 0) return;
  const { outcome, jobs: ended } = await watchJobs(session, client, jobs);
  if (outcome !== 'ended') return sayOutcome(session, outcome);
  if (ended.some(job => job.state === 'failed')) process.exitCode = EXIT.failed;
  const audioMs = ended.reduce((sum, job) => sum + (job.recording.durationMs ?? 0), 0);
  const models = new Set(ended.flatMap(job => job.stages.map(stage => job.models[stage] ?? '')).filter(Boolean));
  if (session.json) return;
  const { t, locale } = session;
  const total = [
    t.recordings(ended.length),
    `${t.audio} ${durationText(audioMs, locale)}`,
    `${t.wall} ${durationText(Date.now() - begun, locale)}`,
    [...models].join(', '),
  ].join(' · ');
  for (const line of wrap(total, session.columns(), 0)) session.line(line);
}
