/** A question to a language model, whoever runs it: ours in this process, or a server. */
export interface Question {
  system: string;
  /** The conversation; its last turn is the user's. Turns of the model are written as it would have answered. */
  turns: readonly { role: 'user' | 'model'; text: string }[];
  /** The JSON Schema that the answer obeys. */
  schema: object;
  maxTokens: number;
}

export interface Asker {
  /** The answer as text. Greedy and seeded: the same question has the same answer. */
  ask(question: Question, signal: AbortSignal): Promise<string>;
  /**
   * By what part `translation` makes `text` less surprising, 1 at most: a translation explains most of its text, an
   * answer that has little to do with it nearly nothing. Missing: this model gives no probabilities.
   */
  explained?(pair: Pair, signal: AbortSignal): Promise<number>;
}

/** A text and what is said to be its translation; languages by their English names. */
export interface Pair {
  text: string;
  language: string;
  translation: string;
  translatedTo: string;
}
