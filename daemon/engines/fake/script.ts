/** What a fake worker has to get wrong, and when. */
import { ERROR_CODES, type ErrorCode } from '../../../schemas/errors.ts';

export const MISHAPS = [
  /** Answers `failed` (with `:code`, default engineFailed). */
  'fail',
  /** Exits in the middle of the run. */
  'crash',
  /** Never answers, but lives. */
  'hang',
  /** Blocks its main thread for good; heartbeats go on, requests and the end of stdin are not seen. */
  'block',
  /** Stops everything: no answer, no heartbeat. */
  'freeze',
  /** Prints 64 MB to stderr, then goes on. */
  'flood',
  /** Answers `failed` with outOfMemory. */
  'oom',
  /** Sends lines that are no frames, and prints to fd 1, then goes on. */
  'noise',
  /** Sends a frame of no known type. */
  'nonsense',
  /** Sends a line without an end. */
  'oversize',
  /** Sends a result of the wrong shape. */
  'badOutput',
  /** Says done without a result. */
  'missing',
  /** Sends its result twice, the second time after `done`. */
  'late',
] as const;
export type Mishap = (typeof MISHAPS)[number];

export interface Rule {
  mishap: Mishap;
  /** The n-th run of this worker (or of all that share its countFile), from 1; or an utterance's index; or the load. */
  on: { run: number } | { index: number } | 'load';
  code: ErrorCode;
}

/**
 * Reads a script such as "crash@3 fail#5:engineFailed oom@load": at the third run, at utterance 5 each time, at
 * loading. Throws on anything else.
 */
export function parseScript(text: string): Rule[] {
  return text
    .split(/[\s,]+/)
    .filter(word => word !== '')
    .map(word => {
      const match = /^([a-zA-Z]+)(?:@(\d+|load)|#(\d+))(?::([a-zA-Z]+))?$/.exec(word);
      const [, mishap, run, index, code = 'engineFailed'] = match ?? [];
      if (!MISHAPS.includes(mishap as Mishap) || !(ERROR_CODES as readonly string[]).includes(code))
        throw new Error(`not a rule of a fake engine: ${word}`);
      return {
        mishap: mishap as Mishap,
        code: code as ErrorCode,
        on: index !== undefined ? { index: Number(index) } : run === 'load' ? 'load' : { run: Number(run) },
      };
    });
}

export const ruleFor = (rules: readonly Rule[], run: number, indexes: readonly number[]): Rule | undefined =>
  rules.find(({ on }) => on !== 'load' && ('run' in on ? on.run === run : indexes.includes(on.index)));
