/**
 * The end of a job whose steps are over, as one command on it: who speaks is stored, then its outputs are written. What
 * came of each is an event.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { failure, toFailure, type Failure } from '../../schemas/errors.ts';
import type { JobRow } from '../contracts/store.ts';
import type { JobWork } from '../jobs/work.ts';
import { withWarnings } from '../outputs/outputs.ts';
import type { Commands } from './commands.ts';
import type { Deps } from './deps.ts';
import type { JobTable } from './job-table.ts';
import { isOutsideKill, OUTSIDE_KILLS } from './outside-kills.ts';
import type { Steps } from './steps.ts';

/**
 * What comes after a job that asked for it: a row, made beforehand, that begins in the transaction of the job's end.
 */
export interface Follow {
  after(work: JobWork): Promise<JobRow | null>;
  begin(row: JobRow): void;
}

interface Parts {
  deps: Pick<Deps, 'store' | 'diarize' | 'deliver'>;
  jobs: JobTable;
  steps: Steps;
  commands: Commands;
  retryPauseMs(tries: number): number;
  takeIn(event: () => void): Promise<void>;
  wake(): void;
}

export class Completion {
  private readonly core: Parts;
  private readonly follow: Follow;

  constructor(core: Parts, follow: Follow) {
    this.core = core;
    this.follow = follow;
  }

  /** Writes what was asked for, then ends the job. Doing it again after a crash writes the same. */
  begin(work: JobWork): void {
    work.finishing = true;
    this.settleLanguage(work);
    const abort = new AbortController(),
      { id, options } = work.row;
    work.deliveryAbort = abort;
    // A summary changes the job, or the file, that it is of.
    void this.core.commands.run(options.transcript ?? id, async () => {
      const end = await this.deliver(work, abort.signal);
      await this.core.takeIn(() => {
        if (this.core.jobs.get(id) === work) end();
        work.finishing = false;
      });
    });
  }

  /** Before anything is spoken, where each speaker gets a voice. */
  diarize(work: JobWork): void {
    work.diarizing = true;
    const abort = new AbortController(),
      { id } = work.row;
    work.deliveryAbort = abort;
    void this.core.commands.run(id, async () => {
      const failure = await this.label(work, abort.signal).then(
        () => null,
        (error: unknown) => ({ error }),
      );
      await this.core.takeIn(() => {
        work.diarizing = false;
        if (this.core.jobs.get(id) !== work) return;
        work.diarized = true;
        if (failure) this.core.steps.failed(work, failure.error);
        else this.core.steps.advance(work);
      });
    });
  }

  /** What was heard first need not be what most was said in. */
  private settleLanguage(work: JobWork): void {
    const { options, language } = work.row,
      most = options.language || options.source ? null : work.mostSpoken;
    if (most !== null && most !== language)
      this.core.jobs.update(work, { language: most }, { kind: 'job.language', data: { language: most } });
  }

  /** Stored before anything is written: after a crash nobody is asked again. */
  private async label(work: JobWork, signal: AbortSignal): Promise<void> {
    const found = work.diarized ? null : await this.core.deps.diarize(work, signal);
    if (!found) return;
    await this.core.takeIn(() => {
      if (this.core.jobs.get(work.row.id) !== work) return;
      if ('warning' in found) return this.core.jobs.change(work.row.id, {}, [found.warning]);
      this.core.jobs.label(work, found.speakers, found.voices, found.turns, found.pitches);
      if (found.warnings.length) this.core.jobs.change(work.row.id, {}, found.warnings);
    });
    signal.throwIfAborted();
  }

  private async write(work: JobWork, signal: AbortSignal): ReturnType<Deps['deliver']> {
    for (let tries = 1; ; tries++)
      try {
        return await this.core.deps.deliver(work, signal);
      } catch (error) {
        if (!isOutsideKill(toFailure(error)) || tries >= OUTSIDE_KILLS) throw error;
        await sleep(this.core.retryPauseMs(Math.min(tries, 3)), undefined, { signal });
      }
  }

  /** How the job ends once its outputs are written: for the next turn of the loop. */
  private async deliver(work: JobWork, signal: AbortSignal): Promise<() => void> {
    try {
      await this.label(work, signal);
      const { outputs, path, of, ...delivered } = await this.write(work, signal),
        warnings = [...guardedOf(work), ...(delivered.warnings ?? [])],
        failed = work.made.find(each => each.failed)?.failed?.failure ?? null;
      const summary = work.row.options.summary && !failed ? await this.follow.after(work) : null;
      return () => {
        Object.assign(work.row, {
          outputs,
          warnings: withWarnings(work.row.warnings, warnings),
          ...(path ? { path } : {}),
        });
        this.core.deps.store.batch(() => {
          if (of) this.core.jobs.change(of.job, of.change, warnings);
          if (summary) this.follow.begin(summary);
          this.core.steps.end(work, failed ? 'failed' : 'completed', failed);
        });
        if (summary) this.core.wake();
      };
    } catch (error) {
      return () => this.core.steps.failed(work, error);
    }
  }
}

/** What models answered that could not stand: said once, for the whole job. */
function guardedOf({ made }: JobWork): Failure[] {
  const untranslated = made.filter(each => each.nmt?.refused !== undefined).length,
    numbers = made.filter(each => each.nmt?.refused === 'numbers').length,
    dropped = made.reduce((sum, each) => sum + (each.summary?.dropped ?? 0), 0);
  return [
    ...(untranslated ? [failure('notTranslated', { count: untranslated, ...(numbers ? { numbers } : {}) })] : []),
    ...(dropped ? [failure('summaryTrimmed', { count: dropped })] : []),
  ];
}
