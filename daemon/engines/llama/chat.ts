/** Questions to the model in its own chat format, answered in a fixed JSON shape. */
import { EarshotError } from '../../../schemas/errors.ts';
import { isJson } from '../../../text/is-json.ts';
import type { Asker, Pair, Question } from '../../contracts/language-model.ts';
import { CachedPrefix } from './cached-prefix.ts';
import { ask, logProbability } from './probability.ts';
import type { ChatWrapper, Model, Runtime, Sequence, Token } from './runtime.ts';

/** Longer than any question about a single utterance. */
const LONG_TOKENS = 640,
  READ_TOKENS = 256;

/** What stands behind `{"name":"`: a text as JSON writes it, and the end. */
const REST_OF_TEXT = String.raw`root ::= char* "\"}"
char ::= [^"\\\x7F\x00-\x1F] | [\\] (["\\/bfnrt] | "u" hex hex hex hex)
hex ::= [0-9a-fA-F]`;

export class Chat implements Asker {
  private readonly runtime: Runtime;
  private readonly model: Model;
  private readonly kept: CachedPrefix;
  private readonly wrapper: ChatWrapper;
  private readonly contextTokens: number;
  private readonly grammars = new Map<string, object>();

  constructor(runtime: Runtime, model: Model, kept: CachedPrefix, contextTokens: number) {
    this.runtime = runtime;
    this.model = model;
    this.kept = kept;
    this.contextTokens = contextTokens;
    this.wrapper = runtime.library.resolveChatWrapper(model);
  }

  /**
   * The answer's text, which obeys the schema unless it was cut at maxTokens. Greedy: the same question gives the same
   * answer.
   */
  async ask(question: Question, signal: AbortSignal): Promise<string> {
    const beginning = this.beginning(question.system),
      field = onlyText(question.schema),
      opening = field === null ? '' : `{${JSON.stringify(field)}:"`,
      all = [...this.tokens(question.system, question.turns), ...(opening ? this.model.tokenize(opening, false) : [])];
    if (all.length + question.maxTokens > this.contextTokens)
      throw new EarshotError('badAnswer', {}, 'the question is longer than the context');
    const start = beginning.every((token, i) => token === all[i]) ? beginning : [];
    const grammar = await this.grammar(question.schema, field !== null);
    const sequence = await this.kept.start(start);
    const answer: Token[] = [];
    try {
      const state = new this.runtime.library.LlamaGrammarEvaluationState({ model: this.model, grammar });
      for await (const token of sequence.evaluate(await this.read(sequence, all.slice(start.length), signal), {
        temperature: 0,
        seed: 1,
        grammarEvaluationState: state,
      })) {
        signal.throwIfAborted();
        if (this.model.isEogToken(token)) break;
        answer.push(token);
        if (answer.length >= question.maxTokens || (field !== null && this.ends(token, opening, answer))) break;
      }
    } catch (error) {
      await this.kept.forget();
      throw error;
    }
    return opening + this.model.detokenize(answer);
  }

  async explained({ text, language, translation, translatedTo }: Pair, signal: AbortSignal): Promise<number> {
    const alone = await this.surprise(`${language}:`, ` ${text}`, signal);
    const given = await this.surprise(`${translatedTo}: ${translation}\n${language}:`, ` ${text}`, signal);
    return alone > 0 ? 1 - given / alone : 1;
  }

  /** How unexpected `text` is behind `before`, in nats. */
  private async surprise(before: string, text: string, signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    const first = this.model.tokenize(before),
      tokens = this.model.tokenize(text),
      all = [...first, ...tokens];
    const sequence = await this.kept.start([]);
    try {
      const answers = await sequence.controlledEvaluate(
        all.slice(0, -1).map((token, i) => (i < first.length - 1 ? token : [token, ask([all[i + 1]!])])),
      );
      return tokens.reduce((sum, token, i) => sum - logProbability(answers[first.length - 1 + i], token), 0);
    } catch (error) {
      await this.kept.forget();
      throw error;
    }
  }

  /** Reads a long question in parts, so that it can be given up in between; returns what is left of it. */
  private async read(sequence: Sequence, tokens: Token[], signal: AbortSignal): Promise<Token[]> {
    let at = 0;
    for (; tokens.length - at > LONG_TOKENS; at += READ_TOKENS) {
      signal.throwIfAborted();
      await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(at, at + READ_TOKENS));
    }
    return tokens.slice(at);
  }

  /** Whether the answer is whole with this token: another one would only say so. */
  private ends(token: Token, opening: string, answer: readonly Token[]): boolean {
    return this.model.detokenize([token]).endsWith('}') && isJson(opening + this.model.detokenize(answer));
  }

  /** @param opened the answer's beginning is given: what is left is one text and the end */
  private async grammar(schema: object, opened: boolean): Promise<object> {
    const key = JSON.stringify([schema, opened]);
    let grammar = this.grammars.get(key);
    if (!grammar) {
      const { llama } = this.runtime;
      grammar = await (opened
        ? llama.createGrammar({ grammar: REST_OF_TEXT })
        : llama.createGrammarForJsonSchema(schema));
      this.grammars.set(key, grammar);
    }
    return grammar;
  }

  private tokens(system: string, turns: Question['turns']): Token[] {
    const chatHistory = [
      { type: 'system' as const, text: system },
      ...turns.map(turn =>
        turn.role === 'user'
          ? { type: 'user' as const, text: turn.text }
          : { type: 'model' as const, response: [turn.text] },
      ),
    ];
    return this.wrapper
      .generateContextState({ chatHistory: [...chatHistory, { type: 'model', response: [] }] })
      .contextText.tokenize(this.model.tokenizer);
  }

  /** What two different questions have in common is the fixed part, as the chat template writes it. */
  private beginning(system: string): Token[] {
    const a = this.tokens(system, [{ role: 'user', text: '0' }]),
      b = this.tokens(system, [{ role: 'user', text: 'a' }]);
    const end = a.findIndex((token, i) => token !== b[i]);
    return a.slice(0, Math.max(0, end));
  }
}

/** The name of the one text that an answer of this schema is; its beginning need not be asked for then. */
function onlyText(schema: object): string | null {
  const { properties = {} } = schema as { properties?: Record<string, { type?: unknown; enum?: unknown }> },
    [[name, { type, enum: values }] = ['', {}], ...others] = Object.entries(properties);
  return others.length === 0 && type === 'string' && values === undefined ? name : null;
}
