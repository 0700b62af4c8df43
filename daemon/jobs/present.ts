/** A job as people see it: the stored facts and what follows from its work now. */
import type { Job } from '../../schemas/job.ts';
import { reason } from '../../schemas/reasons.ts';
import { isFinal, type JobState } from '../../schemas/words.ts';
import type { Waiting } from '../scheduler/snapshot.ts';
import type { JobRow, Store } from '../contracts/store.ts';
import { isLent, type JobWork } from './work.ts';

export interface Outlook {
  waiting: Waiting | undefined;
  endAt: number | undefined;
  attempts: number;
}

/** Waiting for one of these is waiting for a model. */
const LOADING: ReadonlySet<string> = new Set(['modelLoading', 'modelDownloading', 'engineInstalling']);

export function presentActive(work: JobWork, outlook: Outlook): Job {
  const { row } = work;
  const state: JobState =
    row.state !== 'paused' &&
    !isFinal(row.state) &&
    !work.anyRunning &&
    outlook.waiting &&
    LOADING.has(outlook.waiting.reason.code)
      ? 'loading'
      : row.state;
  const stages: Job['progress']['stages'] = {};
  for (const stage of work.stages)
    stages[stage.stage] = {
      done: stage.done,
      failed: stage.failed,
      running: [...stage.running.values()].reduce((sum, attempt) => sum + attempt.to - attempt.from, 0),
    };
  const held = work.stages.find(stage => stage.retry);
  return {
    ...facts(row),
    state,
    progress: {
      utterances: work.utterances.length,
      ingested: work.ingest === 'done',
      ingestedMs: row.ingestedMs,
      stages,
    },
    waiting:
      work.anyRunning || isFinal(state) || work.finishing || work.diarizing
        ? null
        : row.state === 'paused'
          ? reason('paused')
          : work.elsewhere
            ? work.elsewhereReason
            : (outlook.waiting?.reason ?? null),
    retry: held ? { stage: held.stage, attempt: held.retry!.attempt, of: outlook.attempts, at: held.retry!.at } : null,
    expectedStartAt: row.startedAt === null ? (outlook.waiting?.expectedStartAt ?? null) : null,
    expectedEndAt: outlook.endAt ?? null,
    lastWords: work.lastWords,
  };
}

/** A job that is not being worked on, from the store alone. */
export function presentStored(row: JobRow, store: Store): Job {
  const stages: Job['progress']['stages'] = {};
  for (const stage of row.stages) stages[stage] = { done: 0, failed: 0, running: 0 };
  let utterances = 0;
  for (const step of store.steps(row.id)) {
    const stage = stages[step.stage];
    if (stage) stage[step.status]++;
    utterances = Math.max(utterances, step.index + 1);
  }
  return {
    ...facts(row),
    state: row.state,
    progress: { utterances, ingested: row.ingested, ingestedMs: row.ingestedMs, stages },
    waiting: null,
    retry: null,
    expectedStartAt: null,
    expectedEndAt: null,
    lastWords: '',
  };
}

const facts = (
  row: JobRow,
): Omit<Job, 'state' | 'progress' | 'waiting' | 'retry' | 'expectedStartAt' | 'expectedEndAt' | 'lastWords'> => ({
  id: row.id,
  recording: {
    path: row.path,
    name: row.name,
    bytes: row.bytes,
    modifiedAt: row.modifiedAt,
    durationMs: row.durationMs,
  },
  options: row.options,
  stages: row.stages,
  models: row.models,
  priority: row.priority,
  position: row.position,
  createdAt: row.createdAt,
  startedAt: row.startedAt,
  finishedAt: row.finishedAt,
  language: row.language,
  failure: row.failure,
  warnings: row.warnings,
  outputs: row.outputs,
  ...(row.summary ? { summary: { job: row.summary.job } } : {}),
  ...(row.live ? { live: { open: row.live.open } } : {}),
  ...(isLent(row) ? { machine: row.fleet.machine } : {}),
});
