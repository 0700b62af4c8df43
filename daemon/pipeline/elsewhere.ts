/**
 * Jobs of ours that another machine works on. In every other way they stay jobs of this queue: what comes back is
 * finished under tokens of our own store, published in order, delivered and searched like what was made here. Only the
 * plan does not see them.
 */
import type { Failure } from '../../schemas/errors.ts';
import type { Turn } from '../../schemas/job.ts';
import type { Reason } from '../../schemas/reasons.ts';
import type { Stage } from '../../schemas/words.ts';
import type { Attempt, JobRow, LentFacts, UtteranceRow } from '../contracts/store.ts';
import type { StepOutputs } from '../contracts/worker-protocol.ts';
import { isLent, type JobWork, type StageWork } from '../jobs/work.ts';
import { withWarnings } from '../outputs/outputs.ts';
import type { Core } from './core.ts';

/** What a stage made of an utterance. */
export interface Returned {
  index: number;
  stage: Stage;
  startMs: number;
  endMs: number;
  output: StepOutputs[Stage];
}

/** What is known of the whole recording once all of it was worked on. */
export interface WholeFacts extends Pick<JobRow, 'durationMs' | 'language' | 'models' | 'warnings'> {
  /** Utterances that a stage gave up on. */
  failed: { index: number; startMs: number; endMs: number; stage: Stage; failure: Failure }[];
  /** Who speaks, where that was asked for. */
  voices?: Record<string, string>;
  speakers?: (string | null)[];
  turns?: (Turn[] | null)[];
}

export type LentRow = JobRow & { fleet: LentFacts };

export class Elsewhere {
  private readonly core: Core;
  constructor(core: Core) {
    this.core = core;
  }

  /** Rows of all such jobs that are not over. */
  rows(): LentRow[] {
    return [...this.core.jobs.values()].map(work => work.row).filter(isLent);
  }
  /** Null: it is over, or done here. */
  row(id: string): LentRow | null {
    const row = this.core.jobs.get(id)?.row;
    return row && isLent(row) ? row : null;
  }
  /** How long its recording is taken to be. */
  expectedMs(row: JobRow): number {
    return row.durationMs ?? this.core.jobs.lengths.guessMs(row);
  }
  /** Jobs that are not over and are done here; `taken`: those of other machines among them. */
  get here(): { own: number; taken: number } {
    const here = [...this.core.jobs.values()].filter(work => !work.elsewhere),
      taken = here.filter(work => work.row.fleet).length;
    return { own: here.length - taken, taken };
  }

  /** Why it waits there. */
  explain(id: string, reason: Reason | null): void {
    const work = this.core.jobs.get(id);
    if (!work?.elsewhere || JSON.stringify(work.elsewhereReason) === JSON.stringify(reason)) return;
    work.elsewhereReason = reason;
    this.core.publication.job(work);
  }

  /** How long its recording is, as far as the machine knows that is at it. */
  measured(id: string, durationMs: number): void {
    this.event(id, work => {
      if (work.ingest !== 'done' && work.row.durationMs === null) this.core.jobs.update(work, { durationMs });
    });
  }

  /** Which machine is at work on it; null: none is. */
  begun(id: string, machine: string | null): void {
    this.event(id, work => {
      const { fleet } = work.row as LentRow;
      if (fleet.machine === machine) return;
      if (machine !== null) work.elsewhereReason = null;
      this.core.jobs.update(work, { fleet: { ...fleet, machine } });
    });
  }

  /** Whether one of its models looks back at what it made before. */
  isContextual(id: string): boolean {
    return (this.core.jobs.get(id)?.contextual.length ?? 0) > 0;
  }

  /** Several machines do it: where their parts begin, but the first, in ms. */
  divide(id: string, borders: number[]): void {
    this.event(id, work => {
      const { fleet } = work.row as LentRow;
      this.core.jobs.update(work, { fleet: { ...fleet, parts: { borders, at: 0, offset: 0 } } });
    });
  }

  /**
   * `cursor` is written in the same transaction, so that after a crash nothing is taken in twice. `failed`: what is
   * known to have no text, so that what comes behind it has its place.
   */
  take(
    id: string,
    machine: string | null,
    rows: readonly Returned[],
    cursor: string,
    failed: WholeFacts['failed'] = [],
  ): void {
    this.event(id, work => {
      const { store, clock } = this.core.deps;
      work.elsewhereReason = null;
      const { startedAt, state } = work.row;
      // Tried once more, it has a start already.
      if (startedAt === null || state === 'pending')
        this.core.jobs.update(
          work,
          { state: state === 'paused' ? 'paused' : 'processing', startedAt: startedAt ?? clock() },
          { kind: 'job.started', data: machine ? { machine } : {} },
        );
      const without = new Map(failed.map(each => [each.index, each]));
      for (const { index, stage: name, startMs, endMs, output } of rows) {
        for (let next; index > work.utterances.length && (next = without.get(work.utterances.length));)
          this.giveUp(work, next);
        const claimed = this.claim(work, { index, startMs, endMs }, name, `fleet:${machine ?? ''}`);
        if (!claimed) continue;
        const { stage, attempt } = claimed;
        this.core.steps.begin(work, stage, attempt);
        this.core.steps.finishStep(work, stage, attempt.token, index, output);
        store.close(attempt.token, clock());
        this.core.steps.over(stage, attempt.token);
      }
      const { fleet } = work.row as LentRow;
      this.core.jobs.update(work, {
        fleet: { ...fleet, cursor, machine: fleet.parts ? fleet.machine : machine },
        // So far its text is known here.
        ingestedMs: work.utterances.at(-1)?.endMs ?? 0,
      });
      this.core.steps.advance(work);
    });
  }

