/** How long a recording is before it was opened: a guess from its size, by what files of its kind had for each second here. */
import { extname } from 'node:path';
import type { Store } from '../store/port.ts';

/** Bytes a second until files of the kind were seen: by what they usually hold. */
const FIRST_GUESS: readonly [pattern: RegExp, bytesPerSecond: number][] = [
  [/^\.(wav|aiff?|caf|w64|pcm|au)$/, 64_000], [/^\.(flac|alac|ape|wv)$/, 40_000], [/^\.(opus|amr|3gp|spx|gsm)$/, 5_000], [/^\.(mp3|m4a|m4b|aac|ogg|oga|wma|ac3|mka)$/, 14_000],
];
const VIDEO_BYTES_PER_SECOND = 250_000;
const WEIGHT_OF_NEWEST = 0.2;
const KEY = 'lengths';
/** Kinds that are remembered; a name ends in anything. */
const MOST_KINDS = 100;

export class Lengths {
  private readonly store: Store;
  private readonly known: Map<string, number>;

  constructor(store: Store) {
    this.store = store;
    this.known = new Map(Object.entries(JSON.parse(store.meta(KEY) ?? '{}') as Record<string, number>));
  }

  guessMs({ name, bytes }: { name: string; bytes: number }): number {
    const kind = extname(name).toLowerCase();
    return Math.round(bytes * 1000 / (this.known.get(kind) ?? FIRST_GUESS.find(([pattern]) => pattern.test(kind))?.[1] ?? VIDEO_BYTES_PER_SECOND));
  }

  learn({ name, bytes }: { name: string; bytes: number }, durationMs: number): void {
    if (durationMs < 1000 || bytes <= 0) return;
    const kind = extname(name).toLowerCase(), now = bytes * 1000 / durationMs, before = this.known.get(kind);
    if (before === undefined && this.known.size >= MOST_KINDS) return;
    this.known.set(kind, before === undefined ? now : before + (now - before) * WEIGHT_OF_NEWEST);
    this.store.setMeta(KEY, JSON.stringify(Object.fromEntries(this.known)));
  }
}
