/**
 * The work of one job while it is active: which step is where.
 *
 * A step (one utterance at one stage) is absent, started, done, failed (its tries are used up) or skipped (an earlier
 * stage failed on it, or another machine does that part of the recording). Only done and failed are stored; started
 * lives as long as its attempt, skipped follows from failed or from the part. Whether a step may start is derived here:
 * the stage before has delivered it, and every step before it in its stage has started.
 */
import type { Utterance } from '../../schemas/job.ts';
import type { Reason } from '../../schemas/reasons.ts';
import type { Stage } from '../../schemas/words.ts';
import type { Piece } from '../summaries/pieces.ts';
import type { LiveIngest } from '../ingest/ingest.ts';
import type { JobView, StageView, Waiting } from '../scheduler/snapshot.ts';
import type { ModelVoice } from '../contracts/engine.ts';
import type { Alternative } from '../contracts/alternatives.ts';
import type { Attempt, JobRow, LentFacts, Part, UtteranceRow } from '../contracts/store.ts';
import { isLeft, isWithin } from './part.ts';
import { Windows } from './windows.ts';

const ABSENT = 0,
  STARTED = 1,
  DONE = 2,
  FAILED = 3,
  SKIPPED = 4;

/** Below this the recognizer's guess of the language is not kept, and the next utterance is asked again. */
export const SURE_OF_LANGUAGE = 0.8;

export class StageWork {
  readonly stage: Stage;
  private readonly status: number[] = [];
  /** The first absent step. */
  next = 0;
  /** Results below were published: in order, whatever finished first. */
  delivered = 0;
  done = 0;
  failed = 0;
  /** What other machines do. */
  others = 0;
  doneMs = 0;
  readonly running = new Map<number, Attempt>();
  retry: { at: number; attempt: number } | null = null;
  /** A batch failed: the steps below go one by one, to find which is at fault. */
  soloUntil = 0;
  /** Kills of its workers by somebody else. */
  outsideKills = 0;
  lastStartAt: number | null = null;

  constructor(stage: Stage) {
    this.stage = stage;
  }

  at(index: number): number {
    return this.status[index] ?? ABSENT;
  }
  isDone(index: number): boolean {
    return this.at(index) === DONE;
  }
  /** Done, failed or skipped. */
  isOver(index: number): boolean {
    return this.at(index) >= DONE;
  }
  /** Nothing is left to do of them here. */
  get over(): number {
    return this.done + this.failed + this.others;
  }

  private set(index: number, status: number): void {
    this.status[index] = status;
    if (status === ABSENT) this.next = Math.min(this.next, index);
    else while ((this.status[this.next] ?? ABSENT) !== ABSENT) this.next++;
  }
  start(attempt: Attempt): void {
    this.running.set(attempt.token, attempt);
    this.lastStartAt = attempt.claimedAt;
    for (let index = attempt.from; index < attempt.to; index++) if (this.at(index) === ABSENT) this.set(index, STARTED);
  }
  finish(index: number, lengthMs: number): void {
    this.set(index, DONE);
    this.done++;
    this.doneMs += lengthMs;
    this.retry = null;
  }
  fail(index: number): void {
    this.set(index, FAILED);
    this.failed++;
    this.retry = null;
  }
  /** It has to be done once more. */
  again(index: number, lengthMs: number): void {
    this.set(index, ABSENT);
    this.done--;
    this.doneMs -= lengthMs;
  }
  skip(index: number): void {
    if (this.at(index) === ABSENT) {
      this.set(index, SKIPPED);
      this.failed++;
    }
  }
  /** Another machine's. */
  leave(index: number, lengthMs: number): void {
    if (this.at(index) !== ABSENT) return;
    this.set(index, SKIPPED);
    this.others++;
    this.doneMs += lengthMs;
  }
  /** The attempt is over: what it did not finish is absent again. */
  end(token: number): void {
    const attempt = this.running.get(token);
    if (!attempt) return;
    this.running.delete(token);
    for (let index = attempt.from; index < attempt.to; index++) if (this.at(index) === STARTED) this.set(index, ABSENT);
  }
  /** Steps from `from` on that are absent and next to each other. */
  absentUntil(from: number, limit: number): number {
    let to = from;
    while (to < limit && this.at(to) === ABSENT) to++;
    return to;
  }
}

