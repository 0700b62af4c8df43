/**
 * What a language must say. Every code of the closed lists stands here by type, so a missing sentence is a type error.
 */
import type { Instance } from '../../schemas/device.ts';
import type { ErrorCode } from '../../schemas/errors.ts';
import type { Reason } from '../../schemas/job.ts';
import type { Engine, Model } from '../../schemas/model.ts';
import type { BottleneckCode, CheckId, DoctorReport } from '../../schemas/rpc.ts';
import type { WatchDecision, WatchedFolder } from '../../schemas/watch.ts';
import type { JobState, Priority, Stage } from '../../schemas/words.ts';

/** A failure or a finding in words: what happened, and what to do about it ('' where there is nothing to do). */
export interface Said {
  what: string;
  todo: string;
}

/** How ids become names; what is missing is shown as it is. */
export interface Names {
  device?: (id: string) => string | undefined;
  job?: (id: string) => string | undefined;
  /** ms since the epoch, for times of another day. */
  now?: number;
}

/** Arguments of a code, read so that a missing one never shows as "undefined". */
export interface Args {
  has(name: string): boolean;
  text(name: string, otherwise?: string): string;
  /** The argument with a space before it, or nothing. */
  after(name: string): string;
  number(name: string): number;
  device(name: string, otherwise?: string): string;
  job(name: string): string;
  now: number;
}

type CheckStatus = DoctorReport['checks'][number]['status'];

export interface Catalogue {
  errors: Record<ErrorCode, (args: Args) => Said>;
  reasons: Record<Reason['code'], (args: Args) => string>;
  states: Record<JobState, string>;
  /** What a stage does, as a noun for a heading and as what goes on. */
  stages: Record<Stage, { name: string; doing: string }>;
  priorities: Record<Priority, string>;
  modelStates: Record<Model['state'], string>;
  engineStates: Record<Engine['state'], string>;
  instanceStates: Record<Instance['state'], string>;
  /** What holds the queue up (stats/get). */
  bottlenecks: Record<BottleneckCode, (args: Args) => string>;
  watchStates: Record<WatchedFolder['state'], string>;
  /** What was decided about a file of a watched folder, and why. */
  decisions: Record<WatchDecision['code'], (args: Args) => string>;
  checks: Record<CheckId, { name: string } & Record<CheckStatus, (args: Args) => Said>>;
}
