/** What the journal records: for each kind of entry what its data says, so that who writes and who reads agree. */
import type { Args } from '../../schemas/args.ts';
import type { Failure } from '../../schemas/errors.ts';
import type { Priority, Stage } from '../../schemas/words.ts';

/** Durations in ms, sizes in bytes. An attempt is of the utterances from the entry's index up to but without `to`. */
export interface JournalData {
  'job.submitted': { recording: string; priority: Priority };
  /** `machine`: another of the fleet. */
  'job.started': { machine?: string };
  /** It is done here after all. */
  'job.here': {};
  'job.paused': {};
  'job.resumed': {};
  'job.retried': {};
  'job.moved': { priority: Priority; position: number };
  'job.recordingMoved': { path: string };
  /** Without a probability: what most was said in, once all was heard. */
  'job.language': { language: string; probability?: number };
  /** `instead` is used in place of `model`; a failure, where one led to it. */
  'job.model': { model: string; instead: string; failure: Failure | null };
  'job.completed': { failure?: Failure };
  'job.failed': { failure?: Failure };
  'job.cancelled': { failure?: Failure };
  'ingest.started': {};
  'ingest.finished': { utterances: number; durationMs?: number | null };
  'ingest.failed': { failure: Failure };
  'attempt.started': { token: number; to: number; try: number };
  'attempt.failed': { token: number; failure: Failure; try: number };
  'attempt.parked': { token: number; failure: Failure; try: number };
  'step.finished': { token: number; ms: number };
  'step.failed': { token: number; failure: Failure; try: number };
  'instance.loading': { model: string; device: string; bytes: number; threads: number };
  'instance.loaded': { model: string; ms: number | null };
  'instance.unloaded': { why: string };
  'instance.gone': { model: string; failure?: Failure };
  'live.unrepaired': {};
  'live.behind': { ms: number };
  'live.caughtUp': { ms: number };
  'live.closed': { why: string; bytes?: number };
  /** What adaptive scheduling changed. */
  [change: `adaptive.${string}`]: Args;
  'queue.paused': {};
  'queue.resumed': {};
}
export type JournalKind = keyof JournalData;

interface About {
  job?: string;
  index?: number;
  stage?: Stage;
  instance?: string;
}
/** Without data where none is needed. */
export type NewJournalEntry = {
  [K in JournalKind]: About & { kind: K } & ({} extends JournalData[K]
      ? { data?: JournalData[K] }
      : { data: JournalData[K] });
}[JournalKind];
