/** Time for workers, which tests may make. */
import { LONGEST_TIMER_MS } from '../system/clock.ts';

export interface Timers {
  /** Milliseconds, never going back. */
  now(): number;
  /** Calls once after `ms`, unless the returned function is called first. */
  after(ms: number, action: () => void): () => void;
}

export const systemTimers: Timers = {
  now: () => performance.now(),
  after: (ms, action) => {
    const timer = setTimeout(action, Math.min(ms, LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

/** Timers by name: setting one again replaces it. */
export class NamedTimers {
  readonly #timers: Timers;
  readonly #pending = new Map<string, () => void>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  now(): number {
    return this.#timers.now();
  }

  set(name: string, ms: number, action: () => void): void {
    this.clear(name);
    this.#pending.set(
      name,
      this.#timers.after(ms, () => {
        this.#pending.delete(name);
        action();
      }),
    );
  }

  clear(name: string): void {
    this.#pending.get(name)?.();
    this.#pending.delete(name);
  }

  clearAll(): void {
    for (const name of [...this.#pending.keys()]) this.clear(name);
  }
}
