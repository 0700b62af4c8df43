/** Questions to a server's language model through chat/completions, answered in a fixed JSON shape. */
import { Type } from 'typebox';
import type { Asker, Question } from '../../contracts/language-model.ts';
import { isAskedWrong, readAnswer, request, type Server } from './http.ts';
import { isJson } from '../../../text/is-json.ts';

const Answer = Type.Object({
  choices: Type.Array(
    Type.Object({
      message: Type.Object({ content: Type.Union([Type.String(), Type.Null()]) }),
      finish_reason: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    }),
    { minItems: 1 },
  ),
});
/** Ways to ask for JSON, strictest first; a server that refuses one is asked by the next from then on. */
const WAYS = ['schema', 'object', 'plain'] as const;

export class ServerAsker implements Asker {
  private readonly server: Server;
  private readonly model: string;
  private way = 0;

  constructor(server: Server, model: string) {
    this.server = server;
    this.model = model;
  }

  /** @throws badAnswer; serverRefused, serverUnreachable; cancelled */
  async ask(question: Question, signal: AbortSignal): Promise<string> {
    let unshaped: string | null = null;
    for (let way = this.way; ; way++)
      try {
        const { text, isWhole } = await this.answer(question, way, signal);
        // Some servers pass over what they do not know: then the shape has to be asked for in words.
        if (isWhole && !isJson(text) && way + 1 < WAYS.length) {
          unshaped = text;
          continue;
        }
        if (unshaped === null || isJson(text)) this.way = way;
        return text;
      } catch (error) {
        if (!isAskedWrong(error)) throw error;
        if (way + 1 >= WAYS.length) {
          if (unshaped !== null) return unshaped;
          throw error;
        }
      }
  }

  private async answer(
    question: Question,
    way: number,
    signal: AbortSignal,
  ): Promise<{ text: string; isWhole: boolean }> {
    const bytes = await request(this.server, 'POST', 'chat/completions', this.body(question, way), signal);
    const { message, finish_reason } = readAnswer(bytes, Answer).choices[0]!;
    return { text: jsonIn(message.content ?? ''), isWhole: finish_reason !== 'length' };
  }

  private body({ system, turns, schema, maxTokens }: Question, at: number): object {
    const way = WAYS[at];
    const format =
      way === 'schema'
        ? { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } }
        : way === 'object'
          ? { type: 'json_object' }
          : null;
    const shape = way === 'schema' ? '' : `\nAnswer with nothing but JSON of this schema: ${JSON.stringify(schema)}`;
    return {
      model: this.model,
      temperature: 0,
      seed: 1,
      max_tokens: maxTokens,
      stream: false,
      ...(format ? { response_format: format } : {}),
      messages: [
        { role: 'system', content: system + shape },
        ...turns.map(turn => ({ role: turn.role === 'user' ? 'user' : 'assistant', content: turn.text })),
      ],
    };
  }
}

/** The JSON object in an answer that may stand in a code fence or behind a model's thoughts. */
export function jsonIn(text: string): string {
  const bare = text.replace(/^[\s\S]*<\/think>/, ''),
    from = bare.indexOf('{'),
    to = bare.lastIndexOf('}');
  return from >= 0 && to > from ? bare.slice(from, to + 1) : bare;
}
