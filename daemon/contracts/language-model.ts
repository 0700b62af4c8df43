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
}
