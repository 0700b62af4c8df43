/** Attempts: steps claimed, started in a worker, finished under their token, or tried again in their place. */
import { isRetryable, failure, type Failure } from '../../schemas/errors.ts';
import type { Stage } from '../../schemas/words.ts';
import type { Alternative } from '../contracts/alternatives.ts';
import type { Instance } from '../workers/instance.ts';
import type { RunRequest, StepOutputs } from '../contracts/worker-protocol.ts';
import type { Action } from '../scheduler/snapshot.ts';
import { paceOf } from '../scheduler/gains.ts';
import type { Span } from './busy-times.ts';
import type { Core } from './core.ts';
import { kindOf } from './speeds.ts';
import { checked, jobFiles, stepInput, withoutModel } from './inputs.ts';
import { OF_THE_DEVICE, type Loads } from './loads.ts';
import { isOutsideKill, OUTSIDE_KILLS } from './outside-kills.ts';
import type { JobWork, StageWork } from '../jobs/work.ts';

/** A run may take this much longer than expected before its worker is given up, ms. */
const timeoutMs = (expectedMs: number): number => 60_000 + 20 * expectedMs;

/** Instances of a GPU share it; a CPU's cores are handed out, and an engine elsewhere uses no device of ours. */
const sharesDevice = ({ options: { device, engine } }: Instance): boolean => kindOf(device) === 'gpu' && !engine.remote;

export class Attempts {
  private readonly core: Core;
  private readonly loads: Loads;

  constructor(core: Core, loads: Loads) {
    this.core = core;
    this.loads = loads;
  }

  /** Claims the steps; what comes back starts them. Null: the world moved on since the plan. */
  claim(action: Extract<Action, { type: 'run' }>): (() => void) | null {
    const { store, clock, home, metrics } = this.core.deps;
    const work = this.core.jobs.get(action.job),
      instance = this.core.instances.get(action.instance),
      stage = work?.stage(action.stage);
    if (!work || !instance || !stage || instance.state !== 'idle' || work.row.state === 'paused') return null;
    const from = stage.next;
    let to = stage.absentUntil(from, Math.min(action.to, work.ready(work.stages.indexOf(stage))));
    // Where a run broke, its steps go one by one.
    if (to > from && action.stage === 'asr' && from >= stage.soloUntil)
      to = stage.absentUntil(from, work.windows.of(to - 1).end);
    const now = clock();
    for (let index = from; index < to; index++) if (withoutModel(action.stage, work, index, now)) to = index;
    if (to <= from) {
      this.core.steps.advance(work);
      this.core.wakeFront();
      return null;
    }
    if (work.row.models[action.stage] !== instance.options.card.id)
      this.standIn(work, action.stage, instance.options.card.id);
    const attempt = store.claim({ job: action.job, stage: action.stage, from, to, instance: instance.id, at: now });
    this.core.steps.begin(work, stage, attempt);
    const files = jobFiles(home.audio, action.job);
    const steps = Array.from({ length: to - from }, (_, i) => ({
      index: from + i,
      input: stepInput(action.stage, work, from + i, files, attempt.token),
    }));
    const seconds = steps.reduce((sum, step) => sum + work.lengthMs(step.index), 0) / 1000;
    const { card, device } = instance.options;
    const expectedMs =
      (seconds * this.core.deps.speeds.get(card.id, action.stage, kindOf(device))) / this.paceNow(instance);
    for (const step of steps) metrics.started(action.job, action.stage, step.index, now);
    if (work.row.startedAt === null) metrics.jobStarted(work.promised, now);
    if (work.row.startedAt === null || work.row.state === 'pending')
      this.core.jobs.update(
        work,
        { state: 'processing', startedAt: work.row.startedAt ?? now },
        { kind: 'job.started' },
      );
    return () => {
      if (sharesDevice(instance)) this.core.busyTimes.begin(instance.id, device, performance.now());
      instance.start(
        attempt.token,
        action.job,
        from,
        to,
        {
          type: 'run',
          id: String(attempt.token),
          stage: action.stage,
          steps,
          ...(instance.elastic ? { threads: action.threads ?? instance.options.threads } : {}),
        } as RunRequest,
        timeoutMs(expectedMs),
        expectedMs,
      );
      this.core.publication.job(work);
    };
  }

