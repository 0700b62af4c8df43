/**
 * The life of a step and of its job: one machine, and these are all of its moves.
 *
 *   A step is absent, started, done or failed. An attempt claims some steps of a stage that follow each other, and
 *   `begin` marks them started. For each, `finishStep` takes its output: in the store first, under the attempt's token,
 *   so that an attempt which was given up can no longer write. When all its steps have theirs, or it failed, the
 *   attempt is `over`; `park` gives it up without counting it as a try, and what it did not finish is absent again.
 *
 *   After any of these `advance` looks what follows: steps that need no model are done at once, utterances leave in
 *   order, and when all steps of all stages are over the job is handed to its completion (completion.ts), which writes
 *   its outputs. `end` is the last move, from any state and only once: completed, failed or cancelled. Attempts still
 *   under way are parked, the job leaves the table, and its sound is cleared away once the disk knows.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { failure, toFailure, type Failure } from '../../schemas/errors.ts';
import { isFinal, type Stage } from '../../schemas/words.ts';
import { StoreError, type Attempt } from '../contracts/store.ts';
import type { StepOutputs } from '../contracts/worker-protocol.ts';
import { modelsFor } from '../jobs/request.ts';
import { SURE_OF_LANGUAGE, type JobWork, type StageWork } from '../jobs/work.ts';
import type { Instance } from '../workers/instance.ts';
import type { Deps } from './deps.ts';
import { jobFiles, withoutModel } from './inputs.ts';
import type { JobTable } from './job-table.ts';
import type { Outbox } from './outbox.ts';
import { LATE, lateMs, warnedOf } from './overload.ts';
import type { Publication } from './publication.ts';

interface Run {
  work: JobWork;
  stage: StageWork;
  /** By a clock that nobody sets: how long it took is learned from. */
  beganMs: number;
}

export class Steps {
  /** Attempts under way, by their tokens. */
  readonly running = new Map<number, Run>();
  private readonly deps: Deps;
  private readonly jobs: JobTable;
  private readonly instances: ReadonlyMap<string, Instance>;
  private readonly outbox: Outbox;
  private readonly publication: Publication;
  private readonly completion: { begin(work: JobWork): void; diarize(work: JobWork): void };

  constructor(
    deps: Deps,
    components: {
      jobs: JobTable;
      instances: ReadonlyMap<string, Instance>;
      outbox: Outbox;
      publication: Publication;
      completion: { begin(work: JobWork): void; diarize(work: JobWork): void };
    },
  ) {
    this.deps = deps;
    this.jobs = components.jobs;
    this.instances = components.instances;
    this.outbox = components.outbox;
    this.publication = components.publication;
    this.completion = components.completion;
  }

  begin(work: JobWork, stage: StageWork, attempt: Attempt): void {
    stage.start(attempt);
    this.running.set(attempt.token, { work, stage, beganMs: performance.now() });
  }

  /** The attempt is over, whatever became of it. */
  over(stage: StageWork, token: number): void {
    stage.end(token);
    this.running.delete(token);
  }

  /** Its attempt was given up behind its result, before what else it may have been was known: it is heard again. */
  private hearAgain(token: number): void {
    const run = this.running.get(token),
      attempt = run?.stage.running.get(token);
    if (!run || !attempt || run.stage.stage !== 'asr' || !run.work.repairedBySound) return;
    for (let index = attempt.from; index < attempt.to; index++)
      if (run.stage.isDone(index) && !run.work.alternatives.has(index))
        run.stage.again(index, run.work.lengthMs(index));
  }

  park(stage: StageWork, token: number, why: Failure): void {
    this.deps.store.abandon(token, why, this.deps.clock(), { counts: false, gaveUp: [] });
    this.hearAgain(token);
    this.over(stage, token);
  }

