/**
 * What a language must have: a sentence for every code, made from that code's own arguments. A missing sentence, or an
 * argument that the sender does not give, is a type error.
 */
import type { ArgKinds, ArgsOf } from '../../schemas/args.ts';
import type { Instance } from '../../schemas/device.ts';
import type { ErrorArgs, ErrorCode } from '../../schemas/errors.ts';
import type { Engine, Model } from '../../schemas/model.ts';
import type { BottleneckArgs, CHECKS, CheckId, ReasonArgs } from '../../schemas/reasons.ts';
import type { DecisionArgs, WatchedFolder } from '../../schemas/watch.ts';
import type { JobState, Priority, Stage } from '../../schemas/words.ts';

/** A failure or a finding in words: what happened, and what to do about it ('' where there is nothing to do). */
export interface Message {
  what: string;
  todo: string;
}
export const message = (what: string, todo = ''): Message => ({ what, todo });

/** How ids become names; what is missing is shown as it is. */
export interface Names {
  device?: (id: string) => string | undefined;
  job?: (id: string) => string | undefined;
  /** ms since the epoch, for times of another day. */
  now?: number;
}
/** The same, with an answer for every id. */
export interface Shown {
  device(id: string): string;
  job(id: string): string;
  now: number;
}

export type ErrorMessages = { [C in ErrorCode]: (args: ErrorArgs[C], shown: Shown) => Message };
/** The sentences of some codes, each made from that code's arguments. */
export type SomeErrors<C extends ErrorCode> = Pick<ErrorMessages, C>;
export type ReasonTexts = { [C in keyof ReasonArgs]: (args: ReasonArgs[C], shown: Shown) => string };
export type BottleneckTexts = { [C in keyof BottleneckArgs]: (args: BottleneckArgs[C]) => string };
export type DecisionTexts = { [C in keyof DecisionArgs]: (args: DecisionArgs[C]) => string };
export type CheckMessages = {
  [I in CheckId]: { name: string } & {
    [S in keyof (typeof CHECKS)[I]]: (args: ArgsOf<Extract<(typeof CHECKS)[I][S], ArgKinds>>) => Message;
  };
};

/** Names of what is on screens. */
export interface TermTexts {
  states: Record<JobState, string>;
  /** What a stage does, as a noun for a heading and as what goes on. */
  stages: Record<Stage, { name: string; doing: string }>;
  priorities: Record<Priority, string>;
  modelStates: Record<Model['state'], string>;
  engineStates: Record<Engine['state'], string>;
  instanceStates: Record<Instance['state'], string>;
  watchStates: Record<WatchedFolder['state'], string>;
}

export interface Catalogue extends TermTexts {
  errors: ErrorMessages;
  /** For a code, or arguments, of another version. */
  unknownError(code: string, args: string): Message;
  unknownReason(code: string, args: string): string;
  reasons: ReasonTexts;
  /** What holds the queue up (stats/get). */
  bottlenecks: BottleneckTexts;
  /** What was decided about a file of a watched folder, and why. */
  decisions: DecisionTexts;
  checks: CheckMessages;
}

/** Why a request is not valid, with what it speaks of; null: the sender's reason is none of these, or it gave none. */
export const whyOf = (texts: Readonly<Record<string, string>>, { why, list }: ErrorArgs['badRequest']): string | null =>
  why !== undefined && Object.hasOwn(texts, why) ? texts[why]!.replace('{list}', () => list ?? '') : null;