  /** At what share of its speed alone the instance will work beside what works on its device now. */
  private paceNow({ options: { device, card } }: Instance): number {
    const { speeds, clock } = this.core.deps,
      gains = speeds.slowdowns.gains(device, card.id, clock());
    return paceOf(gains, this.core.busyTimes.busy(device) + 1);
  }

  /** From an attempt that ended well: how fast its model is alone, and how much others on its device slowed it. */
  private learnSpeed(
    instance: Instance,
    stage: Stage,
    batch: number,
    seconds: number,
    ms: number,
    span: Span | null,
  ): void {
    if (seconds <= 0) return;
    const { speeds, clock } = this.core.deps,
      { device, card } = instance.options,
      now = clock(),
      pace = span ? speeds.slowdowns.pace(device, card.id, span.shares, now) : 1;
    speeds.measured(card.id, stage, kindOf(device), (ms * pace) / seconds);
    // The first of a worker warms it up.
    if (!span || instance.attemptsDone < 2) return;
    speeds.slowdowns.measured({ device, model: card.id, work: `${stage} ${batch}`, seconds, ...span }, now);
  }

  /** A smaller model works in the place of one that did not load: from here on it is the job's, and the job says so. */
  private standIn(work: JobWork, stage: Stage, instead: string): void {
    const model = work.row.models[stage] ?? '',
      why = [...this.core.loadFailures].find(([key]) => key.startsWith(`${model}@`))?.[1].last ?? null;
    const warning = failure('modelReplaced', { model, instead, stage, cause: why?.code ?? 'neverFits' }, why?.detail);
    this.core.jobs.update(
      work,
      { models: { ...work.row.models, [stage]: instead }, warnings: [...work.row.warnings, warning] },
      { kind: 'job.model', stage, data: { model, instead, failure: why } },
    );
  }

  result(token: number, index: number, output: StepOutputs[Stage]): void {
    const run = this.core.steps.running.get(token);
    if (!run) return; // given up: nobody waits for it
    const { work, stage } = run;
    this.core.steps.finishStep(work, stage, token, index, checked(stage.stage, work, index, output));
    if (work.row.crashes) this.core.deps.store.update(work.row.id, { crashes: (work.row.crashes = 0) });
    this.core.steps.advance(work);
    this.core.publication.job(work);
  }

  /** They are kept until the step is repaired; what is lost with the daemon is heard again. */
  alternatives(token: number, index: number, alternatives: readonly Alternative[]): void {
    const run = this.core.steps.running.get(token);
    if (!run?.work.repairedBySound || run.stage.stage !== 'asr' || !run.stage.isDone(index)) return;
    run.work.alternatives.set(index, alternatives);
    this.core.steps.advance(run.work);
    this.core.publication.job(run.work);
  }

  /** `span`: with how many others on its device it worked; null where that is not measured. */
  done(instance: Instance, token: number, span: Span | null): void {
    const { store, clock } = this.core.deps;
    const run = this.core.steps.running.get(token);
    if (run) {
      const { work, stage } = run,
        attempt = stage.running.get(token)!,
        ms = performance.now() - run.beganMs;
      store.close(token, clock());
      this.core.steps.over(stage, token);
      if (stage.stage === 'asr') work.withoutAlternatives(attempt.from, attempt.to);
      let seconds = 0;
      for (let index = attempt.from; index < attempt.to; index++) seconds += work.lengthMs(index) / 1000;
      this.core.gauge.ran(stage.stage, attempt.to - attempt.from, seconds, ms);
      this.learnSpeed(instance, stage.stage, attempt.to - attempt.from, seconds, ms, span);
      this.core.steps.advance(work);
    }
    // The peak of this run, before its memory goes again.
    void this.core.deps.pool.refresh().then(() =>
      this.core.guard.run(() => {
        if (!this.core.instances.has(instance.id)) return; // it has gone, and was learned from then
        instance.measure();
        this.core.deps.pool.ranWell(instance.key);
        if (instance.peakBytes !== null) this.loads.learn(instance);
      }),
    );
    this.loads.publish(instance);
  }

