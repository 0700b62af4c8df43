/** Moving averages by name that survive restarts: one entry of the store's meta. */
import type { Store } from '../contracts/store.ts';

const WEIGHT_OF_NEWEST = 0.2;

export class Averages {
  readonly #store: Store;
  readonly #key: string;
  readonly #most: number;
  readonly #known: Map<string, number>;
  #dirty = false;

  /** `most`: names that are remembered. */
  constructor(store: Store, key: string, most = Infinity) {
    this.#store = store;
    this.#key = key;
    this.#most = most;
    this.#known = new Map(Object.entries(JSON.parse(store.meta(key) ?? '{}') as Record<string, number>));
  }

  get(name: string): number | undefined {
    return this.#known.get(name);
  }

  learn(name: string, value: number): void {
    const before = this.#known.get(name);
    if (before === undefined && this.#known.size >= this.#most) return;
    this.#known.set(name, before === undefined ? value : before + (value - before) * WEIGHT_OF_NEWEST);
    this.#dirty = true;
  }

  save(): void {
    if (!this.#dirty) return;
    this.#store.setMeta(this.#key, JSON.stringify(Object.fromEntries(this.#known)));
    this.#dirty = false;
  }
}
