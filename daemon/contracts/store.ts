/**
 * The store: jobs, utterances, attempts, journal, calibration, metrics. One conformance suite (test/contract/store.ts)
 * holds for every implementation. Calls are synchronous and each is one transaction, on the disk when it returns. Only
 * a `turn` is there a moment later: nothing that it wrote may be published before `synced` resolves.
 */
import { EarshotError, type Failure } from '../../schemas/errors.ts';
import type { Job, JobOptions, Summary, Turn, Utterance } from '../../schemas/job.ts';
import type { LiveFormat } from '../../schemas/live.ts';
import type { JournalEntry } from '../../schemas/rpc.ts';
import type { JournalKind, NewJournalEntry } from './journal.ts';
import type { SearchPage, SearchQuery } from '../../schemas/search.ts';
import type { JobState, Priority, Stage } from '../../schemas/words.ts';
import type { StepOutputs } from './worker-protocol.ts';
import type { WatchStore } from './watch-store.ts';

/** The store could not be read or written. Never a job's fault: nothing that is stored ends because of it. */
export class StoreError extends EarshotError<
  'diskFull' | 'storeBusy' | 'storeBroken' | 'outputNotWritable' | 'internal'
> {}

/** A job as stored: facts only; what can be derived (waiting, expected times, counts) is not here. */
export interface JobRow {
  id: string;
  path: string;
  name: string;
  bytes: number;
  modifiedAt: number;
  /** The file system's number for the recording; missing or null: not known. */
  fileId?: string | null;
  durationMs: number | null;
  /** sha256 of path, size, time of change and options: equal means the same request. */
  fingerprint: string;
  options: JobOptions;
  stages: Stage[];
  models: Job['models'];
  priority: Priority;
  position: number;
  /** loading is derived from pending or processing; the stored state is one of the others. */
  state: Exclude<JobState, 'loading'>;
  createdAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  language: string | null;
  /** All utterances are known and the PCM file is whole. */
  ingested: boolean;
  ingestedMs: number;
  failure: Failure | null;
  warnings: Failure[];
  outputs: Job['outputs'];
  overtaken: number;
  /** Times that this job ended a worker in a row. */
  crashes: number;
  /** Its recording arrives over time (pipeline/live.ts); missing or null: it is a file. */
  live?: LiveFacts | null;
  /** The voice of each speaker by its name; missing or null: not diarized (yet). */
  voices?: Record<string, string> | null;
  /** Which voice of its model speaks for whom, by name; missing or null: the model's first speaks for all. */
  casting?: Record<string, string> | null;
  /** The job of its summary, and the summary once it is made. */
  summary?: { job: string; made?: Summary } | null;
  /** It is another machine's work (daemon/fleet); missing or null: it is done here. */
  fleet?: FleetFacts | null;
}

/** `id`: what the fleet knows the job by. */
export type FleetFacts = LentFacts | TakenFacts;
/**
 * Other machines do it. `cursor`: of what they made, the last that was taken in. `machine`: which works on it, or
 * which do; null: none does.
 */
export interface LentFacts {
  id: string;
  cursor: string;
  machine: string | null;
  /**
   * Several do it, each a part; missing: one does all. `borders`: where each but the first begins, ms. `at`: the part
   * that is read, which `cursor` is of; its first utterance is `offset`.
   */
  parts?: { borders: number[]; at: number; offset: number };
}
/** It is another machine's, and done here under this attempt: what it makes goes back, no files are written. */
export interface TakenFacts {
  id: string;
  taken: { class: string; id: string; retryCount: number };
  /** What of it is this machine's; missing: all. */
  part?: Part;
}
/**
 * Utterances that begin in [fromMs, toMs); toMs null: to the end. `done`: [first, end) of those that were done before,
 * counted from the part's first.
 */
export interface Part {
  fromMs: number;
  toMs: number | null;
  done: [number, number][];
}

/**
 * `open`: more sound may come. `saveTo`: the WAV file that keeps it. `partials`: clients want what is still being said.
 */
export interface LiveFacts {
  format: LiveFormat;
  open: boolean;
  saveTo?: string;
  partials?: true;
}

/** A file that we wrote. `job`, `checksum`: null of files from before they were kept. */
export interface WrittenFile {
  recording: string;
  job: string | null;
  /** What we wrote last (system/checksum.ts): a file with another was changed by somebody. */
  checksum: string | null;
}

export interface UtteranceRow {
  index: number;
  startMs: number;
  endMs: number;
}

/** An attempt's token; a finish under any other token is refused. */
export interface Attempt {
  token: number;
  job: string;
  stage: Stage;
  from: number;
  to: number;
  try: number;
  instance: string;
  claimedAt: number;
}

/** A figure of a minute (daemon/telemetry/metrics.ts). */
export interface MinuteRow {
  /** When the minute began, ms. */
  at: number;
  name: string;
  labels: string;
  value: number;
  /** Of durations: the buckets of their histogram, encoded; `value` is their sum. */
  buckets?: string | null;
}

