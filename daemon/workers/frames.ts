/** What a worker writes, line by line, checked before anything believes it. */
import { Type, type TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { Args } from '../../schemas/failure.ts';
import { ERROR_CODES } from '../../schemas/errors.ts';
import { AsrOutput, NmtOutput, RepairOutput, SummaryOutput, TtsOutput } from '../../schemas/job.ts';
import { Closed, Fraction, Optional, type Stage } from '../../schemas/words.ts';
import { Alternative } from '../contracts/alternatives.ts';
import type { FromWorker } from '../contracts/worker-protocol.ts';

const OUTPUTS: Record<Stage, TSchema> = {
  asr: AsrOutput,
  repair: RepairOutput,
  nmt: NmtOutput,
  tts: TtsOutput,
  summary: SummaryOutput,
};
const id = Type.String({ maxLength: 200 }),
  index = Type.Integer({ minimum: 0 });
const result = (output: TSchema) => Closed({ type: Type.Literal('result'), id, index, output });
const FRAMES: Record<Exclude<FromWorker['type'], 'result'>, TSchema> = {
  hello: Closed({ type: Type.Literal('hello'), protocol: Type.Integer(), engine: Type.String(), pid: Type.Integer() }),
  loaded: Closed({ type: Type.Literal('loaded'), detail: Optional(Type.Record(Type.String(), Type.Unknown())) }),
  progress: Closed({ type: Type.Literal('progress'), id, fraction: Fraction }),
  alternatives: Closed({
    type: Type.Literal('alternatives'),
    id,
    index,
    alternatives: Type.Array(Alternative, { maxItems: 100 }),
  }),
  done: Closed({ type: Type.Literal('done'), id }),
  failed: Closed({
    type: Type.Literal('failed'),
    id: Optional(id),
    index: Optional(index),
    code: Type.Enum(ERROR_CODES),
    args: Optional(Args),
    detail: Type.String(),
  }),
  heartbeat: Closed({ type: Type.Literal('heartbeat') }),
};
const compiled = new Map<string, Validator>();
function validator(type: FromWorker['type'], stage: Stage): Validator {
  const key = type === 'result' ? `result ${stage}` : type;
  let found = compiled.get(key);
  if (!found)
    compiled.set(key, (found = Compile(type === 'result' ? result(OUTPUTS[stage]) : FRAMES[type]) as Validator));
  return found;
}

export type Line =
  | { kind: 'frame'; frame: FromWorker }
  /** No frame at all: something printed it. */
  | { kind: 'noise' }
  /** Meant as a frame and wrong. A wrong `result` still names its run and step. */
  | { kind: 'wrong'; why: string; run?: string; index?: number };

/** One line of a worker of this stage. */
export function readLine(text: string, stage: Stage): Line {
  if (!text.startsWith('{"type":') && !text.startsWith('{"type" :') && !text.startsWith('{ "type"'))
    return { kind: 'noise' };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'wrong', why: 'not JSON' };
  }
  const frame = value as Partial<FromWorker> & { id?: unknown; index?: unknown };
  const type = frame.type;
  if (type !== 'result' && !(typeof type === 'string' && Object.hasOwn(FRAMES, type)))
    return { kind: 'wrong', why: `unknown type ${JSON.stringify(type)?.slice(0, 60)}` };
  const check = validator(type, stage);
  if (check.Check(value)) return { kind: 'frame', frame: value as FromWorker };
  const [first] = check.Errors(value);
  const why = `${type}${first?.instancePath ?? ''}: ${first?.message ?? 'wrong'}`;
  return type === 'result' && typeof frame.id === 'string'
    ? { kind: 'wrong', why, run: frame.id, ...(Number.isInteger(frame.index) ? { index: frame.index as number } : {}) }
    : { kind: 'wrong', why };
}
