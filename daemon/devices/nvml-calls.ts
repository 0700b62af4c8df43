/**
 * Calls of NVML on a thread of the pool, one after the other, each with a time-out: a driver that hangs holds up one
 * thread and never the daemon.
 */
import { GPU_IS_LOST, RESET_REQUIRED, SUCCESS, UNINITIALIZED, type NvmlLibrary, type Symbol } from './nvml-library.ts';

/** A call took too long, or an earlier one has not come back. */
export class HangingError extends Error {}

/** NVML refused a call with this result code. */
export class NvmlError extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`NVML answered ${code}`);
    this.code = code;
  }
}

/** The code concerns the whole device, not only the field that was asked for. */
export const concernsDevice = (code: number): boolean =>
  code === GPU_IS_LOST || code === RESET_REQUIRED || code === UNINITIALIZED;

/** The library as bound, and the way to call it. */
export interface Nvml {
  library: NvmlLibrary;
  calls: NvmlCalls;
}

export class NvmlCalls {
  readonly #limitMs: number;
  #hanging = false;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
    process.once('exit', this.#endAnyway);
  }

  /** A call has not come back; no other is made until it does. */
  get hanging(): boolean {
    return this.#hanging;
  }

  /**
   * One call, on a thread. Resolves with NVML's result code.
   * @throws HangingError when it takes too long, or while an earlier one has not come back
   */
  call(symbol: Symbol, args: unknown[], limitMs = this.#limitMs): Promise<number> {
    if (this.#hanging) return Promise.reject(new HangingError());
    return new Promise((resolve, reject) => {
      let late = false;
      const timer = setTimeout(() => {
        late = this.#hanging = true;
        reject(new HangingError());
      }, limitMs);
      symbol.async(...args, (error: Error | null, code: number) => {
        clearTimeout(timer);
        if (late) this.#hanging = false;
        else if (error) reject(error);
        else resolve(code);
      });
    });
  }

  /** A call that has to succeed. @throws NvmlError for any refusal */
  async must(symbol: Symbol, args: unknown[], limitMs?: number): Promise<void> {
    const code = await this.call(symbol, args, limitMs);
    if (code !== SUCCESS) throw new NvmlError(code);
  }

  /**
   * A value that may be missing: null for any refusal that does not concern the whole device.
   * @throws NvmlError for one that does
   */
  async maybe<T>(symbol: Symbol | null, args: unknown[], value: () => T): Promise<T | null> {
    if (!symbol) return null;
    const code = await this.call(symbol, args);
    if (code === SUCCESS) return value();
    if (concernsDevice(code)) throw new NvmlError(code);
    return null;
  }

  text(symbol: Symbol | null, before: unknown[] = []): Promise<string | null> {
    const buffer = Buffer.alloc(96);
    return this.maybe(symbol, [...before, buffer, buffer.length], () =>
      buffer.toString('utf8', 0, Math.max(0, buffer.indexOf(0))),
    );
  }

  unsigned(symbol: Symbol | null, args: unknown[]): Promise<number | null> {
    const value = [0];
    return this.maybe(symbol, [...args, value], () => value[0]!);
  }

  dispose(): void {
    if (!this.#hanging) process.off('exit', this.#endAnyway);
  }

  // A process waits for its threads before it ends, and this one would never: then the end comes by force, when all
  // else is done.
  readonly #endAnyway = (): void => {
    if (this.#hanging) process.kill(process.pid, 'SIGKILL');
  };
}