/** `loading` follows from what a job waits for; it is never stored. */
export type StoredState = Exclude<JobState, 'loading'>;

export interface Store {
  readonly path: string;
  /** Runs several calls as one transaction. */
  batch<T>(work: () => T): T;
  /**
   * The same without waiting for the disk, so that the next run need not wait for it either. What is lost with the
   * power before `synced` is only work to do again.
   */
  turn<T>(work: () => T): T;
  /** Resolves when all that turns have written so far is on the disk. */
  synced(): Promise<void>;
  // jobs
  submit(jobs: readonly JobRow[]): void;
  findDuplicate(fingerprint: string): JobRow | null;
  job(id: string): JobRow | null;
  /** Jobs that are not final, by priority and position. */
  activeJobs(): JobRow[];
  /** Newest first. With `ids`: those too that are in none of the states. */
  list(query: {
    states?: StoredState[];
    ids?: string[];
    search?: string;
    active?: boolean;
    limit: number;
    cursor?: string;
  }): { jobs: JobRow[]; next: string | null; total: number };
  update(id: string, change: Partial<JobRow>, journal?: NewJournalEntry & { at: number }): void;
  remove(ids: readonly string[]): void;
  /** Removes jobs that ended before, and the oldest beyond `keep`; a thousand at a time, until none is left. */
  prune(before: number, keep: number): string[];
  /** Journal entries and metrics that are older; some thousands at a time. How many went. */
  pruneRecords(older: { journalBefore: number; minutesBefore: number }): number;
  // utterances and what stages made of them
  /** Adding the same utterance again is allowed when it is identical (ingest after a crash). */
  addUtterances(job: string, rows: readonly UtteranceRow[]): void;
  /** Who speaks, by utterance; null: nobody who could be recognized. `turns`: of those where more than one does. */
  setSpeakers(job: string, speakers: readonly (string | null)[], turns?: readonly (readonly Turn[] | null)[]): void;
  utterances(job: string, from?: number, limit?: number): Utterance[];
  /** For each stage and utterance of an unfinished job: done, failed, or absent. */
  steps(job: string): { index: number; stage: Stage; status: 'done' | 'failed' }[];
  // output files
  /** What we know of a file that we wrote; null: it is not ours. */
  written(path: string): WrittenFile | null;
  /** Null: it is not ours after all. */
  willWrite(path: string, file: WrittenFile | null): void;
  // attempts
  claim(attempt: { job: string; stage: Stage; from: number; to: number; instance: string; at: number }): Attempt;
  /** False: the token was given up; nothing is stored. */
  finish<S extends Stage>(token: number, index: number, output: StepOutputs[S], at: number): boolean;
  /** All its steps are finished. */
  close(token: number, at: number): void;
  /**
   * Ends the attempt; its steps without output may be claimed again. `counts`: as one of the tries; `gaveUp`: steps
   * that failed for good.
   */
  abandon(token: number, failure: Failure, at: number, how: { counts: boolean; gaveUp: readonly number[] }): void;
  /** Attempts that no one ended: after a crash of the daemon. */
  openAttempts(): Attempt[];
  /** Failed attempts of a step, for the limit of tries. */
  tries(job: string, stage: Stage, index: number): number;
  /** Failed steps may run again with all their tries; returns how many there were. */
  clearFailures(job: string): number;
  // the index over all that was ever said
  /**
   * Takes so many of the settled utterances into it that are not there yet; returns how much was done, 0: nothing is
   * left. Not done by the steps themselves.
   */
  indexSome(limit: number): number;
  /** Utterances that have all the words, best first; `cursor`: where the page begins. */
  find(query: SearchQuery, page: { limit: number; cursor: number }): SearchPage;

  // journal, calibration, metrics
  journal(entries: readonly NewJournalEntry[], at: number): void;
  /** `kind`: all of it, or its beginning and a `*`. */
  log(query: { job?: string; kind?: JournalKind | `${string}.*`; limit: number }): JournalEntry[];
  peaks(key: { device: string; model: string; engine: string; precision: string }): number[];
  addPeak(
    key: { device: string; model: string; engine: string; precision: string },
    bytes: number,
    loadMs: number | null,
    at: number,
    keep: number,
  ): void;
  /** When a model was last measured, by any device; null: never. */
  lastMeasured(model: string): number | null;
  calibration(): {
    device: string;
    model: string;
    engine: string;
    precision: string;
    peaks: number[];
    loadMs: number | null;
  }[];
  minute(rows: readonly MinuteRow[]): void;
  minutes(query: { name?: string; since: number }): MinuteRow[];
  meta(key: string): string | null;
  setMeta(key: string, value: string): void;
  readonly watched: WatchStore;
  /** A consistent copy, while open. */
  backup(path: string): Promise<void>;
  dispose(): void;
}
