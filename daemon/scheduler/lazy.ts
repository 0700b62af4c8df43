/**
 * A read-only map whose values are made when they are asked for: a queue of thousands has a reason for each job, and
 * windows show a few.
 */
export class LazyMap<V> implements ReadonlyMap<string, V> {
  private readonly ids: () => readonly string[];
  private readonly make: (place: number) => V | undefined;
  private places: Map<string, number> | null = null;
  private readonly made = new Map<string, V | undefined>();

  /**
   * `ids`: all keys that may have a value, in order; `make`: the value of the key at a place, or undefined where it has
   * none.
   */
  constructor(ids: () => readonly string[], make: (place: number) => V | undefined) {
    this.ids = ids;
    this.make = make;
  }
  get(id: string): V | undefined {
    if (this.made.has(id)) return this.made.get(id);
    this.places ??= new Map(this.ids().map((each, place) => [each, place]));
    const place = this.places.get(id);
    if (place === undefined) return undefined;
    const value = this.make(place);
    this.made.set(id, value);
    return value;
  }
  has(id: string): boolean {
    return this.get(id) !== undefined;
  }
  get size(): number {
    return [...this.entries()].length;
  }
  *entries(): MapIterator<[string, V]> {
    for (const id of this.ids()) {
      const value = this.get(id);
      if (value !== undefined) yield [id, value];
    }
  }
  *keys(): MapIterator<string> {
    for (const [id] of this.entries()) yield id;
  }
  *values(): MapIterator<V> {
    for (const [, value] of this.entries()) yield value;
  }
  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries();
  }
  forEach(callback: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [id, value] of this.entries()) callback(value, id, this);
  }
}
