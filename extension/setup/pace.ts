/** How fast bytes come, over the last seconds. */
const WINDOW_MS = 5_000,
  SHORTEST_MS = 1_000;

export class Pace {
  #seen: { bytes: number; at: number }[] = [];

  /** Bytes a second; null: not known yet. `now`: ms, of a clock that nobody sets. */
  at(bytes: number, now: number): number | null {
    // Another file, or one that begins anew.
    if (bytes < (this.#seen.at(-1)?.bytes ?? 0)) this.#seen = [];
    this.#seen.push({ bytes, at: now });
    while (this.#seen.length > 2 && this.#seen[0]!.at < now - WINDOW_MS) this.#seen.shift();
    const first = this.#seen[0]!,
      ms = now - first.at;
    return ms < SHORTEST_MS ? null : ((bytes - first.bytes) / ms) * 1000;
  }
}