  failed(instance: Instance, token: number, why: Failure, index: number | undefined): void {
    const run = this.core.steps.running.get(token);
    if (run) this.attemptFailed(run.work, run.stage, token, why, index, instance.options.card.id);
    if (why.code === 'outOfMemory') {
      void this.core.deps.pool.outOfMemory(instance.key, instance.options.lease.bytes, instance.options.lease.id);
      this.core.deps.metrics.outOfMemory(instance.options.stage);
      instance.stop('kill'); // it holds what it grabbed; its memory comes back only this way
    }
    if (why.code === 'deviceLost') instance.stop('kill', why);
    this.loads.publish(instance);
  }

  /** An attempt ended without all its results: try again in its place, or give the step up. */
  private attemptFailed(
    work: JobWork,
    stage: StageWork,
    token: number,
    why: Failure,
    index: number | undefined,
    model: string,
  ): void {
    const { store, clock, settings, metrics } = this.core.deps;
    const job = work.row.id,
      attempt = stage.running.get(token)!;
    const now = clock(),
      limit = settings().attempts;
    const missing = Array.from({ length: attempt.to - attempt.from }, (_, i) => attempt.from + i).filter(
      index => !stage.isOver(index),
    );
    const crashed = why.code === 'workerCrashed' || why.code === 'workerSilent' || why.code === 'workerTimeout';
    const killed = isOutsideKill(why) && ++stage.outsideKills <= OUTSIDE_KILLS;
    // It died behind its results: repair does without the sound, or the same would happen again.
    if (stage.stage === 'asr' && why.code !== 'cancelled') work.withoutAlternatives(attempt.from, attempt.to);
    if (why.code === 'diskFull') {
      this.core.publication.diskFull(why);
      this.core.steps.park(stage, token, why);
      stage.retry = { at: now + this.core.retryPauseMs(3), attempt: 1 };
    } else if (why.code === 'cancelled' || OF_THE_DEVICE.has(why.code) || killed || missing.length === 0)
      this.core.steps.park(stage, token, why);
    else if (missing.length > 1 && index === undefined) {
      stage.soloUntil = attempt.to;
      this.core.steps.park(stage, token, why);
    } // one of them is at fault: find out which
    else {
      const culprit = index ?? missing[0]!,
        tries = store.tries(job, stage.stage, culprit) + 1;
      const giveUp = !isRetryable(why.code) || tries >= limit;
      store.abandon(token, why, now, { counts: true, gaveUp: giveUp ? [culprit] : [] });
      this.core.steps.over(stage, token);
      metrics.retried(stage.stage, giveUp);
      if (giveUp) this.giveUp(work, stage, culprit, why);
      else stage.retry = { at: now + this.core.retryPauseMs(tries), attempt: tries + 1 };
      if (crashed) {
        work.row.crashes++;
        store.update(job, { crashes: work.row.crashes });
        if (work.row.crashes >= limit) {
          this.core.steps.end(work, 'failed', failure('setAside', { times: work.row.crashes, model }, why.detail));
          return;
        }
      }
    }
    this.core.steps.advance(work);
    this.core.publication.job(work);
  }

  private giveUp(work: JobWork, stage: StageWork, index: number, why: Failure): void {
    stage.fail(index);
    work.skipAfter(stage.stage, index);
    work.made[index]!.failed = { stage: stage.stage, failure: why };
  }
}
