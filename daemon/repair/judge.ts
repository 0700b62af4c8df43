/** Who decides between what was heard and what is proposed. Knows nothing of proposals and dictionaries. */
export interface Judge {
  /**
   * Begins an utterance; `before` is what was said before it. Whatever was read earlier must not change the answers.
   */
  open(utterance: { before: string; language: string }, signal: AbortSignal): Promise<Reading>;
}

export interface Reading {
  /**
   * How little each of the utterance's words was to be expected from those before it, in nats. Asked first, and once.
   */
  surprise?(words: readonly string[], signal: AbortSignal): Promise<number[]>;
  /**
   * For each candidate: by how much it reads better than `heard`, in nats (negative: worse), between `prefix`, the
   * utterance up to there, and `suffix`, some of what follows.
   */
  weigh(question: Choice, signal: AbortSignal): Promise<number[]>;
  /**
   * Words that `prefix` calls for and that sound like `heard`, or like its beginning up to one of the `ends` (counted
   * in folded letters); best first.
   */
  expect?(question: Expected, signal: AbortSignal): Promise<string[]>;
}

export interface Choice {
  prefix: string;
  heard: string;
  candidates: readonly string[];
  suffix: string;
}
export interface Expected {
  prefix: string;
  heard: string;
  ends: readonly number[];
  accepts(word: string): boolean;
}