  /** After anything happened to a job: steps that need no model, delivery in order, and the end. */
  advance(work: JobWork): void {
    const { store, clock } = this.deps;
    for (const [position, stage] of work.stages.entries()) {
      for (; stage.next < work.ready(position);) {
        const index = stage.next,
          output = withoutModel(stage.stage, work, index, clock());
        if (!output) break;
        if ('refused' in output && output.refused === LATE) {
          work.unrepaired++;
          this.jobs.update(
            work,
            { warnings: warnedOf(work, lateMs(work, index, clock())) ?? work.row.warnings },
            { kind: 'live.unrepaired', index },
          );
        }
        store.batch(() => {
          const attempt = store.claim({
            job: work.row.id,
            stage: stage.stage,
            from: index,
            to: index + 1,
            instance: 'none',
            at: clock(),
          });
          this.begin(work, stage, attempt);
          this.finishStep(work, stage, attempt.token, index, output);
          store.close(attempt.token, clock());
          this.over(stage, attempt.token);
        });
      }
      for (; stage.delivered < work.utterances.length && stage.isOver(stage.delivered); stage.delivered++)
        // as it is now: what it becomes while the disk is busy is not safe yet
        this.outbox.publish({ type: 'utterance', job: work.row.id, utterance: { ...work.made[stage.delivered]! } });
    }
    if (work.finishing || work.diarizing || work.row.state === 'paused') return;
    if (work.allOver) this.completion.begin(work);
    else if (work.castsVoices && work.isRecognized) this.completion.diarize(work);
  }

  /** The step has its output. Nothing, where its attempt was given up meanwhile. */
  finishStep(work: JobWork, stage: StageWork, token: number, index: number, output: StepOutputs[Stage]): void {
    const now = this.deps.clock();
    // What is heard again, for what else it may have been, stays as it was stored.
    const known = stage.stage === 'asr' && work.repairedBySound && work.made[index]!.asr !== undefined;
    if (!this.deps.store.finish(token, index, output, now) && !known) return;
    stage.finish(index, work.lengthMs(index));
    if (!known) Object.assign(work.made[index]!, { [stage.stage]: output });
    if (stage.stage === 'repair') work.alternatives.delete(index);
    this.deps.metrics.finished(work.row.id, stage.stage, index, work.lengthMs(index), now);
    work.noteWords(index);
    if (stage.stage === 'asr' && work.row.language === null) this.learnLanguage(work, output as StepOutputs['asr']);
  }

  private learnLanguage(work: JobWork, heard: StepOutputs['asr']): void {
    if (
      !heard.text.trim() ||
      (heard.languageProbability < SURE_OF_LANGUAGE &&
        (work.utterances.length > work.stage('asr')!.done || (work.row.live && work.ingest !== 'done')))
    )
      return;
    try {
      const models = modelsFor(work.row.options, heard.language, this.deps.catalogue, work.row.models);
      this.jobs.update(
        work,
        { language: heard.language, models },
        { kind: 'job.language', data: { language: heard.language, probability: heard.languageProbability } },
      );
    } catch (error) {
      this.failed(work, error);
    }
  }

  /** The job fails with what was thrown; by the store's own failure, which is thrown on, no job ends. */
  failed(work: JobWork, error: unknown): void {
    if (error instanceof StoreError) throw error;
    this.end(work, 'failed', toFailure(error));
  }

  end(work: JobWork, state: 'completed' | 'failed' | 'cancelled', why: Failure | null): void {
    const { store, clock, home, metrics } = this.deps;
    if (this.jobs.get(work.row.id) !== work || isFinal(work.row.state)) return;
    const now = clock(),
      live = work.row.live ? { ...work.row.live, open: false } : null;
    work.ingestAbort?.abort();
    work.deliveryAbort?.abort();
    store.batch(() => {
      for (const stage of work.stages)
        for (const token of [...stage.running.keys()]) this.park(stage, token, why ?? failure('cancelled'));
      store.update(
        work.row.id,
        {
          state,
          failure: why,
          finishedAt: now,
          outputs: work.row.outputs,
          warnings: work.row.warnings,
          path: work.row.path,
          ...(live ? { live } : {}),
        },
        { kind: `job.${state}`, at: now, data: why ? { failure: why } : {} },
      );
    });
    for (const instance of this.instances.values()) if (instance.run?.job === work.row.id) instance.cancel();
    Object.assign(work.row, { state, failure: why, finishedAt: now, ...(live ? { live } : {}) });
    this.jobs.delete(work.row.id);
    metrics.ended(work.row.id, state);
    const files = jobFiles(home.audio, work.row.id);
    // A failed job keeps what was spoken, for the retry of what is missing; the sound itself can be had again, unless
    // it was live.
    if (!live || state !== 'failed')
      this.outbox.after(work.row.id, () =>
        rm(state === 'failed' ? files.pcm : join(home.audio, work.row.id), { recursive: true, force: true }).catch(
          error => this.deps.log.warn({ err: error as Error, job: work.row.id }, 'clearing up after a job'),
        ),
      );
    this.publication.job(work);
  }
}
