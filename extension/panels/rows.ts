/** Jobs as the queue panel shows them. Pure but for the words, which follow the window's language. */
import * as vscode from 'vscode';
import { dirname } from 'node:path';
import type { Job } from '../../schemas/job.ts';
import { stageFraction } from '../../schemas/progress.ts';
import { isFinal } from '../../schemas/words.ts';
import type { JobRow, Sentence } from '../../webview/messages.ts';
import { capital, failureText, reasonText, stageName } from '../ui/words.ts';

/** `modelName`: of a model by its id. */
export function jobRow(job: Job, modelName: (id: string) => string = id => id): JobRow {
  return {
    id: job.id,
    name: job.recording.name,
    folder: dirname(job.recording.path),
    state: job.state,
    priority: job.priority,
    position: job.position,
    stages: job.stages.map(stage => {
      const progress = job.progress.stages[stage] ?? { done: 0, running: 0, failed: 0 };
      return { stage, ...progress, total: job.progress.utterances || null, fraction: stageFraction(job, stage) ?? 0 };
    }),
    note: noteOf(job),
    lastWords: job.lastWords,
    durationMs: job.recording.durationMs,
    createdAt: job.createdAt,
    finishedAt: job.finishedAt,
    startAt: job.expectedStartAt,
    endAt: job.expectedEndAt,
    languages: [job.language ?? job.options.language, job.options.translateTo].filter(Boolean).join(' → '),
    model: job.models.asr === undefined ? '' : modelName(job.models.asr),
    outputs: job.outputs.length,
    ...(job.machine === undefined ? {} : { machine: job.machine }),
  };
}

/** The one thing worth saying: why it failed, what it waits for, else nothing (the row shows the last words). */
function noteOf(job: Job): Sentence | null {
  if (job.state === 'failed' && job.failure) return { kind: 'failure', text: failureText(job.failure) };
  if (job.state === 'cancelled') return { kind: 'plain', text: vscode.l10n.t('Canceled') };
  if (job.retry && !isFinal(job.state))
    return {
      kind: 'reason',
      text: vscode.l10n.t(
        '{0}: attempt {1} of {2} is next',
        stageName(job.retry.stage),
        job.retry.attempt,
        job.retry.of,
      ),
    };
  if (job.waiting && (job.state !== 'processing' || job.lastWords === '' || job.waiting.code === 'queuePaused'))
    return { kind: 'reason', text: capital(reasonText(job.waiting)) };
  const [warning] = job.warnings;
  if (job.state === 'completed' && warning) return { kind: 'reason', text: failureText(warning) };
  return null;
}
