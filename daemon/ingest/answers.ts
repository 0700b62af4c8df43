/** What an ingest's process may say: it opens strangers' media, so the daemon believes nothing of another shape. */
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { ERROR_CODES } from '../../schemas/errors.ts';
import { Failure } from '../../schemas/failure.ts';
import { Closed } from '../../schemas/words.ts';
import type { FromChild } from './channel.ts';

/** More than a year of sound is none. */
const Ms = Type.Integer({ minimum: 0, maximum: 400 * 24 * 3_600_000 });
const Failed = Type.Object(
  { ...Failure.properties, code: Type.Enum(ERROR_CODES), detail: Type.Optional(Type.String({ maxLength: 64 * 1024 })) },
  { additionalProperties: false },
);
const Answer = Type.Union([
  Closed({ type: Type.Literal('started'), durationMs: Type.Union([Ms, Type.Null()]) }),
  Closed({
    type: Type.Literal('utterances'),
    rows: Type.Array(Closed({ index: Type.Integer({ minimum: 0 }), startMs: Ms, endMs: Ms }), { maxItems: 100_000 }),
  }),
  Closed({
    type: Type.Literal('progress'),
    ms: Ms,
    taken: Type.Integer({ minimum: 0 }),
    speaking: Type.Optional(
      Closed({
        index: Type.Integer({ minimum: 0 }),
        span: Type.Union([Closed({ startMs: Ms, endMs: Ms }), Type.Null()]),
      }),
    ),
  }),
  Closed({ type: Type.Literal('done'), durationMs: Ms, warnings: Type.Array(Failed, { maxItems: 100 }) }),
  Closed({ type: Type.Literal('failed'), failure: Failed }),
]);
let compiled: { Check(value: unknown): boolean } | undefined;

/** Holds one process to the protocol: true for what it may say next. Utterances come in order, none over another. */
export function listener(): (message: unknown) => message is FromChild {
  let next = 0,
    endMs = 0;
  return (message): message is FromChild => {
    compiled ??= Compile(Answer);
    if (!compiled.Check(message)) return false;
    const said = message as FromChild;
    return (
      said.type !== 'utterances' ||
      said.rows.every(row => {
        const fits = row.index === next && row.startMs >= endMs && row.endMs > row.startMs;
        next++;
        endMs = row.endMs;
        return fits;
      })
    );
  };
}