  private giveUp(work: JobWork, { failure: why, stage: name, ...utterance }: WholeFacts['failed'][number]): void {
    const { store, clock } = this.core.deps,
      claimed = this.claim(work, utterance, name, 'fleet');
    if (!claimed) return;
    const { index } = utterance,
      { stage, attempt } = claimed;
    store.abandon(attempt.token, why, clock(), { counts: true, gaveUp: [index] });
    work.made[index]!.failed = { stage: name, failure: why };
    stage.fail(index);
    work.skipAfter(name, index);
  }

  /** All has come: from here on it ends like any other. Of a part that is not the last: the next one is read. */
  complete(id: string, { failed, voices, speakers, turns, ...facts }: WholeFacts): void {
    this.event(id, work => {
      if (work.ingest === 'done') return; // before a crash
      for (const each of failed) this.giveUp(work, each);
      const { fleet } = work.row as LentRow,
        { parts } = fleet;
      if (parts && parts.at < parts.borders.length) {
        const next = { ...parts, at: parts.at + 1, offset: work.utterances.length };
        this.core.jobs.update(work, {
          fleet: { ...fleet, cursor: '0', parts: next },
          warnings: withWarnings(work.row.warnings, facts.warnings),
        });
        this.core.steps.advance(work);
        return;
      }
      if (voices && speakers) this.core.jobs.label(work, speakers, voices, turns);
      work.ingest = 'done';
      this.core.jobs.update(
        work,
        {
          ...facts,
          warnings: withWarnings(work.row.warnings, facts.warnings),
          ingested: true,
          ingestedMs: facts.durationMs ?? 0,
        },
        { kind: 'ingest.finished', data: { utterances: work.utterances.length, durationMs: facts.durationMs } },
      );
      this.core.steps.advance(work);
    });
  }

  /** An attempt of our own for a step that came back; null: it is known already, or not one of this job's. */
  private claim(
    work: JobWork,
    utterance: UtteranceRow,
    name: Stage,
    instance: string,
  ): { stage: StageWork; attempt: Attempt } | null {
    const { store, clock } = this.core.deps,
      { index } = utterance;
    this.know(work, utterance);
    const stage = work.stage(name);
    if (!stage || index >= work.utterances.length || stage.isOver(index)) return null;
    const step = { job: work.row.id, stage: name, from: index, to: index + 1, instance, at: clock() };
    return { stage, attempt: store.claim(step) };
  }

  /** Without a failure: somebody canceled it there. */
  end(id: string, why: Failure | null): void {
    this.event(id, work => this.core.steps.end(work, why ? 'failed' : 'cancelled', why));
  }

  /** Other machines may have it, or it is done here after all: what was made of it stays. */
  takeBack(ids: readonly string[]): void {
    const { store, clock } = this.core.deps;
    this.core.guard.run(() => {
      store.batch(() => {
        for (const id of ids) {
          if (!this.isTakenBack(id)) continue;
          store.update(id, { fleet: null, ingested: false, ingestedMs: 0 }, { kind: 'job.here', at: clock() });
        }
      });
      for (const id of ids) {
        if (!this.isTakenBack(id)) continue;
        const work = this.core.jobs.adopt(store.job(id)!);
        this.core.publication.job(work);
        this.core.steps.advance(work);
      }
      this.core.wake();
    });
  }

  /** Its outputs are being written: there is nothing left to do here. */
  private isTakenBack(id: string): boolean {
    const work = this.core.jobs.get(id);
    return work !== undefined && work.elsewhere && !work.finishing;
  }

  private know(work: JobWork, row: { index: number; startMs: number; endMs: number }): void {
    if (row.index !== work.utterances.length) return;
    this.core.deps.store.addUtterances(work.row.id, [row]);
    work.addUtterances([row]);
  }

  /** One transaction; nothing where the job is over or done here. */
  private event(id: string, change: (work: JobWork) => void): void {
    this.core.guard.run(() =>
      this.core.deps.store.turn(() => {
        const work = this.core.jobs.get(id);
        if (work?.elsewhere) change(work);
      }),
    );
    this.core.wakeFront();
  }
}
