/**
 * What a realtime session asks for, in OpenAI's present shape (`session.update`) and the one before
 * (`transcription_session.update`). Fields that only OpenAI's own models know are left aside.
 */
import { Type, type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { JobOptions } from '../../../../schemas/job.ts';
import { HttpProblem, languageCode } from '../problem.ts';
import type { RequestContext } from '../request-context.ts';
import type { SoundFormat } from './sound.ts';

export interface RealtimeWanted {
  model: string | undefined;
  options: JobOptions;
  sound: SoundFormat;
  /** Who says where an item ends: the voice detector, or the client by `input_audio_buffer.commit`. */
  turns: 'server' | 'client';
}

const MOST_PROMPT = 2000,
  MOST_KEYWORDS = 200;
const Or = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));
const Transcription = Type.Object({
  model: Or(Type.String({ maxLength: 200 })),
  language: Or(Type.String({ maxLength: 35 })),
  prompt: Or(Type.String({ maxLength: MOST_PROMPT })),
  keywords: Or(Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { maxItems: MOST_KEYWORDS })),
});
const TurnDetection = Or(Type.Object({ type: Type.Enum(['server_vad', 'semantic_vad']) }));
const Session = Type.Object({
  type: Or(Type.Literal('transcription')),
  audio: Or(
    Type.Object({
      input: Or(
        Type.Object({
          format: Or(
            Type.Object({
              type: Type.Enum(['audio/pcm', 'audio/pcmu', 'audio/pcma']),
              rate: Or(Type.Integer({ minimum: 8000, maximum: 48_000 })),
            }),
          ),
          transcription: Or(Transcription),
          turn_detection: TurnDetection,
        }),
      ),
    }),
  ),
});
const EarlierSession = Type.Object({
  input_audio_format: Or(Type.Enum(['pcm16', 'g711_ulaw', 'g711_alaw'])),
  input_audio_transcription: Or(Transcription),
  turn_detection: TurnDetection,
});
const session = Compile(Session),
  earlierSession = Compile(EarlierSession);
const EARLIER_SOUND = {
  pcm16: { encoding: 'pcm', rate: 24_000 },
  g711_ulaw: { encoding: 'pcmu', rate: 8000 },
  g711_alaw: { encoding: 'pcma', rate: 8000 },
} as const;

export const atFirst = (): RealtimeWanted => ({
  model: undefined,
  options: { repair: false, outputs: { formats: [] } },
  sound: { encoding: 'pcm', rate: 24_000 },
  turns: 'server',
});

/** `before` with what a message changes. @throws HttpProblem */
export function changed(
  before: RealtimeWanted,
  type: 'session.update' | 'transcription_session.update',
  value: unknown,
  context: Pick<RequestContext, 'modelFor'>,
): RealtimeWanted {
  if (type === 'session.update') {
    const { audio } = checked(session, value),
      { format, transcription, turn_detection: turns } = audio?.input ?? {};
    const encoding = format?.type.slice('audio/'.length) as SoundFormat['encoding'] | undefined;
    return {
      ...before,
      ...(encoding ? { sound: { encoding, rate: encoding === 'pcm' ? (format!.rate ?? 24_000) : 8000 } } : {}),
      ...(transcription ? transcribing(transcription, context) : {}),
      ...turnsOf(turns),
    };
  }
  const given = checked(earlierSession, value);
  return {
    ...before,
    ...(given.input_audio_format ? { sound: EARLIER_SOUND[given.input_audio_format] } : {}),
    ...(given.input_audio_transcription ? transcribing(given.input_audio_transcription, context) : {}),
    ...turnsOf(given.turn_detection),
  };
}

/** Null is what the client decides; missing leaves it as it is. */
const turnsOf = (given: object | null | undefined): Pick<RealtimeWanted, 'turns'> | object =>
  given === undefined ? {} : { turns: given === null ? 'client' : 'server' };

function transcribing(
  { model, language, prompt, keywords }: Static<typeof Transcription>,
  context: Pick<RequestContext, 'modelFor'>,
): Pick<RealtimeWanted, 'model' | 'options'> {
  const code = languageCode(language || undefined),
    ours = context.modelFor('asr', model || undefined);
  return {
    model: model ?? undefined,
    options: {
      ...atFirst().options,
      ...(code ? { language: code.split('-')[0]! } : {}),
      ...(prompt?.trim() ? { prompt: prompt.trim() } : {}),
      ...(keywords?.length ? { glossary: keywords.map(term => ({ term })) } : {}),
      ...(ours ? { models: { asr: ours } } : {}),
    },
  };
}

function checked<T extends TSchema>(schema: ReturnType<typeof Compile<T>>, value: unknown): Static<T> {
  if (schema.Check(value)) return value;
  const [first] = schema.Errors(value),
    param = `session${first?.instancePath ?? ''}`.replaceAll('/', '.');
  throw new HttpProblem(400, 'invalid_value', `${param} ${first?.message ?? 'is wrong'}.`, param);
}

/** A session as clients read it, in either shape. */
export function described({ model, options, sound, turns }: RealtimeWanted, earlier: boolean): object {
  const transcription = {
      model: model ?? 'whisper-1',
      language: options.language ?? null,
      prompt: options.prompt ?? '',
    },
    turn_detection = turns === 'server' ? { type: 'server_vad' } : null;
  if (earlier) {
    const [input_audio_format] = Object.entries(EARLIER_SOUND).find(([, { encoding }]) => encoding === sound.encoding)!;
    return { input_audio_format, input_audio_transcription: transcription, turn_detection };
  }
  return {
    type: 'transcription',
    object: 'realtime.transcription_session',
    audio: { input: { format: { type: `audio/${sound.encoding}`, rate: sound.rate }, transcription, turn_detection } },
  };
}
