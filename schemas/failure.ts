/**
 * Failures as they travel and are stored. Apart from the codes (errors.ts), so that processes that only fail need no
 * validator: loading it takes each of them 10 ms.
 */
import { Type, type Static } from 'typebox';

/** Arguments of a code as they travel and are stored: what another version wrote may lack some, or have others. */
export const Args = Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()]));
export type Args = Static<typeof Args>;

/**
 * A failure as a value. `code` is an ErrorCode unless another version wrote it. `detail` is for the log and the
 * curious: an engine's own words, in whatever language.
 */
export const Failure = Type.Object(
  { code: Type.String({ minLength: 1, maxLength: 100 }), args: Args, detail: Type.Optional(Type.String()) },
  { additionalProperties: false },
);
export type Failure = Static<typeof Failure>;
