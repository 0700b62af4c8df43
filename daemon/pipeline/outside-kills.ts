import { isFailure, type Failure } from '../../schemas/errors.ts';

/** Kills from outside that a step, a load, a reading or a writing survives without a try being counted. */
export const OUTSIDE_KILLS = 10;
/** Somebody, or a system that was out of memory, ended the process: it says nothing about what it worked on. */
export const isOutsideKill = (why: Failure): boolean => isFailure(why, 'workerCrashed') && why.args.exit === 'SIGKILL';
