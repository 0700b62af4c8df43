/** Who decides between what was heard and what is proposed. Knows nothing of proposals and dictionaries. */
export interface Judge {
  /** Begins an utterance; `before` is what was said before it. Whatever was read earlier must not change the answers. */
  open(utterance: { before: string; language: string }, signal: AbortSignal): Promise<Reading>;
}

export interface Reading {
  /**
   * For each candidate: by how much it reads better than `heard`, in nats (negative: worse), between `prefix`, the utterance up to there,
   * and `suffix`, some of what follows.
   */
  weigh(question: Choice, signal: AbortSignal): Promise<number[]>;
  /** Some words that are likely to follow `prefix`, among those whose beginning is plausible; likeliest first. */
  expect?(prefix: string, plausible: (beginning: string) => boolean, signal: AbortSignal): Promise<string[]>;
}

export interface Choice { prefix: string; heard: string; candidates: readonly string[]; suffix: string }
