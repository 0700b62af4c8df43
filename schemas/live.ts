/**
 * Live sound: what `live/*` takes, and its bounds. A live session is a job like any other whose recording arrives while
 * it runs.
 */
import { Type, type Static } from 'typebox';
import { JobOptions } from './job.ts';
import { Closed, Milliseconds, Optional, Path, Priority } from './words.ts';

/**
 * `pcm`: mono 16-bit little-endian at 16 kHz. `container`: a file or stream of any kind that ffmpeg reads from a pipe,
 * in pieces of any size.
 */
export const LiveFormat = Type.Enum(['pcm', 'container']);
export type LiveFormat = Static<typeof LiveFormat>;

/** Sound in one `live/append`: half a minute of PCM. */
export const MAX_CHUNK_BYTES = 1024 * 1024;
/** Sound of one session: some 37 hours of PCM. What comes then ends it. */
export const MAX_SESSION_BYTES = 4 * 1024 ** 3;
/** Nothing is taken while this much sound waits to become text, ms: see `live/append`. */
export const MOST_BEHIND_MS = 60_000;

export const LiveRequest = Closed({
  options: JobOptions,
  format: LiveFormat,
  /** What the job is called, and the files that it writes. */
  name: Optional(Type.String({ minLength: 1, maxLength: 200, pattern: '^[^/\\\\\\u0000-\\u001f]+$' })),
  /** Missing: high, so that words come soon. */
  priority: Optional(Priority),
  /** Also keep the sound, as this WAV file; it must not be there yet. */
  saveTo: Optional(Path),
  /** Also the words of the utterance that is still being said, as `partial` events, while the machine has time. */
  partials: Optional(Type.Boolean()),
});
export type LiveRequest = Static<typeof LiveRequest>;

export const PartialText = Closed(
  {
    /** The utterance that it will be. */
    index: Type.Integer({ minimum: 0 }),
    startMs: Milliseconds,
    endMs: Milliseconds,
    stable: Type.String(),
    unstable: Type.String(),
  },
  'What is still being said, heard up to `endMs`: provisional, and never stored. `stable` is what passes heard alike ' +
    'while more sound came, and only grows; `unstable` follows it and may be another the next time. Both empty: it ' +
    'was no speech after all. The utterance of this index takes its place.',
);
export type PartialText = Static<typeof PartialText>;
