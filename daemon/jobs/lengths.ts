/**
 * How long a recording is before it was opened: a guess from its size, by what files of its kind had for each second
 * here.
 */
import { extname } from 'node:path';
import type { Store } from '../contracts/store.ts';
import { Averages } from './averages.ts';

/** Bytes a second until files of the kind were seen: by what they usually hold. */
const FIRST_GUESS: readonly [pattern: RegExp, bytesPerSecond: number][] = [
  [/^\.(wav|aiff?|caf|w64|pcm|au)$/, 64_000],
  [/^\.(flac|alac|ape|wv)$/, 40_000],
  [/^\.(opus|amr|3gp|spx|gsm)$/, 5_000],
  [/^\.(mp3|m4a|m4b|aac|ogg|oga|wma|ac3|mka)$/, 14_000],
];
const VIDEO_BYTES_PER_SECOND = 250_000;
/** Kinds that are remembered; a name ends in anything. */
const MOST_KINDS = 100;

export class Lengths {
  readonly #known: Averages;

  constructor(store: Store) {
    this.#known = new Averages(store, 'lengths', MOST_KINDS);
  }

  guessMs({ name, bytes }: { name: string; bytes: number }): number {
    const kind = extname(name).toLowerCase();
    return Math.round(
      (bytes * 1000) /
        (this.#known.get(kind) ?? FIRST_GUESS.find(([pattern]) => pattern.test(kind))?.[1] ?? VIDEO_BYTES_PER_SECOND),
    );
  }

  learn({ name, bytes }: { name: string; bytes: number }, durationMs: number): void {
    if (durationMs < 1000 || bytes <= 0) return;
    this.#known.learn(extname(name).toLowerCase(), (bytes * 1000) / durationMs);
    this.#known.save();
  }
}