export class JobWork {
  row: JobRow;
  readonly stages: StageWork[];
  readonly utterances: UtteranceRow[] = [];
  /** What the stages made, by index; the store has the same. */
  readonly made: Utterance[] = [];
  ingest: 'waiting' | 'running' | 'done' = 'waiting';
  ingestAbort: AbortController | null = null;
  ingestTries = 0;
  /**
   * Of a live session: the child that ingests its sound, bytes of it that it took, when each utterance was known, since
   * when the text is behind, and how many stayed unrepaired.
   */
  liveIngest: LiveIngest | null = null;
  ingestedBytes = 0;
  readonly utteredAt: number[] = [];
  behindSince: number | null = null;
  unrepaired = 0;
  ingestNotBefore = 0;
  /** Stages whose model looks back at its own work: one step at a time. */
  contextual: readonly Stage[] = [];
  /**
   * Its recognizer says what else an utterance may have been, and repair waits for that. By index, until it is
   * repaired.
   */
  repairedBySound = false;
  readonly alternatives = new Map<number, readonly Alternative[]>();
  /** What its recognizer takes together. */
  windows = new Windows(this.utterances, 0);
  /** What its utterances say, where the recording is a text. */
  texts: readonly string[] | null = null;
  /** What a summary is made of, step by step. */
  pieces: readonly Piece[] | null = null;
  /** Voices of its model that may speak, where each speaker gets one of them. */
  modelVoices: readonly ModelVoice[] = [];
  /** Who speaks is being found out before the end, and was. */
  diarizing = false;
  diarized = false;
  /** Why a job that other machines do waits, as far as the fleet says. */
  elsewhereReason: Reason | null = null;
  /** The outputs are being written, and how to stop that. */
  finishing = false;
  deliveryAbort: AbortController | null = null;
  totalMs = 0;
  lastWords = '';
  /** The first start that was promised, and when. */
  promised: { at: number; startAt: number } | null = null;
  /** What the plan said of this job when it was last published. */
  expected: { at: number; moving: boolean; waiting: Waiting | undefined; endAt: number | undefined } | null = null;

  /** What its length is taken for until its file says it. */
  private readonly guessedMs: number;

  constructor(row: JobRow, guessedMs: number) {
    this.row = row;
    this.guessedMs = guessedMs;
    this.stages = row.stages.map(stage => new StageWork(stage));
    if (row.ingested) this.ingest = 'done';
  }

  /** Another machine works on it, or will: nothing of it is planned here. */
  get elsewhere(): boolean {
    return isLent(this.row);
  }

  lengthMs(index: number): number {
    const { startMs, endMs } = this.utterances[index]!;
    return endMs - startMs;
  }

  stage(stage: Stage): StageWork | undefined {
    return this.stages.find(work => work.stage === stage);
  }

  /** `at`: when they were heard, of a live session. */
  addUtterances(rows: readonly UtteranceRow[], at?: number): void {
    for (const row of rows) {
      if (row.index !== this.utterances.length) continue; // known from before a crash
      this.utterances.push(row);
      this.made.push({ ...row });
      if (at !== undefined) this.utteredAt[row.index] = at;
      this.totalMs += row.endMs - row.startMs;
      if (this.part) this.leaveOut(this.part, row.index);
    }
  }

  /** Where several machines do the recording, what is this one's of it. */
  private get part(): Part | null {
    const { fleet } = this.row;
    return fleet && 'taken' in fleet ? (fleet.part ?? null) : null;
  }
  /** Of its part, the first utterance; not known yet: one past the last. */
  private partsFirst: number | null = null;

  /** What others do. Of the last before its own the words are wanted here too: repair reads what was said before. */
  private leaveOut(part: Part, index: number): void {
    const own = this.isOwn(part, index),
      leave = (at: number, stages: readonly StageWork[]): void => {
        for (const stage of stages) stage.leave(at, this.lengthMs(at));
      };
    const isRead =
      this.stage('repair') !== undefined && (part.toMs === null || this.utterances[index]!.startMs < part.toMs);
    if (!own) leave(index, isRead ? this.stages.filter(({ stage }) => stage !== 'asr') : this.stages);
    if (index > 0 && !own && !this.isOwn(part, index - 1)) leave(index - 1, this.stages);
  }
  private isOwn(part: Part, index: number): boolean {
    const row = this.utterances[index]!;
    if (this.partsFirst === null && isWithin(part, row)) this.partsFirst = index;
    return isLeft(part, row, this.partsFirst ?? index);
  }
  /** The last that is known, as long as it may be one whose words alone are wanted. */
  private get isUndecided(): boolean {
    const { part, utterances } = this;
    return part !== null && utterances.length > 0 && this.ingest !== 'done' && !this.isOwn(part, utterances.length - 1);
  }

