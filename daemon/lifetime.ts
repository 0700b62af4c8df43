/** When the daemon leaves: idle, without a window, told to, by a signal, or after an error that nothing handles. */
import { failure, type Failure } from '../schemas/errors.ts';
import type { Logger } from 'pino';

const SECOND_MS = 1_000;
/** After the last window left and with nothing to do, warm models are kept no longer than this. */
const WINDOW_GONE_MS = 60_000;
/** After an error that nothing handles the daemon is gone by then, however far it came with leaving. */
const FAILED_MS = 10_000;

/** `finish`: what runs may end. `park`: it is done again after the next start. */
export type HowToLeave = 'finish' | 'park';

export interface LifetimeDeps {
  clock: () => number;
  log: Logger;
  /** Null: never for being idle. */
  idleSeconds: () => number | null;
  /** Somebody is connected, or may come at any time. */
  needed: () => boolean;
  hadWindow: () => boolean;
  /** `idle`: no job is unfinished. `working`: a job goes on now. */
  pipeline: { readonly idle: boolean; readonly working: boolean };
  notify: (why: Failure) => void;
  /** Ends everything, in its order. */
  close: (how: HowToLeave) => Promise<void>;
}

export class Lifetime {
  private readonly deps: LifetimeDeps;
  private leaving = false;
  private busyAt: number;
  private usedAt: number;
  private readonly timer: NodeJS.Timeout;

  constructor(deps: LifetimeDeps) {
    this.deps = deps;
    this.busyAt = this.usedAt = deps.clock();
    this.timer = setInterval(() => this.check(), SECOND_MS).unref();
  }

  /** Ends the process; the first to say so decides how. */
  async leave(how: HowToLeave, why: string): Promise<void> {
    if (this.leaving) return;
    this.leaving = true;
    this.deps.log.info(`leaving: ${why}`);
    clearInterval(this.timer);
    await this.deps.close(how);
    process.exit();
  }

  private check(): void {
    const { clock, pipeline } = this.deps,
      now = clock(),
      needed = this.deps.needed();
    if (needed || !pipeline.idle) this.busyAt = now;
    if (needed || pipeline.working) this.usedAt = now;
    const idle = this.deps.idleSeconds();
    if (idle === null) return;
    if (now - this.busyAt > idle * 1000) void this.leave('finish', `idle for ${idle} s`);
    else if (this.deps.hadWindow() && now - this.usedAt > Math.min(idle * 1000, WINDOW_GONE_MS))
      void this.leave('finish', 'the last window has gone');
  }

  leaveOnSignals(): void {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
      process.on(signal, () => void this.leave('park', signal));
  }

  /** Nobody knows what state one leaves the daemon in: better none than one that writes on. What runs is done again. */
  leaveOnUnhandledErrors(): void {
    const fail = (error: unknown): void => {
      this.deps.log.fatal(error, 'unhandled');
      process.exitCode = 1;
      setTimeout(() => process.exit(1), FAILED_MS).unref();
      const detail = error instanceof Error ? error.stack : String(error);
      this.deps.notify(failure('daemonFailed', {}, detail));
      void this.leave('park', 'an error that nothing handles');
    };
    process.on('unhandledRejection', fail);
    process.on('uncaughtException', fail);
  }
}
