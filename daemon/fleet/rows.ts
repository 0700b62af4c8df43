/**
 * What stands in the fleet's database, checked where it enters: people write requests, sound and earlier results there
 * with any program, and machines what they heard. What is not of its shape is refused, by either side.
 */
import { Type, type TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { EarshotError } from '../../schemas/errors.ts';
import { Failure } from '../../schemas/failure.ts';
import { AsrOutput, JobOptions, NmtOutput, RepairOutput, SpeakerName, TtsOutput, Turn } from '../../schemas/job.ts';
import { openOf } from '../../schemas/open.ts';
import { ByStage, Language, Milliseconds, Nullable, Optional, Stage, STAGES } from '../../schemas/words.ts';
import type { JobRow } from '../contracts/store.ts';
import type { Returned, WholeFacts } from '../pipeline/elsewhere.ts';

/** What a home asks for. */
export interface LentRequest {
  options: JobOptions;
  models: JobRow['models'];
}

/** Where the sound of a job is. */
export type Sound =
  | { kind: 'root'; root: string; path: string; bytes: number; modifiedAt: number; checksum: string }
  | { kind: 'chunks'; name: string; chunks?: number; sha256?: string; decoded?: { warnings: Failure[] } };

/** Bytes of JSON of one result, of a request, of what is known of a whole recording; and of one spoken utterance. */
export const MOST_OUTPUT_BYTES = 256 * 1024,
  MOST_REQUEST_BYTES = 4 * 1024 ** 2,
  MOST_FACTS_BYTES = 16 * 1024 ** 2,
  MOST_SPEECH_BYTES = 32 * 1024 ** 2,
  /** Of all earlier results of a job; beyond, it is done again. */
  MOST_DONE_BYTES = 256 * 1024 ** 2;
const MOST_UTTERANCES = 1_000_000;

const Index = Type.Integer({ minimum: 0, maximum: MOST_UTTERANCES });
/** The path is of the machine that spoke: it means nothing here, and is never opened. */
const ELSEWHERE = 'elsewhere';
const Spoken = Type.Object({
  sampleRate: Type.Integer({ minimum: 1, maximum: 400_000 }),
  durationMs: Milliseconds,
  sentences: TtsOutput.properties.sentences,
});
const OUTPUTS: Record<(typeof STAGES)[number], TSchema> = {
  asr: AsrOutput,
  repair: RepairOutput,
  nmt: NmtOutput,
  tts: Spoken,
};
const result = (output: TSchema): TSchema => Type.Object({ startMs: Milliseconds, endMs: Milliseconds, output });
const Hex = Type.String({ pattern: '^[0-9a-f]{64}$' });
const SHAPES = {
  request: Type.Object({ options: JobOptions, models: ByStage(Type.String({ minLength: 1, maxLength: 200 })) }),
  sound: Type.Union([
    Type.Object({
      kind: Type.Literal('root'),
      root: Type.String({ maxLength: 200 }),
      path: Type.String({ maxLength: 4096, pattern: '^[^\\u0000]+$' }),
      bytes: Type.Number({ minimum: 0 }),
      modifiedAt: Type.Number(),
      checksum: Type.String({ maxLength: 200 }),
    }),
    Type.Object({
      kind: Type.Literal('chunks'),
      name: Type.String({ maxLength: 1000 }),
      chunks: Optional(Type.Integer({ minimum: 0, maximum: 100_000 })),
      sha256: Optional(Hex),
      decoded: Optional(Type.Object({ warnings: Type.Array(Failure) })),
    }),
  ]),
  facts: Type.Object({
    durationMs: Nullable(Milliseconds),
    language: Nullable(Language),
    models: ByStage(Type.String()),
    warnings: Type.Array(Failure),
    failed: Type.Array(
      Type.Object({ index: Index, startMs: Milliseconds, endMs: Milliseconds, stage: Stage, failure: Failure }),
    ),
    voices: Optional(Type.Record(SpeakerName, Type.String({ maxLength: 4000 }))),
    speakers: Optional(Type.Array(Nullable(SpeakerName))),
    turns: Optional(Type.Array(Nullable(Type.Array(Turn)))),
  }),
  failure: Failure,
};

const compiled = new Map<string, Validator>();
function check(name: string, shape: TSchema, value: unknown): void {
  let validator = compiled.get(name);
  // Another version may say more.
  if (!validator) compiled.set(name, (validator = Compile(openOf(shape)) as Validator));
  if (validator.Check(value)) return;
  const [first] = validator.Errors(value);
  throw new EarshotError(
    'badAnswer',
    { engine: 'fleet', method: `${name}${first?.instancePath ?? ''}` },
    first?.message,
  );
}

/** What a home asks for. @throws badAnswer: it is none, or of a job that is never lent */
export function requestOf(value: unknown): LentRequest {
  check('request', SHAPES.request, value);
  const request = value as LentRequest,
    { source, transcript } = request.options;
  if (source !== undefined || transcript !== undefined)
    throw new EarshotError('badAnswer', { engine: 'fleet', method: 'request/options/source' });
  return request;
}

/** @throws badAnswer */
export function soundOf(value: unknown): Sound {
  check('sound', SHAPES.sound, value);
  return value as Sound;
}

export interface StoredResult {
  index: number;
  stage: string;
  output: unknown;
}

/** A result of another; what was spoken without a path. @throws badAnswer */
export function returnedOf({ index, stage, output }: StoredResult): Returned {
  const known = STAGES.find(each => each === stage);
  if (!known || !Number.isInteger(index) || index < 0 || index > MOST_UTTERANCES)
    throw new EarshotError('badAnswer', { engine: 'fleet', method: 'result' }, `${stage} of ${index}`);
  check(known, result(OUTPUTS[known]), output);
  const returned = { index, stage: known, ...(output as Omit<Returned, 'index' | 'stage'>) };
  if (returned.endMs < returned.startMs)
    throw new EarshotError('badAnswer', { engine: 'fleet', method: known }, `it ends before it begins: ${index}`);
  if (known !== 'tts') return returned;
  const { sampleRate, durationMs, sentences } = returned.output as TtsOutput;
  return { ...returned, output: { path: ELSEWHERE, sampleRate, durationMs, ...(sentences ? { sentences } : {}) } };
}

/** Of earlier results those that are some: the others are made again. Utterances without a gap, from the first. */
export function usable(rows: readonly StoredResult[]): Returned[] {
  const good = rows.flatMap(row => {
    try {
      return [returnedOf(row)];
    } catch {
      return [];
    }
  });
  const heard = new Set(good.filter(({ stage }) => stage === 'asr').map(({ index }) => index));
  let count = 0;
  while (heard.has(count)) count++;
  return good.filter(({ index }) => index < count);
}

/** @throws badAnswer */
export function factsOf(value: unknown): WholeFacts {
  check('facts', SHAPES.facts, value);
  return value as WholeFacts;
}

/** Why a job failed there: whatever it says, it did. */
export function failureOf(value: unknown): Failure {
  try {
    check('failure', SHAPES.failure, value);
    return value as Failure;
  } catch (error) {
    return (error as EarshotError).failure;
  }
}