  /** After a restart: what the store knows. */
  restore(utterances: readonly Utterance[]): void {
    this.addUtterances(utterances);
    for (const utterance of utterances) {
      this.made[utterance.index] = { ...utterance };
      let failedBefore = false;
      for (const work of this.stages) {
        if (work.at(utterance.index) !== ABSENT) continue;
        else if (failedBefore) work.skip(utterance.index);
        else if (work.stage === 'asr' && this.isUnheard(utterance)) continue;
        else if (utterance[work.stage]) work.finish(utterance.index, utterance.endMs - utterance.startMs);
        else if (utterance.failed?.stage === work.stage) {
          work.fail(utterance.index);
          failedBefore = true;
        }
      }
      this.noteWords(utterance.index);
      if (utterance.repair?.refused === 'late') this.unrepaired++;
    }
    for (const work of this.stages) while (work.isOver(work.delivered)) work.delivered++;
  }

  /** Recognized, but what else it may have been was lost before it was repaired. */
  private isUnheard({ repair, failed, index }: Utterance): boolean {
    return this.repairedBySound && !this.elsewhere && !repair && !failed && !this.alternatives.has(index);
  }

  /** Nothing more will be said of these. */
  withoutAlternatives(from: number, to: number): void {
    if (!this.repairedBySound) return;
    for (let index = from; index < to; index++)
      if (this.stage('asr')!.isDone(index) && !this.stage('repair')!.isOver(index) && !this.alternatives.has(index))
        this.alternatives.set(index, []);
  }

  /** The language that most is said in; null: nothing is said. */
  get mostSpoken(): string | null {
    const ms = new Map<string, number>();
    for (const { asr, startMs, endMs } of this.made)
      if (asr?.text.trim() && asr.language !== 'und')
        ms.set(asr.language, (ms.get(asr.language) ?? 0) + endMs - startMs);
    // The first of equals.
    return [...ms].reduce<[string | null, number]>((most, each) => (each[1] > most[1] ? each : most), [null, 0])[0];
  }

  /** Later stages have nothing to do for a step that failed. */
  skipAfter(stage: Stage, index: number): void {
    for (const work of this.stages.slice(this.stages.findIndex(each => each.stage === stage) + 1)) work.skip(index);
  }

  noteWords(index: number): void {
    const made = this.made[index];
    const text = made?.nmt?.text || made?.repair?.text || made?.asr?.text || made?.summary?.text;
    if (text) this.lastWords = text.length > 120 ? `…${text.slice(-120)}` : text;
  }

  /** Nothing is spoken before it is known for whom. A live session does not wait. */
  get castsVoices(): boolean {
    const { options, voices, live } = this.row;
    return (
      Boolean(options.speakers) && !options.source && !live && !voices && !this.diarized && this.modelVoices.length > 1
    );
  }
  get isRecognized(): boolean {
    const asr = this.stage('asr');
    return asr !== undefined && this.isOver(asr);
  }

  /** One past the last step that may start at this stage, counted from its `next`. */
  ready(position: number): number {
    const work = this.stages[position]!;
    const before = this.stages[position - 1];
    // A window is recognized as a whole, once no more utterances can join it.
    const known = work.stage === 'asr' ? this.windows.closed(this.ingest === 'done') : this.utterances.length;
    let limit = work.stage === 'asr' && this.isUndecided ? Math.min(known, this.utterances.length - 1) : known;
    if (work.stage === 'tts' && this.castsVoices) return work.next;
    // Until the language is known the recognizer goes one utterance at a time: the same file must always find the same
    // language.
    if (work.stage === 'asr' && this.row.language === null)
      limit = Math.min(known, work.running.size ? work.next : work.next + 1);
    if (this.contextual.includes(work.stage)) limit = Math.min(limit, work.running.size ? work.next : work.next + 1);
    if (work.next < work.soloUntil) limit = Math.min(limit, work.next + 1);
    let to = work.next;
    const waits = work.stage === 'repair' && this.repairedBySound,
      reads = work.stage === 'repair' && this.part !== null;
    while (
      to < limit &&
      work.at(to) === ABSENT &&
      (!before || before.isDone(to)) &&
      (!waits || this.alternatives.has(to)) &&
      (!reads || to === 0 || before!.isOver(to - 1))
    )
      to++;
    return to;
  }

