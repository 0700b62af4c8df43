/** What somebody asked for: it shows at once, until it has happened. Not for ever: it may have been refused. */
const LONGEST_MS = 10_000;

export class Asked<Key> {
  readonly #timers = new Map<Key, ReturnType<typeof setTimeout>>();
  readonly #paint: () => void;

  /** `paint` shows what was asked for, and that it no longer is. */
  constructor(paint: () => void) {
    this.#paint = paint;
  }

  has(key: Key): boolean {
    return this.#timers.has(key);
  }

  add(keys: Iterable<Key>): void {
    for (const key of keys) {
      this.delete(key);
      const over = (): void => {
        this.delete(key);
        this.#paint();
      };
      this.#timers.set(key, setTimeout(over, LONGEST_MS));
    }
    this.#paint();
  }

  /** It has happened, or no longer can; whoever says so paints. */
  delete(key: Key): void {
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
  }

  clear(): void {
    for (const key of [...this.#timers.keys()]) this.delete(key);
  }
}
