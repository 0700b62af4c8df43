/**
 * Judges by likelihood: how well does the sentence read with one word or another? No answer has to be believed, only
 * probabilities compared.
 */
import type { Choice, Expected, Judge, Reading } from '../../repair/judge.ts';
import type { CachedPrefix } from './cached-prefix.ts';
import { spell, vocabularyOf, type Vocabulary } from './spelling.ts';
import { ask, logProbabilities, logProbability } from './probability.ts';
import type { Model, Sequence, Token } from './runtime.ts';

/** What stands before every utterance, evaluated once: puts the model in mind of speech written down. */
const HEADER = 'Transcript of a recording, carefully checked and corrected:\n\n';
/** Characters of what was said before; more costs time and changes little. */
const BEFORE_CHARACTERS = 160;
/** Of the likeliest next tokens, how many are looked at while spelling. */
const LIKELIEST = 4000;

export class LlamaJudge implements Judge {
  private readonly model: Model;
  private readonly kept: CachedPrefix;
  /** Without its last token, which is evaluated with what follows. */
  private readonly header: readonly Token[];
  private readonly pivot: Token;
  private vocabulary: Vocabulary | null = null;

  constructor(model: Model, kept: CachedPrefix) {
    this.model = model;
    this.kept = kept;
    const header = model.tokenize(HEADER);
    this.pivot = header.at(-1)!;
    this.header = header.slice(0, -1);
  }

  async open(utterance: { before: string; language: string }): Promise<Reading> {
    const before = utterance.before
      .slice(-BEFORE_CHARACTERS)
      .replace(/^\S*\s/u, '')
      .trim();
    const sequence = await this.kept.start(this.header);
    return new LikelihoodReading(
      this.model,
      () => (this.vocabulary ??= vocabularyOf(this.model)),
      this.kept,
      sequence,
      this.header.length,
      this.pivot,
      before ? `${before} ` : '',
    );
  }
}

class LikelihoodReading implements Reading {
  private readonly model: Model;
  /** Built at the first doubt. */
  private readonly vocabulary: () => Vocabulary;
  private readonly kept: CachedPrefix;
  private readonly sequence: Sequence;
  private readonly headerTokens: number;
  private readonly pivot: Token;
  private readonly before: string;
  /**
   * Evaluated behind the header. The last token of a prefix is not: it is evaluated with what follows, since its answer
   * is the next token.
   */
  private evaluated: Token[] = [];

  constructor(
    model: Model,
    vocabulary: () => Vocabulary,
    kept: CachedPrefix,
    sequence: Sequence,
    headerTokens: number,
    pivot: Token,
    before: string,
  ) {
    this.model = model;
    this.vocabulary = vocabulary;
    this.kept = kept;
    this.sequence = sequence;
    this.headerTokens = headerTokens;
    this.pivot = pivot;
    this.before = before;
  }

  async surprise(words: readonly string[], signal: AbortSignal): Promise<number[]> {
    const last = await this.moveTo('');
    signal.throwIfAborted();
    const pieces = words.map((word, i) => this.model.tokenize((i || this.before ? ' ' : '') + word)),
      tokens = pieces.flat();
    const likelihoods = await this.likelihoods(last, tokens);
    let at = 0;
    return pieces.map(piece => -likelihoods.slice(at, (at += piece.length)).reduce((sum, one) => sum + one, 0));
  }

  async weigh({ prefix, heard, candidates, suffix }: Choice, signal: AbortSignal): Promise<number[]> {
    const last = await this.moveTo(prefix);
    const space = this.before || prefix ? ' ' : '';
    const scores: number[] = [];
    for (const text of [heard, ...candidates]) {
      signal.throwIfAborted();
      scores.push(
        (await this.likelihoods(last, this.model.tokenize(space + text + suffix))).reduce((sum, one) => sum + one, 0),
      );
    }
    return scores.slice(1).map(score => score - scores[0]!);
  }

  async expect({ prefix, heard, ends, accepts }: Expected, signal: AbortSignal): Promise<string[]> {
    const last = await this.moveTo(prefix);
    const spelt = await spell(this.vocabulary(), {
      heard,
      ends,
      accepts,
      first: !(this.before || prefix),
      detokenize: tokens => this.model.detokenize(tokens),
      next: async (tokens, among) => {
        signal.throwIfAborted();
        const [answer] = (
          await this.sequence.controlledEvaluate(
            [last, ...tokens].map((token, i) => (i < tokens.length ? token : [token, ask([...among], LIKELIEST)])),
          )
        ).slice(-1);
        await this.rewind();
        return logProbabilities(answer);
      },
    });
    return spelt.map(({ text }) => text);
  }

  /** log P of each token after everything up to and with `last`, in nats. */
  private async likelihoods(last: Token, tokens: Token[]): Promise<number[]> {
    const answers = await this.sequence.controlledEvaluate(
      [last, ...tokens.slice(0, -1)].map((token, i) => [token, ask([tokens[i]!])]),
    );
    await this.rewind();
    return tokens.map((token, i) => logProbability(answers[i], token));
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

  private rewind(): Promise<void> {
    return this.kept.backTo(this.headerTokens + this.evaluated.length);
  }
}
