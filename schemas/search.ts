/** What can be found in all that was ever transcribed. */
import { Type, type Static } from 'typebox';
import { Closed, Id, Language, Milliseconds, Nullable, Optional, Path, Time } from './words.ts';

/** A text with the places that were looked for: from and to, in UTF-16 units. */
export const MarkedText = Closed({
  text: Type.String(),
  marks: Type.Array(Type.Tuple([Type.Integer(), Type.Integer()])),
});
export type MarkedText = Static<typeof MarkedText>;

export const SearchQuery = Closed({
  /** Words, "phrases" and beginnings*: all must be there, in the text or its translation. */
  words: Type.String({ minLength: 1, maxLength: 500 }),
  /** The last word is still being typed. */
  typing: Optional(Type.Boolean()),
  /** Spoken or translated into. */
  language: Optional(Language),
  /** Words that the recording's path contains. */
  path: Optional(Type.String({ maxLength: 500 })),
  /** Transcribed at this time or later. */
  since: Optional(Time),
});
export type SearchQuery = Static<typeof SearchQuery>;

/** An utterance that was found. */
export const SearchHit = Closed({
  job: Id,
  recording: Closed({ path: Path, name: Type.String() }),
  createdAt: Time,
  language: Nullable(Language),
  index: Type.Integer({ minimum: 0 }),
  startMs: Milliseconds,
  endMs: Milliseconds,
  /** The moment of the first marked word, where words have times; else the start. */
  atMs: Milliseconds,
  text: MarkedText,
  translation: Nullable(MarkedText),
});
export type SearchHit = Static<typeof SearchHit>;

export const SearchPage = Closed({
  hits: Type.Array(SearchHit),
  /** Where the next page begins; null: this is the last. */
  next: Nullable(Type.Integer()),
  /** How many there are; counted up to 2,000. */
  total: Type.Integer(),
  /** Utterances from before are still being taken into the index. */
  indexing: Type.Boolean(),
});
export type SearchPage = Static<typeof SearchPage>;
