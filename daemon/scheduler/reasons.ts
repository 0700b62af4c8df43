/**
 * Every reason that scheduling gives, made in one place: the argument names here are what the sentences may use. Bytes
 * and ms are integers; `at` is a time.
 */
import type { Reason } from '../../schemas/job.ts';
import { PRIORITIES, type Priority, type Stage } from '../../schemas/words.ts';

const reason = (code: Reason['code'], args: Reason['args'] = {}): Reason => ({ code, args });
/** An unknown time is left out of the arguments. */
const withTime = (args: Reason['args'], at: number | null): Reason['args'] =>
  at !== null && Number.isFinite(at) ? { ...args, at: Math.round(at) } : args;

export const because = {
  queuePaused: () => reason('queuePaused'),
  /** The recording is being decoded, or waits for that. */
  ingesting: () => reason('ingesting'),
  modelLoading: (stage: Stage, model: string, device: string, at: number | null) =>
    reason('modelLoading', withTime({ stage, model, device }, at)),
  /** `bytes` are missing on `device`; `holder`: the model that holds them, left out when it is not ours. */
  memory: (stage: Stage, model: string, device: string, bytes: number, holder: string, at: number | null) =>
    reason(
      'memory',
      withTime({ stage, model, device, bytes: Math.max(0, Math.round(bytes)), ...(holder ? { holder } : {}) }, at),
    ),
  /** The room is kept for the job `for`, which waits longer. */
  reserved: (stage: Stage, model: string, device: string, job: string, at: number | null) =>
    reason('reserved', withTime({ stage, model, device, for: job }, at)),
  deviceLimit: (device: string, limit: number) => reason('deviceLimit', { device, limit }),
  modelLimit: (limit: number) => reason('modelLimit', { limit }),
  taskLimit: (limit: number) => reason('taskLimit', { limit }),
  cores: (device: string, threads: number, at: number | null) => reason('cores', withTime({ device, threads }, at)),
  /** `count` jobs go first, and how many of them at each priority. */
  behind: (count: number, by: Readonly<Record<Priority, number>>) =>
    reason('behind', { count, ...Object.fromEntries(PRIORITIES.map(priority => [priority, by[priority]])) }),
  retryAt: (stage: Stage, at: number) => reason('retryAt', { stage, at }),
  instanceBusy: (stage: Stage, model: string, at: number | null) =>
    reason('instanceBusy', withTime({ stage, model }, at)),
  deviceBusyLoading: (device: string, model: string) => reason('deviceBusyLoading', { device, model }),
  releasing: (device: string, bytes: number) => reason('releasing', { device, bytes }),
  serial: (count: number) => reason('serial', { count }),
  starting: () => reason('starting'),
} as const;