  /**
   * For the plan. While nothing of a job is known but its place, which holds for most of a long queue, the view of it
   * stays the same object.
   */
  view(): JobView {
    const { id, priority, position, createdAt, overtaken, models, durationMs } = this.row,
      kept = this.kept;
    if (
      kept &&
      kept.view.priority === priority &&
      kept.view.position === position &&
      kept.view.overtaken === overtaken &&
      kept.models === models &&
      kept.durationMs === durationMs &&
      this.isUntouched
    )
      return kept.view;
    const view: JobView = {
      id,
      priority,
      position,
      createdAt,
      ingest: this.ingest,
      stages: this.planned.map(place => this.stageView(place)),
      overtaken,
      live: Boolean(this.row.live),
      untouched: this.isUntouched
        ? { seconds: (durationMs ?? this.guessedMs) / 1000, models: this.modelList }
        : undefined,
    };
    this.kept = this.isUntouched ? { view, models, durationMs } : null;
    return view;
  }
  /** Places of the stages that need a model at all: a text is read without one. */
  private get planned(): readonly number[] {
    return this.row.options.source === 'text' ? [...this.stages.keys()].slice(1) : [...this.stages.keys()];
  }
  /** Its models; jobs with the same ones have the same list, so that lists can be told apart without reading them. */
  get modelList(): readonly string[] {
    const { models } = this.row;
    if (this.listed?.of !== models)
      this.listed = { of: models, list: listOf(this.stages.flatMap(({ stage }) => models[stage] ?? [])) };
    return this.listed.list;
  }
  private listed: { of: JobRow['models']; list: readonly string[] } | null = null;
  private kept: { view: JobView; models: JobRow['models']; durationMs: number | null } | null = null;
  private get isUntouched(): boolean {
    return this.ingest === 'waiting' && this.utterances.length === 0;
  }

  private stageView(position: number): StageView {
    const work = this.stages[position]!;
    const model = this.row.models[work.stage] ?? '';
    return {
      stage: work.stage,
      model,
      next: work.next,
      ready: model ? this.ready(position) : work.next,
      running: work.running.size,
      retryAt: work.retry?.at ?? null,
      lastStartAt: work.lastStartAt,
      ...(work.stage === 'repair' && this.repairedBySound ? { seldom: true } : {}),
      leftSeconds:
        Math.max(
          0,
          (this.ingest === 'done' ? this.totalMs : Math.max(this.totalMs, this.row.durationMs ?? this.guessedMs)) -
            work.doneMs,
        ) / 1000,
      finished: this.isOver(work),
    };
  }

  private isOver(work: StageWork): boolean {
    return this.ingest === 'done' && work.over === this.utterances.length && work.running.size === 0;
  }
  get allOver(): boolean {
    return this.ingest === 'done' && this.stages.every(work => this.isOver(work));
  }
  get anyRunning(): boolean {
    return this.stages.some(work => work.running.size > 0);
  }
  get anyFailed(): boolean {
    return this.stages.some(work => work.failed > 0);
  }
}

/** Other machines do it. */
export const isLent = (row: JobRow): row is JobRow & { fleet: LentFacts } =>
  row.fleet != null && !('taken' in row.fleet);
export const isSummary = ({ row }: Pick<JobWork, 'row'>): boolean => row.options.source === 'transcript';
/** Something that no summary may hold up. */
export const isForeground = (work: JobWork): boolean => !isSummary(work) && work.row.state !== 'paused';
export function anyForeground(jobs: ReadonlyMap<string, JobWork>): boolean {
  for (const work of jobs.values()) if (isForeground(work)) return true; // mostly the first
  return false;
}

const lists = new Map<string, readonly string[]>();
function listOf(models: readonly string[]): readonly string[] {
  const key = models.join('\n'),
    known = lists.get(key);
  if (!known) lists.set(key, models);
  return known ?? models;
}
