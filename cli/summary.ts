/**
 * `earshot summary`, and the summaries that `earshot transcribe --summary` asked for: followed to their end, and shown.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Job } from '../schemas/job.ts';
import { languageText } from '../text/messages/figures.ts';
import { findJob } from './jobs.ts';
import { EXIT, type Session } from './session.ts';
import { clean } from './terminal.ts';
import { wrap } from './layout.ts';
import { sayOutcome, watchJobs } from './watch.ts';

export async function summary(
  session: Session,
  named: string,
  options: { model?: string; again?: boolean },
): Promise<void> {
  const client = await session.client(),
    path = resolve(named);
  const of = /\.json$/i.test(named) || existsSync(path) ? path : (await findJob(client, session, named)).id;
  const { job } = await client.call('job/summary', {
    of,
    ...(options.model ? { model: options.model } : {}),
    ...(options.again ? { again: true } : {}),
  });
  await follow(session, [job], false);
}

/** @param quiet stdout is kept for something else */
export async function followSummaries(session: Session, jobs: readonly Job[], quiet: boolean): Promise<void> {
  const client = await session.client();
  const made = await Promise.all(
    jobs.flatMap(job =>
      job.summary ? [client.call('job/get', { id: job.summary.job }).then(({ job: found }) => found)] : [],
    ),
  );
  if (made.length > 0) await follow(session, made, quiet);
}

async function follow(session: Session, jobs: readonly Job[], quiet: boolean): Promise<void> {
  const { outcome, jobs: ended } = await watchJobs(session, await session.client(), jobs, { quiet: !session.json });
  sayOutcome(session, outcome);
  const client = await session.client();
  for (const job of ended) {
    if (job.state === 'failed') process.exitCode = Math.max(Number(process.exitCode ?? 0), EXIT.failed);
    if (job.state !== 'completed') {
      if (job.failure && !session.json) session.fail(job.failure);
      continue;
    }
    const { utterances } = await client.call('job/utterances', { id: job.id }),
      text = utterances.at(-1)?.summary?.text ?? '';
    const by = job.models.summary ?? '';
    if (session.json)
      session.emit({
        type: 'summary',
        recording: job.recording.path,
        text,
        language: job.language,
        model: by,
        files: job.outputs.map(output => output.path),
      });
    else if (!quiet) {
      if (session.out.isTTY) session.line(session.paint('bold', `${clean(job.recording.name)}`));
      for (const line of session.out.isTTY ? wrap(clean(text), session.columns(), 0) : [clean(text)])
        session.line(line);
      session.note(
        session.paint(
          'dim',
          session.t.summedUpBy(clean(by), job.language ? languageText(job.language, session.locale) : ''),
        ),
      );
      for (const { path } of job.outputs) session.note(`  ${session.t.wrote} ${clean(path)}`);
    }
  }
}
