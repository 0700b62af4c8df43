/** Questions to a server's language model through chat/completions, answered in a fixed JSON shape. */
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { EarshotError } from '../../../schemas/errors.ts';
import type { Asker, Question } from '../../contracts/language-model.ts';
import { Refused, request, type Server } from './http.ts';

const Answer = Type.Object({
  choices: Type.Array(Type.Object({ message: Type.Object({ content: Type.Union([Type.String(), Type.Null()]) }) }), {
    minItems: 1,
  }),
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

  async ask(question: Question, signal: AbortSignal): Promise<string> {
    for (;;) {
      try {
        const bytes = await request(this.server, 'POST', 'chat/completions', this.body(question), signal);
        let answer: unknown;
        try {
          answer = JSON.parse(bytes.toString('utf8'));
        } catch {
          answer = null;
        }
        if (!Value.Check(Answer, answer))
          throw new EarshotError('badAnswer', {}, bytes.subarray(0, 500).toString('utf8'));
        return jsonIn(answer.choices[0]!.message.content ?? '');
      } catch (error) {
        if (
          !(error instanceof Refused) ||
          (error.status !== 400 && error.status !== 422) ||
          this.way + 1 >= WAYS.length
        )
          throw error;
        this.way++;
      }
    }
  }

  private body({ system, turns, schema, maxTokens }: Question): object {
    const way = WAYS[this.way];
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
