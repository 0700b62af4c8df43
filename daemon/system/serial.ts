/** Work that must not overlap: each begins when the one before has ended. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Its outcome is for whoever asked; a failure keeps nothing from those that come after. */
  run<T>(work: () => T | Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}
