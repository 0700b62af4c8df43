/**
 * What every part of the pipeline works on: the jobs in memory, the instances, the last plan; and the few moves that
 * all of them share. Only the pipeline's own handlers call these, one at a time, so there is nothing to lock.
 */
import { statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { failure, toFailure, type Failure } from '../../schemas/errors.ts';
import type { Job } from '../../schemas/job.ts';
import { BYTES_PER_MS } from '../../schemas/pcm.ts';
import type { StateEvent } from '../../schemas/rpc.ts';
import type { Settings } from '../../schemas/settings.ts';
import { isFinal, type Stage } from '../../schemas/words.ts';
import type { Engine } from '../contracts/engine.ts';
import type { Home } from '../auth/home.ts';
import type { startIngest, startLiveIngest } from '../ingest/ingest.ts';
import type { Prewarmed } from '../ingest/prewarmed.ts';
import type { Instance } from '../workers/instance.ts';
import type { StepOutputs } from '../contracts/worker-protocol.ts';
import type { Delivered } from '../outputs/deliver.ts';
import { withWarnings, type Outputs } from '../outputs/outputs.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Pool } from '../devices/pool.ts';
import type { Plan, Waiting } from '../scheduler/snapshot.ts';
import type { Attempt, JobRow, NewJournalEntry, Store } from '../contracts/store.ts';
import type { Catalogue } from './catalogue.ts';
import { Commands } from './commands.ts';
import { Gauge } from './gauge.ts';
import { jobFiles, withoutModel } from './inputs.ts';
import { Lengths } from '../jobs/lengths.ts';
import { lateMs, warnedOf } from './overload.ts';
import { Outbox } from './outbox.ts';
import { presentActive, presentStored } from '../jobs/present.ts';
import { modelsFor } from '../jobs/request.ts';
import type { Speeds } from './speeds.ts';
import { isForeground, isSummary, anyForeground } from '../jobs/foreground.ts';
import { Windows } from '../jobs/windows.ts';
import { JobWork, SURE_OF_LANGUAGE, type StageWork } from '../jobs/work.ts';

export interface Deps {
  home: Home;
  clock: () => number;
  settings: () => Settings;
  store: Store;
  pool: Pool;
  catalogue: Catalogue;
  speeds: Speeds;
  metrics: Metrics;
  engine(id: string): Engine | undefined;
  ingest: typeof startIngest;
  liveIngest: typeof startLiveIngest;
  /** Where a process of the ingest stands ready; left out, none does. */
  prewarmed?: Prewarmed;
  /** Writes the outputs of a job whose steps are over. */
  deliver(work: JobWork, signal: AbortSignal): Promise<Delivered>;
  outputs: Outputs;
  publish(event: StateEvent): void;
  log: Logger;
  /** The store is damaged: nothing that is written now could be trusted. */
  storeBroken?(): void;
  /** Pause before the next try after so many, ms. */
  retryPauseMs?: (tries: number) => number;
}

/**
 * What comes after a job that asked for it: a row, made beforehand, that begins in the transaction of the job's end.
 */
export interface Follow {
  after(work: JobWork): Promise<JobRow | null>;
  begin(row: JobRow): void;
}

/** 1 s, 3 s, 9 s, … */
const growingPauseMs = (tries: number): number => 1000 * 3 ** (tries - 1);
/** How often a store that failed is tried again. */
const STALL_PROBE_MS = 2_000;
const TELL_AGAIN_MS = 60_000;

export class Core {
  readonly deps: Deps;
  readonly jobs = new Map<string, JobWork>();
  readonly instances = new Map<string, Instance>();
  /** Attempts under way, by their tokens. */
  readonly running = new Map<
    number,
    {
      work: JobWork;
      stage: StageWork;
      /** By a clock that nobody sets: how long it took is learned from. */ beganMs: number;
    }
  >();
  readonly outbox: Outbox;
  /** Of the last look at the whole queue. */
  outlook: Plan = { actions: [], order: [], waiting: new Map(), expectedEndAt: new Map(), wakeAt: null };
  /** Loads that failed in a row, by model and device, and not before when to try again. */
  readonly loadFailures = new Map<string, { count: number; notBefore: number; last: Failure }>();
  /** Of all jobs seen: new ones come after it, whatever the clock says. */
  lastPosition = 0;
  readonly gauge: Gauge;
  readonly lengths: Lengths;
  readonly retryPauseMs: (tries: number) => number;
  leaving: 'no' | 'finish' | 'park' = 'no';
  /** Something happened: plan in the next turn of the event loop, with all jobs in view. */
  readonly wake: () => void;
  /** The same where nothing but work went on: the front of the queue may do. */
  readonly wakeFront: () => void;
  /** Something was heard from outside: taken in with the next turn. */
  readonly receive: (word: () => void) => void;
  /** The same; resolves when it was taken in, or the store stalled and it was dropped. */
  readonly takeIn: (word: () => void) => Promise<void>;
  readonly commands: Commands;
  private readonly restart: () => void;
  private readonly follow: Follow;
  private readonly deliveries = new Map<string, AbortController>();
  private readonly publishedReasons = new Map<string, string>();
  stall: NodeJS.Timeout | null = null;

  constructor(
    deps: Deps,
    loop: {
      wake(): void;
      wakeFront(): void;
      receive(word: () => void): void;
      takeIn(word: () => void): Promise<void>;
      restart(): void;
      follow: Follow;
    },
  ) {
    this.deps = deps;
    this.wake = loop.wake;
    this.wakeFront = loop.wakeFront;
    this.receive = loop.receive;
    this.takeIn = loop.takeIn;
    this.commands = new Commands();
    this.restart = loop.restart;
    this.follow = loop.follow;
    this.retryPauseMs = deps.retryPauseMs ?? growingPauseMs;
    this.gauge = new Gauge(deps.clock());
    this.lengths = new Lengths(deps.store);
    this.outbox = new Outbox({
      synced: () => deps.store.synced(),
      publish: deps.publish,
      failed: error => this.stalled(error),
    });
  }

  adopt(row: JobRow): JobWork {
    // Somebody may have thrown its sound away meanwhile: the recording gives the same again.
    if (row.ingested && !row.live && (row.options.source === 'transcript' || !this.hasSound(row))) row.ingested = false;
    const work = new JobWork(row, this.lengths.guessMs(row));
    this.lastPosition = Math.max(this.lastPosition, row.position);
    this.learnContext(work);
    if (row.state !== 'pending' || row.ingestedMs > 0 || row.ingested) work.restore(this.deps.store.utterances(row.id));
    this.jobs.set(row.id, work);
    return work;
  }

  private hasSound({ id, durationMs }: JobRow): boolean {
    const bytes = statSync(jobFiles(this.deps.home.audio, id).pcm, { throwIfNoEntry: false })?.size ?? 0;
    return bytes >= (durationMs ?? 0) * BYTES_PER_MS;
  }

  /**
   * Which of its models look back, and how much its recogniser hears together; again when a model was settled later.
   */
  private learnContext(work: JobWork): void {
    const { catalogue, engine } = this.deps;
    const engineOf = (stage: Stage): Engine | undefined => {
      const model = work.row.models[stage],
        card = model ? catalogue.card(model) : undefined;
      return card && engine(card.engine);
    };
    // Notes are drawn together once they are all there.
    work.contextual = work.row.stages.filter(
      stage => stage === 'summary' || (engineOf(stage)?.contextual?.includes(stage) ?? false),
    );
    // Somebody who speaks wants to read each utterance as it comes.
    const windowMs = work.row.live ? 0 : (engineOf('asr')?.windowMs ?? 0);
    if (windowMs !== work.windows.mostMs) work.windows = new Windows(work.utterances, windowMs);
  }

  update(work: JobWork, change: Partial<JobRow>, journal?: NewJournalEntry): void {
    this.deps.store.update(work.row.id, change, journal && { ...journal, at: this.deps.clock() });
    Object.assign(work.row, change);
    if (change.models) this.learnContext(work);
    this.publishJob(work);
  }

  /** Of a job that may be over: its row, wherever it is, and the world hears of it. */
  change(id: string, change: Partial<JobRow>, warnings: readonly Failure[] = []): void {
    const { store } = this.deps,
      work = this.jobs.get(id),
      row = work?.row ?? store.job(id);
    if (!row) return; // forgotten meanwhile
    const more = { ...change, ...(warnings.length ? { warnings: withWarnings(row.warnings, warnings) } : {}) };
    if (work) this.update(work, more);
    else {
      store.update(id, more);
      this.outbox.publish({ type: 'job', job: this.presentRow({ ...row, ...more }) });
    }
  }

  note(entry: NewJournalEntry): void {
    this.deps.store.journal([entry], this.deps.clock());
  }

  publishJob(work: JobWork): void {
    this.outbox.publishLatest(work, () => ({ type: 'job', job: this.presentWork(work) }));
  }

  present(id: string): Job | null {
    const work = this.jobs.get(id);
    if (work) return this.presentWork(work, 0);
    const row = this.deps.store.job(id);
    return row ? presentStored(row, this.deps.store) : null;
  }

  presentRow(row: JobRow): Job {
    const work = this.jobs.get(row.id);
    return work ? this.presentWork(work) : presentStored(row, this.deps.store);
  }

  /** `youngerMs`: the expectations may be as old as this; they follow from the whole queue. */
  private presentWork(work: JobWork, youngerMs = this.queueMs): Job {
    const now = this.deps.clock();
    if (!work.expected || now - work.expected.at >= youngerMs || work.expected.moving !== work.anyRunning)
      work.expected = {
        at: now,
        moving: work.anyRunning,
        waiting: work.anyRunning ? undefined : this.outlook.waiting.get(work.row.id),
        endAt: this.outlook.expectedEndAt.get(work.row.id),
      };
    const { waiting, endAt } = work.expected;
    if (work.row.startedAt === null && waiting?.expectedStartAt != null)
      work.promised ??= { at: now, startAt: waiting.expectedStartAt };
    return presentActive(work, {
      waiting: waiting ?? this.waitingForOthers(work) ?? this.waitingForTools(work),
      endAt,
      attempts: this.deps.settings().attempts,
    });
  }

  /** Reasons and expected times are told this often at most: each costs a look at the whole queue. */
  private get queueMs(): number {
    return Math.min(1_000, this.jobs.size * 2);
  }

  private waitingForOthers(work: JobWork): Waiting | undefined {
    if (!isSummary(work) || !anyForeground(this.jobs)) return undefined;
    return {
      reason: { code: 'behind', args: { count: [...this.jobs.values()].filter(isForeground).length } },
      expectedStartAt: null,
    };
  }

  private waitingForTools(work: JobWork): Waiting | undefined {
    const reason = work.ingest === 'waiting' ? this.deps.catalogue.toolsWaiting() : null;
    return reason ? { reason, expectedStartAt: null } : undefined;
  }

  /**
   * Jobs whose reason to wait is another one now, or whose arguments changed near the head of the queue. Returns when
   * to look again, ms; null: all is told.
   */
  publishReasons(): number | null {
    const now = this.deps.clock(),
      wait = this.reasonsAt + this.queueMs - now;
    if (wait > 0) return wait;
    this.reasonsAt = now;
    let shown = 0;
    const over = new Set(this.publishedReasons.keys());
    for (const [id, waiting] of this.outlook.waiting) {
      const { code, args } = waiting.reason;
      const text = shown++ < 100 ? `${code} ${JSON.stringify(args)}` : code;
      over.delete(id);
      if (this.publishedReasons.get(id) === text) continue;
      this.publishedReasons.set(id, text);
      this.republish(id);
    }
    for (const id of over) {
      this.publishedReasons.delete(id);
      this.republish(id);
    }
    return null;
  }
  private reasonsAt = 0;

  private republish(id: string): void {
    const work = this.jobs.get(id);
    if (!work) return;
    work.expected = null;
    this.publishJob(work);
  }

  /**
   * The store could not be written: the disk is full, say. Nothing that is in memory alone is worth more than what is
   * on the disk, so this is handled like a crash: everything in work is dropped, and once the store takes a write again
   * we take up from what it knows.
   */
  stalled(error: unknown): void {
    if (this.stall || this.leaving !== 'no') return;
    const { publish, log } = this.deps;
    log.error(error, 'the store failed');
    publish({ type: 'notice', failure: toFailure(error) });
    for (const work of this.jobs.values()) {
      work.ingestAbort?.abort();
      this.deliveries.get(work.row.id)?.abort();
    }
    this.jobs.clear();
    this.running.clear();
    this.outbox.drop();
    for (const instance of this.instances.values()) instance.stop('kill');
    if (toFailure(error).code === 'storeBroken') this.deps.storeBroken?.();
    this.stall = setInterval(() => {
      if (this.instances.size) return;
      try {
        this.deps.store.setMeta('stalled', String(this.deps.clock()));
      } catch {
        return;
      }
      clearInterval(this.stall!);
      this.stall = null;
      log.info('the store works again');
      this.restart();
    }, STALL_PROBE_MS);
  }

  /** The disk is full: told once in a while, and what needs room is tried again until there is some. */
  short(why: Failure): void {
    const now = this.deps.clock();
    if (now - this.shortAt < TELL_AGAIN_MS) return;
    this.shortAt = now;
    this.outbox.publish({ type: 'notice', failure: why });
  }
  private shortAt = -Infinity;

  /** Runs what writes to the store; its failure stalls the pipeline. */
  guarded(work: () => void): void {
    if (this.stall) return;
    try {
      work();
    } catch (error) {
      this.stalled(error);
    }
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

  park(_work: JobWork, stage: StageWork, token: number, why: Failure): void {
    this.deps.store.abandon(token, why, this.deps.clock(), { counts: false, gaveUp: [] });
    this.over(stage, token);
  }

  kindOf(device: string): 'cpu' | 'gpu' {
    return device === 'cpu' ? 'cpu' : 'gpu';
  }

  lengthMs(work: JobWork, index: number): number {
    const { startMs, endMs } = work.utterances[index]!;
    return endMs - startMs;
  }

  /** After any news of a job: steps that need no model, delivery in order, and the end. */
  advance(work: JobWork): void {
    const { store, clock } = this.deps;
    for (const [position, stage] of work.stages.entries()) {
      for (; stage.next < work.ready(position);) {
        const index = stage.next,
          output = withoutModel(stage.stage, work, index, clock());
        if (!output) break;
        if ('refused' in output) {
          work.unrepaired++;
          this.update(
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
          this.finish(work, stage, attempt.token, index, output);
          store.close(attempt.token, clock());
          this.over(stage, attempt.token);
        });
      }
      for (; stage.delivered < work.utterances.length && stage.isOver(stage.delivered); stage.delivered++)
        // as it is now: what it becomes while the disk is busy is not safe yet
        this.outbox.publish({ type: 'utterance', job: work.row.id, utterance: { ...work.made[stage.delivered]! } });
    }
    if (work.allOver && !work.finishing && work.row.state !== 'paused') this.complete(work);
  }

  finish(work: JobWork, stage: StageWork, token: number, index: number, output: StepOutputs[Stage]): void {
    const now = this.deps.clock();
    if (!this.deps.store.finish(token, index, output, now)) return;
    stage.finish(index, this.lengthMs(work, index));
    Object.assign(work.made[index]!, { [stage.stage]: output });
    this.deps.metrics.finished(work.row.id, stage.stage, index, this.lengthMs(work, index), now);
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
      this.update(
        work,
        { language: heard.language, models },
        { kind: 'job.language', data: { language: heard.language, probability: heard.languageProbability } },
      );
    } catch (error) {
      this.end(work, 'failed', toFailure(error));
    }
  }

  /** Writes what was asked for, then ends the job. Doing it again after a crash writes the same. */
  private complete(work: JobWork): void {
    work.finishing = true;
    const abort = new AbortController(),
      { id, options } = work.row;
    this.deliveries.set(id, abort);
    // A summary changes the job, or the file, that it is of.
    void this.commands.run(options.transcript ?? id, async () => {
      const end = await this.deliver(work, abort.signal);
      await this.takeIn(() => {
        if (this.jobs.get(id) === work) end();
        work.finishing = false;
        this.deliveries.delete(id);
      });
    });
  }

  /** How the job ends once its outputs are written: for the next turn of the loop. */
  private async deliver(work: JobWork, signal: AbortSignal): Promise<() => void> {
    try {
      const { outputs, warnings = [], path, of } = await this.deps.deliver(work, signal),
        failed = work.made.find(each => each.failed)?.failed?.failure ?? null;
      const summary = work.row.options.summary && !failed ? await this.follow.after(work) : null;
      return () => {
        Object.assign(work.row, {
          outputs,
          warnings: withWarnings(work.row.warnings, warnings),
          ...(path ? { path } : {}),
        });
        this.deps.store.batch(() => {
          if (of) this.change(of.job, of.change, warnings);
          if (summary) this.follow.begin(summary);
          this.end(work, failed ? 'failed' : 'completed', failed);
        });
        if (summary) this.wake();
      };
    } catch (error) {
      return () => this.end(work, 'failed', toFailure(error));
    }
  }

  end(work: JobWork, state: 'completed' | 'failed' | 'cancelled', why: Failure | null): void {
    const { store, clock, home, metrics } = this.deps;
    if (this.jobs.get(work.row.id) !== work || isFinal(work.row.state)) return;
    const now = clock(),
      live = work.row.live ? { ...work.row.live, open: false } : null;
    work.ingestAbort?.abort();
    this.deliveries.get(work.row.id)?.abort();
    store.batch(() => {
      for (const stage of work.stages)
        for (const token of [...stage.running.keys()]) this.park(work, stage, token, why ?? failure('cancelled'));
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
    this.publishJob(work);
  }

  /** A model or what it needs could not be fetched. */
  cannotHave(model: string, why: Failure): void {
    for (const work of [...this.jobs.values()])
      if (Object.values(work.row.models).includes(model)) this.end(work, 'failed', why);
    this.wake();
  }
}
