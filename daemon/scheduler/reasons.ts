/**
 * Every reason that scheduling gives, made in one place: the argument names here are what the sentences may use. Bytes
 * and ms are integers; `at` is a time.
 */
import { reason } from '../../schemas/reasons.ts';
import type { Priority, Stage } from '../../schemas/words.ts';

/** An unknown time is left out of the arguments. */
const time = (at: number | null): { at?: number } => (at !== null && Number.isFinite(at) ? { at: Math.round(at) } : {});

export const because = {
  queuePaused: () => reason('queuePaused'),
  /** The recording is being decoded, or waits for that. */
  ingesting: () => reason('ingesting'),
  modelLoading: (stage: Stage, model: string, device: string, at: number | null) =>
    reason('modelLoading', { stage, model, device, ...time(at) }),
  /** `bytes` are missing on `device`; `holder`: the model that holds them, left out when it is not ours. */
  memory: (stage: Stage, model: string, device: string, bytes: number, holder: string, at: number | null) =>
    reason('memory', {
      stage,
      model,
      device,
      bytes: Math.max(0, Math.round(bytes)),
      ...(holder ? { holder } : {}),
      ...time(at),
    }),
  /** The room is kept for the job `for`, which waits longer. */
  reserved: (stage: Stage, model: string, device: string, job: string, at: number | null) =>
    reason('reserved', { stage, model, device, for: job, ...time(at) }),
  deviceLimit: (device: string, limit: number) => reason('deviceLimit', { device, limit }),
  modelLimit: (limit: number) => reason('modelLimit', { limit }),
  taskLimit: (limit: number) => reason('taskLimit', { limit }),
  cores: (device: string, threads: number, at: number | null) => reason('cores', { device, threads, ...time(at) }),
  /** `count` jobs go first, and how many of them at each priority. */
  behind: (count: number, by: Readonly<Record<Priority, number>>) => reason('behind', { count, ...by }),
  retryAt: (stage: Stage, at: number) => reason('retryAt', { stage, at }),
  instanceBusy: (stage: Stage, model: string, at: number | null) =>
    reason('instanceBusy', { stage, model, ...time(at) }),
  deviceBusyLoading: (device: string, model: string) => reason('deviceBusyLoading', { device, model }),
  releasing: (device: string, bytes: number) => reason('releasing', { device, bytes }),
  serial: (count: number) => reason('serial', { count }),
  starting: () => reason('starting'),
} as const;
