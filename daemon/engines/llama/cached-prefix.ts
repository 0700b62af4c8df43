/**
 * A sequence whose beginning stays evaluated. Every use starts from exactly the same state (the beginning, evaluated by
 * itself, and nothing behind it), so that an answer depends on its question alone and not on what was asked before:
 * floating point sums differ with the way tokens are grouped.
 */
import type { Sequence, Token } from './runtime.ts';

export class CachedPrefix {
  private readonly sequence: Sequence;
  private beginning: readonly Token[] = [];

  constructor(sequence: Sequence) {
    this.sequence = sequence;
  }

  /** Erases what stands behind the beginning; evaluates the beginning first when it is another one. */
  async start(beginning: readonly Token[]): Promise<Sequence> {
    if (!same(beginning, this.beginning)) {
      this.beginning = [];
      await this.sequence.clearHistory();
      if (beginning.length) await this.sequence.evaluateWithoutGeneratingNewTokens([...beginning]);
      this.beginning = beginning;
    }
    await this.backTo(beginning.length);
    return this.sequence;
  }

  /** Erases everything from token `length` on. */
  async backTo(length: number): Promise<void> {
    if (this.sequence.nextTokenIndex > length)
      await this.sequence.eraseContextTokenRanges([{ start: length, end: this.sequence.nextTokenIndex }]);
  }

  /** After an error the state is unknown. */
  async forget(): Promise<void> {
    this.beginning = [];
    await this.sequence.clearHistory();
  }
}

const same = (a: readonly Token[], b: readonly Token[]): boolean =>
  a.length === b.length && a.every((token, i) => token === b[i]);
