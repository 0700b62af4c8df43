/** Judges by likelihood: how well does the sentence read with one word or another? No answer has to be believed, only probabilities compared. */
import type { Choice, Judge, Reading } from '../../repair/judge.ts';
import type { KeptSequence } from './kept.ts';
import type { Model, ScoreOptions, ScoredToken, Sequence, Token } from './runtime.ts';

/** What stands before every utterance, evaluated once: puts the model in mind of speech written down. */
const HEADER = 'Transcript of a recording, carefully checked and corrected:\n\n';
/** Characters of what was said before; more costs time and changes little. */
const BEFORE_CHARACTERS = 160;
const EXPECTED_TOKENS = 60, COMPLETED_WORDS = 4, TOKENS_A_WORD = 5;

export class LlamaJudge implements Judge {
  private readonly model: Model;
  private readonly kept: KeptSequence;
  /** Without its last token, which is evaluated with what follows. */
  private readonly header: readonly Token[];
  private readonly pivot: Token;

  constructor(model: Model, kept: KeptSequence) {
    this.model = model; this.kept = kept;
    const header = model.tokenize(HEADER);
    this.pivot = header.at(-1)!;
    this.header = header.slice(0, -1);
  }

  async open(utterance: { before: string; language: string }): Promise<Reading> {
    const before = utterance.before.slice(-BEFORE_CHARACTERS).replace(/^\S*\s/u, '').trim();
    const sequence = await this.kept.start(this.header);
    return new LikelihoodReading(this.model, this.kept, sequence, this.header.length, this.pivot, before ? `${before} ` : '');
  }
}

class LikelihoodReading implements Reading {
  private readonly model: Model;
  private readonly kept: KeptSequence;
  private readonly sequence: Sequence;
  private readonly headerTokens: number;
  private readonly pivot: Token;
  private readonly before: string;
  /** Evaluated behind the header. The last token of a prefix is not: it is evaluated with what follows, since its answer is the next token. */
  private evaluated: Token[] = [];

  constructor(model: Model, kept: KeptSequence, sequence: Sequence, headerTokens: number, pivot: Token, before: string) {
    this.model = model; this.kept = kept; this.sequence = sequence; this.headerTokens = headerTokens; this.pivot = pivot; this.before = before;
  }

  async weigh({ prefix, heard, candidates, suffix }: Choice, signal: AbortSignal): Promise<number[]> {
    const last = await this.moveTo(prefix);
    const space = this.before || prefix ? ' ' : '';
    const scores: number[] = [];
    for (const text of [heard, ...candidates]) {
      signal.throwIfAborted();
      scores.push(await this.likelihood(last, this.model.tokenize(space + text + suffix)));
    }
    return scores.slice(1).map(score => score - scores[0]!);
  }

  async expect(prefix: string, plausible: (beginning: string) => boolean, signal: AbortSignal): Promise<string[]> {
    const last = await this.moveTo(prefix);
    const space = this.before || prefix ? ' ' : '';
    const first = await this.likeliest([last]);
    const words: string[] = [];
    for (const token of first) {
      signal.throwIfAborted();
      const text = this.model.detokenize([token]);
      if (space && !text.startsWith(' ') || !/^ ?\p{L}+$/u.test(text) || !plausible(text.trim())) continue;
      const word = await this.complete(last, token);
      if (word && !words.includes(word)) words.push(word);
      if (words.length >= COMPLETED_WORDS) break;
    }
    await this.rewind();
    return words;
  }

  /** The rest of a word that begins with `token`, always the likeliest way. */
  private async complete(last: Token, token: Token): Promise<string | null> {
    const tokens = [token];
    for (let i = 0; i < TOKENS_A_WORD; i++) {
      await this.rewind();
      const [next] = await this.likeliest([last, ...tokens]);
      const text = next === undefined ? '' : this.model.detokenize([next]);
      if (!/^[\p{L}\p{M}]+$/u.test(text)) return this.model.detokenize(tokens).trim();
      tokens.push(next!);
    }
    return null;
  }

  private async likeliest(tokens: Token[]): Promise<Token[]> {
    const options = { generateNext: { logits: { filter: { tokens: [], includeTop: EXPECTED_TOKENS } } } };
    const answers = await this.sequence.controlledEvaluate([...tokens.slice(0, -1), [tokens.at(-1)!, options]]);
    return [...(answers.at(-1)?.next.logits ?? new Map<Token, number>()).entries()].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([token]) => token);
  }

  /** log P(tokens | everything up to and with `last`), in nats. */
  private async likelihood(last: Token, tokens: Token[]): Promise<number> {
    const ask = (token: Token): ScoreOptions => ({ generateNext: { totalLogitWeight: true, logits: { filter: { tokens: [token], includeMax: true } } } });
    const answers = await this.sequence.controlledEvaluate([last, ...tokens.slice(0, -1)].map((token, i) => [token, ask(tokens[i]!)]));
    await this.rewind();
    return tokens.reduce((sum, token, i) => sum + logProbability(answers[i], token), 0);
  }

  /** Evaluates the utterance up to `prefix`, from where an earlier prefix ended; returns its last token, held back. */
  private async moveTo(prefix: string): Promise<Token> {
    const target = [this.pivot, ...this.model.tokenize((this.before + prefix).trimEnd())];
    const last = target.pop()!;
    let common = 0;
    while (common < this.evaluated.length && this.evaluated[common] === target[common]) common++;
    if (common < this.evaluated.length) await this.kept.backTo(this.headerTokens + common);
    if (target.length > common) await this.sequence.evaluateWithoutGeneratingNewTokens(target.slice(common));
    this.evaluated = target;
    return last;
  }

  private rewind(): Promise<void> { return this.kept.backTo(this.headerTokens + this.evaluated.length); }
}

function logProbability(answer: ScoredToken | undefined, token: Token): number {
  const logits = answer?.next.logits, weight = answer?.next.totalLogitWeight, own = logits?.get(token);
  if (!logits || weight === undefined || own === undefined) throw new Error('the model gave no probabilities');
  return own - Math.max(...logits.values()) - Math.log(weight);
}
