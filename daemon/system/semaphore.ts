/** A counting semaphore: lets so many in at a time; the others wait in line, first come first served. */
import { EarshotError } from '../../schemas/errors.ts';

export class Semaphore {
  readonly #most: number;
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** Waits for a place and holds it until the result is disposed of. Throws `cancelled` when the wait is aborted. */
  async take(signal: AbortSignal): Promise<AsyncDisposable> {
    while (this.#taken >= this.#most) await this.#wait(signal);
    this.#taken++;
    return {
      [Symbol.asyncDispose]: async () => {
        this.#taken--;
        this.#waiting.shift()?.();
      },
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(resolve);
      signal.addEventListener(
        'abort',
        () => {
          const at = this.#waiting.indexOf(resolve);
          if (at >= 0) this.#waiting.splice(at, 1);
          reject(new EarshotError('cancelled'));
        },
        { once: true },
      );
    });
  }
}
